// POST /v1/chat/completions, request side (OpenAI API reference): one strict walk that indexes what policy looks at.
// Members nobody here interprets are checked as JSON and left alone.
#include <limits>
#include <utility>

#include "providers/json_reader.h"
#include "providers/key_stack.h"
#include "providers/request_place.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

std::optional<Role> role_of(std::string_view name) {
  if (name == "user") return Role::user;
  if (name == "assistant") return Role::assistant;
  if (name == "system" || name == "developer") return Role::system;
  if (name == "tool" || name == "function") return Role::tool;
  return std::nullopt;
}

// Every step returns false once error_ is set or the reader is at fault.
class RequestWalk {
 public:
  explicit RequestWalk(std::string_view body) : reader_(body) {}

  Result<ChatIndex> run() {
    const bool good = top_level() && ended() && complete();
    if (good) return std::move(index_);
    if (error_) return *std::move(error_);
    return syntax_error();
  }

 private:
  bool refuse(std::string code, std::string param, std::string message) {
    if (reader_.ok() && !error_)
      error_ = Error{.kind = ErrorKind::invalid_request,
                     .message = std::move(message),
                     .code = std::move(code),
                     .param = std::move(param),
                     .retryable = false};
    return false;
  }

  Error syntax_error() const {
    return Error{.kind = ErrorKind::invalid_request,
                 .message = "The request body is not valid JSON: " + std::string(reader_.fault()) + " (at byte " +
                            std::to_string(reader_.offset()) + "). Send one JSON object.",
                 .code = "invalid_json",
                 .retryable = false};
  }

  bool wrong_type(std::string_view member, std::string_view wanted) {
    const Kind found = reader_.peek();
    if (found == Kind::none) return reader_.skip().length != 0;  // sets the reader's fault: not a type, not JSON
    return refuse("invalid_type", place_.path(member),
                  "Invalid type for '" + place_.path(member) + "': expected " + std::string(wanted) + ", but got " +
                      std::string(name_of(found)) + ".");
  }

  bool missing(std::string_view member) {
    const std::string path = place_.path(member);
    return refuse("missing_required_parameter", path, "Missing required parameter: '" + path + "'. Add it.");
  }

  // Walks one object's members, refusing a key that comes twice.
  template <class Member>
  bool object(std::string_view name, Member&& member) {
    if (reader_.peek() != Kind::object) return wrong_type(name, "an object");
    KeyStack::Scope scope(keys_);
    reader_.enter_object();
    while (reader_.next_member()) {
      if (!fresh_key(name)) return false;
      if (!member(reader_.key())) return false;
    }
    return reader_.ok();
  }

  bool fresh_key(std::string_view name) {
    const auto verdict = keys_.add(reader_);
    if (verdict == KeyStack::Verdict::fresh) return true;
    const std::string path = place_.path(name);
    const std::string where = path.empty() ? "the request" : "'" + path + "'";
    if (verdict == KeyStack::Verdict::too_many)
      return refuse("invalid_value", path, "Too many members in " + where + ": at most 128 are read.");
    return refuse("duplicate_key", path,
                  "A key comes twice in " + where + " (at byte " + std::to_string(reader_.key_offset()) +
                      "). Send each key once.");
  }

  bool skip() {
    reader_.skip();
    return reader_.ok();
  }

  // --- top level ---

  bool top_level() {
    if (reader_.peek() != Kind::object) {
      if (!skip()) return false;
      return refuse("invalid_type", "", "The request body must be one JSON object.");
    }
    index_.first_member = {reader_.offset() + 1, 0};
    return object("", [this](std::string_view key) { return member(key); });
  }

  bool member(std::string_view key) {
    if (key == "model") return model();
    if (key == "messages") return messages();
    if (key == "stream") return boolean("stream", index_.stream);
    if (key == "stream_options") return stream_options();
    if (key == "n") return number_of_choices();
    if (key == "max_tokens" || key == "max_completion_tokens") return max_tokens(std::string(key));
    if (key == "user" || key == "safety_identifier") return optional_text(Role::other);
    if (key == "metadata") return metadata();
    if (key == "tools" || key == "functions") return definitions(key == "tools");
    if (key == "prediction") return prediction();
    return skip();
  }

  bool model() {
    if (reader_.peek() != Kind::string) return wrong_type("model", "a string");
    const JsonString name = reader_.string();
    if (!reader_.ok()) return false;
    if (name.inside.length == 0)
      return refuse("invalid_value", "model", "'model' is empty: name one. GET /v1/models lists what you may use.");
    index_.model = name.quoted();
    index_.model_name = reader_.decode(name);
    return true;
  }

  bool boolean(std::string_view name, bool& value) {
    if (reader_.null()) return true;
    if (reader_.peek() != Kind::boolean) return wrong_type(name, "a boolean");
    value = reader_.boolean();
    return reader_.ok();
  }

  bool stream_options() {
    const Kind kind = reader_.peek();
    const std::uint32_t begin = reader_.offset();
    place_.object = "stream_options";
    bool good = kind == Kind::null ? reader_.null() : object("", [this](std::string_view key) {
      if (key != "include_usage") return skip();
      reader_.peek();
      const std::uint32_t value = reader_.offset();
      if (!boolean(key, index_.include_usage)) return false;
      index_.include_usage_value = Span{value, reader_.offset() - value};
      return true;
    });
    place_.object = {};
    index_.stream_options = Span{begin, reader_.offset() - begin};
    has_stream_options_ = kind == Kind::object;
    return good;
  }

  bool bounded_integer(const std::string& name, std::int64_t max, std::optional<std::int64_t>& out) {
    if (reader_.null()) return true;
    if (reader_.peek() != Kind::number) return wrong_type(name, "an integer");
    out = reader_.integer();
    if (!reader_.ok()) return false;
    if (!out) return refuse("invalid_type", name, "Invalid value for '" + name + "': expected an integer that fits.");
    if (*out < 1) return refuse("integer_below_min_value", name, "'" + name + "' is too small: it must be at least 1.");
    if (*out > max)
      return refuse("integer_above_max_value", name,
                    "'" + name + "' is too large: it must be at most " + std::to_string(max) + ".");
    return true;
  }

  bool number_of_choices() {
    std::optional<std::int64_t> n;
    if (!bounded_integer("n", 128, n)) return false;
    index_.n = n.value_or(1);
    return true;
  }

  bool max_tokens(const std::string& name) {
    std::optional<std::int64_t> value;
    if (!bounded_integer(name, std::numeric_limits<std::int32_t>::max(), value)) return false;
    if (value) index_.max_tokens = std::max(index_.max_tokens.value_or(0), *value);
    return true;
  }

  bool metadata() {
    if (reader_.null()) return true;
    place_.object = "metadata";
    const bool good = object("", [this](std::string_view) { return optional_text(Role::other); });
    place_.object = {};
    return good;
  }

  // tools[].function, tools[].custom, or the legacy functions[]: only the description is text a person wrote.
  bool definitions(bool tools) {
    if (reader_.peek() != Kind::array) return skip();
    place_.list = tools ? "tools" : "functions";
    reader_.enter_array();
    while (reader_.next_element()) {
      ++place_.item;
      if (reader_.peek() != Kind::object ? !wrong_type("", "an object") : !definition(tools)) return false;
    }
    place_ = {};
    return reader_.ok();
  }

  bool definition(bool tool) {
    return object("", [this, tool](std::string_view key) {
      if (!tool && key == "description") return optional_text(Role::other);
      if (!tool || (key != "function" && key != "custom") || reader_.peek() != Kind::object) return skip();
      place_.object = key == "function" ? "function" : "custom";
      const bool good = object(
          "", [this](std::string_view inner) { return inner == "description" ? optional_text(Role::other) : skip(); });
      place_.object = {};
      return good;
    });
  }

  // Text the caller expects back; it goes to the provider like any message.
  bool prediction() {
    if (reader_.peek() != Kind::object) return skip();
    place_.object = "prediction";
    const bool good = object("", [this](std::string_view key) { return key == "content" ? content() : skip(); });
    place_.object = {};
    return good;
  }

  // --- messages ---

  bool messages() {
    if (reader_.peek() != Kind::array) return wrong_type("messages", "an array of objects");
    reader_.enter_array();
    while (reader_.next_element()) {
      ++place_.item;
      if (!message()) return false;
    }
    if (!reader_.ok()) return false;
    if (place_.item == Place::kNone)
      return refuse("empty_array", "messages", "'messages' is empty: send at least one message.");
    place_ = {};
    has_messages_ = true;
    return true;
  }

  bool message() {
    std::optional<Role> role;
    const std::size_t first_text = index_.texts.size();
    const bool good = object("", [this, &role](std::string_view key) { return message_member(key, role); });
    if (!good) return false;
    if (!role) return missing("role");
    for (std::size_t i = first_text; i < index_.texts.size(); ++i) index_.texts[i].role = *role;
    return true;
  }

  bool message_member(std::string_view key, std::optional<Role>& role) {
    if (key == "role") return message_role(role);
    if (key == "content") return content();
    // reasoning texts are extras that several servers want back from the caller
    if (key == "name" || key == "refusal" || key == "reasoning_content" || key == "reasoning") return optional_text();
    if (key == "thinking_blocks") return thinking_blocks();
    if (key == "tool_calls") return tool_calls();
    if (key == "function_call") return called_function("function_call");
    if (key == "audio") return opaque();
    return skip();
  }

  bool message_role(std::optional<Role>& role) {
    if (reader_.peek() != Kind::string) return wrong_type("role", "a string");
    const JsonString name = reader_.string();
    role = role_of(reader_.decode(name));
    if (role || !reader_.ok()) return reader_.ok();
    const std::string path = place_.path("role");
    return refuse("invalid_value", path,
                  "'" + path + "' must be one of system, developer, user, assistant, tool and function.");
  }

  bool content() {
    switch (reader_.peek()) {
      case Kind::null:
        return reader_.null();
      case Kind::string:
        return text(false);
      case Kind::array:
        return parts();
      default:
        return wrong_type("content", "a string, an array of parts, or null");
    }
  }

  bool parts() {
    const Place outer = std::exchange(place_, inner_place("content"));
    reader_.enter_array();
    while (reader_.next_element()) {
      ++place_.inner_item;
      if (!part()) return false;
    }
    place_ = outer;
    return reader_.ok();
  }

  Place inner_place(std::string_view name) const {
    Place place = place_;
    place.inner = name;
    return place;
  }

  bool part() {
    bool has_type = false;
    bool is_text = false;
    bool found_text = false;
    const bool good = object("", [&](std::string_view key) {
      if (key == "text" || key == "refusal") {
        found_text = found_text || reader_.peek() == Kind::string;
        return optional_text();
      }
      return key == "type" ? part_type(has_type, is_text) : skip();
    });
    if (!good) return false;
    if (!has_type) return missing("type");
    if (is_text && !found_text) return missing("text");
    index_.opaque_parts = index_.opaque_parts || !is_text;
    return true;
  }

  bool part_type(bool& has_type, bool& is_text) {
    if (reader_.peek() != Kind::string) return wrong_type("type", "a string");
    const std::string type = reader_.decode(reader_.string());
    has_type = true;
    is_text = type == "text" || type == "refusal";
    return reader_.ok();
  }

  // Reasoning that a provider wants back signed: {type, thinking, signature}. An extra, so other kinds pass.
  bool thinking_blocks() {
    if (reader_.peek() != Kind::array) return opaque();
    const Place outer = std::exchange(place_, inner_place("thinking_blocks"));
    reader_.enter_array();
    while (reader_.next_element()) {
      ++place_.inner_item;
      const bool good =
          object("", [this](std::string_view key) { return key == "thinking" ? optional_text() : skip(); });
      if (!good) return false;
    }
    place_ = outer;
    return reader_.ok();
  }

  bool tool_calls() {
    if (reader_.peek() != Kind::array) return reader_.null() || wrong_type("tool_calls", "an array");
    const Place outer = std::exchange(place_, inner_place("tool_calls"));
    reader_.enter_array();
    while (reader_.next_element()) {
      ++place_.inner_item;
      const bool good = object("", [this](std::string_view key) {
        if (key == "function") return called_function("function");
        return key == "custom" ? called_function("custom") : skip();
      });
      if (!good) return false;
    }
    place_ = outer;
    return reader_.ok();
  }

  // {name, arguments} of a function, {name, input} of a custom tool.
  bool called_function(std::string_view name) {
    if (reader_.null()) return true;
    const Place outer = place_;
    place_.object = name;
    const bool good = object("", [this](std::string_view key) {
      if (key == "arguments") return optional_text(Role::assistant, true);
      return key == "input" ? optional_text() : skip();
    });
    place_ = outer;
    return good;
  }

  bool opaque() {
    index_.opaque_parts = index_.opaque_parts || reader_.peek() != Kind::null;
    return skip();
  }

  bool text(bool json_inside, Role role = Role::user) {
    const JsonString string = reader_.string();
    if (!reader_.ok()) return false;
    index_.texts.push_back({string.inside, role, string.has_escapes, json_inside});
    index_.text_bytes += string.inside.length;
    return true;
  }

  // Indexed when it is a string; anything else is the provider's to judge, and counts as unread.
  bool optional_text(Role role = Role::user, bool json_inside = false) {
    const Kind kind = reader_.peek();
    if (kind == Kind::string) return text(json_inside, role);
    return kind == Kind::object || kind == Kind::array ? opaque() : skip();
  }

  // --- the end ---

  bool ended() {
    if (reader_.at_end()) return true;
    return refuse("invalid_json", "",
                  "Something follows the JSON object (at byte " + std::to_string(reader_.offset()) +
                      "). Send one JSON object and nothing else.");
  }

  bool complete() {
    if (index_.model.length == 0) return missing("model");
    if (!has_messages_) return missing("messages");
    if (has_stream_options_ && !index_.stream)
      return refuse("unsupported_value", "stream_options",
                    "'stream_options' is only allowed when 'stream' is true. Set it, or leave the options out.");
    return true;
  }

  JsonReader reader_;
  KeyStack keys_;
  ChatIndex index_;
  Place place_;
  std::optional<Error> error_;
  bool has_messages_ = false;
  bool has_stream_options_ = false;
};

Error refusal(ErrorKind kind, std::string code, std::string message) {
  return Error{.kind = kind, .message = std::move(message), .code = std::move(code), .retryable = false};
}

}  // namespace

Result<Call> decode_chat_request(std::shared_ptr<const std::string> body) {
  if (body->size() > std::numeric_limits<std::int32_t>::max())
    return refusal(ErrorKind::payload_too_large, "request_too_large", "The request body is too large.");
  if (!valid_utf8(*body))
    return refusal(ErrorKind::invalid_request, "invalid_json", "The request body is not valid UTF-8. Send UTF-8 JSON.");
  RequestWalk walk(*body);
  TG_TRY(auto index, walk.run());
  Call call;
  call.body = std::move(body);
  call.index = std::move(index);
  return call;
}

}  // namespace tollgate::providers
