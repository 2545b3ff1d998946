#pragma once
// OpenAI's older completions API (OpenAI API reference, completions): a prompt and its continuation. Where the provider
// only chats, the prompt becomes a user's message. Internal to providers/.
#include <memory>
#include <string>
#include <string_view>

#include "providers/front_end.h"

namespace tollgate::providers {

Result<Call> decode_completions_request(std::shared_ptr<const std::string> body, std::string path_model);

// Errors: invalid_request for what a chat cannot do: several prompts, tokens, an insertion, an echo.
Result<CanonicalRequest> canonicalise_completions(std::string_view body);

// Frames of a provider are those of a chat but for where the text stands: decode_chat_event reads them.
std::unique_ptr<ClientEncoder> completions_encoder(EncoderOptions options);

}  // namespace tollgate::providers
