#include "gateway/pipeline/analyser_breaker.h"

#include <gtest/gtest.h>

namespace tollgate::pipeline {
namespace {

using namespace std::chrono_literals;

TEST(AnalyserBreaker, PausesAfterSomeFailuresInARowAndThenLetsOneCallTry) {
  ManualClock clock;
  AnalyserBreaker breaker(clock);
  const auto fail = [&] { return breaker.failed("ner", 3, 10s); };
  EXPECT_FALSE(fail());
  EXPECT_FALSE(fail());
  breaker.succeeded("ner");
  EXPECT_FALSE(fail());
  EXPECT_FALSE(fail());
  EXPECT_TRUE(breaker.may_ask("ner"));
  EXPECT_TRUE(fail()) << "the third in a row is told";
  EXPECT_FALSE(fail()) << "a call that was under way adds nothing to tell";
  EXPECT_FALSE(breaker.may_ask("ner"));
  EXPECT_TRUE(breaker.may_ask("other"));
  clock.advance(10s);
  EXPECT_TRUE(breaker.may_ask("ner"));
  EXPECT_FALSE(breaker.may_ask("ner")) << "one tries, the others wait";
  EXPECT_FALSE(fail());
  clock.advance(9s);
  EXPECT_FALSE(breaker.may_ask("ner"));
  clock.advance(1s);
  EXPECT_TRUE(breaker.may_ask("ner"));
  breaker.succeeded("ner");
  EXPECT_TRUE(breaker.may_ask("ner"));
  EXPECT_TRUE(breaker.may_ask("ner"));
}

}  // namespace
}  // namespace tollgate::pipeline
