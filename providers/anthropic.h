#pragma once
// The two halves of the Anthropic Messages dialect. Internal to providers/.
#include "providers/dialect.h"

namespace tollgate::providers {

Result<DialectCall> encode_anthropic_request(CanonicalRequest request, const DialectTarget& target);
std::unique_ptr<AnswerDecoder> anthropic_decoder(AnswerContext context, std::string_view content_type);
Error decode_anthropic_error(const ErrorAnswer& answer);

}  // namespace tollgate::providers
