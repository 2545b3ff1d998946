#include <gtest/gtest.h>

#include <map>
#include <string>

#include "routing/routing.h"

namespace tollgate::routing {
namespace {

using std::chrono::seconds;

Target target(std::string name, int weight = 1) {
  Target out;
  out.provider = "p";
  out.model = std::move(name);
  out.weight = weight;
  return out;
}

std::string names(const std::vector<Candidate>& candidates) {
  std::string out;
  for (const auto& c : candidates) out += (out.empty() ? "" : " ") + c.target.model + (c.fallback ? "*" : "");
  return out;
}

struct Planning {
  ManualClock clock;
  Health health{clock};
  Route route;

  std::string plan(std::uint64_t random, const std::string& criticality = "") {
    return names(routing::plan(route, criticality, health, random));
  }
  void cool(const std::string& model) { health.failed("p/" + model, seconds(10)); }
};

TEST(Plan, DrawsAPrimaryInProportionToItsWeight) {
  Planning p;
  p.route.targets = {target("a", 7), target("b", 3)};
  std::map<std::string, int> first;
  for (std::uint64_t random = 0; random < 1000; ++random) ++first[p.plan(random).substr(0, 1)];
  EXPECT_EQ(first["a"], 700);
  EXPECT_EQ(first["b"], 300);
}

TEST(Plan, DrawsTheRestInProportionToo) {
  // With a first, b comes second with weight 3 of 3 + 1; the second draw is independent of the first.
  Planning p;
  p.route.targets = {target("a", 4), target("b", 3), target("c", 1)};
  std::map<std::string, int> order;
  constexpr int kDraws = 20'000;
  std::uint64_t random = 88172645463325252U;
  for (int i = 0; i < kDraws; ++i) {
    random ^= random << 13U;
    random ^= random >> 7U;
    random ^= random << 17U;
    ++order[p.plan(random)];
  }
  EXPECT_EQ(order.size(), 6U);
  const double after_a = order["a b c"] + order["a c b"];
  EXPECT_NEAR(after_a / kDraws, 0.5, 0.02);
  EXPECT_NEAR(order["a b c"] / after_a, 0.75, 0.03);
}

TEST(Plan, GivesEveryOrderOfEqualTargets) {
  Planning p;
  p.route.targets = {target("a"), target("b"), target("c"), target("d")};
  std::map<std::string, int> order;
  for (std::uint64_t random = 0; random < 2'400; ++random) ++order[p.plan(random)];
  ASSERT_EQ(order.size(), 24U);
  for (const auto& [names, count] : order) EXPECT_NEAR(count, 100, 50) << names;
}

TEST(Plan, SpreadsEvenlyWhenAllWeightsAreEqual) {
  Planning p;
  p.route.targets = {target("a"), target("b"), target("c")};
  EXPECT_EQ(p.plan(0).substr(0, 1), "a");
  EXPECT_EQ(p.plan(1).substr(0, 1), "b");
  EXPECT_EQ(p.plan(2).substr(0, 1), "c");
}

TEST(Plan, UsesATargetOfWeightZeroOnlyAsAFallback) {
  Planning p;
  p.route.targets = {target("a", 0), target("b", 1)};
  p.route.fallbacks = {{target("a", 0), {}, ""}};
  for (std::uint64_t random = 0; random < 10; ++random) EXPECT_EQ(p.plan(random), "b a*");
}

TEST(Plan, PutsFallbacksAfterPrimariesInTheirOrder) {
  Planning p;
  p.route.targets = {target("a")};
  p.route.fallbacks = {{target("y"), {FallbackCause::timeout}, ""}, {target("x"), {}, ""}};
  const auto out = routing::plan(p.route, "", p.health, 5);
  EXPECT_EQ(names(out), "a y* x*");
  EXPECT_TRUE(out[0].when.empty());
  EXPECT_EQ(out[1].when, std::vector{FallbackCause::timeout});
}

TEST(Plan, KeepsAFallbackForTheApplicationsItIsFor) {
  Planning p;
  p.route.targets = {target("a")};
  p.route.fallbacks = {{target("local"), {}, "low"}, {target("any"), {}, ""}};
  EXPECT_EQ(p.plan(0, "low"), "a local* any*");
  EXPECT_EQ(p.plan(0, "high"), "a any*");
  EXPECT_EQ(p.plan(0, ""), "a any*");
}

TEST(Plan, PutsCoolingTargetsLast) {
  Planning p;
  p.route.targets = {target("a"), target("b")};
  p.route.fallbacks = {{target("x"), {}, ""}, {target("y"), {}, ""}};
  p.cool("a");
  p.cool("x");
  for (std::uint64_t random = 0; random < 4; ++random) EXPECT_EQ(p.plan(random), "b y* a x*");
}

TEST(Plan, TriesCoolingTargetsWhenThereIsNothingElse) {
  Planning p;
  p.route.targets = {target("a"), target("b")};
  p.cool("a");
  p.cool("b");
  EXPECT_EQ(p.plan(0), "a b");
}

TEST(Plan, LeavesOutAForbiddenFallbackEvenWhenItIsCooling) {
  Planning p;
  p.route.fallbacks = {{target("x"), {}, "low"}};
  p.cool("x");
  EXPECT_EQ(p.plan(0, "high"), "");
  EXPECT_EQ(p.plan(0, "low"), "x*");
}

TEST(Plan, IsEmptyForAnEmptyRoute) {
  Planning p;
  EXPECT_EQ(p.plan(0), "");
}

TEST(Target, KeyNamesProviderAndModel) { EXPECT_EQ(target("m").key(), "p/m"); }

}  // namespace
}  // namespace tollgate::routing
