#pragma once
// The two halves of the Anthropic Messages dialect. Internal to providers/.
#include "providers/dialect.h"
#include "providers/provider_fault.h"

namespace tollgate::providers {

Result<DialectCall> encode_anthropic_request(CanonicalRequest request, const DialectTarget& target);
std::unique_ptr<AnswerDecoder> anthropic_decoder(AnswerContext context, std::string_view content_type);
Error decode_anthropic_error(const ErrorAnswer& answer);

// OpenAI's word for why the model stopped.
std::string_view finish_word(std::string_view stop_reason);
// An error inside an answer: its type stands for the status.
Error anthropic_fault(ProviderWords words);

}  // namespace tollgate::providers
