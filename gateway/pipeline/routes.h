#pragma once
// The data plane's table of routes. Adding an endpoint is one row.
#include <memory>

#include "gateway/pipeline/services.h"
#include "gateway/server/exchange.h"

namespace tollgate::pipeline {

// Answers any request that reached the data port.
net::Task<void> route(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange);

}  // namespace tollgate::pipeline
