#include "providers/request_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tollgate::providers {

bool RequestReader::begin() {
  if (json.peek() != Kind::object) {
    if (!skip()) return false;
    return refuse("invalid_type", "", "The request body must be one JSON object.");
  }
  index.first_member = {json.offset() + 1, 0};
  return true;
}

bool RequestReader::ended() {
  if (json.at_end()) return true;
  return refuse("invalid_json", "",
                "Something follows the JSON object (at byte " + std::to_string(json.offset()) +
                    "). Send one JSON object and nothing else.");
}

bool RequestReader::model() {
  if (json.peek() != Kind::string) return wrong_type("model", "a string");
  const JsonString name = json.string();
  if (!json.ok()) return false;
  if (name.inside.length == 0)
    return refuse("invalid_value", "model", "'model' is empty: name one. GET /v1/models lists what you may use.");
  index.model = name.quoted();
  index.model_name = json.decode(name);
  return true;
}

bool RequestReader::max_tokens(const std::string& name) {
  const std::uint32_t key = json.key_offset();
  std::optional<std::int64_t> value;
  if (name == "max_tokens") old_cap_ = true;
  if (name == "max_completion_tokens" && !json.key_has_escapes())
    index.newer_cap = Span{key, static_cast<std::uint32_t>(name.size()) + 2};
  if (!integer(name, std::numeric_limits<std::int32_t>::max(), value)) return false;
  if (old_cap_) index.newer_cap.reset();
  if (value) index.max_tokens = std::max(index.max_tokens.value_or(0), *value);
  return true;
}

bool RequestReader::number_of_choices() {
  std::optional<std::int64_t> n;
  if (!integer("n", 128, n)) return false;
  index.n = n.value_or(1);
  return true;
}

bool RequestReader::stream_options() {
  const std::uint32_t key = json.key_offset();
  const auto comma = json.comma_before();
  json.peek();  // passes over white space
  const std::uint32_t begin = json.offset();
  if (!json.null() && !object_of("stream_options", [this](std::string_view key) { return stream_option(key); }))
    return false;
  index.stream_options = Span{begin, json.offset() - begin};
  // With the comma before it, or as the first member with the one after it.
  const std::uint32_t first = comma.value_or(key);
  index.stream_options_member = {first, (comma ? json.offset() : json.after_comma()) - first};
  return true;
}

bool RequestReader::stream_option(std::string_view key) {
  if (key != "include_usage") return skip();
  json.peek();
  const std::uint32_t value = json.offset();
  if (!boolean(key, index.include_usage)) return false;
  index.include_usage_value = Span{value, json.offset() - value};
  return true;
}

bool RequestReader::stream_options_apply() {
  const bool given = index.stream_options && json.view(*index.stream_options).starts_with('{');
  if (!given || index.stream) return true;
  return refuse("unsupported_value", "stream_options",
                "'stream_options' is only allowed when 'stream' is true. Set it, or leave the options out.");
}

bool RequestReader::skip() {
  json.skip();
  return json.ok();
}

bool RequestReader::boolean(std::string_view member, bool& value) {
  if (json.null()) return true;
  if (json.peek() != Kind::boolean) return wrong_type(member, "a boolean");
  value = json.boolean();
  return json.ok();
}

bool RequestReader::integer(const std::string& member, std::int64_t max, std::optional<std::int64_t>& out) {
  if (json.null()) return true;
  if (json.peek() != Kind::number) return wrong_type(member, "an integer");
  out = json.integer();
  if (!json.ok()) return false;
  if (!out) return refuse("invalid_type", member, "Invalid value for '" + member + "': expected an integer that fits.");
  if (*out < 1)
    return refuse("integer_below_min_value", member, "'" + member + "' is too small: it must be at least 1.");
  if (*out > max)
    return refuse("integer_above_max_value", member,
                  "'" + member + "' is too large: it must be at most " + std::to_string(max) + ".");
  return true;
}

bool RequestReader::text(Role role, bool json_inside) {
  const JsonString string = json.string();
  return json.ok() && note(string, role, json_inside);
}

bool RequestReader::note(const JsonString& string, Role role, bool json_inside) {
  if (index.texts.size() == kMaxTexts)
    return refuse("invalid_value", "",
                  "The request has too many texts: at most " + std::to_string(kMaxTexts) + " are read.");
  index.texts.push_back({string.inside, role, string.has_escapes, json_inside});
  index.text_bytes += string.inside.length;
  return true;
}

bool RequestReader::optional_text(Role role, bool json_inside) {
  const Kind kind = json.peek();
  if (kind == Kind::string) return text(role, json_inside);
  return kind == Kind::object || kind == Kind::array ? opaque() : skip();
}

// Recursive: the reader bounds the depth.
bool RequestReader::all_texts(Role role) {
  const Kind kind = json.peek();
  if (kind == Kind::string) return text(role);
  if (kind == Kind::array) return elements([&] { return all_texts(role); });
  if (kind != Kind::object) return skip();
  json.enter_object();
  while (json.next_member())
    if (!all_texts(role)) return false;
  return json.ok();
}

void RequestReader::give_role(Role role, std::size_t first) {
  for (std::size_t i = first; i < index.texts.size(); ++i)
    if (index.texts[i].role == Role::user) index.texts[i].role = role;
}

bool RequestReader::opaque() {
  index.opaque_parts = index.opaque_parts || json.peek() != Kind::null;
  return skip();
}

bool RequestReader::sealed() {
  if (json.peek() != Kind::string) return opaque();
  const JsonString string = json.string();
  return json.ok() && (is_base64(json.view(string.inside)) || note(string, Role::user));
}

bool RequestReader::refuse(std::string code, std::string param, std::string message) {
  if (json.ok() && !error_) error_ = invalid_value(std::move(param), std::move(message), std::move(code));
  return false;
}

bool RequestReader::wrong_type(std::string_view member, std::string_view wanted) {
  const Kind found = json.peek();
  if (found == Kind::none) return json.skip().length != 0;  // sets the reader's fault: not a type, not JSON
  const std::string path = place.path(member);
  return refuse("invalid_type", path,
                "Invalid type for '" + path + "': expected " + std::string(wanted) + ", but got " +
                    std::string(name_of(found)) + ".");
}

bool RequestReader::missing(std::string_view member) {
  const std::string path = place.path(member);
  return refuse("missing_required_parameter", path, "Missing required parameter: '" + path + "'. Add it.");
}

Error RequestReader::why() const {
  if (error_) return *error_;
  return Error{.kind = ErrorKind::invalid_request,
               .message = "The request body is not valid JSON: " + std::string(json.fault()) + " (at byte " +
                          std::to_string(json.offset()) + "). Send one JSON object.",
               .code = "invalid_json",
               .retryable = false};
}

Status readable(std::string_view body) {
  if (body.size() > std::numeric_limits<std::int32_t>::max())
    return Error{.kind = ErrorKind::payload_too_large,
                 .message = "The request body is too large.",
                 .code = "request_too_large",
                 .retryable = false};
  if (!valid_utf8(body))
    return Error{.kind = ErrorKind::invalid_request,
                 .message = "The request body is not valid UTF-8. Send UTF-8 JSON.",
                 .code = "invalid_json",
                 .retryable = false};
  return {};
}

bool RequestReader::fresh_key(std::string_view object) {
  const auto verdict = keys_.add(json);
  if (verdict == KeyStack::Verdict::fresh) return true;
  const std::string path = place.path(object);
  const std::string where = path.empty() ? "the request" : "'" + path + "'";
  if (verdict == KeyStack::Verdict::too_many)
    return refuse("invalid_value", path, "Too many members in " + where + ": at most 128 are read.");
  return refuse(
      "duplicate_key", path,
      "A key comes twice in " + where + " (at byte " + std::to_string(json.key_offset()) + "). Send each key once.");
}

}  // namespace tollgate::providers
