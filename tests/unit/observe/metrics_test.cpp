#include "gateway/observe/metrics.h"

#include <gtest/gtest.h>

namespace tollgate::observe {
namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, AScrapeAddsUpTheShards) {
  Metrics metrics;
  auto& one = metrics.add_shard();
  auto& two = metrics.add_shard();
  one.count("tollgate_limit_admits_total");
  two.count("tollgate_limit_admits_total", {}, 41);
  one.attempt({"azure", "gpt-4o", "ok"});
  two.attempt({"azure", "gpt-4o", "ok"});
  two.attempt({"azure", "gpt-4o", "upstream_error"});
  const auto text = metrics.scrape();
  EXPECT_TRUE(has_line(text, "tollgate_limit_admits_total 42")) << text;
  EXPECT_TRUE(has_line(text, R"(tollgate_attempts_total{model="gpt-4o",outcome="ok",provider="azure"} 2)")) << text;
  EXPECT_TRUE(has_line(text, R"(tollgate_attempts_total{model="gpt-4o",outcome="upstream_error",provider="azure"} 1)"));
}

TEST(Metrics, ACounterKeptElsewhereIsACounter) {
  Metrics metrics;
  metrics.on_scrape([](MetricsShard& shard) { shard.total("tollgate_log_lines_total", {}, 7); });
  (void)metrics.scrape();
  const auto text = metrics.scrape();  // read anew, not added to the last one
  EXPECT_TRUE(has_line(text, "# TYPE tollgate_log_lines_total counter")) << text;
  EXPECT_TRUE(has_line(text, "tollgate_log_lines_total 7")) << text;
}

TEST(Metrics, AGaugeThatIsNoLongerReadIsNoLongerShown) {
  Metrics metrics;
  bool cooling = true;
  metrics.on_scrape([&](MetricsShard& shard) {
    if (cooling) shard.gauge("tollgate_target_cooling", {{"target", "azure/gpt-4o"}}, 1);
  });
  EXPECT_NE(metrics.scrape().find("tollgate_target_cooling{"), std::string::npos);
  cooling = false;
  EXPECT_EQ(metrics.scrape().find("tollgate_target_cooling{"), std::string::npos);
}

TEST(Metrics, CallsInFlightAreThoseBegunAndNotEnded) {
  Metrics metrics;
  auto& shard = metrics.add_shard();
  shard.in_flight(1);
  shard.in_flight(1);
  shard.in_flight(-1);
  EXPECT_TRUE(has_line(metrics.scrape(), "tollgate_in_flight 1"));
}

TEST(Metrics, ACallIsCountedUnderItsDepartmentAndModel) {
  Metrics metrics;
  auto& shard = metrics.add_shard();
  CallFacts facts;
  facts.department = "retail";
  facts.model = "gpt-4o";
  facts.outcome = "ok";
  facts.input_tokens = 10;
  facts.cost_nano = 2'500;
  facts.currency = "USD";
  facts.total = std::chrono::milliseconds(3);
  shard.call(facts);
  shard.call(facts);
  const auto text = metrics.scrape();
  EXPECT_TRUE(has_line(text, R"(tollgate_requests_total{department="retail",model="gpt-4o",outcome="ok"} 2)")) << text;
  EXPECT_TRUE(has_line(text, R"(tollgate_tokens_total{class="input",department="retail",model="gpt-4o"} 20)"));
  EXPECT_TRUE(has_line(text, R"(tollgate_cost_nano_total{currency="USD",department="retail",model="gpt-4o"} 5000)"));
}

TEST(Metrics, DepartmentsThatReplicasNameAreLabelsUpToANumber) {
  Metrics metrics;
  auto& shard = metrics.add_shard();
  std::vector<std::string> names;
  for (int i = 0; i < 600; ++i) names.push_back("d" + std::to_string(i));
  for (const auto& name : names) {
    CallFacts facts;
    facts.department = name;
    facts.passed_on = true;
    facts.model = "llama";
    facts.outcome = "ok";
    shard.call(facts);
  }
  const auto text = metrics.scrape();
  EXPECT_TRUE(has_line(text, R"(tollgate_requests_total{department="d499",model="llama",outcome="ok"} 1)")) << text;
  EXPECT_TRUE(has_line(text, R"(tollgate_requests_total{department="other",model="llama",outcome="ok"} 100)"));
  EXPECT_EQ(text.find("d500"), std::string::npos);
}

TEST(Metrics, EveryNameHasItsHelp) {
  Metrics metrics;
  auto& shard = metrics.add_shard();
  shard.count("tollgate_attempts_total");
  EXPECT_NE(metrics.scrape().find("# HELP tollgate_attempts_total Attempts at targets"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::observe
