// Redis misbehaving under the limiter: a real server, stopped, killed, forgetful or closed to us.
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include "ratelimit/memory_store.h"
#include "tests/support/redis_server.h"
#include "tests/unit/ratelimit/helpers.h"
#include "tests/unit/ratelimit/loop.h"

namespace tollgate::ratelimit {
namespace {

// Remembers every line, to look for what must not be there.
class RememberingLog final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::string_view message,
             std::initializer_list<LogField> fields) override {
    text.append(event).append(" ").append(message);
    for (const LogField& field : fields)
      if (const auto* value = std::get_if<std::string_view>(&field.value)) text.append(" ").append(*value);
    text.append("\n");
  }
  std::size_t count(std::string_view what) const {
    std::size_t found = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  }
  std::string text;
};

class RedisFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!test_support::RedisServer::installed())
      GTEST_SKIP() << "redis-server is not installed (apt-get install redis-server)";
    server_.emplace();
    options_.port = server_->port();
    options_.replicas = 2;
  }

  void connect() {
    limiter_ = redis_limiter(loop_.io(), options_, store_, clock_, log_);
    ASSERT_TRUE(becomes_connected(true)) << log_.text;
  }
  bool becomes_connected(bool connected) {
    return loop_.run_until([&] { return limiter_->stats().connected == connected; });
  }
  Verdict admit(const AdmitRequest& request) { return loop_.admit(*limiter_, request); }

  // One command on a connection of the test's own.
  std::int64_t ask_redis(const char* command, const char* argument = "") const {
    const std::unique_ptr<redisContext, void (*)(redisContext*)> link(redisConnect("127.0.0.1", server_->port()),
                                                                      redisFree);
    const std::unique_ptr<redisReply, void (*)(void*)> reply(
        static_cast<redisReply*>(redisCommand(link.get(), command, argument)), freeReplyObject);
    return reply && reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1;
  }

  // Leases of a scope: pairs of end and count after six numbers (redis_script.h).
  std::int64_t running(const std::string& scope) const {
    const std::string script = "local n, s = 0, redis.call('GET', '{tollgate}:" + scope +
                               "') or '' for p = 57, #s, 16 do n = n + struct.unpack('<d', s, p) end return n";
    return ask_redis("EVAL %s 0", script.c_str());
  }

  // How often the script has run.
  std::int64_t scripts() const {
    return ask_redis("EVAL %s 0",
                     "local all = redis.call('INFO', 'commandstats') local n = 0 for c in "
                     "string.gmatch(all, 'cmdstat_evalsha:calls=(%d+)') do n = n + c end return n");
  }

  std::optional<test_support::RedisServer> server_;
  RedisOptions options_;
  RealClock clock_;
  RememberingLog log_;
  std::shared_ptr<MemoryStore> store_ = make_memory_store(clock_);
  Loop loop_;
  std::unique_ptr<RedisLimiter> limiter_;
};

TEST_F(RedisFaults, AHungServerCostsOneTimeoutAndThenNothing) {
  connect();
  server_->pause();
  const Scopes scopes = {scope_of("a", requests_limit(1, 100))};
  EXPECT_TRUE(admit(call(1, scopes)).degraded);
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t i = 2; i < 22; ++i) EXPECT_TRUE(admit(call(i, scopes)).degraded);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 20 * options_.timeout / 2);
  EXPECT_EQ(limiter_->stats().timeouts, 1);
  EXPECT_EQ(limiter_->stats().degraded_decisions, 21);
  server_->resume();
  ASSERT_TRUE(becomes_connected(true));
  EXPECT_FALSE(admit(call(50, scopes)).degraded);
}

TEST_F(RedisFaults, ALateYesIsGivenBackAndNeverAnswersAnotherCall) {
  connect();
  const Scopes scopes = {scope_of("a", slots_limit(2)), scope_of("b", tokens_limit(1, 100))};
  ASSERT_FALSE(admit(call(1, scopes, 10)).degraded);  // so that the server knows the script
  server_->pause();
  const Verdict meanwhile = admit(call(2, scopes, 60));
  EXPECT_TRUE(meanwhile.degraded);
  server_->resume();
  ASSERT_TRUE(becomes_connected(true));
  ASSERT_TRUE(
      loop_.run_until([&] { return ask_redis("EXISTS {tollgate}:ticket:00000000-0000-0000-0200-000000000000") == 0; }));
  EXPECT_EQ(running("a"), 1);
  const Verdict next = admit(call(3, scopes, 0));
  ASSERT_FALSE(next.denial);
  EXPECT_FALSE(next.degraded);
  EXPECT_EQ(next.tokens->limit, 1);
  EXPECT_EQ(next.tokens->remaining, 90);
}

TEST_F(RedisFaults, ACallAdmittedLocallyIsSettledLocally) {
  connect();
  const Scopes scopes = {scope_of("a", slots_limit(2))};  // this replica's share: 1
  server_->kill();
  ASSERT_TRUE(becomes_connected(false));
  const auto first = call(1, scopes);
  EXPECT_FALSE(admit(first).denial);
  EXPECT_TRUE(admit(call(2, scopes)).denial);
  EXPECT_FALSE(admit(first).denial);  // the same id again
  ASSERT_TRUE(server_->start());
  ASSERT_TRUE(becomes_connected(true));
  EXPECT_FALSE(admit(first).denial);  // still held here, not taken a second time over there
  EXPECT_EQ(running("a"), 0);
  limiter_->settle(end_of(first, 0));
  EXPECT_FALSE(store_->holds(first.id, scopes));
}

TEST_F(RedisFaults, ComesBackAfterARestart) {
  connect();
  const Scopes scopes = {scope_of("a", requests_limit(1, 10))};
  EXPECT_FALSE(admit(call(1, scopes)).degraded);
  server_->kill();
  ASSERT_TRUE(becomes_connected(false));
  EXPECT_TRUE(admit(call(2, scopes)).degraded);
  ASSERT_TRUE(server_->start());
  ASSERT_TRUE(becomes_connected(true));
  const Verdict after = admit(call(3, scopes));
  EXPECT_FALSE(after.degraded);
  EXPECT_EQ(after.requests->remaining, 9);  // the new server knows nothing, not even the script
  EXPECT_EQ(limiter_->stats().reconnects, 1);
}

TEST_F(RedisFaults, CallsInFlightWhenTheServerDiesAreAnswered) {
  options_.timeout = std::chrono::seconds(15);
  connect();
  server_->pause();
  std::vector<std::shared_ptr<std::optional<Verdict>>> answers;
  for (std::uint64_t i = 1; i <= 50; ++i) {
    answers.push_back(loop_.begin(*limiter_, call(i, {scope_of("a", requests_limit(1, 1'000))})));
  }
  loop_.run_for(milliseconds(20));
  server_->kill();
  ASSERT_TRUE(loop_.run_until([&] {
    return std::all_of(answers.begin(), answers.end(), [](const auto& answer) { return answer->has_value(); });
  }));
  for (const auto& answer : answers) EXPECT_TRUE((*answer)->degraded);
}

TEST_F(RedisFaults, AForgottenScriptIsSentAgain) {
  connect();
  const Scopes scopes = {scope_of("a", tokens_limit(1, 100)), scope_of("b", slots_limit(5))};
  const auto first = call(1, scopes, 40);
  ASSERT_FALSE(admit(first).degraded);
  ask_redis("SCRIPT FLUSH");
  EXPECT_EQ(admit(call(2, scopes, 10)).tokens->remaining, 50);
  ask_redis("SCRIPT FLUSH");
  limiter_->settle(end_of(first, 0));
  ASSERT_TRUE(loop_.run_until([&] { return running("b") == 1; }));
  EXPECT_EQ(admit(call(3, scopes, 0)).tokens->remaining, 90);
}

TEST_F(RedisFaults, ASettlementMadeWhileRedisIsSilentArrivesLater) {
  connect();
  const Scopes scopes = {scope_of("a", slots_limit(1))};
  const auto first = call(1, scopes);
  ASSERT_FALSE(admit(first).degraded);
  server_->pause();
  EXPECT_TRUE(admit(call(2, scopes)).degraded);  // times out: from here on the link is known to be silent
  limiter_->settle(end_of(first, 0));
  server_->resume();
  EXPECT_TRUE(loop_.run_until([&] { return running("a") == 0; }));
}

TEST_F(RedisFaults, SettlementsRideOnTheNextAdmission) {
  connect();
  const Scopes scopes = {scope_of("a", slots_limit(100)), scope_of("b", tokens_limit(1, 1'000))};
  ASSERT_FALSE(admit(call(1, scopes, 50)).degraded);
  ASSERT_FALSE(admit(call(2, scopes, 50)).degraded);
  const std::int64_t before = scripts();
  limiter_->settle(end_of(call(1, scopes, 50), 10));
  limiter_->settle(end_of(call(2, scopes, 50), 20));
  EXPECT_EQ(admit(call(3, scopes, 50)).tokens->remaining, 1'000 - 10 - 20 - 50);
  EXPECT_EQ(scripts(), before + 1);
  EXPECT_EQ(running("a"), 1);
}

TEST_F(RedisFaults, AdmissionsOfOneTurnAreOneScript) {
  connect();
  const Scopes scopes = {scope_of("a", tokens_limit(1, 100)), scope_of("b", slots_limit(100))};
  ASSERT_FALSE(admit(call(1, scopes, 10)).degraded);  // so that the server knows the script
  const std::int64_t before = scripts();
  std::vector<std::shared_ptr<std::optional<Verdict>>> answers;
  for (std::uint64_t i = 2; i <= 6; ++i) answers.push_back(loop_.begin(*limiter_, call(i, scopes, 20)));
  ASSERT_TRUE(loop_.run_until([&] {
    return std::all_of(answers.begin(), answers.end(), [](const auto& answer) { return answer->has_value(); });
  }));
  EXPECT_EQ(scripts(), before + 1);
  EXPECT_EQ(running("b"), 5) << "the last of them finds 10 tokens left";
  std::vector<std::int64_t> left;
  left.reserve(answers.size());
  for (const auto& answer : answers) left.push_back((*answer)->tokens->remaining);
  EXPECT_EQ(left, (std::vector<std::int64_t>{70, 50, 30, 10, 10}));
  EXPECT_FALSE((*answers[3])->denial);
  ASSERT_TRUE((*answers[4])->denial);
  EXPECT_EQ((*answers[4])->denial->scope, "a");
}

TEST_F(RedisFaults, AdmissionsUnderOtherLimitsOfTheSameKeyGoOneAfterTheOther) {
  connect();
  const Scopes before = {scope_of("a", tokens_limit(1, 100))};
  const Scopes after = {scope_of("a", tokens_limit(1, 200))};  // a reload
  const auto first = loop_.begin(*limiter_, call(1, before, 40));
  const auto second = loop_.begin(*limiter_, call(2, after, 10));
  ASSERT_TRUE(loop_.run_until([&] { return first->has_value() && second->has_value(); }));
  EXPECT_EQ((*first)->tokens->remaining, 60);
  EXPECT_EQ((*second)->tokens->remaining, 50);
}

TEST_F(RedisFaults, AScopeLivesAsLongAsTheLongestOfTheCallsThatWentTogether) {
  connect();
  const Scopes scopes = {scope_of("a", slots_limit(100))};
  const auto longer = loop_.begin(*limiter_, call(1, scopes, 0, std::chrono::seconds(60)));
  const auto shorter = loop_.begin(*limiter_, call(2, scopes, 0, std::chrono::seconds(1)));
  ASSERT_TRUE(loop_.run_until([&] { return longer->has_value() && shorter->has_value(); }));
  EXPECT_GE(ask_redis("PTTL {tollgate}:a"), 60'000);
}

TEST_F(RedisFaults, MoreAdmissionsThanOneScriptTakesAreSeveral) {
  connect();
  const Scopes scopes = {scope_of("a", tokens_limit(1, 1'000))};
  ASSERT_FALSE(admit(call(1, scopes, 0)).degraded);
  const std::int64_t before = scripts();
  std::vector<std::shared_ptr<std::optional<Verdict>>> answers;
  for (std::uint64_t i = 2; i <= 41; ++i) answers.push_back(loop_.begin(*limiter_, call(i, scopes, 10)));
  ASSERT_TRUE(loop_.run_until([&] { return answers.back()->has_value(); }));
  EXPECT_EQ(scripts(), before + 3);
  EXPECT_EQ((*answers.back())->tokens->remaining, 600);
}

TEST_F(RedisFaults, ASettlementDoesNotWaitForARideThatNeverComes) {
  connect();
  const Scopes scopes = {scope_of("a", slots_limit(100))};
  ASSERT_FALSE(admit(call(1, scopes)).degraded);
  limiter_->settle(end_of(call(1, scopes), 0));
  EXPECT_TRUE(loop_.run_until([&] { return running("a") == 0; }));
}

TEST_F(RedisFaults, AScopeShortOfSlotsGetsThemBackAtOnce) {
  connect();
  const Scopes scopes = {scope_of("a", slots_limit(2))};
  ASSERT_FALSE(admit(call(1, scopes)).degraded);
  ASSERT_FALSE(admit(call(2, scopes)).degraded);
  limiter_->settle(end_of(call(2, scopes), 0));
  loop_.io().restart();
  while (loop_.io().poll() > 0) {
  }  // no timer of the limiter can have run out
  EXPECT_TRUE(test_support::eventually([&] { return running("a") == 1; }));
}

TEST_F(RedisFaults, ASettlementUnderOtherLimitsOfTheSameKeyGoesFirst) {
  connect();
  const Scopes before = {scope_of("a", tokens_limit(1, 100))};
  const Scopes after = {scope_of("a", tokens_limit(1, 200))};  // a reload
  ASSERT_FALSE(admit(call(1, before, 40)).degraded);
  limiter_->settle(end_of(call(1, before, 40), 10));
  EXPECT_EQ(admit(call(2, after, 0)).tokens->remaining, 90);
}

TEST_F(RedisFaults, WhatWaitsForARideLeavesWithTheLimiter) {
  connect();
  const Scopes scopes = {scope_of("a", slots_limit(100))};
  ASSERT_FALSE(admit(call(1, scopes)).degraded);
  limiter_->settle(end_of(call(1, scopes), 0));
  limiter_.reset();
  EXPECT_TRUE(test_support::eventually([&] { return running("a") == 0; }));
}

TEST_F(RedisFaults, RidersOfAnAdmissionThatIsLostArriveLater) {
  connect();
  const Scopes scopes = {scope_of("a", slots_limit(100))};
  ASSERT_FALSE(admit(call(1, scopes)).degraded);
  server_->pause();
  limiter_->settle(end_of(call(1, scopes), 0));
  EXPECT_TRUE(admit(call(2, scopes)).degraded);  // took the settlement along, and had no answer
  ASSERT_TRUE(loop_.run_until([&] { return log_.count("limits_store_lost") > 0; }));  // the connection was dropped
  server_->resume();
  ASSERT_TRUE(becomes_connected(true));
  EXPECT_TRUE(loop_.run_until([&] { return running("a") == 0; }));
}

TEST_F(RedisFaults, ALongSilenceDropsTheConnection) {
  connect();
  server_->pause();
  EXPECT_TRUE(admit(call(1, {scope_of("a", requests_limit(1, 100))})).degraded);
  ASSERT_TRUE(loop_.run_until([&] { return log_.count("limits_store_lost") > 0; }));
  server_->resume();
  ASSERT_TRUE(becomes_connected(true));
  EXPECT_GE(limiter_->stats().reconnects, 1);
}

TEST_F(RedisFaults, AWrongPasswordIsSaidOnceAndNeverShown) {
  server_.emplace("right-password");
  options_.port = server_->port();
  options_.password = std::make_shared<const Secret>("wrong-password");
  limiter_ = redis_limiter(loop_.io(), options_, store_, clock_, log_);
  ASSERT_TRUE(loop_.run_until([&] { return log_.count("limits_store_lost") > 0; }));
  loop_.run_for(milliseconds(400));  // several attempts
  EXPECT_FALSE(limiter_->stats().connected);
  EXPECT_EQ(log_.count("limits_store_lost"), 1U);
  EXPECT_NE(log_.text.find("WRONGPASS"), std::string::npos) << log_.text;
  EXPECT_EQ(log_.text.find("password"), std::string::npos) << log_.text;
  EXPECT_TRUE(admit(call(1, {scope_of("a", requests_limit(1, 100))})).degraded);
}

TEST_F(RedisFaults, LogsInAndSelectsTheDatabase) {
  server_.emplace("right-password");
  options_.port = server_->port();
  options_.host = "localhost";
  options_.password = std::make_shared<const Secret>("right-password");
  options_.database = 3;
  connect();
  EXPECT_FALSE(admit(call(1, {scope_of("a", requests_limit(1, 100))})).degraded);
}

TEST_F(RedisFaults, ClosedRefusesAndSaysThatTheStoreIsLost) {
  options_.on_loss = OnStoreLoss::closed;
  options_.port = test_support::free_port();
  limiter_ = redis_limiter(loop_.io(), options_, nullptr, clock_, log_);
  const Verdict verdict = admit(call(1, {scope_of("a", requests_limit(1, 100))}));
  ASSERT_TRUE(verdict.denial);
  EXPECT_TRUE(verdict.denial->store_lost);
  EXPECT_EQ(verdict.denial->scope, "a");
  EXPECT_TRUE(verdict.degraded);
}

TEST_F(RedisFaults, OpenLetsEverythingThroughVisibly) {
  options_.on_loss = OnStoreLoss::open;
  options_.port = test_support::free_port();
  limiter_ = redis_limiter(loop_.io(), options_, nullptr, clock_, log_);
  const Verdict verdict = admit(call(1, {scope_of("a", requests_limit(0, 0))}));
  EXPECT_FALSE(verdict.denial);
  EXPECT_TRUE(verdict.degraded);
}

TEST_F(RedisFaults, LocalShareIsTheLimitDividedByTheReplicas) {
  options_.port = test_support::free_port();
  options_.replicas = 4;
  limiter_ = redis_limiter(loop_.io(), options_, store_, clock_, log_);
  const Scopes scopes = {scope_of("a", requests_limit(40, 8)), scope_of("b", requests_limit(3, 3))};
  const Verdict verdict = admit(call(1, {scopes[0]}));
  EXPECT_EQ(verdict.requests->limit, 10);
  EXPECT_EQ(verdict.requests->remaining, 1);
  EXPECT_FALSE(admit(call(2, {scopes[1]})).denial);  // a quarter of 3 is still 1, not 0
  EXPECT_TRUE(admit(call(3, {scopes[1]})).denial);
}

TEST_F(RedisFaults, IdleScopesVanishFromRedis) {
  connect();
  const auto request =
      call(1, {scope_of("a", requests_limit(6'000'000, 10)), scope_of("b", slots_limit(5))}, 0, milliseconds(200));
  ASSERT_FALSE(admit(request).degraded);
  EXPECT_EQ(ask_redis("DBSIZE"), 3);  // two scopes and a ticket
  EXPECT_TRUE(loop_.run_until([&] { return ask_redis("DBSIZE") == 0; }));
}

TEST_F(RedisFaults, ALimiterMayGoWhileCallsWait) {
  connect();
  server_->pause();
  const auto answer = loop_.begin(*limiter_, call(1, {scope_of("a", requests_limit(1, 100))}));
  loop_.run_for(milliseconds(5));
  limiter_.reset();
  EXPECT_TRUE(loop_.run_until([&] { return answer->has_value(); }));
}

}  // namespace
}  // namespace tollgate::ratelimit
