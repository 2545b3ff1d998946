#include "gateway/observe/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>

namespace tollgate::observe {
namespace {

constexpr std::array kPhaseNames = {std::string_view("receive"),  std::string_view("authenticate"),
                                    std::string_view("decode"),   std::string_view("scrub"),
                                    std::string_view("admit"),    std::string_view("plan"),
                                    std::string_view("upstream"), std::string_view("respond")};
static_assert(kPhaseNames.size() == kPhases);

double seconds(std::chrono::nanoseconds d) { return std::chrono::duration<double>(d).count(); }

struct Help {
  std::string_view name;
  std::string_view text;
};

// Metrics that MetricsShard::count and gauge may use; a name without a help text is a bug that a test finds.
constexpr std::array kHelp = {
    Help{"tollgate_attempts_total", "Attempts at targets, by how they ended."},
    Help{"tollgate_auth_failures_total", "Requests refused for want of a valid key."},
    Help{"tollgate_build_info", "Always 1; the version is a label."},
    Help{"tollgate_certificate_not_after_seconds", "Unix time at which the served certificate expires."},
    Help{"tollgate_config_generation", "Number of the configuration in force."},
    Help{"tollgate_config_reloads_total", "Reloads, by result."},
    Help{"tollgate_connections", "Open downstream connections."},
    Help{"tollgate_connections_total", "Accepted downstream connections."},
    Help{"tollgate_credentials", "Keys known to this process."},
    Help{"tollgate_handshake_failures_total", "TLS handshakes that failed."},
    Help{"tollgate_http_refusals_total", "Requests refused before they were authenticated, by status."},
    Help{"tollgate_in_flight", "Calls being served."},
    Help{"tollgate_ledger_adopted_records_total", "Records recovered from the rings of a dead process."},
    Help{"tollgate_ledger_commit_failures_total", "Ledger commits that failed and were retried."},
    Help{"tollgate_ledger_ring_fill_ratio", "Share of the fullest ring in use."},
    Help{"tollgate_ledger_rows_total", "Rows committed to the ledger."},
    Help{"tollgate_ledger_stalled", "1 while the ledger cannot commit."},
    Help{"tollgate_ledger_shipped_total", "Rows shipped to PostgreSQL."},
    Help{"tollgate_ledger_ship_backlog", "Rows not yet shipped to PostgreSQL."},
    Help{"tollgate_limit_admits_total", "Calls admitted by the limiter."},
    Help{"tollgate_limit_degraded_total", "Admissions decided without the shared store."},
    Help{"tollgate_limit_denials_total", "Calls denied by a limit, by meter."},
    Help{"tollgate_limit_store_up", "1 while Redis answers."},
    Help{"tollgate_local_busy_seconds_total", "Time the local model's engine has worked."},
    Help{"tollgate_local_healthy", "1 while the local model serves."},
    Help{"tollgate_local_queued", "Calls waiting for the local model."},
    Help{"tollgate_local_running", "Calls the local model is generating for."},
    Help{"tollgate_local_tokens_total", "Tokens of the local model, by class."},
    Help{"tollgate_log_dropped_total", "Log lines dropped because the log's reader is slow."},
    Help{"tollgate_log_lines_total", "Log lines handed to the writer."},
    Help{"tollgate_loop_lag_seconds", "Worst delay of a worker's loop since the last scrape."},
    Help{"tollgate_pii_found_total", "PII values found in requests, by type."},
    Help{"tollgate_pii_restored_total", "Pseudonyms put back into answers."},
    Help{"tollgate_target_cooling", "1 while a target is passed over after a failure."},
};

std::string_view help_for(std::string_view name) {
  for (const auto& help : kHelp)
    if (help.name == name) return help.text;
  return "";
}

prometheus::ClientMetric with_labels(const Labels& labels) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  return metric;
}

prometheus::MetricFamily family(std::string_view name, std::string_view help, prometheus::MetricType type) {
  prometheus::MetricFamily out;
  out.name = name;
  out.help = help;
  out.type = type;
  return out;
}

void add_value(prometheus::MetricFamily& to, const Labels& labels, double value) {
  auto metric = with_labels(labels);
  if (to.type == prometheus::MetricType::Counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
  to.metric.push_back(std::move(metric));
}

void add_histogram(prometheus::MetricFamily& to, const Labels& labels, const Histogram& histogram) {
  auto metric = with_labels(labels);
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < histogram.buckets.size(); ++i) {
    cumulative += static_cast<std::uint64_t>(histogram.buckets[i]);
    const double bound =
        i < Histogram::kBounds.size() ? Histogram::kBounds[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({cumulative, bound});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = histogram.sum;
  to.metric.push_back(std::move(metric));
}

}  // namespace

std::string_view to_string(Phase phase) { return kPhaseNames[static_cast<std::size_t>(phase)]; }

void Histogram::observe(double value) {
  const auto at = std::lower_bound(kBounds.begin(), kBounds.end(), value) - kBounds.begin();
  ++buckets[static_cast<std::size_t>(at)];
  sum += value;
}

void Histogram::add(const Histogram& other) {
  for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
  sum += other.sum;
}

MetricsShard::CallSeries& MetricsShard::series(std::string_view department, std::string_view model) {
  const auto key = std::pair(department, model);
  const auto it = figures_.calls.find(key);
  if (it != figures_.calls.end()) return it->second;
  return figures_.calls[std::pair(std::string(department), std::string(model))];
}

namespace {

std::int64_t& slot(std::map<std::string, std::int64_t, std::less<>>& map, std::string_view key) {
  const auto it = map.find(key);
  return it != map.end() ? it->second : map[std::string(key)];
}

}  // namespace

void MetricsShard::call(const CallFacts& facts) {
  const std::lock_guard lock(mutex_);
  CallSeries& s = series(facts.department, facts.model);
  ++slot(s.outcomes, facts.outcome);
  s.input += facts.input_tokens;
  s.output += facts.output_tokens;
  s.cached += facts.cached_tokens;
  s.reasoning += facts.reasoning_tokens;
  if (facts.cost_nano != 0) slot(s.cost_by_currency, facts.currency) += facts.cost_nano;
  s.total.observe(seconds(facts.total));
  if (facts.ttft.count() >= 0) s.ttft.observe(seconds(facts.ttft));
  if (facts.added.count() >= 0) figures_.added.observe(seconds(facts.added));
  if (facts.fallback) ++figures_.fallbacks;
  for (std::size_t i = 0; i < kPhases; ++i)
    if (facts.phases[i].count() > 0) figures_.phases[i].observe(seconds(facts.phases[i]));
}

void MetricsShard::attempt(const AttemptFacts& facts) {
  count("tollgate_attempts_total", {{"model", std::string(facts.model)},
                                    {"outcome", std::string(facts.outcome)},
                                    {"provider", std::string(facts.provider)}});
}

void MetricsShard::count(std::string_view name, Labels labels, std::int64_t by) {
  const std::lock_guard lock(mutex_);
  figures_.counters[{std::string(name), std::move(labels)}] += by;
}

void MetricsShard::gauge(std::string_view name, Labels labels, double value) {
  const std::lock_guard lock(mutex_);
  figures_.gauges[{std::string(name), std::move(labels)}] = value;
}

MetricsShard& Metrics::add_shard() {
  const std::lock_guard lock(mutex_);
  shards_.push_back(std::make_unique<MetricsShard>());
  return *shards_.back();
}

void Metrics::on_scrape(std::function<void(MetricsShard&)> reader) {
  const std::lock_guard lock(mutex_);
  readers_.push_back(std::move(reader));
}

namespace {

using Family = prometheus::MetricFamily;
using prometheus::MetricType;

// The families that call figures fill.
struct CallFamilies {
  Family requests =
      family("tollgate_requests_total", "Calls of authenticated callers, by how they ended.", MetricType::Counter);
  Family tokens = family("tollgate_tokens_total", "Tokens as billed, by class.", MetricType::Counter);
  Family cost = family("tollgate_cost_nano_total", "Cost in billionths of the currency.", MetricType::Counter);
  Family duration = family("gen_ai_client_operation_duration_seconds",
                           "Whole call as the client sees it (OpenTelemetry gen_ai.client.operation.duration).",
                           MetricType::Histogram);
  Family ttft = family("gen_ai_server_time_to_first_token_seconds",
                       "From the request to the first content (OpenTelemetry gen_ai.server.time_to_first_token).",
                       MetricType::Histogram);
  Family phases = family("tollgate_phase_seconds", "Time spent in each stage of a call.", MetricType::Histogram);
  Family added = family("tollgate_added_latency_seconds",
                        "Time from a request's first byte to its dispatch, queueing included.", MetricType::Histogram);
  Family fallbacks = family("tollgate_fallbacks_total", "Calls served by a fallback target.", MetricType::Counter);
};

template <class Series>
void add_series(CallFamilies& to, const std::pair<std::string, std::string>& key, const Series& s) {
  const Labels base = {{"department", key.first}, {"model", key.second}};
  for (const auto& [outcome, n] : s.outcomes)
    add_value(to.requests, {base[0], base[1], {"outcome", outcome}}, static_cast<double>(n));
  const auto tokens = [&](const char* name, std::int64_t n) {
    add_value(to.tokens, {{"class", name}, base[0], base[1]}, static_cast<double>(n));
  };
  tokens("input", s.input);
  tokens("output", s.output);
  tokens("cached_input", s.cached);
  tokens("reasoning", s.reasoning);
  for (const auto& [currency, nano] : s.cost_by_currency)
    add_value(to.cost, {{"currency", currency}, base[0], base[1]}, static_cast<double>(nano));
  add_histogram(to.duration, base, s.total);
  add_histogram(to.ttft, base, s.ttft);
}

}  // namespace

std::string Metrics::scrape() {
  const std::lock_guard lock(mutex_);
  for (const auto& reader : readers_) reader(scrape_shard_);

  MetricsShard::Figures sum;
  const auto merge = [&sum](const MetricsShard& shard) {
    const std::lock_guard shard_lock(shard.mutex_);
    for (const auto& [key, s] : shard.figures_.calls) {
      auto& into = sum.calls[key];
      into.input += s.input;
      into.output += s.output;
      into.cached += s.cached;
      into.reasoning += s.reasoning;
      for (const auto& [outcome, n] : s.outcomes) into.outcomes[outcome] += n;
      for (const auto& [currency, n] : s.cost_by_currency) into.cost_by_currency[currency] += n;
      into.total.add(s.total);
      into.ttft.add(s.ttft);
    }
    for (std::size_t i = 0; i < kPhases; ++i) sum.phases[i].add(shard.figures_.phases[i]);
    sum.added.add(shard.figures_.added);
    sum.fallbacks += shard.figures_.fallbacks;
    for (const auto& [key, n] : shard.figures_.counters) sum.counters[key] += n;
    for (const auto& [key, v] : shard.figures_.gauges) sum.gauges[key] = v;
  };
  for (const auto& shard : shards_) merge(*shard);
  merge(scrape_shard_);

  CallFamilies calls;
  for (const auto& [key, s] : sum.calls) add_series(calls, key, s);
  for (std::size_t i = 0; i < kPhases; ++i)
    add_histogram(calls.phases, {{"phase", std::string(kPhaseNames[i])}}, sum.phases[i]);
  add_histogram(calls.added, {}, sum.added);
  add_value(calls.fallbacks, {}, static_cast<double>(sum.fallbacks));
  std::vector<Family> out = {calls.requests, calls.tokens, calls.cost,  calls.duration,
                             calls.ttft,     calls.phases, calls.added, calls.fallbacks};

  const auto append_plain = [&out](const auto& values, MetricType type) {
    for (const auto& [key, value] : values) {
      if (out.empty() || out.back().name != key.first) out.push_back(family(key.first, help_for(key.first), type));
      add_value(out.back(), key.second, static_cast<double>(value));
    }
  };
  append_plain(sum.counters, MetricType::Counter);
  append_plain(sum.gauges, MetricType::Gauge);
  return prometheus::TextSerializer().Serialize(out);
}

}  // namespace tollgate::observe
