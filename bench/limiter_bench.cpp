// What an admission and its settlement cost a worker: in memory alone and contended, and through Redis.
#include <benchmark/benchmark.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "ratelimit/memory_store.h"
#include "tests/support/redis_server.h"

namespace tollgate::ratelimit {
namespace {

Limits all_limits() {
  Limits limits;
  limits.requests_per_minute = 1'000'000'000;
  limits.tokens_per_minute = 100'000'000'000;
  limits.concurrent = 1'000'000;
  return limits;
}

// The scopes of one call as the pipeline names them: the widest are shared by everybody.
std::vector<Scope> scopes_of(std::int64_t count, int caller) {
  const std::vector<std::string> keys = {"user:" + std::to_string(caller), "key:" + std::to_string(caller),
                                         "department:retail", "model:gpt-4o", "organisation:default"};
  std::vector<Scope> scopes;
  for (std::int64_t i = 0; i < count; ++i) {
    scopes.push_back(Scope{keys[static_cast<std::size_t>(i)], keys[static_cast<std::size_t>(i)], all_limits()});
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
  AdmitRequest request{{}, scopes_of(state.range(0), state.thread_index()), 1'000, std::chrono::minutes(10)};
  for (auto _ : state) {
    request.id = ids.next(clock.system_now());
    benchmark::DoNotOptimize(store.admit(request));
    store.settle(Settlement{request.id, request.scopes, 1'000, 400});
  }
}
BENCHMARK(memory_admit_and_settle)->Arg(1)->Arg(5);
BENCHMARK(memory_admit_and_settle)->Arg(5)->Threads(2)->UseRealTime();

void memory_refusal(benchmark::State& state) {
  MemoryStore& store = shared_store();
  AdmitRequest request{{}, scopes_of(5, 0), 1'000, std::chrono::minutes(10)};
  request.scopes[0].key = "user:refused";
  request.scopes[0].limits.concurrent = 0;
  for (auto _ : state) benchmark::DoNotOptimize(store.admit(request));
}
BENCHMARK(memory_refusal);

net::Task<void> call_in_turn(Limiter& limiter, std::vector<Scope> scopes, std::int64_t& left, bool& failed) {
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

// Wall time per admit + settle with `range(1)` calls under way on one link; Redis shares the machine.
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
    std::int64_t running = state.range(1);
    for (std::int64_t i = 0; i < state.range(1); ++i) {
      auto body = call_in_turn(*limiter, scopes_of(state.range(0), 1), left, failed);
      net::asio::co_spawn(io, std::move(body), [&running](const std::exception_ptr&) { --running; });
    }
    while (running > 0) io.run_one();
  }
  if (failed) state.SkipWithError("an admission was refused or degraded");
  state.SetItemsProcessed(state.iterations() * 1'000);
}
BENCHMARK(redis_admit_and_settle)->Args({1, 1})->Args({5, 1})->Args({1, 64})->Args({5, 64})->UseRealTime();

}  // namespace
}  // namespace tollgate::ratelimit

BENCHMARK_MAIN();
