#pragma once
// The embedded model behind the same seam as any provider. No fake SSE: its events go straight to the encoder.
#include <memory>

#include "local_backend/api.h"
#include "providers/upstream.h"

namespace tollgate::pipeline {

// `engine` is shared by all workers and must outlive the upstream; its events are posted to `executor`, the loop on
// which the streams are read.
std::unique_ptr<providers::Upstream> local_upstream(local_backend::Engine& engine, net::Executor executor);

}  // namespace tollgate::pipeline
