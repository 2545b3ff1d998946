#include "gateway/process/operator_view.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gateway/net/tls.h"
#include "gateway/version.h"

namespace tollgate::process {
namespace {

using observe::MetricsShard;

void ledger_gauges(const OperatorView& view, MetricsShard& shard) {
  const auto ledger = view.ledger.stats();
  double fill = 0;
  for (std::size_t i = 0; i < view.workers; ++i) fill = std::max(fill, view.ledger.producer(i).fill());
  shard.total("tollgate_ledger_rows_total", {}, static_cast<double>(ledger.rows_committed));
  shard.total("tollgate_ledger_commit_failures_total", {}, static_cast<double>(ledger.commit_failures));
  shard.total("tollgate_ledger_adopted_records_total", {}, static_cast<double>(ledger.adopted));
  shard.gauge("tollgate_ledger_stalled", {}, ledger.stalled ? 1 : 0);
  shard.gauge("tollgate_ledger_ring_fill_ratio", {}, fill);
  if (view.shipper == nullptr) return;
  const auto shipped = view.shipper->stats();
  shard.total("tollgate_ledger_shipped_total", {}, static_cast<double>(shipped.shipped));
  shard.gauge("tollgate_ledger_ship_backlog", {}, static_cast<double>(shipped.backlog));
}

void scan_cache_gauges(const pii::ScanCache::Stats& stats, MetricsShard& shard) {
  shard.total("tollgate_pii_cache_hits_total", {}, static_cast<double>(stats.hits));
  shard.total("tollgate_pii_cache_misses_total", {}, static_cast<double>(stats.misses));
  shard.gauge("tollgate_pii_cache_bytes", {}, static_cast<double>(stats.bytes));
}

void local_gauges(const std::string& provider, const local_backend::EngineStats& stats, MetricsShard& shard) {
  const auto gauge = [&](const char* name, auto value) {
    shard.gauge(name, {{"provider", provider}}, static_cast<double>(value));
  };
  const auto total = [&](const char* name, auto value) {
    shard.total(name, {{"provider", provider}}, static_cast<double>(value));
  };
  const auto durations = [&](std::string_view name, const local_backend::Durations& value) {
    static_assert(local_backend::Durations::kBounds == observe::Histogram::kBounds);
    observe::Histogram histogram;
    histogram.buckets = value.counts;
    histogram.sum = static_cast<double>(value.sum_us) / 1e6;
    shard.histogram(name, {{"provider", provider}}, histogram);
  };
  const auto tokens = [&](const char* token_class, std::int64_t value) {
    shard.total("tollgate_local_tokens_total", {{"class", token_class}, {"provider", provider}},
                static_cast<double>(value));
  };
  gauge("tollgate_local_healthy", stats.healthy ? 1 : 0);
  total("tollgate_local_restarts_total", stats.restarts);
  gauge("tollgate_local_running", stats.running);
  gauge("tollgate_local_queued", stats.queued);
  gauge("tollgate_local_kv_blocks", stats.kv_blocks);
  gauge("tollgate_local_kv_blocks_used", stats.kv_blocks_used);
  total("tollgate_local_busy_seconds_total", static_cast<double>(stats.busy_us) / 1e6);
  total("tollgate_local_idle_seconds_total", static_cast<double>(stats.idle_us) / 1e6);
  durations("tollgate_local_queue_wait_seconds", stats.queue_wait);
  durations("tollgate_local_first_token_seconds", stats.first_token);
  durations("tollgate_local_next_token_seconds", stats.next_token);
  total("tollgate_local_steps_total", stats.steps);
  total("tollgate_local_preempted_total", stats.preempted);
  total("tollgate_local_rejected_total", stats.rejected);
  tokens("output", stats.generated_tokens);
  tokens("input", stats.prompt_tokens);
  tokens("cached_input", stats.cached_tokens);
}

}  // namespace

void read_gauges(const OperatorView& view, MetricsShard& shard) {
  shard.gauge("tollgate_build_info", {{"version", kVersion}}, 1);
  shard.gauge("tollgate_config_generation", {}, static_cast<double>(view.last_reload.generation));
  shard.gauge("tollgate_connections", {}, static_cast<double>(view.connections));
  shard.gauge("tollgate_connections_limit", {}, static_cast<double>(view.max_connections));
  shard.gauge("tollgate_credentials", {}, static_cast<double>(view.credentials));
  shard.total("tollgate_log_dropped_total", {}, static_cast<double>(view.log.dropped()));
  shard.total("tollgate_log_lines_total", {}, static_cast<double>(view.log.written()));
  ledger_gauges(view, shard);
  scan_cache_gauges(view.scan_cache.stats(), shard);
  if (!view.snapshot.listen.plaintext)
    if (auto expiry = net::not_after(view.snapshot.listen.certificate_pem))
      shard.gauge("tollgate_certificate_not_after_seconds", {}, static_cast<double>(*expiry));
  for (const auto& state : view.health.states())
    shard.gauge("tollgate_target_cooling", {{"target", state.key}}, state.cooling ? 1 : 0);
  view.models.each([&shard](const std::string& provider, const local_backend::Engine& engine) {
    local_gauges(provider, engine.stats(), shard);
  });
}

std::string status_json(const OperatorView& view) {
  using nlohmann::json;
  json targets = json::array();
  for (const auto& state : view.health.states())
    targets.push_back({{"target", state.key},
                       {"cooling", state.cooling},
                       {"failures", state.failures},
                       {"successes", state.successes}});
  const auto ledger = view.ledger.stats();
  const json out = {{"version", kVersion},
                    {"generation", view.snapshot.generation},
                    {"uptime_s", view.uptime.count()},
                    {"draining", view.draining},
                    {"connections", view.connections},
                    {"max_connections", view.max_connections},
                    {"credentials", view.credentials},
                    {"ledger", {{"rows", ledger.rows_committed}, {"stalled", ledger.stalled}}},
                    {"last_reload", {{"ok", view.last_reload.ok}, {"lines", view.last_reload.lines}}},
                    {"targets", std::move(targets)}};
  return out.dump();
}

std::string models_json(const LocalModels& models) {
  using nlohmann::ordered_json;
  const auto told = [](const std::optional<LocalModelState::Model>& model) -> ordered_json {
    if (!model) return nullptr;
    return {{"directory", model->directory},
            {"architecture", model->facts.architecture},
            {"parameters", model->facts.parameters},
            {"context_length", model->facts.context_length},
            {"healthy", model->healthy},
            {"problem", model->problem}};
  };
  ordered_json all = ordered_json::array();
  for (const auto& state : models.states())
    all.push_back({{"provider", state.provider},
                   {"current", told(state.current)},
                   {"staged", told(state.staged)},
                   {"previous", told(state.previous)},
                   {"loading", state.loading},
                   {"problem", state.problem}});
  return all.dump();
}

}  // namespace tollgate::process
