#pragma once
// POST /v1/chat/completions: the order of the stages, each with its reason.
#include <memory>

#include "gateway/pipeline/services.h"
#include "gateway/server/exchange.h"

namespace tollgate::pipeline {

// Answers the exchange, whatever happens. Every authenticated call leaves at least one usage record and one log line.
// `model`: the one in the path, where the path names one; else empty.
net::Task<void> serve_chat(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                           std::string model);

// GET /v1/models and GET /v1/models/{id}: what the caller's department may use.
net::Task<void> serve_models(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                             std::string id);

// Answers with the caller's dialect of `error`.
net::Task<void> answer_error(server::Exchange& exchange, Error error, server::HeaderLines headers = {});

}  // namespace tollgate::pipeline
