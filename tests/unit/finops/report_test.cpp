#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "finops/ledger.h"
#include "samples.h"

namespace tollgate::finops {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kNovember = 1'793'491'200'000;  // 2026-11-01T00:00:00Z
constexpr std::int64_t kDecember = 1'796'083'200'000;  // 2026-12-01T00:00:00Z

class ReportTest : public ::testing::Test {
 protected:
  void store(const std::vector<UsageRecord>& records) {
    RealClock clock;
    NullLog log;
    auto ledger = Ledger::open({sqlite(), directory_.path() / "rings", 128 * 1024, 5ms}, 1, clock, log);
    ASSERT_TRUE(ledger.ok());
    for (const auto& record : records) ASSERT_TRUE((*ledger)->producer(0).push(record));
  }
  static UsageRecord at(std::uint64_t n, std::int64_t time, const char* department = "retail") {
    auto record = samples::record(n);
    record.started_at_ms = time;
    record.department = department;
    return record;
  }
  std::vector<ReportRow> report(ReportBy by, std::string month = "") {
    auto rows = cost_report(sqlite(), {by, std::move(month)});
    EXPECT_TRUE(rows.ok());
    return rows.ok() ? *rows : std::vector<ReportRow>();
  }
  std::filesystem::path sqlite() const { return directory_.path() / "ledger.db"; }
  samples::TemporaryDirectory directory_;
};

TEST_F(ReportTest, AddsUpByDepartmentDearestFirst) {
  store({at(1, kNovember), at(2, kNovember), at(3, kNovember), at(4, kNovember, "hr")});
  const auto rows = report(ReportBy::department);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].key, "retail");
  EXPECT_EQ(rows[0].requests, 3);
  EXPECT_EQ(rows[0].input_tokens, 300);
  EXPECT_EQ(rows[0].output_tokens, 60);
  EXPECT_EQ(rows[0].cost_nano, 3 * 450'000);
  EXPECT_EQ(rows[0].currency, "USD");
  EXPECT_EQ(rows[1].key, "hr");
}

TEST_F(ReportTest, TakesAMonthByItsUtcBounds) {
  store({at(1, kNovember - 1), at(2, kNovember), at(3, kDecember - 1), at(4, kDecember)});
  EXPECT_EQ(report(ReportBy::department, "2026-10")[0].requests, 1);
  EXPECT_EQ(report(ReportBy::department, "2026-11")[0].requests, 2);
  EXPECT_EQ(report(ReportBy::department, "2026-12")[0].requests, 1);
  EXPECT_TRUE(report(ReportBy::department, "2027-01").empty());
}

TEST_F(ReportTest, RefusesWhatIsNoMonth) {
  store({});
  for (const auto* bad :
       {"2026", "2026-13", "2026-00", "2026-1", "26-11", "2026/11", "2026-11-01", "-026-11", "2026--1", "2026-1x"}) {
    const auto rows = cost_report(sqlite(), {ReportBy::department, bad});
    ASSERT_FALSE(rows.ok()) << bad;
    EXPECT_EQ(rows.error().kind, ErrorKind::invalid_request);
  }
}

TEST_F(ReportTest, CountsARequestOnceHoweverManyAttemptsItTook) {
  auto second = at(2, kNovember);
  second.request_id = at(1, kNovember).request_id;
  second.attempt = 2;
  store({at(1, kNovember), second});
  EXPECT_EQ(report(ReportBy::department)[0].requests, 1);
  EXPECT_EQ(report(ReportBy::department)[0].cost_nano, 900'000);
}

TEST_F(ReportTest, NeverAddsDifferentCurrencies) {
  auto euro = at(2, kNovember);
  euro.currency = "EUR";
  store({at(1, kNovember), euro});
  const auto rows = report(ReportBy::department);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_NE(rows[0].currency, rows[1].currency);
  const auto table = format_report(rows, {}, ReportFormat::table);
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 1 + 2 + 2);
}

TEST_F(ReportTest, CountsEstimatedAndUnpricedRows) {
  auto estimated = at(1, kNovember);
  estimated.usage_source = UsageSource::estimated;
  auto unpriced = at(2, kNovember);
  unpriced.price_version.clear();
  unpriced.cost_nano = 0;
  auto refused = at(3, kNovember);  // consumed nothing: needs no price
  refused.price_version.clear();
  refused.input_tokens = refused.output_tokens = refused.cost_nano = 0;
  refused.usage_source = UsageSource::none;
  auto sound = refused;
  sound.event_id = samples::id(4);
  sound.audio_ms = 7'000;
  store({estimated, unpriced, refused, sound});
  const auto rows = report(ReportBy::department);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].estimated_rows, 1);
  EXPECT_EQ(rows[0].unpriced_rows, 2);
  EXPECT_EQ(rows[0].audio_ms, 7'000);
}

TEST_F(ReportTest, GroupsByEachDimension) {
  store({at(1, kNovember)});
  const auto key = [this](ReportBy by) { return report(by)[0].key; };
  EXPECT_EQ(key(ReportBy::cost_center), "CC-1042");
  EXPECT_EQ(key(ReportBy::application), "retail/branch-chat");
  EXPECT_EQ(key(ReportBy::credential), "key-1");
  EXPECT_EQ(key(ReportBy::model), "gpt-4o-2024-08-06");
  EXPECT_EQ(key(ReportBy::provider), "openai");
}

TEST_F(ReportTest, GivesTheNewestRowsFirst) {
  store({at(1, kNovember), at(2, kNovember), at(3, kNovember)});
  const auto rows = recent_rows(sqlite(), 2);
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(*rows, (std::vector{at(3, kNovember), at(2, kNovember)}));
}

TEST_F(ReportTest, SaysWhenThereIsNoLedger) {
  EXPECT_FALSE(cost_report(sqlite(), {}).ok());
  EXPECT_FALSE(recent_rows(sqlite(), 1).ok());
  EXPECT_FALSE(std::filesystem::exists(sqlite())) << "asking made one";
}

const std::vector<ReportRow> kRows = {{"retail, \"north\"", 3, 300, 60, 1'350'001, "USD", 1, 0, 90'500, 0},
                                      {"hr", 1, 100, 20, 2'500'000'000, "USD", 0, 1, 0, 1'250'999}};

TEST(ReportFormats, AlignTheTableAndTotalIt) {
  EXPECT_EQ(
      format_report(kRows, {ReportBy::department, ""}, ReportFormat::table),
      "department       requests  input_tokens  output_tokens  audio_seconds  compute_seconds         cost  currency"
      "  estimated_rows  unpriced_rows\n"
      "retail, \"north\"         3           300             60           90.5                0  0.001350001  USD     "
      "               1              0\n"
      "hr                      1           100             20              0             1.25       2.5000  USD     "
      "               0              1\n"
      "total                   4           400             80           90.5             1.25  2.501350001  USD     "
      "               1              1\n");
}

TEST(ReportFormats, QuoteCsvAsRfc4180Says) {
  EXPECT_EQ(format_report(kRows, {ReportBy::department, ""}, ReportFormat::csv),
            "department,requests,input_tokens,output_tokens,audio_seconds,compute_seconds,cost,currency,estimated_rows,"
            "unpriced_rows\r\n"
            "\"retail, \"\"north\"\"\",3,300,60,90.5,0,0.001350001,USD,1,0\r\n"
            "hr,1,100,20,0,1.25,2.500000000,USD,0,1\r\n");
}

TEST(ReportFormats, GiveJsonWithExactAmounts) {
  const auto json = nlohmann::json::parse(format_report(kRows, {ReportBy::model, "2026-11"}, ReportFormat::json));
  EXPECT_EQ(json["by"], "model");
  EXPECT_EQ(json["month"], "2026-11");
  EXPECT_EQ(json["rows"][0]["model"], "retail, \"north\"");
  EXPECT_EQ(json["rows"][0]["cost"], "0.001350001");
  EXPECT_EQ(json["rows"][0]["cost_nano"], 1'350'001);
  EXPECT_EQ(json["totals"][0]["cost_nano"], 2'501'350'001);
  EXPECT_EQ(json["totals"][0]["audio_ms"], 90'500);
  EXPECT_EQ(json["totals"][0]["compute_us"], 1'250'999);
}

TEST(ReportFormats, LetNoNameSteerTheTerminalOrBreakTheJson) {
  const std::vector<ReportRow> rows = {{"\x1b[31mred\xff", 1, 1, 1, 1, "USD", 0, 0}};
  EXPECT_EQ(format_report(rows, {}, ReportFormat::table).find('\x1b'), std::string::npos);
  EXPECT_TRUE(nlohmann::json::accept(format_report(rows, {}, ReportFormat::json)));
}

TEST(ReportFormats, HandleAnEmptyReport) {
  const auto csv = format_report({}, {}, ReportFormat::csv);
  EXPECT_EQ(csv.find('\n'), csv.size() - 1);
  EXPECT_TRUE(nlohmann::json::accept(format_report({}, {}, ReportFormat::json)));
  const auto table = format_report({}, {}, ReportFormat::table);
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 1);
}

}  // namespace
}  // namespace tollgate::finops
