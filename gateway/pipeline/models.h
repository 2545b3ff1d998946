#pragma once
// The models that a caller may use.
#include <memory>

#include "gateway/pipeline/services.h"
#include "gateway/server/exchange.h"
#include "providers/call.h"

namespace tollgate::pipeline {

// GET /v1/models and GET /v1/models/{id}. `id` is empty for the list.
net::Task<void> serve_models(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                             providers::Api api, std::string id);

}  // namespace tollgate::pipeline
