#pragma once
// A call of a model, whatever the API: the order of the stages, each with its reason.
#include <memory>

#include "gateway/pipeline/report.h"
#include "gateway/pipeline/services.h"
#include "gateway/server/exchange.h"
#include "providers/call.h"

namespace tollgate::pipeline {

// Answers the exchange, whatever happens. Every authenticated call leaves at least one usage record and one log line.
// `model`: the one in the path, where the path names one; else empty.
net::Task<void> serve_call(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                           providers::Api api, std::string model);

// The same for APIs whose path, and not the body, says that the answer is wanted piece by piece.
net::Task<void> serve_stream(const Services& services, std::shared_ptr<const View> view, server::Exchange& exchange,
                             providers::Api api, std::string model);

// Who calls, by the key on the head; a stranger is a figure.
Result<auth::Principal> authenticate(const Services& services, const View& view, const net::HeadFacts& head);

// Error: the body is compressed, and could bypass every policy.
Status acceptable_encoding(const net::HeadFacts& head);

// The call's end, for the client and the books: what `served` says, unless the client has its answer already.
net::Task<void> conclude(server::Exchange& exchange, providers::Api api, Report& report, Status served);

// Answers with `error` in the form of the caller's API.
net::Task<void> answer_error(server::Exchange& exchange, providers::Api api, Error error,
                             server::HeaderLines headers = {});

}  // namespace tollgate::pipeline
