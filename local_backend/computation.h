#pragma once
// Which device computes a model, and what it needs for that.
#include <memory>
#include <string>

#include "local_backend/api.h"
#include "local_backend/forward_pass.h"
#include "local_backend/model.h"
#include "local_backend/worker_pool.h"

namespace tollgate::local_backend {

struct Computation {
  std::unique_ptr<WorkerPool> workers;  // the CPU's; null with a device
  std::unique_ptr<ForwardPass> pass;
  KvMemory kv_memory = KvMemory::host;
  int kv_blocks = 0;
  std::string device;       // as ModelFacts
  std::string why_cpu;      // as ModelFacts
  std::string cpu_kernels;  // as ModelFacts
};

// The device has the weights then, and `model` has none. Throws std::runtime_error: Device::cuda and none can be used,
// this CPU has not the kernels that are wanted, or kv_cache_bytes is too small.
Computation choose_computation(const EngineOptions& options, Model& model);

}  // namespace tollgate::local_backend
