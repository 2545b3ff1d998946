#pragma once
// The two halves of the Bedrock Converse dialect. Internal to providers/.
#include "providers/dialect.h"

namespace tollgate::providers {

Result<DialectCall> encode_converse_request(CanonicalRequest request, const DialectTarget& target);
std::unique_ptr<AnswerDecoder> converse_decoder(AnswerContext context, std::string_view content_type);
Error decode_bedrock_error(const ErrorAnswer& answer);

}  // namespace tollgate::providers
