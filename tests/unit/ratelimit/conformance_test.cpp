// One promise, two stores: every case runs against the store in memory and against a real redis-server.
#include <gtest/gtest.h>

#include "ratelimit/memory_store.h"
#include "tests/support/redis_server.h"
#include "tests/unit/ratelimit/helpers.h"
#include "tests/unit/ratelimit/loop.h"

namespace tollgate::ratelimit {
namespace {

class Backend {
 public:
  virtual ~Backend() = default;
  virtual Limiter& limiter() = 0;
  // Lets this much time pass for the store. Redis has the server's clock: there, it really passes.
  virtual void advance(milliseconds time) = 0;
  virtual void settled() {}  // everything sent by settle() has arrived
  Loop loop;
};

class MemoryBackend final : public Backend {
 public:
  Limiter& limiter() override { return *limiter_; }
  void advance(milliseconds time) override { clock_.advance(time); }

 private:
  ManualClock clock_;
  std::unique_ptr<Limiter> limiter_ = memory_limiter(make_memory_store(clock_));
};

test_support::RedisServer& shared_server() {
  static test_support::RedisServer server;
  return server;
}

class RedisBackend final : public Backend {
 public:
  RedisBackend() {
    static int instances = 0;
    RedisOptions options;
    options.port = shared_server().port();
    options.prefix = "conformance-" + std::to_string(++instances);  // an empty world for each case
    options.timeout = std::chrono::seconds(10);
    options.on_loss = OnStoreLoss::closed;
    limiter_ = redis_limiter(loop.io(), options, nullptr, clock_, log_);
    if (!loop.run_until([&] { return limiter_->stats().connected; })) throw std::runtime_error("no Redis");
  }
  Limiter& limiter() override { return *limiter_; }
  void advance(milliseconds time) override { loop.run_for(time); }
  void settled() override {
    loop.admit(*limiter_, call(~0ULL, {scope_of("fence", slots_limit(1))}, 0, milliseconds(1)));
  }

 private:
  RealClock clock_;
  NullLog log_;
  std::unique_ptr<RedisLimiter> limiter_;
};

class Conformance : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "memory") {
      backend_ = std::make_unique<MemoryBackend>();
    } else if (test_support::RedisServer::installed()) {
      backend_ = std::make_unique<RedisBackend>();
    } else {
      GTEST_SKIP() << "redis-server is not installed (apt-get install redis-server)";
    }
  }
  Verdict admit(const AdmitRequest& request) { return backend_->loop.admit(backend_->limiter(), request); }
  void settle(const AdmitRequest& request, std::int64_t actual) {
    backend_->limiter().settle(end_of(request, actual));
    backend_->settled();
  }
  void advance(milliseconds time) { backend_->advance(time); }

  std::unique_ptr<Backend> backend_;
};

INSTANTIATE_TEST_SUITE_P(Stores, Conformance, ::testing::Values("memory", "redis"),
                         [](const auto& parameter) { return parameter.param; });

TEST_P(Conformance, LetsTheBurstThroughAndThenTellsATrueWait) {
  const Scopes scopes = {scope_of("a", requests_limit(600, 3))};  // one per 100 ms
  for (std::uint64_t i = 1; i <= 3; ++i) EXPECT_FALSE(admit(call(i, scopes)).denial);
  const Verdict refused = admit(call(4, scopes));
  ASSERT_TRUE(refused.denial);
  EXPECT_EQ(refused.denial->meter, Meter::requests_per_minute);
  EXPECT_EQ(refused.denial->scope, "a");
  EXPECT_EQ(refused.denial->limit, 600);
  EXPECT_GT(refused.denial->retry_after, milliseconds(0));
  EXPECT_LE(refused.denial->retry_after, milliseconds(100));
  EXPECT_FALSE(refused.denial->store_lost);
  EXPECT_FALSE(refused.degraded);
  advance(refused.denial->retry_after);
  EXPECT_FALSE(admit(call(5, scopes)).denial);
}

TEST_P(Conformance, ARefusalTakesNothingAnywhere) {
  const auto narrow = scope_of("narrow", tokens_limit(1, 1'000));
  const auto wide = scope_of("wide", requests_limit(1, 1));
  ASSERT_FALSE(admit(call(1, {wide})).denial);
  for (std::uint64_t i = 2; i < 6; ++i) {
    const Verdict refused = admit(call(i, {narrow, wide}, 600));
    ASSERT_TRUE(refused.denial);
    EXPECT_EQ(refused.denial->scope, "wide");
  }
  const Verdict passed = admit(call(7, {narrow}, 600));
  ASSERT_FALSE(passed.denial);
  ASSERT_TRUE(passed.tokens);
  EXPECT_EQ(passed.tokens->remaining, 400);
}

TEST_P(Conformance, NamesTheNarrowestScopeThatRefuses) {
  const Scopes scopes = {scope_of("key", requests_limit(1, 10)), scope_of("department", tokens_limit(1, 5)),
                         scope_of("organisation", tokens_limit(1, 5))};
  ASSERT_FALSE(admit(call(1, scopes, 5)).denial);
  const Verdict refused = admit(call(2, scopes, 5));
  ASSERT_TRUE(refused.denial);
  EXPECT_EQ(refused.denial->scope, "department");
  EXPECT_EQ(refused.denial->meter, Meter::tokens_per_minute);
  EXPECT_EQ(refused.denial->requested, 5);
}

TEST_P(Conformance, HoldsEverySlotUntilItsCallEnds) {
  const Scopes scopes = {scope_of("a", slots_limit(2))};
  ASSERT_FALSE(admit(call(1, scopes)).denial);
  ASSERT_FALSE(admit(call(2, scopes)).denial);
  const Verdict refused = admit(call(3, scopes));
  ASSERT_TRUE(refused.denial);
  EXPECT_EQ(refused.denial->meter, Meter::concurrent);
  EXPECT_EQ(refused.denial->retry_after, milliseconds(1'000));
  settle(call(1, scopes), 0);
  EXPECT_FALSE(admit(call(3, scopes)).denial);
  EXPECT_TRUE(admit(call(4, scopes)).denial);
}

TEST_P(Conformance, GivesASlotBackWhenItsLeaseEnds) {
  const Scopes scopes = {scope_of("a", slots_limit(1))};
  ASSERT_FALSE(admit(call(1, scopes, 0, milliseconds(40))).denial);
  EXPECT_TRUE(admit(call(2, scopes, 0, milliseconds(40))).denial);
  advance(milliseconds(45));
  EXPECT_FALSE(admit(call(3, scopes)).denial);
}

TEST_P(Conformance, TheSameIdIsLetInOnceAndAlwaysAnsweredYes) {
  const Scopes scopes = {scope_of("a", requests_limit(1, 10)), scope_of("b", slots_limit(1))};
  ASSERT_FALSE(admit(call(1, scopes)).denial);
  const Verdict again = admit(call(1, scopes));
  ASSERT_FALSE(again.denial);
  EXPECT_EQ(again.requests->remaining, 9);
}

TEST_P(Conformance, SettlingTwiceGivesBackOnce) {
  const Scopes scopes = {scope_of("a", tokens_limit(1, 100))};
  const auto first = call(1, scopes, 40);
  const auto second = call(2, scopes, 40);
  ASSERT_FALSE(admit(first).denial);
  ASSERT_FALSE(admit(second).denial);
  settle(first, 10);
  settle(first, 10);
  settle(call(3, scopes, 40), 0);  // never admitted
  EXPECT_EQ(admit(call(4, scopes, 0)).tokens->remaining, 100 - 40 - 40 + 30);
}

TEST_P(Conformance, TakesAnOvershootAsDebt) {
  const Scopes scopes = {scope_of("a", tokens_limit(6'000, 100))};  // one token per 10 ms
  const auto greedy = call(1, scopes, 10);
  ASSERT_FALSE(admit(greedy).denial);
  settle(greedy, 120);  // 20 below zero
  const Verdict refused = admit(call(2, scopes, 1));
  ASSERT_TRUE(refused.denial);
  EXPECT_EQ(refused.tokens->remaining, 0);
  EXPECT_GT(refused.denial->retry_after, milliseconds(100));
  EXPECT_LE(refused.denial->retry_after, milliseconds(210));
  advance(refused.denial->retry_after);
  EXPECT_FALSE(admit(call(3, scopes, 1)).denial);
}

TEST_P(Conformance, NeverFillsABucketBeyondItsBurst) {
  const Scopes scopes = {scope_of("a", tokens_limit(1, 100))};
  const auto request = call(1, scopes, 100);
  ASSERT_FALSE(admit(request).denial);
  settle(request, 0);
  const Verdict next = admit(call(2, scopes, 0));
  EXPECT_EQ(next.tokens->remaining, 100);
}

TEST_P(Conformance, ClipsAReservationSoThatItCanEverPass) {
  const Scopes scopes = {scope_of("small", tokens_limit(60, 100)), scope_of("large", tokens_limit(60, 900))};
  const auto huge = call(1, scopes, 1'000'000);
  const Verdict verdict = admit(huge);
  ASSERT_FALSE(verdict.denial);
  EXPECT_EQ(verdict.tokens->remaining, 0);
}

TEST_P(Conformance, ALimitOfZeroLetsNothingThroughAndSaysSo) {
  const Verdict requests = admit(call(1, {scope_of("a", requests_limit(0, 0))}));
  ASSERT_TRUE(requests.denial);
  EXPECT_GE(requests.denial->retry_after, std::chrono::hours(1));
  EXPECT_TRUE(admit(call(2, {scope_of("b", tokens_limit(0, 0))}, 10)).denial);
  EXPECT_TRUE(admit(call(3, {scope_of("c", slots_limit(0))})).denial);
}

TEST_P(Conformance, AChangedLimitKeepsWhatWasUsed) {
  const auto used = call(1, {scope_of("a", tokens_limit(1, 100))}, 90);
  ASSERT_FALSE(admit(used).denial);
  EXPECT_EQ(admit(call(2, {scope_of("a", tokens_limit(1, 1'000))}, 0)).tokens->remaining, 10);
  EXPECT_EQ(admit(call(3, {scope_of("a", tokens_limit(1, 5))}, 0)).tokens->remaining, 5);

  ASSERT_FALSE(admit(call(4, {scope_of("b", slots_limit(9))})).denial);
  ASSERT_FALSE(admit(call(5, {scope_of("b", slots_limit(9))})).denial);
  EXPECT_TRUE(admit(call(6, {scope_of("b", slots_limit(2))})).denial);
}

TEST_P(Conformance, ReportsTheTightestScope) {
  const Scopes scopes = {scope_of("roomy", requests_limit(1'000, 1'000)), scope_of("tight", requests_limit(60, 10))};
  const Verdict verdict = admit(call(1, scopes));
  ASSERT_TRUE(verdict.requests);
  EXPECT_EQ(verdict.requests->limit, 60);
  EXPECT_EQ(verdict.requests->remaining, 9);
  EXPECT_GT(verdict.requests->reset, milliseconds(900));
  EXPECT_LE(verdict.requests->reset, milliseconds(1'000));
  EXPECT_FALSE(verdict.tokens);
}

TEST_P(Conformance, WithoutLimitsEverythingPasses) {
  const Verdict none = admit(call(1, {}));
  EXPECT_FALSE(none.denial);
  EXPECT_FALSE(none.requests);
  EXPECT_FALSE(none.degraded);
}

TEST_P(Conformance, ADayRefusesByItsOwnMeterAndTellsATrueWait) {
  const Scopes scopes = {scope_of("a", daily_requests_limit(43'200, 2))};  // one per two seconds
  ASSERT_FALSE(admit(call(1, scopes)).denial);
  ASSERT_FALSE(admit(call(2, scopes)).denial);
  const Verdict refused = admit(call(3, scopes));
  ASSERT_TRUE(refused.denial);
  EXPECT_EQ(refused.denial->meter, Meter::requests_per_day);
  EXPECT_EQ(refused.denial->limit, 43'200);
  EXPECT_EQ(refused.denial->requested, 1);
  EXPECT_GT(refused.denial->retry_after, milliseconds(0));
  EXPECT_LE(refused.denial->retry_after, milliseconds(2'000));
  EXPECT_FALSE(refused.requests) << "headers speak of minutes";
  advance(refused.denial->retry_after);
  EXPECT_FALSE(admit(call(4, scopes)).denial);
}

TEST_P(Conformance, TokensOfADayAreReservedSettledAndOwed) {
  const Scopes scopes = {scope_of("a", daily_tokens_limit(10, 100))};  // practically no refill
  const auto first = call(1, scopes, 80);
  ASSERT_FALSE(admit(first).denial);
  const Verdict refused = admit(call(2, scopes, 30));
  ASSERT_TRUE(refused.denial);
  EXPECT_EQ(refused.denial->meter, Meter::tokens_per_day);
  EXPECT_EQ(refused.denial->requested, 30);
  EXPECT_GT(refused.denial->retry_after, std::chrono::hours(23));  // ten tokens
  EXPECT_LE(refused.denial->retry_after, std::chrono::hours(24));
  settle(first, 50);
  const auto second = call(2, scopes, 50);
  ASSERT_FALSE(admit(second).denial);
  settle(second, 60);  // 10 below zero
  const Verdict in_debt = admit(call(3, scopes, 0));
  ASSERT_TRUE(in_debt.denial);
  EXPECT_GT(in_debt.denial->retry_after, std::chrono::hours(23));
}

TEST_P(Conformance, TwentyFiveLimitsAreOneDecision) {
  Limits roomy = requests_limit(1, 100);
  roomy.tokens_per_minute = roomy.tokens_per_day = 1'000;
  roomy.requests_per_day = 1'000;
  roomy.concurrent = 10;
  Limits tight = roomy;
  tight.tokens_day_burst = 50;
  const Scopes scopes = {scope_of("key:k", roomy), scope_of("application:d/a", roomy), scope_of("department:d", roomy),
                         scope_of("model:m", tight), scope_of("organisation", roomy)};
  const auto first = call(1, scopes, 40);
  const Verdict passed = admit(first);
  ASSERT_FALSE(passed.denial);
  EXPECT_EQ(passed.requests->remaining, 99);
  EXPECT_EQ(passed.tokens->remaining, 960);
  const Verdict refused = admit(call(2, scopes, 40));
  ASSERT_TRUE(refused.denial);
  EXPECT_EQ(refused.denial->scope, "model:m");
  EXPECT_EQ(refused.denial->meter, Meter::tokens_per_day);
  EXPECT_EQ(refused.denial->limit, 1'000);
  EXPECT_EQ(refused.requests->remaining, 99) << "a refusal takes nothing";
  settle(first, 5);
  const Verdict after = admit(call(2, scopes, 40));
  ASSERT_FALSE(after.denial);
  EXPECT_EQ(after.tokens->remaining, 1'000 - 5 - 40);
  for (const auto& scope : scopes) EXPECT_FALSE(admit(call(100, {scope}, 0)).denial);
}

TEST_P(Conformance, BurstDefaultsToTheLimit) {
  Limits limits;
  limits.tokens_per_minute = 50;
  const Verdict verdict = admit(call(1, {scope_of("a", limits)}, 20));
  EXPECT_EQ(verdict.tokens->limit, 50);
  EXPECT_EQ(verdict.tokens->remaining, 30);
}

}  // namespace
}  // namespace tollgate::ratelimit
