// Embeddings by Google's models (Vertex AI reference, text embeddings; Gemini API reference, embeddings).
#include <algorithm>

#include "providers/chat_usage.h"
#include "providers/embedding.h"
#include "providers/identity/url_text.h"
#include "providers/json_writer.h"
#include "providers/provider_fault.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

constexpr std::string_view kGeminiApi = "generativelanguage.googleapis.com";

// embedContent is how the Gemini API and Vertex's newer models are asked; the others are asked by predict.
bool by_content(const EmbeddingTarget& target) {
  return target.host == kGeminiApi || target.model.find("gemini-embedding-2") != std::string_view::npos;
}

std::size_t batch(const EmbeddingTarget& target) {
  const bool embeds = target.model.find("embedding") != std::string_view::npos;
  const bool gemini = target.model.find("gemini") != std::string_view::npos;
  if (!embeds) return 0;
  return gemini || by_content(target) ? 1 : 250;
}

// RETRIEVAL_QUERY, CLASSIFICATION, ...
std::string task_type(std::string type) {
  if (type == "document") return "RETRIEVAL_DOCUMENT";
  if (type == "query") return "RETRIEVAL_QUERY";
  std::ranges::transform(type, type.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return type;
}

void write_content(const EmbeddingRequest& request, JsonWriter& out) {
  out.begin_object("content");
  out.begin_array("parts");
  out.begin_object();
  out.string("text", request.inputs.front());
  out.end_object();
  out.end_array();
  out.end_object();
  if (!request.input_type.empty()) out.string("taskType", task_type(request.input_type));
  if (request.dimensions) out.number("outputDimensionality", *request.dimensions);
}

void write_instances(const EmbeddingRequest& request, JsonWriter& out) {
  out.begin_array("instances");
  for (const std::string& text : request.inputs) {
    out.begin_object();
    out.string("content", text);
    if (!request.input_type.empty()) out.string("task_type", task_type(request.input_type));
    out.end_object();
  }
  out.end_array();
  if (!request.dimensions) return;
  out.begin_object("parameters");
  out.number("outputDimensionality", *request.dimensions);
  out.end_object();
}

Result<DialectCall> encode(const EmbeddingRequest& request, const EmbeddingTarget& target) {
  const bool content = by_content(target);
  JsonWriter out;
  out.begin_object();
  if (content)
    write_content(request, out);
  else
    write_instances(request, out);
  out.end_object();
  DialectCall call;
  call.path = target.model.find('/') == std::string_view::npos ? "/models/" : "/";
  call.path += url_encode(target.model, "/");
  call.path += content ? ":embedContent" : ":predict";
  call.headers = {{"content-type", "application/json"}, {"accept", "application/json"}};
  call.body = out.take();
  return call;
}

class AnswerWalk {
 public:
  explicit AnswerWalk(std::string_view body) : reader_(body) {}

  Result<EmbeddingAnswer> run() {
    object([this](std::string_view key) {
      if (key == "predictions" && reader_.peek() == Kind::array)
        predictions();
      else if (key == "embedding")
        embedding();
      else if (key == "usageMetadata")
        count("promptTokenCount");
      else
        skip();
    });
    if (!good_ || !reader_.at_end()) return upstream_garbage();
    return std::move(answer_);
  }

 private:
  void predictions() {
    reader_.enter_array();
    while (good_ && reader_.next_element())
      object([this](std::string_view key) { key == "embeddings" ? embedding() : skip(); });
  }

  // {"values":[...],"statistics":{"token_count":5}}
  void embedding() {
    object([this](std::string_view key) {
      if (key == "values" && reader_.peek() == Kind::array)
        values();
      else if (key == "statistics")
        count("token_count");
      else
        skip();
    });
  }

  void values() {
    auto vector = read_vector(reader_);
    good_ = good_ && vector.has_value();
    if (vector) answer_.vectors.push_back(*std::move(vector));
  }

  void count(std::string_view name) {
    object([this, name](std::string_view key) {
      if (key != name) return skip();
      const std::int64_t tokens = read_count(reader_);
      if (tokens >= 0) answer_.tokens = std::max<std::int64_t>(answer_.tokens, 0) + tokens;
    });
  }

  template <class Member>
  void object(const Member& member) {
    if (reader_.peek() != Kind::object) return skip();
    reader_.enter_object();
    while (good_ && reader_.next_member()) member(reader_.key());
  }

  void skip() { reader_.skip(); }

  JsonReader reader_;
  EmbeddingAnswer answer_;
  bool good_ = true;
};

Result<EmbeddingAnswer> decode(std::string_view body, std::string_view /*token_count*/) {
  if (!valid_utf8(body)) return upstream_garbage();
  return AnswerWalk(body).run();
}

}  // namespace

constinit const EmbeddingDialect kGeminiEmbeddings{batch, encode, decode};

}  // namespace tollgate::providers
