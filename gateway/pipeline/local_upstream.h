#pragma once
// The embedded model behind the same seam as any provider. No fake SSE: its events go straight to the encoder.
#include <functional>
#include <memory>

#include "local_backend/api.h"
#include "providers/upstream.h"

namespace tollgate::pipeline {

// Gives the engine of the moment, which all workers share; null: there is none any more.
using EngineSource = std::function<std::shared_ptr<local_backend::Engine>()>;

// A stream asks `engine` when it begins and keeps what it got until its end, so an engine can be replaced under it.
// Events are posted to `executor`, the loop on which the streams are read.
std::unique_ptr<providers::Upstream> local_upstream(EngineSource engine, net::Executor executor);

}  // namespace tollgate::pipeline
