#include "local_backend/sampler.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <limits>

namespace tollgate::local_backend {
namespace {

using ::testing::ElementsAre;

// Known answers that the authors of Philox publish with their implementation.
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_THAT(philox({0, 0, 0, 0}, {0, 0}), ElementsAre(0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U));
  EXPECT_THAT(philox({0xffffffffU, 0xffffffffU, 0xffffffffU, 0xffffffffU}, {0xffffffffU, 0xffffffffU}),
              ElementsAre(0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU));
  EXPECT_THAT(philox({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}, {0xa4093822U, 0x299f31d0U}),
              ElementsAre(0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U));
}

constexpr int kDraws = 20'000;

std::array<double, 4> shares(Sampler& sampler, const std::array<float, 4>& logits, SampleRule rule) {
  std::array<double, 4> out{};
  for (int i = 0; i < kDraws; ++i) out[static_cast<std::size_t>(sampler.choose(logits, rule, i))] += 1.0 / kDraws;
  return out;
}

TEST(Sampler, GreedyTakesTheMostLikelyAndOfEqualsTheFirst) {
  Sampler sampler({true, true, true, true});
  const std::array<float, 4> logits = {1, 5, 5, 2};
  EXPECT_EQ(sampler.choose(logits, {.temperature = 0}, 0), 1);
}

TEST(Sampler, DrawsFollowTheSoftmaxOfTheLogits) {
  Sampler sampler({true, true, true, true});
  const std::array<float, 4> logits = {std::log(0.1F), std::log(0.2F), std::log(0.3F), std::log(0.4F)};
  const auto at_one = shares(sampler, logits, {.temperature = 1, .top_p = 1, .seed = 5});
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(at_one[i], 0.1 * static_cast<double>(i + 1), 0.015);
  const auto cold = shares(sampler, logits, {.temperature = 0.5, .top_p = 1, .seed = 5});
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(cold[i], std::pow(static_cast<double>(i + 1), 2) / 30, 0.015);
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesIt) {
  Sampler sampler({true, true, true, true});
  const std::array<float, 4> logits = {std::log(0.1F), std::log(0.2F), std::log(0.3F), std::log(0.4F)};
  const auto two = shares(sampler, logits, {.temperature = 1, .top_p = 0.6, .seed = 1});
  EXPECT_EQ(two[0] + two[1], 0);
  EXPECT_NEAR(two[2], 3.0 / 7, 0.015);
  const auto one = shares(sampler, logits, {.temperature = 1, .top_p = 1e-9, .seed = 1});
  EXPECT_DOUBLE_EQ(std::round(one[3]), 1);
}

TEST(Sampler, ADrawDependsOnSeedAndPositionAlone) {
  Sampler sampler(std::vector<bool>(100, true));
  const std::vector<float> logits(100, 0.0F);
  const int first = sampler.choose(logits, {.seed = 9}, 3);
  (void)sampler.choose(logits, {.seed = 1}, 3);
  EXPECT_EQ(sampler.choose(logits, {.seed = 9}, 3), first);
  int different = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) different += sampler.choose(logits, {.seed = seed}, 3) != first;
  EXPECT_GT(different, 40);
}

TEST(Sampler, NeverChoosesAnIdThatHasNoToken) {
  Sampler sampler({false, true, false, true});
  const std::array<float, 4> logits = {9, 1, std::numeric_limits<float>::quiet_NaN(), 1};
  EXPECT_EQ(sampler.choose(logits, {.temperature = 0}, 0), 1);
  const auto drawn = shares(sampler, logits, {.temperature = 1});
  EXPECT_EQ(drawn[0] + drawn[2], 0);
}

TEST(Sampler, ReportsLogitsThatAreNotFinite) {
  Sampler sampler({true, true});
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const std::array<float, 2> logits = {1, bad};
    EXPECT_EQ(sampler.choose(logits, {.temperature = 0}, 0), -1);
    EXPECT_EQ(sampler.choose(logits, {.temperature = 1}, 0), -1);
  }
}

}  // namespace
}  // namespace tollgate::local_backend
