// POST /v1/chat/completions, request side (OpenAI API reference): one strict walk that indexes what policy looks at.
// Members nobody here interprets are checked as JSON and left alone.
#include <utility>

#include "providers/chat_messages.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// Every step returns false once the request is refused.
class RequestWalk {
 public:
  RequestWalk(std::string_view body, bool model_elsewhere) : request_(body), model_elsewhere_(model_elsewhere) {}

  Result<CallIndex> run() {
    const auto take = [this](std::string_view key) { return member(key); };
    if (request_.whole(take) && request_.names_model(model_elsewhere_) && complete()) return std::move(request_.index);
    return request_.why();
  }

 private:
  bool member(std::string_view key) {
    if (key == "model") return request_.model();
    if (key == "messages") return has_messages_ = read_messages(request_);
    if (key == "stream") return request_.boolean("stream", request_.index.stream);
    if (key == "stream_options") return request_.stream_options();
    if (key == "n") return request_.number_of_choices();
    if (key == "max_tokens" || key == "max_completion_tokens") return request_.max_tokens(std::string(key));
    if (key == "user" || key == "safety_identifier" || key == "prompt_cache_key")
      return request_.optional_text(Role::other);
    if (key == "metadata") return metadata();
    if (key == "tools" || key == "functions") return definitions(key == "tools");
    if (key == "response_format") return response_format();
    if (key == "stop") return request_.all_texts(Role::other);
    if (key == "prediction") return prediction();
    return request_.skip();
  }

  bool metadata() {
    if (json_.null()) return true;
    return request_.object_of("metadata", [this](std::string_view) { return request_.all_texts(Role::other); });
  }

  // tools[], or the legacy functions[]. People write descriptions, examples and defaults into schemas; names, which the
  // answer calls by, stay.
  bool definitions(bool tools) {
    if (json_.peek() != Kind::array) return request_.skip();
    return request_.list(tools ? "tools" : "functions", [&] {
      return request_.object("", [&](std::string_view key) { return tools ? tool_member(key) : named_member(key); });
    });
  }

  bool tool_member(std::string_view key) {
    if (key == "function") return named("function");
    return key == "custom" ? named("custom") : typed_member(key);
  }

  bool response_format() {
    if (json_.peek() != Kind::object) return request_.skip();
    return request_.object_of("response_format", [this](std::string_view key) {
      return key == "json_schema" ? named("json_schema") : typed_member(key);
    });
  }

  // An object with a `name`, such as a function's definition.
  bool named(std::string_view member) {
    if (json_.peek() != Kind::object) return request_.skip();
    return request_.object_of(member, [this](std::string_view key) { return named_member(key); });
  }

  bool named_member(std::string_view key) { return key == "name" ? request_.skip() : request_.all_texts(Role::other); }
  bool typed_member(std::string_view key) { return key == "type" ? request_.skip() : request_.all_texts(Role::other); }

  // Text the caller expects back; it goes to the provider like any message.
  bool prediction() {
    if (json_.peek() != Kind::object) return request_.skip();
    return request_.object_of("prediction", [this](std::string_view key) {
      return key == "content" ? read_content(request_) : request_.skip();
    });
  }

  bool complete() { return (has_messages_ || request_.missing("messages")) && request_.stream_options_apply(); }

  RequestReader request_;
  JsonReader& json_ = request_.json;
  bool model_elsewhere_;
  bool has_messages_ = false;
};

}  // namespace

Result<Call> decode_chat_request(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode_request<RequestWalk>(Api::chat, std::move(body), std::move(path_model));
}

}  // namespace tollgate::providers
