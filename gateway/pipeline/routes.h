#pragma once
// The data plane's table of routes. Adding an endpoint is one row.
#include <memory>

#include "gateway/pipeline/services.h"
#include "gateway/server/exchange.h"

namespace tollgate::pipeline {

// Answers any request that reached the data port.
net::Task<void> route(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange);

// Answers one whose head was refused, in the form of the API that its path names; in OpenAI's where there is no path.
net::Task<void> refuse(server::Exchange& exchange, Error error);

}  // namespace tollgate::pipeline
