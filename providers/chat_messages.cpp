#include "providers/chat_messages.h"

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

bool role_member(RequestReader& r, std::optional<Role>& role) {
  if (r.json.peek() != Kind::string) return r.wrong_type("role", "a string");
  const JsonString name = r.json.string();
  role = role_of(r.json.decode(name));
  if (role || !r.json.ok()) return r.json.ok();
  const std::string path = r.place.path("role");
  return r.refuse("invalid_value", path,
                  "'" + path + "' must be one of system, developer, user, assistant, tool and function.");
}

bool part_type(RequestReader& r, bool& has_type, bool& is_text) {
  if (r.json.peek() != Kind::string) return r.wrong_type("type", "a string");
  const std::string type = r.json.decode(r.json.string());
  has_type = true;
  is_text = type == "text" || type == "refusal";
  return r.json.ok();
}

// {filename, file_data, file_id}: people name files after people.
bool file_of_part(RequestReader& r) {
  if (r.json.peek() != Kind::object) return r.skip();
  return r.object("", [&r](std::string_view key) { return key == "filename" ? r.optional_text() : r.skip(); });
}

bool part(RequestReader& r) {
  bool has_type = false;
  bool is_text = false;
  bool found_text = false;
  const bool good = r.object("", [&](std::string_view key) {
    if (key == "text" || key == "refusal") {
      found_text = found_text || r.json.peek() == Kind::string;
      return r.optional_text();
    }
    if (key == "file") return file_of_part(r);
    return key == "type" ? part_type(r, has_type, is_text) : r.skip();
  });
  if (!good) return false;
  if (!has_type) return r.missing("type");
  if (is_text && !found_text) return r.missing("text");
  r.index.opaque_parts = r.index.opaque_parts || !is_text;
  return true;
}

// Reasoning that a provider wants back signed: {type, thinking, signature}. An extra, so other kinds pass.
bool thinking_blocks(RequestReader& r) {
  if (r.json.peek() != Kind::array) return r.opaque();
  return r.inner_list("thinking_blocks", [&r] {
    return r.object("", [&r](std::string_view key) { return key == "thinking" ? r.optional_text() : r.skip(); });
  });
}

// {name, arguments} of a function, {name, input} of a custom tool.
bool called_function(RequestReader& r, std::string_view name) {
  if (r.json.null()) return true;
  return r.object_of(name, [&r](std::string_view key) {
    if (key == "arguments") return r.optional_text(Role::assistant, true);
    return key == "input" ? r.optional_text() : r.skip();
  });
}

bool tool_calls(RequestReader& r) {
  if (r.json.peek() != Kind::array) return r.json.null() || r.wrong_type("tool_calls", "an array");
  return r.inner_list("tool_calls", [&r] {
    return r.object("", [&r](std::string_view key) {
      if (key == "function") return called_function(r, "function");
      return key == "custom" ? called_function(r, "custom") : r.skip();
    });
  });
}

bool message_member(RequestReader& r, std::string_view key, std::optional<Role>& role) {
  if (key == "role") return role_member(r, role);
  if (key == "content") return read_content(r);
  // reasoning texts are extras that several servers want back from the caller
  if (key == "name" || key == "refusal" || key == "reasoning_content" || key == "reasoning") return r.optional_text();
  if (key == "thinking_blocks") return thinking_blocks(r);
  if (key == "tool_calls") return tool_calls(r);
  if (key == "function_call") return called_function(r, "function_call");
  if (key == "audio") return r.opaque();
  return r.skip();
}

bool message(RequestReader& r) {
  std::optional<Role> role;
  const std::size_t first_text = r.index.texts.size();
  const bool good = r.object("", [&](std::string_view key) { return message_member(r, key, role); });
  if (!good) return false;
  if (!role) return r.missing("role");
  for (std::size_t i = first_text; i < r.index.texts.size(); ++i) r.index.texts[i].role = *role;
  return true;
}

}  // namespace

bool read_messages(RequestReader& r) {
  return r.filled_list("messages", "message", [&r] { return message(r); });
}

bool read_content(RequestReader& r) {
  switch (r.json.peek()) {
    case Kind::null:
      return r.json.null();
    case Kind::string:
      return r.text();
    case Kind::array:
      return r.inner_list("content", [&r] { return part(r); });
    default:
      return r.wrong_type("content", "a string, an array of parts, or null");
  }
}

}  // namespace tollgate::providers
