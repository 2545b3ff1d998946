#pragma once
// The Messages API of Anthropic as an API that clients call. Internal to providers/.
#include <memory>
#include <string>

#include "providers/call.h"
#include "providers/canonical.h"

namespace tollgate::providers {

// POST /v1/messages: the index of a request, or a refusal.
Result<Call> decode_messages_request(std::shared_ptr<const std::string> body, std::string path_model);
// POST /v1/messages/count_tokens: the same, but no cap is wanted.
Result<Call> decode_count_tokens_request(std::shared_ptr<const std::string> body, std::string path_model);

// The scrubbed body of an accepted call. Errors: invalid_request for what is malformed, and for what only Anthropic
// itself can do (tools that run at the provider, files that it keeps).
Result<CanonicalRequest> canonicalise_messages(std::string_view body);

}  // namespace tollgate::providers
