#pragma once
// The same engine in a process of its own: whatever ends that process, a fault of the GPU's driver or no memory left,
// ends answers and not the gateway.
#include <memory>

#include "local_backend/api.h"

namespace tollgate::local_backend {

// Starts `options.worker_command`, waits until its model is loaded, and throws std::runtime_error as Engine::load does.
// When the process ends or falls silent, or a step takes longer than a minute, everything under way fails with
// `internal`, stats().healthy is false, and it is started again: after half a second, then after twice as long each
// time, up to 30 s. Until its model is loaded again, requests are refused as `overloaded`.
std::unique_ptr<Engine> start_process_engine(const EngineOptions& options);

}  // namespace tollgate::local_backend
