#pragma once
// Google's generateContent API as an API that clients call (Gemini API reference v1beta; Vertex AI REST reference).
// Internal to providers/.
#include <memory>
#include <string>
#include <string_view>

#include "providers/canonical_reading.h"
#include "providers/front_end.h"

namespace tollgate::providers {

// POST models/M:generateContent and :streamGenerateContent: the index of a request, or a refusal. The path names the
// model, and says whether the answer is a stream.
Result<Call> decode_gemini_call(std::shared_ptr<const std::string> body, std::string path_model);
// The same where the stream is one JSON array.
Result<Call> decode_gemini_array_call(std::shared_ptr<const std::string> body, std::string path_model);
// POST models/M:embedContent and :batchEmbedContents.
Result<Call> decode_gemini_embed_call(std::shared_ptr<const std::string> body, std::string path_model);
Result<Call> decode_gemini_embed_batch_call(std::shared_ptr<const std::string> body, std::string path_model);
// POST models/M:countTokens: the same contents, by themselves or inside `generateContentRequest`.
Result<Call> decode_gemini_count_call(std::shared_ptr<const std::string> body, std::string path_model);

// The scrubbed body of an accepted call. Errors: invalid_request for what is malformed, and for what only Google itself
// can do (its own tools, cached content, files that it keeps).
Result<CanonicalRequest> canonicalise_gemini(std::string_view body);

// What both of embedContent's forms ask for, from the scrubbed body. Errors: invalid_request for what is no text, and
// for settings that differ within a call.
Result<EmbeddingRequest> read_gemini_embed(std::string_view body);

std::unique_ptr<ClientEncoder> gemini_encoder(EncoderOptions options);
std::unique_ptr<ClientEncoder> gemini_array_encoder(EncoderOptions options);
std::unique_ptr<ClientEncoder> gemini_embed_encoder(EncoderOptions options);

// --- the parts of canonicalise_gemini ---

// A member's name as the API spells it; requests may also have it with underscores (protobuf's JSON mapping).
std::string camel_case(std::string_view key);
// Bytes in JSON are base64 of either alphabet, padded or not (protobuf's JSON mapping); other APIs take one form only.
std::string standard_base64(std::string text);
// What only Google itself can do, by a model that is served elsewhere.
Error only_at_google(std::string param, std::string_view what);

Status read_gemini_contents(Reading& reading);  // contents
Status read_gemini_system(Reading& reading);    // systemInstruction
Status read_gemini_tools(Reading& reading);     // tools
Status read_gemini_tool_config(Reading& reading);

struct JsonSchema {
  std::string text;
  bool strict = false;  // every object is closed, and every property required
};
// Google's Schema, a part of OpenAPI's with names of types in capitals, as JSON Schema.
std::string schema_from_google(std::string_view schema);
// The same with its objects closed where the schema leaves that open: some providers enforce no others.
JsonSchema closed_from_google(std::string_view schema);
// That closing alone, of what is JSON Schema already.
JsonSchema closed_schema(std::string_view schema);

// A reasoning block that only its provider can read stands in a thought's signature behind this mark: base64 of six
// bytes, so that the whole stays base64.
inline constexpr std::string_view kSealedThought = "dGc6cmVk";

}  // namespace tollgate::providers
