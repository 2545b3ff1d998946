#pragma once
// The two halves of the Gemini dialect (Vertex AI and the Gemini API). Internal to providers/.
#include "providers/dialect.h"

namespace tollgate::providers {

Result<DialectCall> encode_gemini_request(CanonicalRequest request, const DialectTarget& target);
std::unique_ptr<AnswerDecoder> gemini_decoder(AnswerContext context, std::string_view content_type);
Error decode_gemini_error(const ErrorAnswer& answer);

// --- for answers that go to callers of the same API ---

// OpenAI's word for it.
std::string_view gemini_finish_reason(std::string_view theirs);
// usageMetadata: counts that are 0 are left out; promptTokenCount includes what the cache served, candidatesTokenCount
// excludes thoughts (unless the total says that it does not). nullopt: early chunks may hold no counts at all.
// REQUIRES: reader.peek() == JsonReader::Kind::object
std::optional<Usage> read_gemini_usage(class JsonReader& reader);
// What {"error":{...}} says, by itself or in an array; nullopt: it says no such thing.
std::optional<Error> gemini_error_in(std::string_view json);
// What stands between the base path and the query: the model may come with what leads to it, such as "endpoints/123".
std::string gemini_path(std::string_view model, std::string_view verb);

}  // namespace tollgate::providers
