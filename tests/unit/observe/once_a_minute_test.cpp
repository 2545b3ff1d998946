#include "gateway/observe/once_a_minute.h"

#include <gtest/gtest.h>

namespace tollgate::observe {
namespace {

TEST(OnceAMinute, LetsEachKindThroughOnceInAMinute) {
  ManualClock clock;
  OnceAMinute once(clock);
  EXPECT_TRUE(once.due("a"));
  EXPECT_FALSE(once.due("a"));
  EXPECT_TRUE(once.due("b"));
  clock.advance(std::chrono::seconds(59));
  EXPECT_FALSE(once.due("a"));
  clock.advance(std::chrono::seconds(1));
  EXPECT_TRUE(once.due("a"));
  EXPECT_FALSE(once.due("a"));
}

TEST(OnceAMinute, RemembersABoundedNumberOfKinds) {
  ManualClock clock;
  OnceAMinute once(clock);
  for (std::size_t i = 0; i < OnceAMinute::kMost; ++i) EXPECT_TRUE(once.due(std::to_string(i)));
  EXPECT_FALSE(once.due("one more"));
  EXPECT_FALSE(once.due("0"));
  clock.advance(std::chrono::minutes(1));
  EXPECT_TRUE(once.due("one more"));
  EXPECT_TRUE(once.due("0"));
}

}  // namespace
}  // namespace tollgate::observe
