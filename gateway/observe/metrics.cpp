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

// Metrics that MetricsShard's count, gauge, total and histogram may use; a name without a help text is a bug that a
// test finds.
constexpr std::array kHelp = {
    Help{"tollgate_attempts_total", "Attempts at targets, by how they ended."},
    Help{"tollgate_auth_failures_total", "Requests refused for want of a valid key."},
    Help{"tollgate_build_info", "Always 1; the version is a label."},
    Help{"tollgate_certificate_not_after_seconds", "Unix time at which the served certificate expires."},
    Help{"tollgate_config_generation", "Number of the configuration in force."},
    Help{"tollgate_config_reloads_total", "Reloads, by result."},
    Help{"tollgate_connections", "Open downstream connections, those in their TLS handshake included."},
    Help{"tollgate_connections_limit",
         "As many downstream connections are taken at once: as configured, and as open files allow."},
    Help{"tollgate_connections_total", "Accepted downstream connections."},
    Help{"tollgate_credentials", "Keys known to this process."},
    Help{"tollgate_handshake_failures_total", "TLS handshakes that failed."},
    Help{"tollgate_http_refusals_total", "Requests refused before they were authenticated, by status."},
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
    Help{"tollgate_local_first_token_seconds", "From a call of the local model to its first token."},
    Help{"tollgate_local_healthy", "1 while the local model serves."},
    Help{"tollgate_local_idle_seconds_total", "Time the local model's engine has waited for work, or for readers."},
    Help{"tollgate_local_kv_blocks", "Blocks of the local model's key-value cache."},
    Help{"tollgate_local_kv_blocks_used", "Those that running answers hold."},
    Help{"tollgate_local_next_token_seconds", "From each token of the local model's answers to the next."},
    Help{"tollgate_local_preempted_total", "Answers put back because the key-value cache was full."},
    Help{"tollgate_local_queue_wait_seconds", "From a call of the local model until the engine turned to it."},
    Help{"tollgate_local_queued", "Calls waiting for the local model."},
    Help{"tollgate_local_rejected_total", "Calls the local model refused."},
    Help{"tollgate_local_running", "Calls the local model is generating for."},
    Help{"tollgate_local_steps_total", "Steps the local model's engine has computed."},
    Help{"tollgate_local_tokens_total", "Tokens of the local model, by class; cached_input is a part of input."},
    Help{"tollgate_log_dropped_total", "Log lines dropped because the log's reader is slow."},
    Help{"tollgate_log_lines_total", "Log lines handed to the writer."},
    Help{"tollgate_loop_lag_seconds", "Worst delay of a worker's loop since the last scrape."},
    Help{"tollgate_pii_analyser_failures_total",
         "Calls whose texts an analyser did not judge, by analyser and reason; paused: it was not asked."},
    Help{"tollgate_pii_cache_bytes", "Memory of what texts held when they were last scanned, bytes."},
    Help{"tollgate_pii_cache_hits_total", "Texts that were scanned before, and not again."},
    Help{"tollgate_pii_cache_misses_total", "Texts that are long enough to be remembered, and were scanned."},
    Help{"tollgate_pii_found_total", "PII values found in requests, by type and what was done."},
    Help{"tollgate_pii_opaque_total",
         "Calls with what no scanner reads (images, unknown parts, files), by what the policy does: pass is to be "
         "watched."},
    Help{"tollgate_pii_restored_total", "Pseudonyms put back into answers."},
    Help{"tollgate_pii_unknown_answers_total",
         "Answers with what no decoder knows (new events, blocks, members), by what the policy does: pass is to be "
         "watched."},
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

std::int64_t& entry(std::map<std::string, std::int64_t, std::less<>>& map, std::string_view key) {
  const auto it = map.find(key);
  return it != map.end() ? it->second : map[std::string(key)];
}

}  // namespace

std::string_view MetricsShard::bounded(std::string_view department) {
  constexpr std::size_t kMost = 500;
  if (passed_on_.contains(department)) return department;
  if (passed_on_.size() >= kMost) return "other";
  passed_on_.emplace(department);
  return department;
}

void MetricsShard::call(const CallFacts& facts) {
  const std::lock_guard lock(mutex_);
  CallSeries& s = series(facts.passed_on ? bounded(facts.department) : facts.department, facts.model);
  ++entry(s.outcomes, facts.outcome);
  s.input += facts.input_tokens;
  s.output += facts.output_tokens;
  s.cached += facts.cached_tokens;
  s.reasoning += facts.reasoning_tokens;
  if (facts.cost_nano != 0) entry(s.cost_by_currency, facts.currency) += facts.cost_nano;
  s.total.observe(seconds(facts.total));
  if (facts.ttft.count() >= 0) s.ttft.observe(seconds(facts.ttft));
  if (facts.added.count() >= 0) figures_.added.observe(seconds(facts.added));
  if (facts.fallback) ++figures_.fallbacks;
  for (std::size_t i = 0; i < kPhases; ++i)
    if (facts.phases[i].count() > 0) figures_.phases[i].observe(seconds(facts.phases[i]));
}

void MetricsShard::attempt(const AttemptFacts& facts) {
  count("tollgate_attempts_total", {{"model", facts.model}, {"outcome", facts.outcome}, {"provider", facts.provider}});
}

void MetricsShard::in_flight(std::int64_t change) {
  const std::lock_guard lock(mutex_);
  figures_.in_flight += change;
}

namespace {

template <class LabelPairs>
std::size_t hash_series(std::string_view name, const LabelPairs& labels) {
  constexpr std::hash<std::string_view> kHash;
  std::size_t out = kHash(name);
  for (const auto& label : labels) out = out * 31 + kHash(label.second);
  return out;
}

}  // namespace

std::size_t MetricsShard::SeriesHash::operator()(const Series& series) const {
  return hash_series(series.name, series.labels);
}

std::size_t MetricsShard::SeriesHash::operator()(const SeriesView& series) const {
  return hash_series(series.name, series.labels);
}

bool MetricsShard::SameSeries::operator()(const SeriesView& a, const Series& b) const {
  return a.name == b.name &&
         std::equal(a.labels.begin(), a.labels.end(), b.labels.begin(), b.labels.end(),
                    [](const auto& x, const auto& y) { return x.first == y.first && x.second == y.second; });
}

template <class Value>
Value& MetricsShard::slot(BySeries<Value>& values, std::string_view name, LabelViews labels) {
  const SeriesView wanted{name, labels};
  const auto it = values.find(wanted);
  if (it != values.end()) return it->second;
  Series series{std::string(name), {}};
  for (const auto& [label, value] : labels) series.labels.emplace_back(label, value);
  return values[std::move(series)];
}

void MetricsShard::count(std::string_view name, LabelViews labels, std::int64_t by) {
  const std::lock_guard lock(mutex_);
  slot(figures_.counters, name, labels) += by;
}

void MetricsShard::gauge(std::string_view name, LabelViews labels, double value) {
  const std::lock_guard lock(mutex_);
  slot(figures_.gauges, name, labels) = value;
}

void MetricsShard::total(std::string_view name, LabelViews labels, double value) {
  const std::lock_guard lock(mutex_);
  slot(figures_.totals, name, labels) = value;
}

void MetricsShard::histogram(std::string_view name, LabelViews labels, const Histogram& value) {
  const std::lock_guard lock(mutex_);
  slot(figures_.histograms, name, labels) = value;
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
  Family in_flight = family("tollgate_in_flight", "Calls being served.", MetricType::Gauge);
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

// Adds up what the shards hold; of gauges the last one stands.
struct Metrics::Sum {
  MetricsShard::Figures figures;
  std::map<MetricsShard::Series, double> counters;
  std::map<MetricsShard::Series, double> gauges;
  std::map<MetricsShard::Series, Histogram> histograms;

  void add(const MetricsShard& shard) {
    const std::lock_guard lock(shard.mutex_);
    const auto& from = shard.figures_;
    for (const auto& [key, series] : from.calls) add_calls(figures.calls[key], series);
    for (std::size_t i = 0; i < kPhases; ++i) figures.phases[i].add(from.phases[i]);
    figures.added.add(from.added);
    figures.fallbacks += from.fallbacks;
    figures.in_flight += from.in_flight;
    for (const auto& [series, n] : from.counters) counters[series] += static_cast<double>(n);
    for (const auto& [series, value] : from.totals) counters[series] += value;
    for (const auto& [series, value] : from.gauges) gauges[series] = value;
    for (const auto& [series, value] : from.histograms) histograms[series].add(value);
  }

 private:
  static void add_calls(MetricsShard::CallSeries& into, const MetricsShard::CallSeries& from) {
    into.input += from.input;
    into.output += from.output;
    into.cached += from.cached;
    into.reasoning += from.reasoning;
    for (const auto& [outcome, n] : from.outcomes) into.outcomes[outcome] += n;
    for (const auto& [currency, n] : from.cost_by_currency) into.cost_by_currency[currency] += n;
    into.total.add(from.total);
    into.ttft.add(from.ttft);
  }
};

std::string Metrics::scrape() {
  const std::lock_guard lock(mutex_);
  scrape_shard_.figures_ = {};  // what is gone since the last scrape, such as a target, is not shown again
  for (const auto& reader : readers_) reader(scrape_shard_);
  Sum sum;
  for (const auto& shard : shards_) sum.add(*shard);
  sum.add(scrape_shard_);

  CallFamilies calls;
  for (const auto& [key, s] : sum.figures.calls) add_series(calls, key, s);
  for (std::size_t i = 0; i < kPhases; ++i)
    add_histogram(calls.phases, {{"phase", std::string(kPhaseNames[i])}}, sum.figures.phases[i]);
  add_histogram(calls.added, {}, sum.figures.added);
  add_value(calls.fallbacks, {}, static_cast<double>(sum.figures.fallbacks));
  add_value(calls.in_flight, {}, static_cast<double>(sum.figures.in_flight));
  std::vector<Family> out = {calls.requests, calls.tokens, calls.cost,      calls.duration, calls.ttft,
                             calls.phases,   calls.added,  calls.fallbacks, calls.in_flight};

  const auto append_plain = [&out](const auto& values, MetricType type) {
    for (const auto& [series, value] : values) {
      if (out.back().name != series.name) out.push_back(family(series.name, help_for(series.name), type));
      add_value(out.back(), series.labels, value);
    }
  };
  append_plain(sum.counters, MetricType::Counter);
  append_plain(sum.gauges, MetricType::Gauge);
  for (const auto& [series, value] : sum.histograms) {
    if (out.back().name != series.name)
      out.push_back(family(series.name, help_for(series.name), MetricType::Histogram));
    add_histogram(out.back(), series.labels, value);
  }
  return prometheus::TextSerializer().Serialize(out);
}

}  // namespace tollgate::observe
