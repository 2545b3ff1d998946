#pragma once
// Amazon Bedrock's Converse API as an API that clients call (Amazon Bedrock API reference: Converse, ConverseStream).
// Internal to providers/.
#include <memory>
#include <string>
#include <string_view>

#include "providers/canonical_reading.h"
#include "providers/front_end.h"

namespace tollgate::providers {

// POST /model/M/converse and /converse-stream: the index of a request, or a refusal. The path names the model, and says
// whether the answer is a stream.
Result<Call> decode_converse_call(std::shared_ptr<const std::string> body, std::string path_model);

// The scrubbed body of an accepted call. Errors: invalid_request for what is malformed, and for what only Bedrock
// itself can do (guardrails, its own tools).
Result<CanonicalRequest> canonicalise_converse(std::string_view body);

std::unique_ptr<ClientEncoder> converse_encoder(EncoderOptions options);

// --- the parts of canonicalise_converse ---

// What only Bedrock itself can do, by a model that is served elsewhere.
Error only_at_bedrock(std::string param, std::string_view what);
// A cachePoint stands for a mark on what comes before it.
Status read_cache_point(Reading& reading, CacheMark& out);

Status read_converse_messages(Reading& reading);
Status read_converse_system(Reading& reading);

}  // namespace tollgate::providers
