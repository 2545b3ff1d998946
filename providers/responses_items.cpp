// Items of `input` (OpenAI API reference, responses/create). `type` may come after what it explains, so members are
// read by their names, which mean the same in every kind of item; a member nobody here knows is scanned through and
// through.
#include "providers/responses_items.h"

#include <algorithm>

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

struct Item {
  std::string type;
  std::optional<Role> role;
  bool has_id = false;
};

// What joins and names things, and what the answer is read by.
constexpr std::string_view kNames[] = {"call_id", "name", "namespace", "status", "phase"};

bool is_text_type(std::string_view type) {
  constexpr std::string_view kTexts[] = {"input_text", "output_text",  "text",
                                         "refusal",    "summary_text", "reasoning_text"};
  return std::find(std::begin(kTexts), std::end(kTexts), type) != std::end(kTexts);
}

bool type_member(RequestReader& r, std::string& type) {
  if (r.json.peek() != Kind::string) return r.wrong_type("type", "a string");
  type = r.json.decode(r.json.string());
  return r.json.ok();
}

bool role_member(RequestReader& r, std::optional<Role>& role) {
  if (r.json.peek() != Kind::string) return r.wrong_type("role", "a string");
  const std::string name = r.json.decode(r.json.string());
  if (name == "user") role = Role::user;
  if (name == "assistant") role = Role::assistant;
  if (name == "system" || name == "developer") role = Role::system;
  if (role || !r.json.ok()) return r.json.ok();
  const std::string path = r.place.path("role");
  return r.refuse("invalid_value", path, "'" + path + "' must be one of user, assistant, system and developer.");
}

// --- parts of a message, a result or a reasoning item ---

// The tokens of a text, cut where no scanner finds anything.
bool logprobs(RequestReader& r) {
  if (r.json.peek() != Kind::array) return r.opaque();
  return r.elements([&r] { return r.opaque(); });
}

bool part_member(RequestReader& r, std::string_view key, std::string& type, bool& found_text) {
  constexpr std::string_view kMedia[] = {"image_url", "file_id", "file_data", "file_url", "input_audio", "detail"};
  if (key == "type") return type_member(r, type);
  if (key == "text" || key == "refusal") {
    found_text = found_text || r.json.peek() == Kind::string;
    return r.optional_text();
  }
  if (key == "logprobs") return logprobs(r);
  if (std::find(std::begin(kMedia), std::end(kMedia), key) != std::end(kMedia)) return r.skip();
  return r.all_texts(Role::user);
}

// What a shell printed has no type; everything else needs one.
bool part(RequestReader& r, bool typed) {
  std::string type;
  bool found_text = false;
  const auto member = [&](std::string_view key) { return part_member(r, key, type, found_text); };
  if (!r.object("", member)) return false;
  if (typed && type.empty()) return r.missing("type");
  const bool is_text = is_text_type(type);
  if (is_text && !found_text) return r.missing(type == "refusal" ? "refusal" : "text");
  r.index.opaque_parts = r.index.opaque_parts || (!is_text && !type.empty());
  return true;
}

bool parts(RequestReader& r, std::string_view name, bool typed) {
  return r.inner_list(name, [&] { return part(r, typed); });
}

bool content(RequestReader& r) {
  switch (r.json.peek()) {
    case Kind::null:
      return r.json.null();
    case Kind::string:
      return r.text();
    case Kind::array:
      return parts(r, "content", true);
    default:
      return r.wrong_type("content", "a string, an array of parts, or null");
  }
}

bool output(RequestReader& r) {
  if (r.json.peek() == Kind::array) return parts(r, "output", false);
  return r.optional_text();
}

// What a provider wants back unchanged. Nothing but base64, with our own marks, is taken for that: it is not a place
// for text that no scanner reads.
bool encrypted_content(RequestReader& r) {
  if (r.json.null()) return true;
  if (r.json.peek() != Kind::string) return r.wrong_type("encrypted_content", "a string");
  const std::string text = r.json.decode(r.json.string());
  const bool good = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("+/-_=:.").find(c) != std::string_view::npos;
  });
  if (good || !r.json.ok()) return r.json.ok();
  const std::string path = r.place.path("encrypted_content");
  return r.refuse("invalid_value", path, "'" + path + "' is not base64. Send it as the answer gave it.");
}

// --- items ---

bool item_member(RequestReader& r, std::string_view key, Item& item) {
  if (key == "type") return type_member(r, item.type);
  if (key == "role") return role_member(r, item.role);
  if (key == "content") return content(r);
  if (key == "id") {
    item.has_id = r.json.peek() == Kind::string;
    return r.skip();
  }
  if (key == "arguments" && r.json.peek() == Kind::string) return r.text(Role::assistant, true);
  if (key == "output") return output(r);
  if (key == "summary" && r.json.peek() == Kind::array) return parts(r, "summary", true);
  if (key == "encrypted_content") return encrypted_content(r);
  if (key == "result") return r.opaque();  // an image
  if (std::find(std::begin(kNames), std::end(kNames), key) != std::end(kNames)) return r.skip();
  return r.all_texts(Role::assistant);
}

bool is_result(std::string_view type) { return type.ends_with("_output") || type == "mcp_approval_response"; }

bool complete(RequestReader& r, const Item& item) {
  const bool typed = !item.type.empty();
  if (item.type == "item_reference" || (!typed && !item.role && item.has_id))
    return refuse_state(r, r.place.path(""), "Send the item itself, as the answer gave it.");
  if (!typed && !item.role) return r.missing("type");
  return (typed && item.type != "message") || item.role || r.missing("role");
}

bool item(RequestReader& r) {
  Item item;
  const std::size_t first_text = r.index.texts.size();
  if (!r.object("", [&](std::string_view key) { return item_member(r, key, item); })) return false;
  if (!complete(r, item)) return false;
  const Role role = item.role.value_or(is_result(item.type) ? Role::tool : Role::assistant);
  for (std::size_t i = first_text; i < r.index.texts.size(); ++i) r.index.texts[i].role = role;
  return true;
}

}  // namespace

bool read_input(RequestReader& r) {
  if (r.json.peek() == Kind::string) return r.text();
  if (r.json.peek() != Kind::array) return r.wrong_type("input", "a string or an array of items");
  return r.filled_list("input", "item", [&r] { return item(r); });
}

bool refuse_state(RequestReader& r, const std::string& param, std::string_view instead) {
  return r.refuse(
      "unsupported_parameter", param,
      "'" + param + "' is not supported: this gateway keeps no state between calls. " + std::string(instead));
}

}  // namespace tollgate::providers
