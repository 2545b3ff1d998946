#pragma once
// One small real call to each configured target, and what it says about the configuration.
#include <functional>
#include <string>
#include <vector>

#include "config/snapshot.h"
#include "gateway/process/check/diagnosis.h"

namespace tollgate::process {

struct CheckOptions {
  std::string provider;  // only this one; empty: all
  std::string model;     // only targets whose model is named so, by the provider or by callers; empty: all
  bool local = false;    // local models too: loads them
};

// What one target was found to be.
struct CheckedTarget {
  std::string provider;
  std::string model;   // as the provider names it
  std::string region;  // of processing
  Diagnosis diagnosis;
  int http_status = 0;  // of the provider's answer; 0: none
  std::int64_t milliseconds = 0;
  std::int64_t input_tokens = 0;  // as the provider counts
  std::int64_t output_tokens = 0;
  bool checked = true;  // false: a local model that was not asked for
};

// Calls every provider/model pair that a model of the configuration uses, as `serve` would: same upstreams, same
// identities, same proxies. Providers are asked side by side, the targets of one in turn. Blocking; runs a loop of its
// own.
std::vector<CheckedTarget> check_providers(const config::Snapshot& snapshot, const CheckOptions& options);

}  // namespace tollgate::process
