#pragma once
// The two listeners beside the data port: ops (health and metrics, nothing else) and admin (loopback, token).
#include <atomic>
#include <functional>
#include <string>

#include "gateway/base/secret.h"
#include "gateway/observe/metrics.h"
#include "gateway/server/exchange.h"

namespace tollgate::process {

struct OpsFacts {
  std::atomic<bool> ready{false};  // false while starting and draining
  std::atomic<bool> draining{false};
};

// GET /healthz (the process lives), /readyz (it takes calls), /metrics.
net::Task<void> serve_ops(server::Exchange& exchange, const OpsFacts& facts, observe::Metrics& metrics);

// GET /status with "Authorization: Bearer <token>": `status_json` says the rest.
net::Task<void> serve_admin(server::Exchange& exchange, const Secret& token, std::function<std::string()> status_json);

}  // namespace tollgate::process
