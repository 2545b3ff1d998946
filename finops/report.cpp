#include <charconv>
#include <chrono>

#include "finops/ledger.h"
#include "finops/report_keys.h"
#include "finops/sqlite.h"
#include "finops/usage_fields.h"
#include "finops/usage_store.h"

namespace tollgate::finops {
namespace {

constexpr std::chrono::seconds kReadPatience{5};

// Half-open, in Unix milliseconds.
struct Span {
  std::int64_t from = std::numeric_limits<std::int64_t>::min();
  std::int64_t to = std::numeric_limits<std::int64_t>::max();
};

std::optional<int> number(std::string_view digits) {
  int value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (code != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::int64_t start_of(std::chrono::year_month month) {
  const std::chrono::sys_time<std::chrono::milliseconds> start = std::chrono::sys_days(month / 1);
  return start.time_since_epoch().count();
}

Result<Span> month_span(std::string_view text) {
  if (text.empty()) return Span{};
  const Error error{ErrorKind::invalid_request, "month: expected YYYY-MM, such as 2026-11"};
  if (text.size() != 7 || text[4] != '-' || text[0] == '-' || text[5] == '-') return error;
  const auto year = number(text.substr(0, 4));
  const auto month = number(text.substr(5));
  if (!year || !month || *month < 1 || *month > 12) return error;
  const auto first = std::chrono::year(*year) / std::chrono::month(static_cast<unsigned>(*month));
  return Span{start_of(first), start_of(first + std::chrono::months(1))};
}

// A row is one attempt; a request is counted once, however many attempts it took.
std::string report_sql(ReportBy by) {
  return std::string("SELECT ") + report_key(by).column +
         ", count(DISTINCT request_id), sum(input_tokens), sum(output_tokens), sum(cost_nano), currency,"
         " sum(usage_source = 'estimated'), sum(price_version = '' AND input_tokens + output_tokens + audio_ms > 0),"
         " sum(audio_ms), sum(compute_us)"
         " FROM usage WHERE started_at_ms >= ?1 AND started_at_ms < ?2 GROUP BY 1, currency ORDER BY 5 DESC, 1, 6";
}

}  // namespace

Result<std::vector<ReportRow>> cost_report(const std::filesystem::path& sqlite, const ReportQuery& query) {
  TG_TRY(const auto span, month_span(query.month));
  TG_TRY(auto database, Database::open(sqlite, Database::Mode::existing_read_only, kReadPatience));
  TG_TRY(auto select, database.prepare(report_sql(query.by)));
  select.bind(1, span.from);
  select.bind(2, span.to);
  std::vector<ReportRow> rows;
  for (;;) {
    TG_TRY(const bool more, select.step());
    if (!more) return rows;
    rows.push_back(ReportRow{std::string(select.text(0)), select.integer(1), select.integer(2), select.integer(3),
                             select.integer(4), std::string(select.text(5)), select.integer(6), select.integer(7),
                             select.integer(8), select.integer(9)});
  }
}

Result<std::vector<UsageRecord>> recent_rows(const std::filesystem::path& sqlite, std::size_t limit) {
  TG_TRY(auto database, Database::open(sqlite, Database::Mode::existing_read_only, kReadPatience));
  TG_TRY(auto select, database.prepare("SELECT " + column_names() + " FROM usage ORDER BY id DESC LIMIT ?"));
  select.bind(1, static_cast<std::int64_t>(limit));
  std::vector<UsageRecord> rows;
  for (;;) {
    TG_TRY(const bool more, select.step());
    if (!more) return rows;
    rows.push_back(read_row(select));
  }
}

}  // namespace tollgate::finops
