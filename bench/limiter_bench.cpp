// What an admission and its settlement cost a worker: in memory alone and contended, and through Redis.
#include <benchmark/benchmark.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "ratelimit/memory_store.h"
#include "tests/support/redis_server.h"

namespace tollgate::ratelimit {
namespace {

// Three meters or all five, high enough never to refuse.
Limits limits_of(std::int64_t meters) {
  Limits limits;
  limits.requests_per_minute = 1'000'000'000;
  limits.tokens_per_minute = 100'000'000'000;
  limits.concurrent = 1'000'000;
  if (meters < 5) return limits;
  limits.requests_per_day = 10'000'000'000;
  limits.tokens_per_day = 100'000'000'000;
  return limits;
}

// The scopes of one call as the pipeline names them: the widest are shared by everybody.
Scopes scopes_of(std::int64_t count, std::int64_t meters, int caller) {
  const std::vector<std::string> keys = {"key:" + std::to_string(caller), "application:retail/chat",
                                         "department:retail", "model:gpt-4o", "organisation"};
  Scopes scopes;
  for (std::int64_t i = 0; i < count; ++i) {
    scopes.push_back(make_scope(keys[static_cast<std::size_t>(i)], limits_of(meters)));
  }
  return scopes;
}

MemoryStore& shared_store() {
  static const RealClock clock;
  static MemoryStore store(clock);
  return store;
}

void memory_admit_and_settle(benchmark::State& state) {
  MemoryStore& store = shared_store();
  const RealClock clock;
  UuidSource ids;
  AdmitRequest request{
      {}, scopes_of(state.range(0), state.range(1), state.thread_index()), 1'000, std::chrono::minutes(10)};
  for (auto _ : state) {
    request.id = ids.next(clock.system_now());
    benchmark::DoNotOptimize(store.admit(request));
    store.settle(Settlement{request.id, request.scopes, 1'000, 400});
  }
}
BENCHMARK(memory_admit_and_settle)->ArgNames({"scopes", "meters"})->Args({1, 3})->Args({5, 3})->Args({5, 5});
BENCHMARK(memory_admit_and_settle)->ArgNames({"scopes", "meters"})->Args({5, 5})->Threads(2)->UseRealTime();

void memory_refusal(benchmark::State& state) {
  MemoryStore& store = shared_store();
  AdmitRequest request{{}, scopes_of(5, 5, 0), 1'000, std::chrono::minutes(10)};
  Limits none = limits_of(5);
  none.concurrent = 0;
  request.scopes[0] = make_scope("key:refused", none);
  for (auto _ : state) benchmark::DoNotOptimize(store.admit(request));
}
BENCHMARK(memory_refusal);

net::Task<void> call_in_turn(Limiter& limiter, Scopes scopes, std::int64_t& left, bool& failed) {
  const RealClock clock;
  UuidSource ids;
  while (left-- > 0) {
    AdmitRequest request{ids.next(clock.system_now()), scopes, 1'000, std::chrono::minutes(10)};
    const Uuid id = request.id;
    const Verdict verdict = co_await limiter.admit(std::move(request));
    failed = failed || verdict.degraded || verdict.denial.has_value();
    limiter.settle(Settlement{id, scopes, 1'000, 400});
  }
}

// Wall time per admit + settle with `calls` under way on one link; Redis shares the machine.
void redis_admit_and_settle(benchmark::State& state) {
  if (!test_support::RedisServer::installed()) return state.SkipWithError("redis-server is not installed");
  const test_support::RedisServer server;
  net::asio::io_context io(1);
  const RealClock clock;
  NullLog log;
  RedisOptions options;
  options.port = server.port();
  options.timeout = std::chrono::seconds(5);
  const auto limiter = redis_limiter(io, options, make_memory_store(clock), clock, log);
  while (!limiter->stats().connected) io.run_one();
  bool failed = false;
  for (auto _ : state) {
    std::int64_t left = 1'000;
    std::int64_t running = state.range(2);
    for (std::int64_t i = 0; i < state.range(2); ++i) {
      auto body = call_in_turn(*limiter, scopes_of(state.range(0), state.range(1), 1), left, failed);
      net::asio::co_spawn(io, std::move(body), [&running](const std::exception_ptr&) { --running; });
    }
    while (running > 0) io.run_one();
  }
  if (failed) state.SkipWithError("an admission was refused or degraded");
  state.SetItemsProcessed(state.iterations() * 1'000);
}
BENCHMARK(redis_admit_and_settle)
    ->ArgNames({"scopes", "meters", "calls"})
    ->Args({1, 3, 1})
    ->Args({5, 5, 1})
    ->Args({1, 3, 64})
    ->Args({5, 3, 64})
    ->Args({5, 5, 64})
    ->UseRealTime();

}  // namespace
}  // namespace tollgate::ratelimit

BENCHMARK_MAIN();
