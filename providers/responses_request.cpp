// POST /v1/responses, request side (OpenAI API reference, responses/create): one strict walk that indexes what policy
// looks at. Members nobody here interprets are checked as JSON and left alone.
#include <utility>

#include "providers/responses.h"
#include "providers/responses_items.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// Every step returns false once the request is refused.
class RequestWalk {
 public:
  RequestWalk(std::string_view body, bool model_elsewhere) : request_(body), model_elsewhere_(model_elsewhere) {}

  Result<CallIndex> run() {
    index_.include_usage = true;  // it always is
    const auto take = [this](std::string_view key) { return member(key); };
    if (request_.whole(take) && request_.names_model(model_elsewhere_) && complete()) return std::move(request_.index);
    return request_.why();
  }

 private:
  bool member(std::string_view key) {
    if (key == "model") return request_.model();
    if (key == "input") return has_input_ = read_input(request_);
    if (key == "instructions") return instructions();
    if (key == "stream") return request_.boolean("stream", index_.stream);
    if (key == "stream_options") return stream_options();
    if (key == "max_output_tokens") return request_.max_tokens(std::string(key));
    if (key == "tools") return tools();
    if (key == "text") return object_of("text", [this](std::string_view inner) { return text_member(inner); });
    if (key == "metadata") return metadata();
    if (key == "user" || key == "safety_identifier" || key == "prompt_cache_key")
      return request_.optional_text(Role::other);
    if (key == "store") return store();
    return stateful(std::string(key));
  }

  // Walks the object that is the value of a named member; null is none.
  template <class Take>
  bool object_of(std::string_view name, const Take& take) {
    return json_.null() || request_.object_of(name, take);
  }

  bool instructions() {
    if (json_.null()) return true;
    if (json_.peek() != Kind::string) return request_.wrong_type("instructions", "a string");
    return request_.text(Role::system);
  }

  bool stream_options() {
    json_.peek();  // passes over white space
    const std::uint32_t begin = json_.offset();
    if (!object_of("stream_options", [this](std::string_view) { return request_.skip(); })) return false;
    index_.stream_options = Span{begin, json_.offset() - begin};
    return true;
  }

  bool metadata() {
    return object_of("metadata", [this](std::string_view) { return request_.all_texts(Role::other); });
  }

  // People write descriptions, examples and defaults into schemas; names, which the answer calls by, stay.
  bool tools() {
    if (json_.null()) return true;
    if (json_.peek() != Kind::array) return request_.wrong_type("tools", "an array of objects");
    return request_.list(
        "tools", [this] { return request_.object("", [this](std::string_view key) { return named_member(key); }); });
  }

  bool named_member(std::string_view key) {
    return key == "name" || key == "type" ? request_.skip() : request_.all_texts(Role::other);
  }

  bool text_member(std::string_view key) {
    if (key != "format" || json_.peek() != Kind::object) return request_.skip();
    return object_of("text.format", [this](std::string_view inner) { return named_member(inner); });
  }

  // The gateway keeps nothing, and no provider is asked to.
  bool store() {
    json_.peek();  // passes over white space
    const std::uint32_t begin = json_.offset();
    bool wanted = true;
    if (!request_.boolean("store", wanted)) return false;
    index_.store = Span{begin, json_.offset() - begin};
    return true;
  }

  bool stateful(const std::string& name) {
    if (name == "background") {
      bool wanted = false;
      if (!request_.boolean(name, wanted)) return false;
      return !wanted || refuse_state(request_, name, "Leave it out and wait for the answer, or set 'stream'.");
    }
    const bool told = json_.peek() != Kind::null;
    if (told && (name == "previous_response_id" || name == "conversation"))
      return refuse_state(request_, name,
                          "Send the whole conversation in 'input', with the output items of earlier answers as they "
                          "came.");
    if (told && name == "prompt")
      return refuse_state(request_, name, "Send the prompt's text in 'instructions' and 'input'.");
    return request_.skip();
  }

  bool complete() { return (has_input_ || request_.missing("input")) && request_.stream_options_apply(); }

  RequestReader request_;
  JsonReader& json_ = request_.json;
  CallIndex& index_ = request_.index;
  bool model_elsewhere_;
  bool has_input_ = false;
};

}  // namespace

Result<Call> decode_responses_request(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode_request<RequestWalk>(Api::responses, std::move(body), std::move(path_model));
}

}  // namespace tollgate::providers
