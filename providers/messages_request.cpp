// POST /v1/messages, request side (Anthropic API reference, messages/create, version 2023-06-01): one strict walk that
// indexes what policy looks at. Members nobody here knows are checked as JSON, and their strings are texts.
#include "providers/messages_request.h"

#include <algorithm>
#include <array>
#include <limits>

#include "providers/messages_blocks.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// Values that the API defines.
constexpr std::array<std::string_view, 8> kSettings = {"cache_control", "container",    "context_management",
                                                       "speed",         "service_tier", "inference_geo",
                                                       "thinking",      "tool_choice"};

// Every step returns false once the request is refused.
class RequestWalk {
 public:
  RequestWalk(std::string_view body, bool model_elsewhere, bool capped)
      : request_(body), model_elsewhere_(model_elsewhere), capped_(capped) {}

  Result<CallIndex> run() {
    index_.include_usage = true;  // this API always tells
    if (request_.whole([this](std::string_view key) { return member(key); }) && complete())
      return std::move(request_.index);
    return request_.why();
  }

 private:
  bool member(std::string_view key) {
    if (key == "model") return request_.model();
    if (key == "messages") return has_messages_ = messages();
    if (key == "max_tokens") return max_tokens();
    if (key == "stream") return request_.boolean("stream", index_.stream);
    if (key == "system") return system();
    if (key == "tools") return tools();
    if (key == "mcp_servers") return request_.opaque();  // addresses and tokens that only the provider can use
    const bool setting = std::find(kSettings.begin(), kSettings.end(), key) != kSettings.end();
    return setting ? request_.skip() : read_prose(request_, Role::other);
  }

  // 0 fills the provider's prompt cache and answers nothing.
  bool max_tokens() {
    if (json_.peek() != Kind::number) return request_.wrong_type("max_tokens", "an integer");
    const auto value = json_.integer();
    if (!json_.ok()) return false;
    if (!value || *value < 0 || *value > std::numeric_limits<std::int32_t>::max())
      return request_.refuse("invalid_value", "max_tokens", "'max_tokens' must be an integer of at least 1.");
    index_.max_tokens = value;
    return true;
  }

  bool system() {
    const std::size_t first = index_.texts.size();
    const bool good = json_.peek() == Kind::array ? request_.list("system", [this] { return system_block(); })
                                                  : json_.null() || system_text();
    for (std::size_t i = first; i < index_.texts.size(); ++i) index_.texts[i].role = Role::system;
    return good;
  }

  bool system_text() {
    return json_.peek() == Kind::string ? request_.text() : request_.wrong_type("system", "a string or an array");
  }

  bool system_block() {
    if (json_.peek() != Kind::object) return request_.wrong_type("", "an object");
    bool has_text = false;
    const bool good = request_.object("", [&](std::string_view key) {
      has_text = has_text || (key == "text" && json_.peek() == Kind::string);
      return key == "type" || key == "cache_control" ? request_.skip() : read_prose(request_, Role::system);
    });
    return good && (has_text || request_.missing("text"));
  }

  // People write descriptions, examples and defaults into schemas; names, which the answer calls by, stay.
  bool tools() {
    if (json_.peek() != Kind::array) return json_.null() || request_.wrong_type("tools", "an array of objects");
    return request_.list("tools", [this] {
      return request_.object("", [this](std::string_view key) {
        const bool schema = key == "input_schema" || key == "input_examples" || key == "description";
        if (schema) return request_.all_texts(Role::other);
        const bool name = key == "name" || key == "type" || key == "cache_control" || key == "allowed_callers";
        return name ? request_.skip() : read_prose(request_, Role::other);
      });
    });
  }

  bool messages() {
    return request_.filled_list("messages", "message", [this] { return message(); });
  }

  bool message() {
    std::optional<Role> role;
    bool has_content = false;
    const std::size_t first = index_.texts.size();
    const bool good = request_.object("", [&](std::string_view key) {
      if (key == "role") return role_member(role);
      has_content = has_content || key == "content";
      return key == "content" ? read_block_content(request_) : read_prose(request_, Role::user);
    });
    if (!good) return false;
    if (!role) return request_.missing("role");
    if (!has_content) return request_.missing("content");
    request_.give_role(*role, first);
    return true;
  }

  bool role_member(std::optional<Role>& role) {
    if (json_.peek() != Kind::string) return request_.wrong_type("role", "a string");
    const std::string name = json_.decode(json_.string());
    if (!json_.ok()) return false;
    if (name == "user") role = Role::user;
    if (name == "assistant") role = Role::assistant;
    if (name == "system") role = Role::system;
    const std::string path = request_.place.path("role");
    return role || request_.refuse("invalid_value", path, "'" + path + "' must be user, assistant or system.");
  }

  bool complete() {
    if (!request_.names_model(model_elsewhere_)) return false;
    if (!has_messages_) return request_.missing("messages");
    return !capped_ || index_.max_tokens || request_.missing("max_tokens");
  }

  RequestReader request_;
  JsonReader& json_ = request_.json;
  CallIndex& index_ = request_.index;
  bool model_elsewhere_;
  bool capped_;
  bool has_messages_ = false;
};

struct MessagesWalk : RequestWalk {
  MessagesWalk(std::string_view body, bool model_elsewhere) : RequestWalk(body, model_elsewhere, true) {}
};

struct CountWalk : RequestWalk {
  CountWalk(std::string_view body, bool model_elsewhere) : RequestWalk(body, model_elsewhere, false) {}
};

}  // namespace

Result<Call> decode_messages_request(std::shared_ptr<const std::string> body, std::string path_model) {
  return decode_request<MessagesWalk>(Api::messages, std::move(body), std::move(path_model));
}

Result<Call> decode_count_tokens_request(std::shared_ptr<const std::string> body, std::string path_model) {
  auto call = decode_request<CountWalk>(Api::count_tokens, std::move(body), std::move(path_model));
  if (call) call->index.stream = false;  // the answer never is one
  return call;
}

}  // namespace tollgate::providers
