// Embeddings by InvokeModel (Amazon Bedrock user guide, parameters of Amazon Titan and Cohere Embed models).
#include <charconv>

#include "providers/chat_usage.h"
#include "providers/conversation.h"
#include "providers/embedding.h"
#include "providers/identity/url_text.h"
#include "providers/json_writer.h"
#include "providers/provider_fault.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

bool names(const EmbeddingTarget& target, std::string_view family) {
  return target.model.find(family) != std::string_view::npos;
}

// Inference profiles and ARNs hold the model's name, too.
std::size_t batch(const EmbeddingTarget& target) {
  if (names(target, "titan-embed-text")) return 1;
  return names(target, "cohere.embed") ? 96 : 0;
}

void write_titan(const EmbeddingRequest& request, const EmbeddingTarget& target, JsonWriter& out, DialectCall& call) {
  out.string("inputText", request.inputs.front());
  if (!request.input_type.empty()) note_lossy(call.lossy, "input_type");
  if (!request.dimensions) return;
  if (names(target, "text-v1"))
    note_lossy(call.lossy, "dimensions");
  else
    out.number("dimensions", *request.dimensions);
}

std::string_view cohere_type(const std::string& type) {
  if (type.empty() || type == "document") return "search_document";
  return type == "query" ? "search_query" : std::string_view(type);
}

void write_cohere(const EmbeddingRequest& request, JsonWriter& out) {
  out.begin_array("texts");
  for (const std::string& text : request.inputs) out.string(text);
  out.end_array();
  out.string("input_type", cohere_type(request.input_type));
  out.raw("embedding_types", R"(["float"])");
  if (request.dimensions) out.number("output_dimension", *request.dimensions);
}

Result<DialectCall> encode(const EmbeddingRequest& request, const EmbeddingTarget& target) {
  DialectCall call;
  JsonWriter out;
  out.begin_object();
  if (names(target, "cohere."))
    write_cohere(request, out);
  else
    write_titan(request, target, out, call);
  out.end_object();
  call.path = "/model/" + url_encode(target.model) + "/invoke";
  call.headers = {{"content-type", "application/json"}, {"accept", "application/json"}};
  call.body = out.take();
  return call;
}

// [[...], ...]; false: not that.
bool read_vectors(JsonReader& reader, std::vector<std::vector<float>>& out) {
  if (reader.peek() != Kind::array) return false;
  reader.enter_array();
  while (reader.next_element()) {
    if (reader.peek() != Kind::array) return false;
    auto vector = read_vector(reader);
    if (!vector) return false;
    out.push_back(*std::move(vector));
  }
  return reader.ok();
}

// Cohere: {"float":[[...]]} where types were asked for, else the list itself.
bool read_typed(JsonReader& reader, std::vector<std::vector<float>>& out) {
  if (reader.peek() != Kind::object) return read_vectors(reader, out);
  reader.enter_object();
  while (reader.next_member()) {
    if (reader.key() != "float")
      reader.skip();
    else if (!read_vectors(reader, out))
      return false;
  }
  return reader.ok();
}

Result<EmbeddingAnswer> decode(std::string_view body, std::string_view token_count) {
  EmbeddingAnswer answer;
  bool good = valid_utf8(body);
  JsonReader reader(body);
  if (!good || reader.peek() != Kind::object) return upstream_garbage();
  reader.enter_object();
  while (good && reader.next_member()) {
    const auto key = reader.key();
    if (key == "embedding" && reader.peek() == Kind::array) {
      auto vector = read_vector(reader);
      good = vector.has_value();
      if (good) answer.vectors.push_back(*std::move(vector));
    } else if (key == "embeddings") {
      good = read_typed(reader, answer.vectors);
    } else if (key == "inputTextTokenCount") {
      answer.tokens = read_count(reader);
    } else {
      reader.skip();
    }
  }
  if (!good || !reader.at_end()) return upstream_garbage();
  // Cohere tells its count in a header only.
  if (answer.tokens < 0) std::from_chars(token_count.data(), token_count.data() + token_count.size(), answer.tokens);
  return answer;
}

}  // namespace

constinit const EmbeddingDialect kBedrockEmbeddings{batch, encode, decode};

}  // namespace tollgate::providers
