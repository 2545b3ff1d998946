#pragma once
// The ops listener: health and metrics, nothing else.
#include <atomic>

#include "gateway/observe/metrics.h"
#include "gateway/server/exchange.h"

namespace tollgate::process {

struct OpsFacts {
  std::atomic<bool> ready{false};  // false while starting and draining
  std::atomic<bool> draining{false};
};

// GET /healthz (the process lives), /readyz (it takes calls), /metrics.
net::Task<void> serve_ops(server::Exchange& exchange, const OpsFacts& facts, observe::Metrics& metrics);

}  // namespace tollgate::process
