// The Lua script against the store in memory, decision by decision and level by level. The script's only source of time
// is replaced by a list in Redis, so that both see the same virtual clock.
#include "ratelimit/redis_script.h"

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <cmath>
#include <map>

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
  const auto ended = std::make_shared<const Settlement>(end_of(call(2, {scope_of("model:m", slots_limit(1))}), 0));
  const std::string command = script_command("org", {{ended}, &request}, ScriptForm::hash);
  EXPECT_NE(command.find("\r\n{org}:ticket:" + request.id.to_string() + "\r\n"), std::string::npos);
  EXPECT_NE(command.find("\r\n{org}:ticket:" + ended->id.to_string() + "\r\n"), std::string::npos);
  EXPECT_NE(command.find("\r\n{org}:model:m\r\n"), std::string::npos);
  EXPECT_NE(command.find("\r\n{org}:department:a\r\n"), std::string::npos);
  EXPECT_NE(command.find("\r\n{org}:organisation\r\n"), std::string::npos);
}

TEST(RedisScript, ASettlementNamesOnlyTheScopesItChanges) {
  const auto request = call(1,
                            {scope_of("rate", requests_limit(1, 1)), scope_of("slots", slots_limit(1)),
                             scope_of("tokens", daily_tokens_limit(9, 9))},
                            5);
  const auto settle = [&](std::int64_t tokens) {
    return script_command("org", {{std::make_shared<const Settlement>(end_of(request, tokens))}}, ScriptForm::hash);
  };
  const std::string exact = settle(5);
  EXPECT_EQ(exact.find("{org}:rate"), std::string::npos);
  EXPECT_NE(exact.find("{org}:slots"), std::string::npos);
  EXPECT_EQ(exact.find("{org}:tokens"), std::string::npos);
  const std::string refund = settle(4);
  EXPECT_EQ(refund.find("{org}:rate"), std::string::npos);
  EXPECT_NE(refund.find("{org}:tokens"), std::string::npos);
}

TEST(RedisScript, AKeyWhoseLimitsChangedIsNotSharedWithinOneCall) {
  const auto before = scope_of("a", slots_limit(1));
  const auto after = scope_of("a", slots_limit(2));
  const auto other = scope_of("b", slots_limit(2));
  EXPECT_TRUE(may_share({before, other}, {before}));
  EXPECT_TRUE(may_share({before}, {other}));
  EXPECT_TRUE(may_share({}, {other}));
  EXPECT_FALSE(may_share({other, before}, {after}));
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

  RedisReply run_script(const Batch& batch) {
    std::string command = script_command("model", batch, ScriptForm::source);
    const std::string_view source = script();
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

// One configuration's scopes: the same limits of the same key are one object, as in the gateway.
class Configuration {
 public:
  Scopes shared(const Scopes& scopes) {
    Scopes out;
    for (const auto& scope : scopes) {
      std::string content = scope->key + " " + std::to_string(scope->slots.value_or(-1));
      for (const auto& rate : scope->rates)
        content += rate ? " " + std::to_string(rate->limit) + " " + std::to_string(rate->capacity) : " -";
      out.push_back(known_.emplace(content, scope).first->second);
    }
    return out;
  }

 private:
  std::map<std::string, std::shared_ptr<const Scope>> known_;
};

// Both stores, told the same things.
class Twins {
 public:
  explicit Twins(std::uint16_t port) : redis_(port) { redis_.run(RespCommand(1).add("FLUSHALL").take()); }

  void advance(milliseconds time) {
    clock_.advance(time);
    redis_.set_time(clock_.steady_now().time_since_epoch() / milliseconds(1));
  }

  void settle(const Settlements& settlements) {
    const auto stood = redis_.run_script({settlements});
    EXPECT_EQ(stood.integer, settle_in_memory(settlements));
  }

  bool admit(const Settlements& riders, const AdmitRequest& request) {
    const std::int64_t tokens = clip_reservation(request.tokens, request.scopes);
    const auto admission = parse_admission(redis_.run_script({riders, &request, tokens}), request.scopes, tokens);
    if (!admission) throw std::runtime_error("no answer of the script");
    settle_in_memory(riders);
    expect_same(*admission, memory_.admit(request), request);
    for (std::size_t i = 0; i < request.scopes.size(); ++i) {
      const Reading in_memory = memory_.reading_of(*request.scopes[i]);
      EXPECT_EQ(admission->readings[i].levels, in_memory.levels) << "to the unit";
      EXPECT_EQ(admission->readings[i].running, in_memory.running);
    }
    return admission->admitted;
  }

 private:
  std::int64_t settle_in_memory(const Settlements& settlements) {
    std::int64_t stood = 0;
    for (const auto& settlement : settlements) stood += memory_.settle(*settlement) ? 1 : 0;
    return stood;
  }

  ScriptRunner redis_;
  ManualClock clock_;
  MemoryStore memory_{clock_};
};

// May `scopes` and `id` be in one batch with what waits?
bool fits(const Settlements& waiting, const Uuid& id, const Scopes& scopes) {
  return waiting.size() < kMostSettlements &&
         std::all_of(
             waiting.begin(), waiting.end(),
             [&](const auto& other) { return other->id != id && may_share(other->scopes, scopes); });
}

TEST(RedisScript, ComputesExactlyWhatTheMemoryStoreComputes) {
  if (!test_support::RedisServer::installed())
    GTEST_SKIP() << "redis-server is not installed (apt-get install redis-server)";
  const test_support::RedisServer server;
  std::int64_t rides = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Twins stores(server.port());
    Configuration configuration;
    RandomCalls random(seed);
    std::vector<AdmitRequest> running;
    Settlements waiting;
    for (int step = 0; step < 1'500 && !::testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(step));
      stores.advance(milliseconds(random.once_in(4) ? random.between(0, 900) : 0));
      if (random.once_in(2) && !running.empty()) {
        const auto which = static_cast<std::ptrdiff_t>(random.between(0, std::ssize(running) - 1));
        const auto settlement = std::make_shared<const Settlement>(
            end_of(running[static_cast<std::size_t>(which)], random.between(0, 400)));
        if (!fits(waiting, settlement->id, settlement->scopes)) stores.settle(std::exchange(waiting, {}));
        waiting.push_back(settlement);
        if (random.once_in(4)) stores.settle(std::exchange(waiting, {}));
        if (!random.once_in(4)) running.erase(running.begin() + which);
        continue;
      }
      // Leases in Redis are also keys with a real time to live: long enough here never to end in real time.
      AdmitRequest request = random.once_in(10) && !running.empty() ? running.back() : asked(random.next_call());
      request.lease = std::max(request.lease, milliseconds(5'000));
      request.scopes = configuration.shared(request.scopes);
      if (!fits(waiting, request.id, request.scopes)) stores.settle(std::exchange(waiting, {}));
      rides += std::ssize(waiting);
      if (stores.admit(std::exchange(waiting, {}), request)) running.push_back(request);
    }
  }
  EXPECT_GT(rides, 500);
}

}  // namespace
}  // namespace tollgate::ratelimit
