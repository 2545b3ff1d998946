// The Lua script against the store in memory, decision by decision and level by level. The script's only source of time
// is replaced by a list in Redis, so that both see the same virtual clock.
#include "ratelimit/redis_script.h"

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <cmath>
#include <cstring>

#include "ratelimit/memory_store.h"
#include "tests/support/redis_server.h"
#include "tests/unit/ratelimit/random_calls.h"

namespace tollgate::ratelimit {
namespace {

TEST(RespCommand, IsAnArrayOfBulkStrings) {
  EXPECT_EQ(RespCommand(3).add("SET").add("").add(std::int64_t{-12}).take(),
            "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\n-12\r\n");
}

std::string command_of(const Settlements& settlements, const std::vector<Asked>& asked) {
  return script_command("org", {settlements, asked}, ScriptForm::hash);
}

TEST(RedisScript, EveryKeyCarriesTheHashTag) {
  const auto request = call(1, {scope_of("department:a", slots_limit(1)), scope_of("organisation", slots_limit(1))});
  const auto ended = std::make_shared<const Settlement>(end_of(call(2, {scope_of("model:m", slots_limit(1))}), 0));
  const std::string command = command_of({ended}, {{&request, 0}});
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
    return command_of({std::make_shared<const Settlement>(end_of(request, tokens))}, {});
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
  EXPECT_TRUE(may_share({before}, {scope_of("a", slots_limit(1))})) << "made anew with the same limits";
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

// As parsed for admissions that all have these scopes and ask for this many tokens each.
std::optional<std::vector<Admission>> parsed(const RedisReply& reply, const Scopes& scopes,
                                             const std::vector<std::int64_t>& tokens) {
  const auto request = call(1, scopes);
  std::vector<Asked> asked;
  asked.reserve(tokens.size());
  for (const std::int64_t amount : tokens) asked.push_back({&request, amount});
  return parse_admissions(reply, asked);
}

TEST(RedisScript, ReadsStatesAsTheyWereAndSubtractsWhatWasTaken) {
  const Scopes scopes = {scope_of("a", tokens_limit(60, 100)), scope_of("b", slots_limit(5))};
  const auto state = text(doubles({1'000, 9'999, 9e15, 600'000, 9e15, 9e15, 5'000, 2, 1'500, 7}));
  const auto let_in = parsed(list({text("1"), RedisReply{Kind::nil, {}, 0, {}}, state, number(2'000)}), scopes, {30});
  ASSERT_TRUE(let_in);
  EXPECT_TRUE(let_in->front().admitted);
  EXPECT_EQ(let_in->front().now, 2'000);
  EXPECT_EQ(let_in->front().readings[0].levels[1], 70 * 60'000);
  EXPECT_EQ(let_in->front().readings[1].running, 3) << "seven leases have ended";
  const auto before = parsed(list({text("2"), state, state, number(2'000)}), scopes, {30});
  ASSERT_TRUE(before);
  EXPECT_TRUE(before->front().admitted);
  EXPECT_EQ(before->front().readings[0].levels[1], 600'000 + 60 * 1'000);
  EXPECT_EQ(before->front().readings[1].running, 2);
  EXPECT_FALSE(parsed(list({text("0"), state, state, number(2'000)}), scopes, {30})->front().admitted);
}

TEST(RedisScript, EachAdmissionReadsWhatTheOnesBeforeItLeft) {
  const Scopes scopes = {scope_of("a", tokens_limit(60, 100))};
  const auto all =
      parsed(list({text("1012"), RedisReply{Kind::nil, {}, 0, {}}, number(2'000)}), scopes, {30, 90, 20, 5});
  ASSERT_TRUE(all);
  std::vector<std::int64_t> left;
  std::vector<bool> admitted;
  for (const Admission& one : *all) {
    left.push_back(one.readings.front().levels[1] / 60'000);
    admitted.push_back(one.admitted);
  }
  EXPECT_EQ(left, (std::vector<std::int64_t>{70, 70, 50, 50}));
  EXPECT_EQ(admitted, (std::vector<bool>{true, false, true, true}));
}

TEST(RedisScript, RepliesOfAnyOtherShapeAreNotAnswers) {
  const Scopes scopes = {scope_of("a", slots_limit(1))};
  const auto answers = [&](RedisReply reply) { return parsed(reply, scopes, {0}).has_value(); };
  const std::vector<double> fresh = {1, 1, 9e15, 9e15, 9e15, 9e15};
  EXPECT_TRUE(answers(list({text("1"), text(doubles(fresh)), number(1)})));
  EXPECT_FALSE(answers(list({text("1"), number(1)})));
  EXPECT_FALSE(answers(list({text("1"), number(7), number(1)})));
  EXPECT_FALSE(answers(list({number(1), text(doubles(fresh)), number(1)})));
  EXPECT_FALSE(answers(list({text("11"), text(doubles(fresh)), number(1)}))) << "two answers to one question";
  EXPECT_FALSE(answers(list({text("3"), text(doubles(fresh)), number(1)})));
  EXPECT_FALSE(answers(list({text("1"), text(doubles(fresh)), text("1")})));
  EXPECT_FALSE(answers(list({text("1"), text(""), number(1)})));
  EXPECT_FALSE(answers(list({text("1"), text(doubles(fresh) + "x"), number(1)})));
  EXPECT_FALSE(answers(list({text("1"), text(doubles({1, 1, 9e15, 9e15, 9e15, 9e15, 5})), number(1)})));
  EXPECT_FALSE(answers(list({text("1"), text(doubles({1, 1, std::nan(""), 9e15, 9e15, 9e15})), number(1)})));
  EXPECT_FALSE(answers(list({text("1"), text(doubles({1, 1, 1e300, 9e15, 9e15, 9e15})), number(1)})));
  EXPECT_FALSE(answers(list({})));
  EXPECT_FALSE(answers(RedisReply{Kind::error, "ERR", 0, {}}));
  EXPECT_FALSE(answers(RedisReply{}));
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
    elements.reserve(reply.elements);
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

void expect_same_verdict(const Admission& script, const Verdict& memory, const AdmitRequest& request) {
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

// Both stores, told the same things.
class Twins {
 public:
  explicit Twins(std::uint16_t port) : redis_(port) { redis_.run(RespCommand(1).add("FLUSHALL").take()); }

  void advance(milliseconds time) {
    clock_.advance(time);
    redis_.set_time(clock_.steady_now().time_since_epoch() / milliseconds(1));
  }

  void settle(const Settlements& settlements) {
    const auto stood = redis_.run_script({settlements, {}});
    EXPECT_EQ(stood.integer, settle_in_memory(settlements));
  }

  // By request: was it let in?
  std::vector<bool> admit(const Settlements& riders, const std::vector<AdmitRequest>& requests) {
    std::vector<Asked> asked;
    asked.reserve(requests.size());
    for (const auto& request : requests) asked.push_back({&request, clip_reservation(request.tokens, request.scopes)});
    const auto admissions = parse_admissions(redis_.run_script({riders, asked}), asked);
    if (!admissions) throw std::runtime_error("no answer of the script");
    settle_in_memory(riders);
    std::vector<bool> let_in;
    for (std::size_t k = 0; k < requests.size(); ++k) {
      expect_same((*admissions)[k], requests[k]);
      let_in.push_back((*admissions)[k].admitted);
    }
    return let_in;
  }

 private:
  void expect_same(const Admission& admission, const AdmitRequest& request) {
    expect_same_verdict(admission, memory_.admit(request), request);
    for (std::size_t i = 0; i < request.scopes.size(); ++i) {
      const Reading in_memory = memory_.reading_of(*request.scopes[i]);
      EXPECT_EQ(admission.readings[i].levels, in_memory.levels) << "to the unit";
      EXPECT_EQ(admission.readings[i].running, in_memory.running);
    }
  }
  std::int64_t settle_in_memory(const Settlements& settlements) {
    std::int64_t stood = 0;
    for (const auto& settlement : settlements) stood += memory_.settle(*settlement) ? 1 : 0;
    return stood;
  }

  ScriptRunner redis_;
  ManualClock clock_;
  MemoryStore memory_{clock_};
};

// What a worker would send, made up at random: calls that begin and end, and now and then a run of the script.
class RandomWorker {
 public:
  RandomWorker(std::uint16_t port, std::uint64_t seed) : stores_(port), random_(seed) { stores_.advance({}); }

  void step() {
    if (random_.once_in(4)) stores_.advance(milliseconds(random_.between(0, 900)));
    if (random_.once_in(2) && !running_.empty()) {
      end_one();
    } else {
      begin_one();
    }
    if (random_.once_in(4)) run();
  }

  std::size_t rides = 0;     // settlements that went with an admission
  std::size_t together = 0;  // admissions that went with others

 private:
  void end_one() {
    const auto which = static_cast<std::ptrdiff_t>(random_.between(0, std::ssize(running_) - 1));
    const auto settlement =
        std::make_shared<const Settlement>(end_of(running_[static_cast<std::size_t>(which)], random_.between(0, 400)));
    if (!room_for(settlement->id, settlement->scopes)) run();
    waiting_.push_back(settlement);
    if (!random_.once_in(4)) running_.erase(running_.begin() + which);  // else it is settled twice
  }

  // Leases in Redis are also keys with a real time to live: long enough here never to end in real time.
  void begin_one() {
    AdmitRequest request = random_.once_in(10) && !running_.empty() ? running_.back() : asked(random_.next_call());
    request.lease = std::max(request.lease, milliseconds(5'000));
    if (!room_for(request.id, request.scopes)) run();
    asked_.push_back(std::move(request));
  }

  bool room_for(const Uuid& id, const Scopes& scopes) const {
    const auto apart = [&](const auto& other) { return other.id != id && may_share(other.scopes, scopes); };
    return waiting_.size() < kMostTogether && asked_.size() < kMostTogether &&
           std::all_of(asked_.begin(), asked_.end(), apart) &&
           std::all_of(waiting_.begin(), waiting_.end(), [&](const auto& other) { return apart(*other); });
  }

  void run() {
    const auto settlements = std::exchange(waiting_, {});
    const auto requests = std::exchange(asked_, {});
    if (requests.empty()) {
      if (!settlements.empty()) stores_.settle(settlements);
      return;
    }
    rides += settlements.size();
    if (requests.size() > 1) together += requests.size();
    const auto let_in = stores_.admit(settlements, requests);
    for (std::size_t i = 0; i < requests.size(); ++i)
      if (let_in[i]) running_.push_back(requests[i]);
  }

  Twins stores_;
  RandomCalls random_;
  std::vector<AdmitRequest> running_;
  Settlements waiting_;
  std::vector<AdmitRequest> asked_;
};

TEST(RedisScript, ComputesExactlyWhatTheMemoryStoreComputes) {
  if (!test_support::RedisServer::installed())
    GTEST_SKIP() << "redis-server is not installed (apt-get install redis-server)";
  const test_support::RedisServer server;
  std::size_t rides = 0;
  std::size_t together = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    RandomWorker worker(server.port(), seed);
    for (int step = 0; step < 2'000 && !::testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(step));
      worker.step();
    }
    rides += worker.rides;
    together += worker.together;
  }
  EXPECT_GT(rides, 500U);
  EXPECT_GT(together, 500U);
}

}  // namespace
}  // namespace tollgate::ratelimit
