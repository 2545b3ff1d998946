#include "ratelimit/memory_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/ratelimit/naive_limiter.h"
#include "tests/unit/ratelimit/random_calls.h"

namespace tollgate::ratelimit {
namespace {

TEST(MemoryStore, AnswersLikeTheNaiveModel) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    ManualClock clock;
    MemoryStore store(clock);
    NaiveLimiter model(clock.steady_now().time_since_epoch() / milliseconds(1));
    RandomCalls random(seed);
    std::vector<NaiveCall> running;
    for (int step = 0; step < 3'000; ++step) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(step));
      const std::int64_t pause = random.once_in(4) ? random.between(0, 900) : 0;
      clock.advance(milliseconds(pause));
      model.advance(pause);
      if (random.once_in(3) && !running.empty()) {
        const auto which = static_cast<std::ptrdiff_t>(random.between(0, std::ssize(running) - 1));
        const NaiveCall& done = running[static_cast<std::size_t>(which)];
        const std::int64_t used = random.between(0, 400);
        ASSERT_EQ(store.settle(end_of(asked(done), used)), model.settle(done, used));
        if (!random.once_in(4)) running.erase(running.begin() + which);  // else settled again later: a no-op
        continue;
      }
      const NaiveCall next = random.once_in(10) && !running.empty() ? running.back() : random.next_call();
      const Verdict verdict = store.admit(asked(next));
      ASSERT_EQ(!verdict.denial, model.admit(next));
      if (!verdict.denial) running.push_back(next);
      if (verdict.denial && verdict.denial->meter != Meter::concurrent) {
        const std::int64_t told = verdict.denial->retry_after.count();
        const std::int64_t waits = model.rate_wait(next);
        ASSERT_TRUE(told == waits || (told == kConcurrencyHint.count() && waits < told)) << told << " for " << waits;
      }
    }
  }
}

TEST(MemoryStore, PassesAtMostLimitAndBurstInAnyDay) {
  constexpr std::int64_t kLimit = 1'000;
  constexpr std::int64_t kBurst = 100;
  constexpr std::int64_t kStep = 20'011;  // ms
  ManualClock clock;
  MemoryStore store(clock);
  const Scopes scopes = {scope_of("a", daily_requests_limit(kLimit, kBurst))};
  std::vector<std::int64_t> passed;  // times
  std::uint64_t id = 0;
  for (std::int64_t now = 0; now < 5 * 86'400'000; now += kStep, clock.advance(milliseconds(kStep))) {
    while (!store.admit(call(++id, scopes)).denial) passed.push_back(now);
  }
  std::size_t first = 0;
  std::size_t most = 0;
  for (std::size_t last = 0; last < passed.size(); ++last) {
    while (passed[last] - passed[first] >= 86'400'000) ++first;
    most = std::max(most, last - first + 1);
  }
  EXPECT_LE(most, static_cast<std::size_t>(kLimit + kBurst));
  EXPECT_GE(passed.size(), static_cast<std::size_t>(5 * kLimit + kBurst - 1));  // the last one is due a moment later
}

TEST(MemoryStore, PassesAtMostLimitAndBurstInAnyMinute) {
  constexpr std::int64_t kLimit = 120;
  constexpr std::int64_t kBurst = 10;
  ManualClock clock;
  MemoryStore store(clock);
  const Scopes scopes = {scope_of("a", requests_limit(kLimit, kBurst))};
  std::vector<std::int64_t> passed;  // times
  for (std::int64_t now = 0; now < 300'000; now += 50, clock.advance(milliseconds(50))) {
    for (std::uint64_t i = 0; i < 3; ++i) {
      const auto id = static_cast<std::uint64_t>(now) * 3 + i + 1;
      if (!store.admit(call(id, scopes)).denial) passed.push_back(now);
    }
  }
  std::size_t first = 0;
  std::size_t most = 0;
  for (std::size_t last = 0; last < passed.size(); ++last) {
    while (passed[last] - passed[first] >= 60'000) ++first;
    most = std::max(most, last - first + 1);
  }
  EXPECT_LE(most, static_cast<std::size_t>(kLimit + kBurst));
  EXPECT_GE(most, static_cast<std::size_t>(kLimit));
}

TEST(MemoryStore, ForgetsScopesThatAreFullAndIdle) {
  ManualClock clock;
  MemoryStore store(clock);
  for (std::uint64_t i = 1; i <= 50'000; ++i) {
    const auto request = call(i, {scope_of("user:" + std::to_string(i), requests_limit(60, 1))}, 0, milliseconds(500));
    ASSERT_FALSE(store.admit(request).denial);
    clock.advance(milliseconds(1));
  }
  // Each is full again after a second, so a thousand are busy; the rest waits at most one sweep.
  EXPECT_GT(store.remembered_scopes(), 900U);
  EXPECT_LT(store.remembered_scopes(), 15'000U);
}

TEST(MemoryStore, KeepsAScopeInDebtUntilItHasPaid) {
  ManualClock clock;
  MemoryStore store(clock);
  const auto spender = call(1, {scope_of("spender", tokens_limit(60, 60))}, 10);
  ASSERT_FALSE(store.admit(spender).denial);
  store.settle(end_of(spender, 600));  // 9 minutes of debt
  for (std::uint64_t i = 2; i < 60'000; ++i) {
    store.admit(call(i, {scope_of("other:" + std::to_string(i), requests_limit(6'000, 1))}, 0, milliseconds(1)));
    if (i % 200 == 0) clock.advance(milliseconds(1'000));
  }
  const auto later = store.admit(call(70'000, {scope_of("spender", tokens_limit(60, 60))}, 10));
  ASSERT_TRUE(later.denial);
  EXPECT_GT(later.denial->retry_after, milliseconds(200'000));
}

TEST(MemoryStore, SurvivesThreadsWithoutLosingATokenOrASlot) {
  RealClock clock;
  MemoryStore store(clock);
  constexpr std::int64_t kBurst = 5'000;
  const Scopes scopes = {scope_of("key", slots_limit(3)), scope_of("department", tokens_limit(0, kBurst)),
                         scope_of("organisation", requests_limit(0, kBurst))};
  std::atomic<std::int64_t> inside = 0;
  std::atomic<std::int64_t> most = 0;
  std::atomic<std::int64_t> admitted = 0;
  const auto work = [&](std::uint64_t thread) {
    // Half of them name the scopes in reverse: lock order must not depend on it.
    Scopes mine = scopes;
    if (thread % 2 == 1) std::reverse(mine.begin(), mine.end());
    for (std::uint64_t i = 0; i < 4'000; ++i) {
      const auto request = call(thread * 1'000'000 + i, mine, 1);
      if (store.admit(request).denial) continue;
      const std::int64_t now_inside = ++inside;
      for (std::int64_t seen = most; seen < now_inside && !most.compare_exchange_weak(seen, now_inside);) continue;
      ++admitted;
      --inside;
      store.settle(end_of(request, 1));
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t t = 1; t <= 4; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), 3);
  EXPECT_GT(admitted.load(), 0);
  EXPECT_LE(admitted.load(), kBurst);
  const Verdict after = store.admit(call(1, {scope_of("organisation", requests_limit(0, kBurst))}));
  ASSERT_TRUE(after.requests || after.denial);
  const std::int64_t left = after.denial ? -1 : after.requests->remaining;
  EXPECT_EQ(left, kBurst - admitted.load() - 1);
}

}  // namespace
}  // namespace tollgate::ratelimit
