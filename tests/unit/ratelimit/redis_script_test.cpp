// The Lua scripts against the store in memory, decision by decision and level by level. The scripts' only source of
// time is replaced by a list in Redis, so that both see the same virtual clock.
#include "ratelimit/redis_script.h"

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include "ratelimit/memory_store.h"
#include "tests/support/redis_server.h"
#include "tests/unit/ratelimit/random_calls.h"

namespace tollgate::ratelimit {
namespace {

TEST(RespCommand, IsAnArrayOfBulkStrings) {
  EXPECT_EQ(RespCommand(3).add("SET").add("").add(std::int64_t{-12}).take(),
            "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\n-12\r\n");
}

TEST(RedisScript, EveryKeyCarriesTheHashTag) {
  const auto request = call(1, {scope_of("department:a", slots_limit(1))});
  const std::string command = admit_command("org", request, 0, ScriptForm::hash);
  EXPECT_NE(command.find("{org}:department:a\r\n"), std::string::npos);
  EXPECT_NE(command.find("{org}:leases:department:a\r\n"), std::string::npos);
  EXPECT_NE(command.find("{org}:ticket:" + request.id.to_string()), std::string::npos);
}

TEST(RedisScript, RepliesOfAnyOtherShapeAreNotAnswers) {
  using Kind = RedisReply::Kind;
  EXPECT_TRUE(parse_admission(RedisReply{Kind::integers, {}, {1, 2, 3, 4}}, 1));
  EXPECT_FALSE(parse_admission(RedisReply{Kind::integers, {}, {1, 2, 3}}, 1));
  EXPECT_FALSE(parse_admission(RedisReply{Kind::integers, {}, {}}, 1));
  EXPECT_FALSE(parse_admission(RedisReply{Kind::error, "ERR", {}}, 1));
  EXPECT_FALSE(parse_admission(RedisReply{}, 0));
  EXPECT_TRUE(script_unknown(RedisReply{Kind::error, "NOSCRIPT No matching script.", {}}));
  EXPECT_FALSE(script_unknown(RedisReply{Kind::text, "NOSCRIPT", {}}));
}

class ScriptRunner {
 public:
  explicit ScriptRunner(std::uint16_t port) : context_(redisConnect("127.0.0.1", port), redisFree) {}

  void set_time(std::int64_t ms) {
    const std::string seconds = std::to_string(ms / 1000);
    const std::string micros = std::to_string(ms % 1000 * 1000);
    run(RespCommand(2).add("DEL").add("{model}:clock").take());
    run(RespCommand(4).add("RPUSH").add("{model}:clock").add(seconds).add(micros).take());
  }

  std::vector<std::int64_t> run_script(std::string command, std::string_view source) {
    std::string changed(source);
    const std::string_view time = "redis.call('TIME')";
    changed.replace(changed.find(time), time.size(), "redis.call('LRANGE', '{model}:clock', 0, 1)");
    const std::string old_argument = bulk(source);
    command.replace(command.find(old_argument), old_argument.size(), bulk(changed));
    return run(command);
  }

  std::vector<std::int64_t> run(const std::string& command) {
    std::vector<std::int64_t> numbers;
    redisAppendFormattedCommand(context_.get(), command.data(), command.size());
    void* raw = nullptr;
    if (redisGetReply(context_.get(), &raw) != REDIS_OK) throw std::runtime_error("Redis went away");
    const std::unique_ptr<redisReply, void (*)(void*)> reply(static_cast<redisReply*>(raw), freeReplyObject);
    if (reply->type == REDIS_REPLY_ERROR) throw std::runtime_error(reply->str);
    if (reply->type == REDIS_REPLY_INTEGER) numbers.push_back(reply->integer);
    for (std::size_t i = 0; i < reply->elements; ++i) numbers.push_back(reply->element[i]->integer);
    return numbers;
  }

 private:
  static std::string bulk(std::string_view text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
  }
  std::unique_ptr<redisContext, void (*)(redisContext*)> context_;
};

void expect_same_level(const std::optional<Level>& script, const std::optional<Level>& memory) {
  ASSERT_EQ(script.has_value(), memory.has_value());
  if (!script) return;
  EXPECT_EQ(script->limit, memory->limit);
  EXPECT_EQ(script->remaining, memory->remaining);
  EXPECT_EQ(script->reset, memory->reset);
}

void expect_same(const Admission& script, const Verdict& memory, const AdmitRequest& request) {
  ASSERT_EQ(script.admitted, !memory.denial);
  Verdict verdict;
  describe_levels(verdict, request.scopes, script.readings);
  expect_same_level(verdict.requests, memory.requests);
  expect_same_level(verdict.tokens, memory.tokens);
  if (!memory.denial) return;
  const auto denial = find_denial(request.scopes, script.readings, clip_reservation(request.tokens, request.scopes));
  ASSERT_TRUE(denial);
  EXPECT_EQ(denial->scope_name, memory.denial->scope_name);
  EXPECT_EQ(denial->meter, memory.denial->meter);
  EXPECT_EQ(denial->retry_after, memory.denial->retry_after);
}

TEST(RedisScript, ComputesExactlyWhatTheMemoryStoreComputes) {
  if (!test_support::RedisServer::installed())
    GTEST_SKIP() << "redis-server is not installed (apt-get install redis-server)";
  const test_support::RedisServer server;
  ScriptRunner redis(server.port());
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    redis.run(RespCommand(1).add("FLUSHALL").take());
    ManualClock clock;
    MemoryStore store(clock);
    RandomCalls random(seed);
    std::vector<AdmitRequest> running;
    for (int step = 0; step < 1'500; ++step) {
      if (random.between(0, 3) == 0) clock.advance(milliseconds(random.between(0, 900)));
      redis.set_time(clock.steady_now().time_since_epoch() / milliseconds(1));
      SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(step));
      if (random.between(0, 2) == 0 && !running.empty()) {
        const auto which = static_cast<std::ptrdiff_t>(random.between(0, std::ssize(running) - 1));
        Settlement settlement = end_of(running[static_cast<std::size_t>(which)], random.between(0, 400));
        const auto known = redis.run_script(settle_command("model", settlement, ScriptForm::source), settle_script());
        ASSERT_EQ(known, std::vector<std::int64_t>{store.settle(settlement) ? 1 : 0});
        if (random.between(0, 3) != 0) running.erase(running.begin() + which);
        continue;
      }
      // Leases in Redis are also keys with a real time to live: long enough here never to end in real time.
      AdmitRequest request = random.between(0, 9) == 0 && !running.empty() ? running.back() : random.next_call();
      request.lease = std::max(request.lease, milliseconds(5'000));
      const std::int64_t tokens = clip_reservation(request.tokens, request.scopes);
      const auto reply = redis.run_script(admit_command("model", request, tokens, ScriptForm::source), admit_script());
      const auto admission = parse_admission(RedisReply{RedisReply::Kind::integers, {}, reply}, request.scopes.size());
      ASSERT_TRUE(admission);
      const Verdict verdict = store.admit(request);
      expect_same(*admission, verdict, request);
      if (::testing::Test::HasFailure()) return;
      if (admission->admitted) running.push_back(request);
    }
  }
}

}  // namespace
}  // namespace tollgate::ratelimit
