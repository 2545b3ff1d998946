#pragma once
// OpenAI's chat API as the dialect of a provider, for callers of another API. Internal to providers/.
#include "providers/dialect.h"

namespace tollgate::providers {

Result<DialectCall> encode_chat_request(CanonicalRequest request, const DialectTarget& target);
std::unique_ptr<AnswerDecoder> chat_decoder(AnswerContext context, std::string_view content_type);
Error decode_chat_error(const ErrorAnswer& answer);

}  // namespace tollgate::providers
