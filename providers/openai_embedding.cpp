// Embeddings by OpenAI's API for callers of another one (OpenAI API reference, embeddings).
#include <algorithm>

#include "providers/chat_usage.h"
#include "providers/conversation.h"
#include "providers/embedding.h"
#include "providers/json_writer.h"
#include "providers/native_api.h"
#include "providers/provider_fault.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

std::size_t batch(const EmbeddingTarget& /*target*/) { return kMaxEmbeddingInputs; }

Result<DialectCall> encode(const EmbeddingRequest& request, const EmbeddingTarget& target) {
  DialectCall call;
  JsonWriter out;
  out.begin_object();
  out.string("model", target.model);
  out.begin_array("input");
  for (const std::string& text : request.inputs) out.string(text);
  out.end_array();
  out.string("encoding_format", "float");
  if (request.dimensions) out.number("dimensions", *request.dimensions);
  out.end_object();
  if (!request.input_type.empty()) note_lossy(call.lossy, "input_type");
  call.path = operation_path("/embeddings", target.deployment_in_path ? target.model : "", target.api_version);
  call.headers = {{"content-type", "application/json"}, {"accept", "application/json"}};
  call.body = out.take();
  return call;
}

// {"embedding":[...],"index":0}
void read_item(JsonReader& reader, EmbeddingAnswer& answer, bool& good) {
  std::vector<float> vector;
  auto index = static_cast<std::int64_t>(answer.vectors.size());  // where the server leaves it out
  walk_object(reader, [&](std::string_view key) {
    if (key == "embedding" && reader.peek() == Kind::array)
      vector = read_vector(reader).value_or(std::vector<float>());
    else if (key == "index")
      index = read_count(reader);
    else
      reader.skip();
  });
  const auto most = static_cast<std::int64_t>(kMaxEmbeddingInputs);
  good = good && !vector.empty() && index >= 0 && index < most;
  if (!good) return;
  const auto at = static_cast<std::size_t>(index);
  if (answer.vectors.size() <= at) answer.vectors.resize(at + 1);
  answer.vectors[at] = std::move(vector);
}

Result<EmbeddingAnswer> decode(std::string_view body, std::string_view /*token_count*/) {
  if (!valid_utf8(body)) return upstream_garbage();
  EmbeddingAnswer answer;
  JsonReader reader(body);
  bool good = reader.peek() == Kind::object;
  walk_object(reader, [&](std::string_view key) {
    if (key == "data" && reader.peek() == Kind::array) {
      reader.enter_array();
      while (good && reader.next_element()) read_item(reader, answer, good);
    } else if (key == "usage") {
      answer.tokens = read_embedding_usage(reader).input;
    } else {
      reader.skip();
    }
  });
  const bool whole = std::ranges::none_of(answer.vectors, [](const auto& vector) { return vector.empty(); });
  if (!good || !whole || !reader.at_end()) return upstream_garbage();
  return answer;
}

}  // namespace

constinit const EmbeddingDialect kOpenAiEmbeddings{batch, encode, decode};

}  // namespace tollgate::providers
