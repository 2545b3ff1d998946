// embedContent and batchEmbedContents for callers (Gemini API reference, embeddings; Vertex AI's embedContent has the
// settings in `embedContentConfig`).
#include <algorithm>
#include <utility>

#include "providers/embedding.h"
#include "providers/gemini_call.h"
#include "providers/identity/url_text.h"
#include "providers/json_writer.h"
#include "providers/request_reader.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// Request side: what people wrote is indexed, settings are left alone.
class EmbedWalk {
 public:
  EmbedWalk(std::string_view body, bool /*model_elsewhere*/) : request_(body) {}

  Result<CallIndex> run() {
    const auto take = [this](std::string_view key) { return camel_case(key) == "requests" ? requests() : member(key); };
    if (!request_.whole(take)) return request_.why();
    if (!has_content_ && !request_.missing("content")) return request_.why();
    request_.index.max_tokens = 0;  // nothing is generated
    return std::move(request_.index);
  }

 private:
  bool requests() {
    if (json_.peek() != Kind::array) return request_.wrong_type("requests", "an array of objects");
    return request_.elements(
        [this] { return request_.object("requests", [this](std::string_view key) { return member(key); }); });
  }

  bool member(std::string_view key) {
    const std::string name = camel_case(key);
    if (name == "content") return has_content_ = content();
    if (name == "title") return request_.optional_text(Role::other);
    if (name == "embedContentConfig")
      return request_.object("embedContentConfig", [this](std::string_view inner) { return member(inner); });
    return request_.skip();
  }

  bool content() {
    return request_.object("content", [this](std::string_view key) { return key == "parts" ? parts() : skip(); });
  }

  bool parts() {
    if (json_.peek() != Kind::array) return request_.wrong_type("parts", "an array of objects");
    return request_.elements([this] {
      return request_.object("parts", [this](std::string_view key) {
        return key == "text" ? request_.optional_text() : request_.opaque();
      });
    });
  }

  bool skip() { return request_.skip(); }

  RequestReader request_;
  JsonReader& json_ = request_.json;
  bool has_content_ = false;
};

// The scrubbed body, as embeddings are asked for everywhere.
class EmbedReading {
 public:
  explicit EmbedReading(std::string_view body) : reading_(body) {}

  Result<EmbeddingRequest> run() {
    TG_CHECK(read_request(reading_, [this](const std::string& key) -> Status {
      if (camel_case(key) != "requests") return member(key);
      return read_array(reading_, "requests", [this]() -> Status { return request(); });
    }));
    if (!text_.empty()) out_.inputs.push_back(std::move(text_));
    if (out_.inputs.empty()) return invalid_value("content", "'content' holds no text.");
    return std::move(out_);
  }

 private:
  Status request() {
    text_.clear();
    TG_CHECK(read_object(reading_, "requests", [this](const std::string& key) { return member(key); }));
    if (text_.empty()) return invalid_value("requests", "Each of 'requests' has to have a 'content' with text.");
    if (out_.inputs.size() == kMaxEmbeddingInputs)
      return invalid_value("requests", "'requests' is too long: it may hold at most 2048.");
    out_.inputs.push_back(std::move(text_));
    return {};
  }

  Status member(const std::string& key) {
    const std::string name = camel_case(key);
    if (name == "content") return content();
    if (name == "taskType") return task_type();
    if (name == "outputDimensionality") return dimensions();
    if (name == "embedContentConfig")
      return read_object(reading_, name, [this](const std::string& inner) { return member(inner); });
    if (name != "model") lost(name);
    return skip_value(reading_);
  }

  Status content() {
    return read_object(reading_, "content", [this](const std::string& key) -> Status {
      if (key != "parts") return skip_value(reading_);
      return read_array(reading_, "parts", [this]() -> Status {
        return read_object(reading_, "parts", [this](const std::string& inner) { return part(inner); });
      });
    });
  }

  // The parts of one content are embedded together.
  Status part(const std::string& key) {
    if (key != "text") return only_at_google("content", "Embeddings of anything but text");
    std::string text;
    TG_CHECK(read_string(reading_, "text", text));
    if (!text_.empty() && !text.empty()) text_ += '\n';
    text_ += text;
    return {};
  }

  // RETRIEVAL_QUERY, CLASSIFICATION, ...
  Status task_type() {
    std::string type;
    TG_CHECK(read_string(reading_, "taskType", type));
    if (type.size() > 32 || !(type.empty() || is_word(type, "_")))
      return invalid_value("taskType", "'taskType' must be one word, such as RETRIEVAL_QUERY.");
    std::ranges::transform(type, type.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (type == "retrieval_query") type = "query";
    if (type == "retrieval_document") type = "document";
    return same("taskType", std::move(type), out_.input_type);
  }

  Status dimensions() {
    std::optional<std::int64_t> number;
    TG_CHECK(read_integer(reading_, "outputDimensionality", 1, 1'000'000, number));
    return same("outputDimensionality", number, out_.dimensions);
  }

  // Other APIs have one setting for all texts of a call.
  template <class Value>
  Status same(std::string_view name, Value value, Value& all) {
    if (!out_.inputs.empty() && value != all)
      return invalid_value(std::string(name),
                           "'" + std::string(name) + "' has to be the same in all requests of a call.");
    all = std::move(value);
    return {};
  }

  void lost(const std::string& name) {
    if (std::ranges::find(out_.lossy, name) == out_.lossy.end()) out_.lossy.push_back(name);
  }

  Reading reading_;
  EmbeddingRequest out_;
  std::string text_;  // of the content under way
};

class GeminiEmbeddingsEncoder final : public ClientEncoder {
 public:
  explicit GeminiEmbeddingsEncoder(bool batch) : batch_(batch) {}

  void write(const Batch& batch, const std::vector<bool>& /*changed*/, std::string& /*out*/) override {
    for (const Event& event : batch.events) {
      if (event.kind == Event::Kind::embedding) vectors_.push_back(event.text);
      if (event.kind == Event::Kind::usage) usage_ = event.usage;
    }
  }

  // Nothing is generated, so there is no text.
  void write_text(std::uint32_t, std::uint32_t, Event::Kind, std::string_view, std::string&) override {}

  void finish(std::string& out) override {
    JsonWriter json;
    json.begin_object();
    if (batch_) json.begin_array("embeddings");
    for (const std::string& vector : vectors_) {
      batch_ ? json.begin_object() : json.begin_object("embedding");
      write_numbers("values", vector, json);
      json.end_object();
    }
    if (batch_) json.end_array();
    if (usage_.input >= 0) {
      json.begin_object("usageMetadata");
      json.number("promptTokenCount", usage_.input);
      json.number("totalTokenCount", usage_.input);
      json.end_object();
    }
    json.end_object();
    out += json.take();
  }

  // Plain calls only: their errors are bodies of their own.
  void fail(const Error&, std::string&) override {}

 private:
  bool batch_;
  std::vector<std::string> vectors_;
  Usage usage_;
};

}  // namespace

Result<Call> decode_gemini_embed_call(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode_request<EmbedWalk>(Api::gemini_embed, std::move(body), std::move(path_model));
}

Result<Call> decode_gemini_embed_batch_call(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode_request<EmbedWalk>(Api::gemini_embed_batch, std::move(body), std::move(path_model));
}

Result<EmbeddingRequest> read_gemini_embed(std::string_view body) { return EmbedReading(body).run(); }

std::unique_ptr<ClientEncoder> gemini_embed_encoder(EncoderOptions options) {
  return std::make_unique<GeminiEmbeddingsEncoder>(options.call->api == Api::gemini_embed_batch);
}

}  // namespace tollgate::providers
