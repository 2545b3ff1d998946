#pragma once
// The two halves of the Gemini dialect (Vertex AI and the Gemini API). Internal to providers/.
#include "providers/dialect.h"

namespace tollgate::providers {

Result<DialectCall> encode_gemini_request(CanonicalRequest request, const DialectTarget& target);
std::unique_ptr<AnswerDecoder> gemini_decoder(AnswerContext context, std::string_view content_type);
Error decode_gemini_error(const ErrorAnswer& answer);

}  // namespace tollgate::providers
