#include "providers/messages_blocks.h"

#include <algorithm>
#include <array>

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

constexpr std::array<std::string_view, 18> kReferences = {"type",
                                                          "id",
                                                          "name",
                                                          "tool_use_id",
                                                          "tool_name",
                                                          "toolset_name",
                                                          "caller",
                                                          "cache_control",
                                                          "file_id",
                                                          "media_type",
                                                          "mcp_server_name",
                                                          "server_name",
                                                          "url",
                                                          "encrypted_content",
                                                          "encrypted_index",
                                                          "encrypted_stdout",
                                                          "error_code",
                                                          "role"};

// Blocks that hold nothing but texts, references and signatures. Of images and documents their source tells.
bool is_readable(std::string_view type) {
  static constexpr std::string_view kTypes[] = {"text",        "thinking",      "redacted_thinking", "tool_use",
                                                "tool_result", "search_result", "server_tool_use",   "tool_reference",
                                                "image",       "document"};
  return std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

struct Seen {
  std::string type;
  bool text = false;
};

bool string_member(RequestReader& r, std::string_view key, std::string& out) {
  if (r.json.peek() != Kind::string) return r.wrong_type(key, "a string");
  out = r.json.decode(r.json.string());
  return r.json.ok();
}

// {type, data | url | file_id | content}. `data` is a text where the type says so, and the type may come after it.
bool source(RequestReader& r) {
  if (r.json.peek() != Kind::object) return read_prose(r, Role::user);
  std::string type;
  std::optional<JsonString> data;
  std::size_t place = 0;  // of `data` among the texts
  const bool good = r.object_of("source", [&](std::string_view key) {
    if (key == "type") return string_member(r, key, type);
    if (key == "content") return read_block_content(r);
    if (key != "data" || r.json.peek() != Kind::string) return is_reference(key) ? r.skip() : read_prose(r, Role::user);
    data = r.json.string();
    place = r.index.texts.size();
    return r.json.ok();
  });
  if (!good) return false;
  if (type == "text" && data) {
    if (!r.note(*data, Role::user)) return false;
    auto& texts = r.index.texts;
    std::rotate(texts.begin() + static_cast<std::ptrdiff_t>(place), texts.end() - 1, texts.end());
    return true;
  }
  r.index.opaque_parts = r.index.opaque_parts || (type != "content" && type != "text");
  return true;
}

bool block(RequestReader& r, bool typed);

bool block_member(RequestReader& r, std::string_view key, Seen& seen) {
  if (key == "type") return string_member(r, key, seen.type);
  if (key == "text") {
    seen.text = r.json.peek() == Kind::string;
    return r.optional_text();
  }
  if (key == "content") return r.json.peek() == Kind::object ? block(r, false) : read_block_content(r);
  if (key == "source") return source(r);
  if (key == "input") return r.all_texts(Role::user);
  if (key == "signature" || key == "data") return r.sealed();
  return is_reference(key) ? r.skip() : read_prose(r, Role::user);
}

bool block(RequestReader& r, bool typed) {
  Seen seen;
  const std::size_t first = r.index.texts.size();
  if (!r.object("", [&](std::string_view key) { return block_member(r, key, seen); })) return false;
  if (typed && seen.type.empty()) return r.missing("type");
  if (seen.type == "text" && !seen.text) return r.missing("text");
  r.index.opaque_parts = r.index.opaque_parts || !is_readable(seen.type);
  if (seen.type == "tool_result")
    for (std::size_t i = first; i < r.index.texts.size(); ++i) r.index.texts[i].role = Role::tool;
  return true;
}

// Blocks inside blocks are named by the outermost.
bool blocks(RequestReader& r) {
  const auto element = [&r] { return block(r, true); };
  if (r.place.inner_item == Place::kNone) return r.inner_list("content", element);
  const std::string_view outer = std::exchange(r.place.object, "content");
  const bool good = r.elements(element);
  r.place.object = outer;
  return good;
}

}  // namespace

bool is_reference(std::string_view key) {
  return std::find(kReferences.begin(), kReferences.end(), key) != kReferences.end();
}

bool read_block_content(RequestReader& r) {
  const Kind kind = r.json.peek();
  if (kind == Kind::string) return r.text();
  if (kind == Kind::array) return blocks(r);
  return kind == Kind::null ? r.skip() : r.wrong_type("content", "a string or an array of content blocks");
}

// Recursive: the reader bounds the depth.
bool read_prose(RequestReader& r, Role role) {
  const Kind kind = r.json.peek();
  if (kind == Kind::string) return r.text(role);
  if (kind != Kind::array && kind != Kind::object) return r.skip();
  if (kind == Kind::array) return r.elements([&] { return read_prose(r, role); });
  return r.object("", [&](std::string_view key) {
    const bool reference = is_reference(key) && r.json.peek() == Kind::string;
    return reference ? r.skip() : read_prose(r, role);
  });
}

}  // namespace tollgate::providers
