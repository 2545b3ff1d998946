// What the policies do about an answer that holds what no decoder knows.
#include "gateway/pipeline/unknown_answer.h"

#include <gtest/gtest.h>

namespace tollgate::pipeline {
namespace {

using namespace std::chrono_literals;
using pii::OnOpaque;
using providers::Unknown;

const std::vector<Unknown> kHologram = {{Unknown::What::block, "hologram"}};

class CountingLog final : public Log {
 public:
  void write(LogLevel level, std::string_view event, std::string_view, std::initializer_list<LogField>) override {
    lines += level == LogLevel::warning && event == "pii_unknown_answer" ? 1 : 0;
  }
  int lines = 0;
};

struct World {
  ManualClock clock;
  observe::OnceAMinute kinds{clock};
  observe::Metrics metrics;
  observe::MetricsShard& shard = metrics.add_shard();
  CountingLog log;
  UnknownAnswer answer(std::optional<OnOpaque> rule, bool inside = false) {
    return {kinds, shard, log, {rule, "retail", "out", inside}};
  }
  bool counted(std::string_view rule, int times) {
    const std::string line = "tollgate_pii_unknown_answers_total{department=\"retail\",provider=\"out\",rule=\"" +
                             std::string(rule) + "\"} " + std::to_string(times) + "\n";
    return metrics.scrape().find(line) != std::string::npos;
  }
};

TEST(UnknownAnswer, PassesIsCountedOnceAndLoggedOnceAMinute) {
  World world;
  auto answer = world.answer(OnOpaque::pass);
  EXPECT_TRUE(answer.judge({}));
  EXPECT_EQ(world.log.lines, 0);
  EXPECT_TRUE(answer.judge(kHologram));
  EXPECT_TRUE(answer.judge(kHologram));
  EXPECT_FALSE(answer.refused());
  EXPECT_TRUE(world.counted("pass", 1)) << world.metrics.scrape();
  EXPECT_TRUE(world.answer(OnOpaque::pass).judge(kHologram));
  EXPECT_TRUE(world.counted("pass", 2)) << world.metrics.scrape();
  EXPECT_EQ(world.log.lines, 1);
  world.clock.advance(1min);
  EXPECT_TRUE(answer.judge(kHologram));
  EXPECT_EQ(world.log.lines, 2);
}

TEST(UnknownAnswer, IsRefusedWhereThePolicySaysSo) {
  World world;
  auto answer = world.answer(OnOpaque::refuse, true);
  const Status judged = answer.judge(kHologram);
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().kind, ErrorKind::upstream_error);
  EXPECT_EQ(judged.error().code, "pii_unreadable_answer");
  EXPECT_FALSE(judged.error().retryable) << "SDKs would pay for the same answer again";
  EXPECT_TRUE(answer.refused());
  EXPECT_TRUE(world.counted("refuse", 1)) << world.metrics.scrape();
  EXPECT_EQ(world.log.lines, 1);
}

TEST(UnknownAnswer, OfATargetInsideTheHousePassesWhereOnlyThoseMay) {
  World world;
  EXPECT_TRUE(world.answer(OnOpaque::local_only, true).judge(kHologram));
  EXPECT_FALSE(world.answer(OnOpaque::local_only, false).judge(kHologram));
  EXPECT_TRUE(world.counted("local_only", 2)) << world.metrics.scrape();
}

TEST(UnknownAnswer, IsNobodysConcernWithoutAPolicy) {
  World world;
  auto answer = world.answer(std::nullopt);
  EXPECT_TRUE(answer.judge(kHologram));
  EXPECT_EQ(world.log.lines, 0);
  EXPECT_EQ(world.metrics.scrape().find("unknown_answers"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::pipeline
