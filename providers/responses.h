#pragma once
// OpenAI's Responses API, without what needs state (OpenAI API reference, responses): as a client speaks it, and as a
// provider answers in it. Internal to providers/.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "providers/canonical.h"
#include "providers/event.h"

namespace tollgate::providers {

// --- requests ---

// Parses and checks a request. Errors are in terms of the API and say what to do.
Result<Call> decode_responses_request(std::shared_ptr<const std::string> body, std::string path_model = {});

// The scrubbed body with the wire format taken off, for targets that speak another API. Errors: invalid_request, also
// for tools and items that only a provider of this API can serve.
Result<CanonicalRequest> canonicalise_responses(std::string_view body);

// --- a provider's answers ---

// As decode_chat_event and decode_chat_response. Texts that an event says again, whole, are marked `repeats`.
Result<Batch> decode_responses_event(std::string frame, std::string_view data, std::size_t data_offset);
Result<Batch> decode_responses_body(std::string body);

}  // namespace tollgate::providers
