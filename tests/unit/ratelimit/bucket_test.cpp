#include "ratelimit/bucket.h"

#include <gtest/gtest.h>

#include "tests/unit/ratelimit/helpers.h"

namespace tollgate::ratelimit {
namespace {

Rate per_minute(std::int64_t limit, std::int64_t burst) {
  return Rate{limit, burst * kMinute.unit, kMinute.unit, kMinute.tick};
}
Rate per_day(std::int64_t limit, std::int64_t burst) { return Rate{limit, burst * kDay.unit, kDay.unit, kDay.tick}; }

TEST(Bucket, RefillsExactlyItsLimitInAMinuteHoweverOftenItIsRead) {
  const Rate rate = per_minute(7, 1000);  // 7 per minute does not divide a minute: rounding would show
  std::int64_t often = 0;
  for (std::int64_t now = 1; now <= 60'000; ++now) often = level_at(often, now - 1, rate, now);
  EXPECT_EQ(often, 7 * kMinute.unit);
  EXPECT_EQ(level_at(0, 0, rate, 60'000), 7 * kMinute.unit);
}

TEST(Bucket, RefillsExactlyItsLimitInADayHoweverOftenItIsRead) {
  const Rate rate = per_day(7, 1000);
  std::int64_t often = 0;
  std::int64_t at = 0;
  for (std::int64_t now = 0; now < 86'400'000; now += 12'345) {
    often = level_at(often, at, rate, now);
    at = now;
  }
  EXPECT_EQ(level_at(often, at, rate, 86'400'000), 7 * kDay.unit);
  EXPECT_EQ(level_at(0, 0, rate, 86'400'000), 7 * kDay.unit);
}

TEST(Bucket, NeverHoldsMoreThanItsCapacity) {
  const Rate rate = per_minute(600, 5);
  EXPECT_EQ(level_at(0, 0, rate, 1'000'000'000'000), 5 * kMinute.unit);
  EXPECT_EQ(level_at(9 * kMinute.unit, 0, rate, 0), 5 * kMinute.unit);  // left by a higher limit
}

TEST(Bucket, IsNotRefilledByAClockThatStepsBack) {
  EXPECT_EQ(level_at(kMinute.unit, 1'000, per_minute(600, 5), 10), kMinute.unit);
  EXPECT_EQ(level_at(kDay.unit, 5'000, per_day(600, 5), 10), kDay.unit);
}

TEST(Bucket, WaitIsTheFirstMillisecondAtWhichItPasses) {
  for (const std::int64_t limit : {1, 7, 59, 60, 61, 999, 60'000, 123'457}) {
    for (const Rate& rate : {per_minute(limit, 10), per_day(limit, 10)}) {
      const std::int64_t now = 1'234'567;
      const std::int64_t wait = wait_until(-12'345, rate.unit, rate, now).count();
      EXPECT_GE(level_at(-12'345, now, rate, now + wait), rate.unit) << limit;
      EXPECT_LT(level_at(-12'345, now, rate, now + wait - 1), rate.unit) << limit;
    }
  }
}

TEST(Bucket, WaitIsNeverWhereNoWaitHelps) {
  EXPECT_EQ(wait_until(0, kMinute.unit, per_minute(0, 0), 0), kNever);
  EXPECT_EQ(wait_until(0, 2 * kMinute.unit, per_minute(60, 1), 0), kNever);
  EXPECT_EQ(wait_until(0, 2 * kDay.unit, per_day(60, 1), 0), kNever);
}

TEST(Bucket, SurvivesTheLargestAmountsWithoutOverflow) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kNow = 4'000'000'000'000;  // the year 2096
  const auto scope = scope_of("a", daily_tokens_limit(kMost, kMost));
  const Rate rate = scope->rates[static_cast<std::size_t>(Meter::tokens_per_day)].value();
  EXPECT_LT(rate.capacity, std::int64_t{1} << 53);
  EXPECT_EQ(level_at(-kMaxDebt * rate.unit, 0, rate, kMost), rate.capacity);
  const Rate slow = per_day(1, kMaxAmount);
  EXPECT_GT(wait_until(-kMaxDebt * slow.unit, slow.capacity, slow, kNow).count(), 8'000'000'000'000'000'000);

  State state;
  const Reading before = read(nullptr, *scope, kNow);
  EXPECT_TRUE(agrees(*scope, before, kMaxAmount));
  take(state, *scope, before, kMaxAmount, kNow + 1, kNow);
  EXPECT_EQ(read(&state, *scope, kNow).levels[3], 0);
  for (int i = 0; i < 3; ++i) give_back(state, *scope, -kMaxAmount, kNow + 1, kNow);
  EXPECT_EQ(read(&state, *scope, kNow).levels[3], -kMaxDebt * rate.unit);
  for (int i = 0; i < 3; ++i) give_back(state, *scope, kMaxAmount, kNow + 1, kNow);
  EXPECT_EQ(read(&state, *scope, kNow).levels[3], rate.capacity);
  EXPECT_EQ(scope_of("b", daily_tokens_limit(-5, -5))->rates[3]->capacity, 0);
}

TEST(Leases, EndUpTo3PercentLateSoThatCallsShareAnEntry) {
  const auto scope = scope_of("a", slots_limit(1'000));
  State state;
  for (std::int64_t now = 1'000'000; now < 1'060'000; now += 100) {  // a minute of calls
    const std::int64_t end = lease_end(now, milliseconds(600'000));
    EXPECT_GE(end, now + 600'000);
    EXPECT_LE(end, now + 600'000 + 600'000 / 32);
    take(state, *scope, read(&state, *scope, now), 0, end, now);
  }
  EXPECT_EQ(read(&state, *scope, 1'060'000).running, 600);
  EXPECT_LE(state.leases.size(), 5U);
  EXPECT_EQ(lease_end(7, milliseconds(5)), 12);
}

TEST(Scope, WithoutLimitsThereIsNone) {
  EXPECT_EQ(make_scope("a", Limits{}), nullptr);
  EXPECT_NE(make_scope("a", slots_limit(1)), nullptr);
}

TEST(Scope, AShareIsDividedButNeverToNothing) {
  Limits limits = daily_tokens_limit(1'000, 300);
  limits.requests_per_minute = 3;
  limits.concurrent = 0;
  const auto share = share_of(*scope_of("a", limits), 4);
  EXPECT_EQ(share->key, "a");
  EXPECT_EQ(share->rates[0]->limit, 1);
  EXPECT_EQ(share->rates[3]->limit, 250);
  EXPECT_EQ(share->rates[3]->capacity, 75 * kDay.unit);
  EXPECT_EQ(share->slots, 0);
}

TEST(Clip, KeepsAReservationWithinTheSmallestBucket) {
  const Scopes scopes = {scope_of("a", tokens_limit(100, 500)), scope_of("b", tokens_limit(50, 50)),
                         scope_of("c", requests_limit(1, 1))};
  EXPECT_EQ(clip_reservation(1'000, {scope_of("day", daily_tokens_limit(100, 40))}), 40);
  EXPECT_EQ(clip_reservation(10, scopes), 10);
  EXPECT_EQ(clip_reservation(1'000, scopes), 50);
  EXPECT_EQ(clip_reservation(1'000, {}), 1'000);
  EXPECT_EQ(clip_reservation(-3, scopes), 0);
  EXPECT_EQ(clip_reservation(1'000, {scope_of("zero", tokens_limit(0, 0))}), 1);
}

TEST(Denial, NamesTheNarrowestScopeButWaitsForAll) {
  const Scopes scopes = {scope_of("key", requests_limit(60, 1)), scope_of("dept", requests_limit(6, 1))};
  const std::vector<Reading> readings = {Reading{{0, 0, 0, 0}, 0}, Reading{{0, 0, 0, 0}, 0}};
  const auto denial = find_denial(scopes, readings, 0, 0);
  ASSERT_TRUE(denial);
  EXPECT_EQ(denial->scope, "key");
  EXPECT_EQ(denial->limit, 60);
  EXPECT_EQ(denial->retry_after, milliseconds(10'000));
}

}  // namespace
}  // namespace tollgate::ratelimit
