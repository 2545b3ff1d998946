#pragma once
// Embeddings: OpenAI's API for callers (OpenAI API reference, embeddings/create), and how other providers are asked for
// them. Pure. Internal to providers/.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "providers/dialect.h"
#include "providers/front_end.h"
#include "providers/json_writer.h"

namespace tollgate::providers {

inline constexpr std::size_t kMaxEmbeddingInputs = 2048;  // of one call, as OpenAI's API has it

// --- the caller's side ---

Result<Call> decode_embeddings_request(std::shared_ptr<const std::string> body, std::string path_model);

struct EmbeddingRequest {
  std::vector<std::string> inputs;         // at least one, none of them empty
  std::optional<std::int64_t> dimensions;  // at least 1
  std::string input_type;                  // an extension: "query", "document", or what the provider names it
  std::vector<std::string> lossy = {};     // members of the request that no other API has a place for
};
// From the scrubbed body of an accepted call. Errors: invalid_request for token arrays, which only models with OpenAI's
// tokenizer understand.
Result<EmbeddingRequest> read_embeddings(std::string_view body);

// A provider's answer in OpenAI's own form: passed on as it is, its usage read.
Result<Batch> decode_embeddings_response(std::string body);

std::unique_ptr<ClientEncoder> embeddings_encoder(EncoderOptions options);

// --- the provider's side ---

struct EmbeddingTarget {
  std::string_view model;  // as the provider names it
  std::string_view host;
  std::string_view api_version = {};  // OpenAI's on Azure
  bool deployment_in_path = false;    // with a version, the model stands in the path
};

// What one answer holds, in the order of the inputs.
struct EmbeddingAnswer {
  std::vector<std::vector<float>> vectors;
  std::int64_t tokens = -1;  // -1: the provider did not say
};

struct EmbeddingDialect {
  // How many inputs one call may hold; 0: the model is not known to have embeddings.
  std::size_t (*batch)(const EmbeddingTarget& target);
  // REQUIRES: no more inputs than batch() says
  Result<DialectCall> (*encode)(const EmbeddingRequest& request, const EmbeddingTarget& target);
  // `token_count`: what the answer's x-amzn-bedrock-input-token-count header says; may be empty.
  Result<EmbeddingAnswer> (*decode)(std::string_view body, std::string_view token_count);
};

// The numbers of a vector as it stands in an event, as an array.
void write_numbers(std::string_view name, std::string_view bytes, JsonWriter& out);
// {"prompt_tokens":8,"total_tokens":8}
Usage read_embedding_usage(class JsonReader& reader);

// The vector as an event: its numbers as little-endian float32.
Event embedding_event(std::uint32_t index, const std::vector<float>& vector);

// A list of numbers, whole or nothing. Shared by the decoders. REQUIRES: an array is next
std::optional<std::vector<float>> read_vector(class JsonReader& reader);

}  // namespace tollgate::providers
