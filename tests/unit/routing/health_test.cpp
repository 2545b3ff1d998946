#include <gtest/gtest.h>

#include "routing/routing.h"

namespace tollgate::routing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Health, KnowsNothingAgainstAStranger) {
  const ManualClock clock;
  const Health health(clock);
  EXPECT_FALSE(health.cooling("a"));
  EXPECT_TRUE(health.states().empty());
}

TEST(Health, CoolsUntilTheTimeIsOver) {
  ManualClock clock;
  Health health(clock);
  health.failed("a", seconds(10));
  EXPECT_TRUE(health.cooling("a"));
  EXPECT_FALSE(health.cooling("b"));
  clock.advance(milliseconds(9'999));
  EXPECT_TRUE(health.cooling("a"));
  clock.advance(milliseconds(1));
  EXPECT_FALSE(health.cooling("a"));
}

TEST(Health, NeverShortensACoolingByALaterFailure) {
  ManualClock clock;
  Health health(clock);
  health.failed("a", seconds(60));
  health.failed("a", seconds(1));
  clock.advance(seconds(59));
  EXPECT_TRUE(health.cooling("a"));
}

TEST(Health, ExtendsACoolingByALaterFailure) {
  ManualClock clock;
  Health health(clock);
  health.failed("a", seconds(10));
  clock.advance(seconds(9));
  health.failed("a", seconds(10));
  clock.advance(seconds(9));
  EXPECT_TRUE(health.cooling("a"));
}

TEST(Health, EndsACoolingWithASuccess) {
  ManualClock clock;
  Health health(clock);
  health.failed("a", seconds(10));
  health.succeeded("a");
  EXPECT_FALSE(health.cooling("a"));
}

TEST(Health, ReportsEveryTargetSortedByKey) {
  ManualClock clock;
  Health health(clock);
  health.failed("b", seconds(10));
  health.failed("b", seconds(10));
  health.succeeded("a");
  health.failed("c", seconds(1));
  health.succeeded("c");
  const auto states = health.states();
  ASSERT_EQ(states.size(), 3U);
  EXPECT_EQ(states[0].key, "a");
  EXPECT_FALSE(states[0].cooling);
  EXPECT_EQ(states[0].successes, 1);
  EXPECT_EQ(states[0].failures, 0);
  EXPECT_EQ(states[1].key, "b");
  EXPECT_TRUE(states[1].cooling);
  EXPECT_EQ(states[1].failures, 2);
  EXPECT_EQ(states[2].key, "c");
  EXPECT_FALSE(states[2].cooling);
  EXPECT_EQ(states[2].failures, 1);
  EXPECT_EQ(states[2].successes, 1);
  clock.advance(seconds(10));
  EXPECT_FALSE(health.states()[1].cooling);
}

}  // namespace
}  // namespace tollgate::routing
