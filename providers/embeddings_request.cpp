// POST /v1/embeddings, request side (OpenAI API reference, embeddings/create).
#include <utility>

#include "providers/canonical_reading.h"
#include "providers/embedding.h"
#include "providers/identity/url_text.h"
#include "providers/request_reader.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

class RequestWalk {
 public:
  RequestWalk(std::string_view body, bool model_elsewhere) : request_(body), model_elsewhere_(model_elsewhere) {}

  Result<CallIndex> run() {
    const auto take = [this](std::string_view key) { return member(key); };
    if (!request_.whole(take) || !request_.names_model(model_elsewhere_)) return request_.why();
    if (!has_input_ && !request_.missing("input")) return request_.why();
    request_.index.max_tokens = 0;  // nothing is generated
    return std::move(request_.index);
  }

 private:
  bool member(std::string_view key) {
    if (key == "model") return request_.model();
    if (key == "input") return has_input_ = input();
    if (key == "user") return request_.optional_text(Role::other);
    if (key == "encoding_format") return encoding_format();
    if (key == "dimensions") {
      std::optional<std::int64_t> dimensions;
      return request_.integer("dimensions", 1'000'000, dimensions);
    }
    return request_.skip();
  }

  bool input() {
    if (json_.peek() == Kind::string) return input_text("input");
    if (json_.peek() != Kind::array) return request_.wrong_type("input", "a string or an array");
    std::size_t count = 0;
    const bool good = request_.elements([&] {
      if (count == kMaxInputs)
        return request_.refuse("invalid_value", "input",
                               "'input' is too long: it may hold at most " + std::to_string(kMaxInputs) + " items.");
      return element(count++);
    });
    if (!good) return false;
    return count > 0 || request_.refuse("empty_array", "input", "'input' is an empty array: send at least one text.");
  }

  // A text, a token, or a list of tokens. Tokens are text that no scanner reads.
  bool element(std::size_t position) {
    const std::string name = "input[" + std::to_string(position) + "]";
    if (json_.peek() == Kind::string) return input_text(name);
    if (json_.peek() != Kind::number && json_.peek() != Kind::array)
      return request_.wrong_type(name, "a string or an array of integers");
    return request_.opaque();
  }

  bool input_text(const std::string& name) {
    if (!request_.text()) return false;
    if (request_.index.texts.back().span.length > 0) return true;
    return request_.refuse("invalid_value", name, "'" + name + "' is an empty string: send at least one character.");
  }

  bool encoding_format() {
    if (json_.null()) return true;
    if (json_.peek() != Kind::string) return request_.wrong_type("encoding_format", "a string");
    const std::string word = json_.decode(json_.string());
    if (!json_.ok()) return false;
    request_.index.base64 = word == "base64";
    if (word == "base64" || word == "float") return true;
    return request_.refuse("invalid_value", "encoding_format", "'encoding_format' must be float or base64.");
  }

  static constexpr std::size_t kMaxInputs = 300'000;  // a list of tokens is one input

  RequestReader request_;
  JsonReader& json_ = request_.json;
  bool model_elsewhere_;
  bool has_input_ = false;
};

Status read_input(Reading& reading, std::vector<std::string>& inputs) {
  const auto one = [&]() -> Status {
    if (reading.in.peek() != Kind::string)
      return invalid_value("input",
                           "'input' has to be text for this model: token arrays belong to OpenAI's tokenizers. Send "
                           "strings.");
    if (inputs.size() == kMaxEmbeddingInputs)
      return invalid_value("input", "'input' is too long: it may hold at most 2048 texts.");
    return read_string(reading, "input", inputs.emplace_back());
  };
  return reading.in.peek() == Kind::array ? read_array(reading, "input", one) : one();
}

Status read_dimensions(Reading& reading, std::optional<std::int64_t>& dimensions) {
  if (reading.in.null()) return {};
  dimensions = reading.in.integer();
  return {};
}

// One word: no place for text that no scanner reads.
Status read_input_type(Reading& reading, std::string& type) {
  TG_CHECK(read_string(reading, "input_type", type));
  if (type.empty() || (type.size() <= 32 && is_word(type, "_"))) return {};
  return invalid_value("input_type", "'input_type' must be one word, such as query or document.");
}

}  // namespace

Result<Call> decode_embeddings_request(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode_request<RequestWalk>(Api::embeddings, std::move(body), std::move(path_model));
}

Result<EmbeddingRequest> read_embeddings(std::string_view body) {
  Reading reading(body);
  EmbeddingRequest out;
  TG_CHECK(read_request(reading, [&](const std::string& key) -> Status {
    if (key == "input") return read_input(reading, out.inputs);
    if (key == "dimensions") return read_dimensions(reading, out.dimensions);
    if (key == "input_type") return read_input_type(reading, out.input_type);
    return skip_value(reading);
  }));
  if (out.inputs.empty()) return invalid_value("input", "'input' holds no text.");
  return out;
}

}  // namespace tollgate::providers
