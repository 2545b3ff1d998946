#pragma once
// What one worker lends to the calls it runs. Everything is owned by the worker or by main and outlives the calls.
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "config/snapshot.h"
#include "finops/ledger.h"
#include "gateway/auth/handles.h"
#include "gateway/auth/keys.h"
#include "gateway/base/clock.h"
#include "gateway/base/ids.h"
#include "gateway/base/log.h"
#include "gateway/net/deadline.h"
#include "gateway/observe/metrics.h"
#include "gateway/pipeline/analyser_breaker.h"
#include "gateway/pipeline/estimator.h"
#include "gateway/pipeline/unknown_answer.h"
#include "pii/pii.h"
#include "pii/scan_cache.h"
#include "providers/upstream.h"
#include "ratelimit/limiter.h"
#include "routing/routing.h"

namespace tollgate::pipeline {

// How one loop reaches an analyser.
struct AnalyserWay {
  std::shared_ptr<providers::Authorizer> authorizer;  // never null
  providers::Transport* transport;                    // outlives the View
};

// What a reload replaces. A call keeps the View it started with.
struct View {
  std::shared_ptr<const config::Snapshot> snapshot;
  std::shared_ptr<const auth::CredentialTable> credentials;
  std::unordered_map<std::string, std::shared_ptr<providers::Upstream>> upstreams;            // by provider id
  std::unordered_map<std::string, AnalyserWay> analysers;                                     // by name
  std::unordered_map<std::string, std::shared_ptr<const pii::Pseudonymiser>> pseudonymisers;  // by department id
};

struct Services {
  const Clock& clock;
  UuidSource& ids;
  Log& log;
  net::Sweep& sweep;
  observe::MetricsShard& metrics;
  finops::RingProducer& ring;
  ratelimit::Limiter& limiter;
  routing::Health& health;
  Estimator& estimator;
  const pii::Scanner& scanner;
  pii::ScanCache& scan_cache;
  AnalyserBreaker& analyser_breaker;
  observe::OnceAMinute& unknown_kinds;  // this worker's
  const auth::KeyHasher& hasher;
  const auth::Handles& handles;
  std::function<std::uint64_t()> random;                               // uniform; for weighted choice only
  const std::function<void(const std::string& credential)>& note_use;  // a key was used today; cheap
};

}  // namespace tollgate::pipeline
