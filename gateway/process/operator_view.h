#pragma once
// What operators ask of the process as a whole: gauges at each scrape, and the admin port's status.
#include <chrono>
#include <string>

#include "config/snapshot.h"
#include "finops/ledger.h"
#include "gateway/observe/json_log.h"
#include "gateway/observe/metrics.h"
#include "gateway/process/local_models.h"
#include "gateway/process/state_files.h"
#include "pii/scan_cache.h"
#include "routing/routing.h"

namespace tollgate::process {

// Looks at the parts of a running gateway; made for one answer.
struct OperatorView {
  finops::Ledger& ledger;
  const finops::Shipper* shipper;  // null: no PostgreSQL
  const pii::ScanCache& scan_cache;
  std::size_t workers;
  const routing::Health& health;
  const LocalModels& models;
  const observe::JsonLog& log;
  const config::Snapshot& snapshot;
  const ReloadStatus& last_reload;
  std::int64_t connections;
  std::size_t max_connections;
  std::size_t credentials;
  bool draining;
  std::chrono::seconds uptime;
};

void read_gauges(const OperatorView& view, observe::MetricsShard& shard);
std::string status_json(const OperatorView& view);
std::string models_json(const LocalModels& models);

}  // namespace tollgate::process
