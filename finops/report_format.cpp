#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "finops/ledger.h"
#include "finops/report_keys.h"
#include "gateway/base/money.h"

namespace tollgate::finops {
namespace {

using Cells = std::array<std::string, 10>;
constexpr std::size_t kTextColumns[] = {0, 7};  // key and currency: aligned left
constexpr int kTablePlaces = 4;
constexpr int kExactPlaces = 9;

Cells header(ReportBy by) {
  return {report_key(by).name, "requests", "input_tokens", "output_tokens",  "audio_seconds",
          "compute_seconds",   "cost",     "currency",     "estimated_rows", "unpriced_rows"};
}

// Down to the thousandth: what is left is nobody's bill.
std::string seconds(std::int64_t milliseconds) { return format_nano(milliseconds * 1'000'000, 0); }

Cells cells(const ReportRow& row, int places) {
  return {row.key,
          std::to_string(row.requests),
          std::to_string(row.input_tokens),
          std::to_string(row.output_tokens),
          seconds(row.audio_ms),
          seconds(row.compute_us / 1000),
          format_nano(row.cost_nano, places),
          row.currency,
          std::to_string(row.estimated_rows),
          std::to_string(row.unpriced_rows)};
}

// One total per currency: there is no exchange rate here, so amounts in different ones are never added.
std::vector<ReportRow> totals(const std::vector<ReportRow>& rows) {
  std::map<std::string, ReportRow> sums;
  for (const auto& row : rows) {
    auto& sum = sums[row.currency];
    sum.key = "total";
    sum.currency = row.currency;
    sum.requests += row.requests;
    sum.input_tokens += row.input_tokens;
    sum.output_tokens += row.output_tokens;
    sum.cost_nano += row.cost_nano;
    sum.estimated_rows += row.estimated_rows;
    sum.unpriced_rows += row.unpriced_rows;
    sum.audio_ms += row.audio_ms;
    sum.compute_us += row.compute_us;
  }
  std::vector<ReportRow> list;
  list.reserve(sums.size());
  for (auto& [currency, sum] : sums) list.push_back(std::move(sum));
  return list;
}

// Columns on a terminal, near enough: code points.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// A model's name comes from outside: it must not steer the terminal.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return text.empty() ? "-" : text;
}

std::string table(const std::vector<ReportRow>& rows, ReportBy by) {
  std::vector<Cells> lines = {header(by)};
  for (const auto& row : rows) lines.push_back(cells(row, kTablePlaces));
  for (const auto& row : totals(rows)) lines.push_back(cells(row, kTablePlaces));
  std::array<std::size_t, std::tuple_size_v<Cells>> widths{};
  for (auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) {
      line[i] = printable(std::move(line[i]));
      widths[i] = std::max(widths[i], width(line[i]));
    }
  std::string out;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string padding(widths[i] - width(line[i]), ' ');
      const bool text = std::find(std::begin(kTextColumns), std::end(kTextColumns), i) != std::end(kTextColumns);
      out.append(i == 0 ? "" : "  ").append(text ? line[i] + padding : padding + line[i]);
    }
    out += '\n';
  }
  return out;
}

// RFC 4180 §2: a field with a comma, a quote or a line break stands in quotes, and quotes inside are doubled.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? "\"\"" : std::string(1, c));
  return quoted + '"';
}

// No total line: whoever reads CSV adds up what is there.
std::string csv(const std::vector<ReportRow>& rows, ReportBy by) {
  std::vector<Cells> lines = {header(by)};
  for (const auto& row : rows) lines.push_back(cells(row, kExactPlaces));
  std::string out;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) out.append(i == 0 ? "" : ",").append(csv_field(line[i]));
    out += "\r\n";
  }
  return out;
}

nlohmann::ordered_json object(const ReportRow& row) {
  return {{"requests", row.requests},
          {"input_tokens", row.input_tokens},
          {"output_tokens", row.output_tokens},
          {"audio_ms", row.audio_ms},
          {"compute_us", row.compute_us},
          {"cost", format_nano(row.cost_nano, kExactPlaces)},  // text: a double would round it
          {"cost_nano", row.cost_nano},
          {"currency", row.currency},
          {"estimated_rows", row.estimated_rows},
          {"unpriced_rows", row.unpriced_rows}};
}

std::string json(const std::vector<ReportRow>& rows, const ReportQuery& query) {
  const std::string key(report_key(query.by).name);
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& row : rows) {
    nlohmann::ordered_json line = {{key, row.key}};
    line.update(object(row));
    list.push_back(std::move(line));
  }
  nlohmann::ordered_json sums = nlohmann::ordered_json::array();
  for (const auto& sum : totals(rows)) sums.push_back(object(sum));
  nlohmann::ordered_json report = {{"by", key}, {"month", nullptr}, {"rows", list}, {"totals", sums}};
  if (!query.month.empty()) report["month"] = query.month;
  return report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string format_report(const std::vector<ReportRow>& rows, const ReportQuery& query, ReportFormat format) {
  switch (format) {
    case ReportFormat::table:
      return table(rows, query.by);
    case ReportFormat::csv:
      return csv(rows, query.by);
    case ReportFormat::json:
      return json(rows, query);
  }
  return {};
}

}  // namespace tollgate::finops
