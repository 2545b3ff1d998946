// The Lua scripts against the store in memory, decision by decision and level by level. The scripts' only source of
// time is replaced by a list in Redis, so that both see the same virtual clock.
#include "ratelimit/redis_script.h"

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <cmath>

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
  const auto request = call(1, {scope_of("department:a", slots_limit(1)), scope_of("organisation", slots_limit(1))});
  const std::string command = admit_command("org", request, 0, ScriptForm::hash);
  EXPECT_NE(command.find("\r\n{org}:ticket:" + request.id.to_string() + "\r\n"), std::string::npos);
  EXPECT_NE(command.find("\r\n{org}:department:a\r\n"), std::string::npos);
  EXPECT_NE(command.find("\r\n{org}:organisation\r\n"), std::string::npos);
}

TEST(RedisScript, ASettlementNamesOnlyTheScopesItChanges) {
  const auto request = call(1,
                            {scope_of("rate", requests_limit(1, 1)), scope_of("slots", slots_limit(1)),
                             scope_of("tokens", daily_tokens_limit(9, 9))},
                            5);
  const std::string exact = settle_command("org", end_of(request, 5), ScriptForm::hash);
  EXPECT_EQ(exact.find("{org}:rate"), std::string::npos);
  EXPECT_NE(exact.find("{org}:slots"), std::string::npos);
  EXPECT_EQ(exact.find("{org}:tokens"), std::string::npos);
  const std::string refund = settle_command("org", end_of(request, 4), ScriptForm::hash);
  EXPECT_EQ(refund.find("{org}:rate"), std::string::npos);
  EXPECT_NE(refund.find("{org}:tokens"), std::string::npos);
}

using Kind = RedisReply::Kind;

RedisReply number(std::int64_t value) { return RedisReply{Kind::integer, {}, value, {}}; }
RedisReply text(std::string bytes) { return RedisReply{Kind::text, std::move(bytes), 0, {}}; }
RedisReply list(std::vector<RedisReply> elements) { return RedisReply{Kind::array, {}, 0, std::move(elements)}; }

std::string doubles(const std::vector<double>& values) {
  std::string bytes(values.size() * sizeof(double), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TEST(RedisScript, ReadsStatesAsTheyWereAndSubtractsWhatWasTaken) {
  const Scopes scopes = {scope_of("a", tokens_limit(60, 100)), scope_of("b", slots_limit(5))};
  const auto state = text(doubles({1'000, 9'999, 9e15, 600'000, 9e15, 9e15, 5'000, 2, 1'500, 7}));
  const auto let_in =
      parse_admission(list({number(1), RedisReply{Kind::nil, {}, 0, {}}, state, number(2'000)}), scopes, 30);
  ASSERT_TRUE(let_in);
  EXPECT_TRUE(let_in->admitted);
  EXPECT_EQ(let_in->now, 2'000);
  EXPECT_EQ(let_in->readings[0].levels[1], 70 * 60'000);
  EXPECT_EQ(let_in->readings[1].running, 3) << "seven leases have ended";
  const auto before = parse_admission(list({number(2), state, state, number(2'000)}), scopes, 30);
  ASSERT_TRUE(before);
  EXPECT_TRUE(before->admitted);
  EXPECT_EQ(before->readings[0].levels[1], 600'000 + 60 * 1'000);
  EXPECT_EQ(before->readings[1].running, 2);
  EXPECT_FALSE(parse_admission(list({number(0), state, state, number(2'000)}), scopes, 30)->admitted);
}

TEST(RedisScript, RepliesOfAnyOtherShapeAreNotAnswers) {
  const Scopes scopes = {scope_of("a", slots_limit(1))};
  const auto parsed = [&](RedisReply reply) { return parse_admission(reply, scopes, 0).has_value(); };
  const std::vector<double> fresh = {1, 1, 9e15, 9e15, 9e15, 9e15};
  EXPECT_TRUE(parsed(list({number(1), text(doubles(fresh)), number(1)})));
  EXPECT_FALSE(parsed(list({number(1), number(1)})));
  EXPECT_FALSE(parsed(list({number(1), number(7), number(1)})));
  EXPECT_FALSE(parsed(list({text("1"), text(doubles(fresh)), number(1)})));
  EXPECT_FALSE(parsed(list({number(1), text(doubles(fresh)), text("1")})));
  EXPECT_FALSE(parsed(list({number(1), text(""), number(1)})));
  EXPECT_FALSE(parsed(list({number(1), text(doubles(fresh) + "x"), number(1)})));
  EXPECT_FALSE(parsed(list({number(1), text(doubles({1, 1, 9e15, 9e15, 9e15, 9e15, 5})), number(1)})));
  EXPECT_FALSE(parsed(list({number(1), text(doubles({1, 1, std::nan(""), 9e15, 9e15, 9e15})), number(1)})));
  EXPECT_FALSE(parsed(list({number(1), text(doubles({1, 1, 1e300, 9e15, 9e15, 9e15})), number(1)})));
  EXPECT_FALSE(parsed(list({})));
  EXPECT_FALSE(parsed(RedisReply{Kind::error, "ERR", 0, {}}));
  EXPECT_FALSE(parsed(RedisReply{}));
  EXPECT_TRUE(script_unknown(RedisReply{Kind::error, "NOSCRIPT No matching script.", 0, {}}));
  EXPECT_FALSE(script_unknown(RedisReply{Kind::text, "NOSCRIPT", 0, {}}));
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

  RedisReply run_script(std::string command, std::string_view source) {
    std::string changed(source);
    const std::string_view time = "redis.call('TIME')";
    changed.replace(changed.find(time), time.size(), "redis.call('LRANGE', '{model}:clock', 0, 1)");
    const std::string old_argument = bulk(source);
    command.replace(command.find(old_argument), old_argument.size(), bulk(changed));
    return run(command);
  }

  RedisReply run(const std::string& command) {
    redisAppendFormattedCommand(context_.get(), command.data(), command.size());
    void* raw = nullptr;
    if (redisGetReply(context_.get(), &raw) != REDIS_OK) throw std::runtime_error("Redis went away");
    const std::unique_ptr<redisReply, void (*)(void*)> reply(static_cast<redisReply*>(raw), freeReplyObject);
    if (reply->type == REDIS_REPLY_ERROR) throw std::runtime_error(reply->str);
    return value_of(*reply);
  }

 private:
  static RedisReply value_of(const redisReply& reply) {
    if (reply.type == REDIS_REPLY_INTEGER) return number(reply.integer);
    if (reply.type == REDIS_REPLY_NIL) return RedisReply{Kind::nil, {}, 0, {}};
    if (reply.type != REDIS_REPLY_ARRAY) return text(std::string(reply.str, reply.len));
    std::vector<RedisReply> elements;
    for (std::size_t i = 0; i < reply.elements; ++i) elements.push_back(value_of(*reply.element[i]));
    return list(std::move(elements));
  }
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
  describe_levels(verdict, request.scopes, script.readings, script.now);
  expect_same_level(verdict.requests, memory.requests);
  expect_same_level(verdict.tokens, memory.tokens);
  if (!memory.denial) return;
  const auto tokens = clip_reservation(request.tokens, request.scopes);
  const auto denial = find_denial(request.scopes, script.readings, tokens, script.now);
  ASSERT_TRUE(denial);
  EXPECT_EQ(denial->scope, memory.denial->scope);
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
      if (random.once_in(4)) clock.advance(milliseconds(random.between(0, 900)));
      redis.set_time(clock.steady_now().time_since_epoch() / milliseconds(1));
      SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(step));
      if (random.once_in(3) && !running.empty()) {
        const auto which = static_cast<std::ptrdiff_t>(random.between(0, std::ssize(running) - 1));
        Settlement settlement = end_of(running[static_cast<std::size_t>(which)], random.between(0, 400));
        const auto known = redis.run_script(settle_command("model", settlement, ScriptForm::source), settle_script());
        ASSERT_EQ(known.integer, store.settle(settlement) ? 1 : 0);
        if (!random.once_in(4)) running.erase(running.begin() + which);
        continue;
      }
      // Leases in Redis are also keys with a real time to live: long enough here never to end in real time.
      AdmitRequest request = random.once_in(10) && !running.empty() ? running.back() : asked(random.next_call());
      request.lease = std::max(request.lease, milliseconds(5'000));
      const std::int64_t tokens = clip_reservation(request.tokens, request.scopes);
      const auto reply = redis.run_script(admit_command("model", request, tokens, ScriptForm::source), admit_script());
      const auto admission = parse_admission(reply, request.scopes, tokens);
      ASSERT_TRUE(admission);
      const Verdict verdict = store.admit(request);
      expect_same(*admission, verdict, request);
      for (std::size_t i = 0; i < request.scopes.size(); ++i) {
        const Reading in_memory = store.reading_of(*request.scopes[i]);
        EXPECT_EQ(admission->readings[i].levels, in_memory.levels) << "to the unit";
        EXPECT_EQ(admission->readings[i].running, in_memory.running);
      }
      if (::testing::Test::HasFailure()) return;
      if (admission->admitted) running.push_back(request);
    }
  }
}

}  // namespace
}  // namespace tollgate::ratelimit
