#include "ratelimit/bucket.h"

#include <gtest/gtest.h>

#include "tests/unit/ratelimit/helpers.h"

namespace tollgate::ratelimit {
namespace {

TEST(Bucket, RefillsExactlyItsLimitInAMinuteHoweverOftenItIsRead) {
  const Rate rate{7, 1000 * kUnit};  // 7 per minute does not divide a minute: rounding would show
  Bucket often{0, 0};
  for (std::int64_t now = 1; now <= 60'000; ++now) often = Bucket{level_at(&often, rate, now), now};
  const Bucket once{0, 0};
  EXPECT_EQ(often.level, 7 * kUnit);
  EXPECT_EQ(level_at(&once, rate, 60'000), 7 * kUnit);
}

TEST(Bucket, NeverHoldsMoreThanItsCapacity) {
  const Rate rate{600, 5 * kUnit};
  const Bucket low{0, 0};
  EXPECT_EQ(level_at(&low, rate, 1'000'000'000'000), 5 * kUnit);
  const Bucket over{9 * kUnit, 0};  // left by a higher limit
  EXPECT_EQ(level_at(&over, rate, 0), 5 * kUnit);
}

TEST(Bucket, IsNotRefilledByAClockThatStepsBack) {
  const Rate rate{600, 5 * kUnit};
  const Bucket bucket{kUnit, 1'000};
  EXPECT_EQ(level_at(&bucket, rate, 10), kUnit);
}

TEST(Bucket, WaitIsTheFirstMillisecondAtWhichItPasses) {
  for (const std::int64_t per_minute : {1, 7, 59, 60, 61, 999, 60'000, 123'457}) {
    const Rate rate{per_minute, 10 * kUnit};
    const Bucket empty{-12'345, 0};
    const auto wait = wait_until(empty.level, kUnit, rate);
    EXPECT_GE(level_at(&empty, rate, wait.count()), kUnit);
    EXPECT_LT(level_at(&empty, rate, wait.count() - 1), kUnit);
  }
}

TEST(Bucket, WaitIsNeverWhereNoWaitHelps) {
  EXPECT_EQ(wait_until(0, kUnit, Rate{0, 0}), kNever);
  EXPECT_EQ(wait_until(0, 2 * kUnit, Rate{60, kUnit}), kNever);
}

TEST(Bucket, SurvivesTheLargestAmountsWithoutOverflow) {
  Limits limits = tokens_limit(std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::max());
  const auto rate = token_rate(limits);
  ASSERT_TRUE(rate);
  EXPECT_LT(rate->capacity, std::int64_t{1} << 53);
  const Bucket debt{kLowestLevel, 0};
  EXPECT_EQ(level_at(&debt, *rate, std::numeric_limits<std::int64_t>::max()), rate->capacity);
  EXPECT_EQ(adjusted(kLowestLevel, -kMaxAmount * kUnit, *rate), kLowestLevel);
  EXPECT_EQ(adjusted(rate->capacity, kMaxAmount * kUnit, *rate), rate->capacity);
  EXPECT_EQ(token_rate(tokens_limit(-5, -5))->capacity, 0);
}

TEST(Clip, KeepsAReservationWithinTheSmallestBucket) {
  const std::vector<Scope> scopes = {scope_of("a", tokens_limit(100, 500)), scope_of("b", tokens_limit(50, 50)),
                                     scope_of("c", requests_limit(1, 1))};
  EXPECT_EQ(clip_reservation(10, scopes), 10);
  EXPECT_EQ(clip_reservation(1'000, scopes), 50);
  EXPECT_EQ(clip_reservation(1'000, {}), 1'000);
  EXPECT_EQ(clip_reservation(-3, scopes), 0);
  EXPECT_EQ(clip_reservation(1'000, {scope_of("zero", tokens_limit(0, 0))}), 1);
}

TEST(Denial, NamesTheNarrowestScopeButWaitsForAll) {
  const std::vector<Scope> scopes = {scope_of("key", requests_limit(60, 1)), scope_of("dept", requests_limit(6, 1))};
  const std::vector<Reading> readings = {Reading{0, 0, 0}, Reading{0, 0, 0}};
  const auto denial = find_denial(scopes, readings, 0);
  ASSERT_TRUE(denial);
  EXPECT_EQ(denial->scope_name, "scope 'key'");
  EXPECT_EQ(denial->limit, 60);
  EXPECT_EQ(denial->retry_after, milliseconds(10'000));
}

}  // namespace
}  // namespace tollgate::ratelimit
