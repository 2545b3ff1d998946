// When tokens are fetched, who waits for them, and what happens when they cannot be had.
#include "tests/unit/providers/identity/cloud.h"

namespace tollgate::providers {
namespace {

using testing::header_of;
using testing::milliseconds;
using testing::Reply;
using testing::seconds;

class TokenCacheTest : public testing::Cloud {
 protected:
  TokenCacheTest() {
    cloud.answer = [this](const HttpCall&) { return next; };
    next.body = token("t1", 3'600);
  }

  static std::string token(const std::string& value, int life) {
    return R"({"token_type":"Bearer","expires_in":)" + std::to_string(life) + R"(,"access_token":")" + value + "\"}";
  }

  std::unique_ptr<Authorizer> entra() {
    EntraIdentity identity;
    identity.tenant = "contoso.example";
    identity.client_id = "client-1";
    identity.source = EntraSecret{Secret("the-client-secret")};
    return authorizer(std::move(identity));
  }

  static void by_now_failed(const Pending& pending) {
    ASSERT_TRUE(pending.status);
    EXPECT_FALSE(*pending.status);
  }

  std::string bearer(Authorizer& by) { return header_of(authorized(by), "authorization"); }

  Reply next;
};

TEST_F(TokenCacheTest, FetchesOnceForAllWhoWait) {
  const auto by = entra();
  cloud.hold();
  std::vector<std::unique_ptr<Pending>> waiting;
  for (int i = 0; i < 5; ++i) waiting.push_back(begin(*by));
  EXPECT_EQ(cloud.calls.size(), 1U);
  for (const auto& one : waiting) EXPECT_FALSE(one->status);
  cloud.release();
  run_until([&] { return waiting.back()->status.has_value(); });
  turn();
  for (const auto& one : waiting) {
    ASSERT_TRUE(one->status && *one->status);
    EXPECT_EQ(header_of(one->call, "authorization"), "Bearer t1");
  }
  EXPECT_EQ(cloud.calls.size(), 1U);
}

TEST_F(TokenCacheTest, NobodyWaitsForARenewal) {
  const auto by = entra();
  EXPECT_EQ(bearer(*by), "Bearer t1");
  next.body = token("t2", 3'600);
  clock.advance(seconds(3'299));
  EXPECT_EQ(bearer(*by), "Bearer t1");
  EXPECT_EQ(cloud.calls.size(), 1U) << "renewed before its time";
  clock.advance(seconds(1));
  cloud.hold();
  const auto during = begin(*by);
  ASSERT_TRUE(during->status) << "a call waited although its token was valid";
  EXPECT_EQ(header_of(during->call, "authorization"), "Bearer t1");
  EXPECT_EQ(bearer(*by), "Bearer t1");
  EXPECT_EQ(cloud.calls.size(), 2U) << "one renewal at a time";
  cloud.release();
  turn();
  EXPECT_EQ(bearer(*by), "Bearer t2");
}

TEST_F(TokenCacheTest, AShortLifeIsNotRenewedAtOnce) {
  next.body = token("t1", 100);
  const auto by = entra();
  EXPECT_EQ(bearer(*by), "Bearer t1");
  clock.advance(seconds(74));
  EXPECT_EQ(bearer(*by), "Bearer t1");
  EXPECT_EQ(cloud.calls.size(), 1U);
  clock.advance(seconds(1));
  next.body = token("t2", 100);
  EXPECT_EQ(bearer(*by), "Bearer t1");
  turn();
  EXPECT_EQ(bearer(*by), "Bearer t2");
}

TEST_F(TokenCacheTest, KeepsTheValidTokenWhenTheRenewalFailsAndSaysSo) {
  const auto by = entra();
  bearer(*by);
  clock.advance(seconds(3'400));
  next = {.status = 400,
          .body = R"({"error":"invalid_client","error_description":"AADSTS7000215: bad the-client-secret"})"};
  EXPECT_EQ(bearer(*by), "Bearer t1");
  turn();
  EXPECT_EQ(bearer(*by), "Bearer t1");
  EXPECT_EQ(cloud.calls.size(), 2U) << "asked again without a pause";
  ASSERT_EQ(log.lines.size(), 1U);
  EXPECT_EQ(
      log.lines[0],
      "credential_renewal_failed: a provider's credential could not be renewed; the valid one stays in use "
      "provider=cloud-eu reason=Entra answered 400 invalid_client.AADSTS7000215 valid_for_s=190 next_try_in_ms=1000");
  clock.advance(milliseconds(1'000));
  bearer(*by);
  turn();
  EXPECT_EQ(cloud.calls.size(), 3U);
  clock.advance(milliseconds(1'999));
  bearer(*by);
  EXPECT_EQ(cloud.calls.size(), 3U) << "the pause did not grow";
  next = {.status = 200, .body = token("t2", 3'600)};
  clock.advance(milliseconds(1));
  bearer(*by);
  turn();
  EXPECT_EQ(bearer(*by), "Bearer t2");
  EXPECT_TRUE(log.mentions("credential_renewed"));
}

TEST_F(TokenCacheTest, WithoutAValidTokenCallsFailAtOnceUntilThePauseIsOver) {
  next = {.status = 401, .body = R"({"error":"invalid_client"})"};
  const auto by = entra();
  authorized(*by);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind, ErrorKind::upstream_error);
  EXPECT_EQ(error->code, "upstream_auth_error");
  EXPECT_EQ(error->message.find("Entra"), std::string::npos) << "a caller learns about the house";
  authorized(*by);
  EXPECT_TRUE(error);
  EXPECT_EQ(cloud.calls.size(), 1U);
  next = {.body = token("t1", 3'600)};
  clock.advance(seconds(1));
  EXPECT_EQ(bearer(*by), "Bearer t1");
}

TEST_F(TokenCacheTest, WhatMayPassIsTriedAgainWithinTheSameFetch) {
  int tries = 0;
  cloud.answer = [&](const HttpCall&) {
    if (++tries == 1) return Reply{.broken = true};
    if (tries == 2) return Reply{.status = 503};
    return next;
  };
  const auto by = entra();
  EXPECT_EQ(bearer(*by), "Bearer t1");
  EXPECT_EQ(tries, 3);
  EXPECT_TRUE(log.lines.empty());
}

TEST_F(TokenCacheTest, NeverUsesATokenInItsLastSeconds) {
  const auto by = entra();
  bearer(*by);
  clock.advance(seconds(3'590));
  next.body = token("t2", 3'600);
  EXPECT_EQ(bearer(*by), "Bearer t2");
}

TEST_F(TokenCacheTest, ACancelledCallStopsWaitingAndTheOthersDoNot) {
  const auto by = entra();
  cloud.hold();
  const auto first = begin(*by);
  const auto second = begin(*by);
  by->cancel(first->call);
  turn();
  ASSERT_TRUE(first->status);
  EXPECT_EQ(first->status->error().kind, ErrorKind::cancelled);
  EXPECT_FALSE(second->status);
  cloud.release();
  run_until([&] { return second->status.has_value(); });
  EXPECT_TRUE(*second->status);
}

TEST_F(TokenCacheTest, ARefusedTokenIsDroppedOnceItIsNotFreshAnyMore) {
  const auto by = entra();
  bearer(*by);
  next.body = token("t2", 3'600);
  by->refused();
  EXPECT_EQ(bearer(*by), "Bearer t1") << "a fresh token was dropped: the refusal may be of the one before";
  clock.advance(seconds(30));
  by->refused();
  by->refused();
  EXPECT_EQ(bearer(*by), "Bearer t2");
  by->refused();
  EXPECT_EQ(bearer(*by), "Bearer t2");
  EXPECT_EQ(cloud.calls.size(), 2U);
}

TEST_F(TokenCacheTest, AnAuthorizerCanGoWhileItsTokenIsRenewed) {
  auto by = entra();
  bearer(*by);
  clock.advance(seconds(3'400));
  cloud.hold();
  bearer(*by);
  ASSERT_EQ(cloud.open_now, 1);
  by.reset();
  EXPECT_EQ(cloud.cancelled, 1);
  turn();
  EXPECT_EQ(cloud.open_now, 0) << "the fetch outlived its owner by more than a loop turn";
}

TEST_F(TokenCacheTest, ClosingEndsEveryFetchAndNothingStartsAnew) {
  const auto one = entra();
  const auto other = entra();
  cloud.hold();
  const auto first = begin(*one);
  const auto second = begin(*other);
  ASSERT_EQ(cloud.open_now, 2);
  bool closed = false;
  auto task = [](IdentityService& all, bool& done) -> net::Task<void> {
    co_await all.close();
    done = true;
  }(*service, closed);
  net::asio::co_spawn(io.get_executor(), std::move(task), net::asio::detached);
  run_until([&] { return closed; });
  EXPECT_EQ(cloud.open_now, 0);
  turn();
  authorized(*one);
  EXPECT_TRUE(error);
  EXPECT_EQ(cloud.calls.size(), 2U);
  by_now_failed(*first);
  by_now_failed(*second);
}

TEST_F(TokenCacheTest, NoSecretReachesTheLog) {
  next = {.status = 400, .body = R"({"error":"the-client-secret in a place, where no word stands"})"};
  const auto by = entra();
  authorized(*by);
  next = {.body = R"({"access_token":"leaky-token\n","expires_in":3600})"};
  clock.advance(seconds(1));
  authorized(*by);
  EXPECT_EQ(log.lines.size(), 2U);
  EXPECT_FALSE(log.mentions("the-client-secret"));
  EXPECT_FALSE(log.mentions("leaky-token"));
}

}  // namespace
}  // namespace tollgate::providers
