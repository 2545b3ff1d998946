#pragma once
// The two halves of the Bedrock Converse dialect. Internal to providers/.
#include "providers/dialect.h"

namespace tollgate::providers {

Result<DialectCall> encode_converse_request(CanonicalRequest request, const DialectTarget& target);
std::unique_ptr<AnswerDecoder> converse_decoder(AnswerContext context, std::string_view content_type);
Error decode_bedrock_error(const ErrorAnswer& answer);

// --- for answers that go to callers of the same API ---

// OpenAI's word for it.
std::string_view converse_finish_reason(std::string_view stop_reason);
// inputTokens excludes what the cache served or took; ours includes both.
// REQUIRES: reader.peek() == JsonReader::Kind::object
Usage read_converse_usage(class JsonReader& reader);
// What an exception or an error in a stream says; nullopt: the message is an event.
std::optional<Error> converse_fault(const struct EventMessage& message);
// What stands after the base path. The model may hold ':' and '/'.
std::string converse_path(std::string_view model, bool stream);

}  // namespace tollgate::providers
