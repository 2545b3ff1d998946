// report cost, ledger rows: what finance and auditors read. Works on the ledger file; the gateway may run.
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "finops/ledger.h"
#include "finops/report_keys.h"
#include "gateway/base/money.h"
#include "gateway/cli/commands.h"
#include "gateway/cli/common.h"

namespace tollgate::cli {
namespace {

std::map<std::string, finops::ReportBy> report_names() {
  std::map<std::string, finops::ReportBy> out;
  for (const auto& key : finops::kReportKeys) out[key.name] = key.by;
  return out;
}

const std::map<std::string, finops::ReportBy> kBy = report_names();
const std::map<std::string, finops::ReportFormat> kFormats = {
    {"table", finops::ReportFormat::table}, {"csv", finops::ReportFormat::csv}, {"json", finops::ReportFormat::json}};

struct CostOptions {
  std::string file, by = "department", month, format = "table";
};

// The configuration, where there is a ledger to read.
std::shared_ptr<const config::Snapshot> load_with_ledger(const std::string& file) {
  auto snapshot = load_or_complain(file, true);
  if (!snapshot || std::filesystem::exists(snapshot->ledger.sqlite)) return snapshot;
  complain("there is no ledger at " + snapshot->ledger.sqlite.string() +
           " yet: the gateway makes it when it serves for the first time");
  return nullptr;
}

int cost(const CostOptions& options) {
  const auto snapshot = load_with_ledger(options.file);
  if (!snapshot) return 1;
  const finops::ReportQuery query{kBy.at(options.by), options.month};
  auto rows = finops::cost_report(snapshot->ledger.sqlite, query);
  if (!rows) return complain(rows.error().message);
  std::fputs(finops::format_report(*rows, query, kFormats.at(options.format)).c_str(), stdout);
  if (rows->empty())
    std::fprintf(stderr, "nothing was used%s\n", options.month.empty() ? " yet" : (" in " + options.month).c_str());
  return 0;
}

nlohmann::json to_json(const finops::UsageRecord& r) {
  return {{"event_id", r.event_id.to_string()},
          {"request_id", r.request_id.to_string()},
          {"attempt", r.attempt},
          {"started_at_ms", r.started_at_ms},
          {"organisation", r.organisation},
          {"department", r.department},
          {"cost_center", r.cost_center},
          {"application", r.application},
          {"purpose", r.purpose},
          {"use_case", r.use_case},
          {"credential", r.credential},
          {"operation", r.operation},
          {"stream", r.stream},
          {"model_asked", r.model_asked},
          {"model_served", r.model_served},
          {"provider", r.provider},
          {"processing_region", r.processing_region},
          {"fallback", r.fallback},
          {"input_tokens", r.input_tokens},
          {"cached_input_tokens", r.cached_input_tokens},
          {"cache_write_tokens", r.cache_write_tokens},
          {"output_tokens", r.output_tokens},
          {"reasoning_tokens", r.reasoning_tokens},
          {"usage_source", finops::to_string(r.usage_source)},
          {"cost_nano", r.cost_nano},
          {"cost", format_nano(r.cost_nano)},
          {"currency", r.currency},
          {"price_version", r.price_version},
          {"status", r.status},
          {"outcome", r.outcome},
          {"latency_ms", r.latency_ms},
          {"ttft_ms", r.ttft_ms},
          {"gateway_us", r.gateway_us},
          {"pii_found", r.pii_found},
          {"rule_pack", r.rule_pack},
          {"config_generation", r.config_generation},
          {"upstream_request_id", r.upstream_request_id},
          {"audio_ms", r.audio_ms},
          {"compute_us", r.compute_us}};
}

int rows(const std::string& file, std::size_t limit) {
  const auto snapshot = load_with_ledger(file);
  if (!snapshot) return 1;
  auto records = finops::recent_rows(snapshot->ledger.sqlite, limit);
  if (!records) return complain(records.error().message);
  for (const auto& record : *records) std::printf("%s\n", to_json(record).dump().c_str());
  return 0;
}

template <class Map>
std::vector<std::string> names(const Map& map) {
  std::vector<std::string> out;
  for (const auto& [name, value] : map) out.push_back(name);
  return out;
}

}  // namespace

void add_report(CLI::App& app, Context& context) {
  auto* report = app.add_subcommand("report", "What was used and what it cost (works on the ledger)");
  report->require_subcommand(1);
  auto options = std::make_shared<CostOptions>();
  auto* command = report->add_subcommand(
      "cost", "Cost by department, cost center, application, key, model or provider (as served)");
  add_config_option(*command, options->file);
  command->add_option("--by", options->by, "What the rows are")
      ->check(CLI::IsMember(names(kBy)))
      ->capture_default_str();
  command->add_option("--month", options->month, "One month in UTC, such as 2026-11; default: everything")
      ->check([](const std::string& month) {  // a script's variable that is not set is not "everything"
        return month.empty() ? std::string("expected YYYY-MM, such as 2026-11") : std::string();
      });
  command->add_option("--format", options->format, "How to print")
      ->check(CLI::IsMember(names(kFormats)))
      ->capture_default_str();
  command->callback([options, &context] { context.exit_code = cost(*options); });
}

void add_ledger(CLI::App& app, Context& context) {
  auto* ledger = app.add_subcommand("ledger", "The usage records themselves (works on the ledger)");
  ledger->require_subcommand(1);
  auto file = std::make_shared<std::string>();
  auto limit = std::make_shared<std::size_t>(10);
  auto* command = ledger->add_subcommand("rows", "The newest records, newest first, one JSON object a line");
  add_config_option(*command, *file);
  command->add_option("--limit", *limit, "How many")->check(CLI::PositiveNumber)->capture_default_str();
  command->callback([file, limit, &context] { context.exit_code = rows(*file, *limit); });
}

}  // namespace tollgate::cli
