// messages (OpenAI API reference, chat/completions/create), with what common clients add to them: cache_control,
// reasoning_content, thinking_blocks, and extra_content.google.thought_signature of tool calls.
#include <algorithm>
#include <cctype>

#include "providers/canonical_reading.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;
using Part = CanonicalPart;
using Parts = std::vector<Part>;

constexpr std::size_t kMaxParts = 65'536;  // of all messages

Result<Part*> add_part(Reading& reading, Parts& parts, Part::Kind kind) {
  if (++reading.parts > kMaxParts)
    return invalid_value("messages",
                         "The messages have too many parts: at most " + std::to_string(kMaxParts) + " are read.");
  parts.emplace_back().kind = kind;
  return &parts.back();
}

// --- content parts ---

Status read_image(Reading& reading, Part& part) {
  part.kind = Part::Kind::image;
  if (reading.in.peek() == Kind::string) return read_url(reading, "image_url", part);
  return read_object(reading, "image_url", [&](const std::string& key) {
    if (key == "url") return read_url(reading, "image_url.url", part);
    return key == "detail" ? read_string(reading, "image_url.detail", part.detail) : skip_value(reading);
  });
}

Status read_file(Reading& reading, Part& part) {
  part.kind = Part::Kind::file;
  return read_object(reading, "file", [&](const std::string& key) {
    if (key == "file_data") return read_url(reading, "file.file_data", part);
    if (key == "filename") return read_string(reading, "file.filename", part.name);
    return key == "file_id" ? read_string(reading, "file.file_id", part.id) : skip_value(reading);
  });
}

Status read_part_member(Reading& reading, const std::string& key, Part& part, std::string& type) {
  if (key == "type") return read_string(reading, key, type);
  if (key == "text" || key == "refusal") {
    if (key == "refusal") part.kind = Part::Kind::refusal;
    return read_string(reading, key, part.text);
  }
  if (key == "image_url") return read_image(reading, part);
  if (key == "input_audio") return read_audio(reading, part);
  if (key == "file") return read_file(reading, part);
  return key == "cache_control" ? read_cache_mark(reading, part.cache) : skip_value(reading);
}

Status read_part(Reading& reading, Parts& parts) {
  TG_TRY(Part * part, add_part(reading, parts, Part::Kind::text));
  std::string type;
  TG_CHECK(
      read_object(reading, "", [&](const std::string& key) { return read_part_member(reading, key, *part, type); }));
  constexpr std::string_view kKnown[] = {"text", "refusal", "image_url", "input_audio", "file"};
  if (std::find(std::begin(kKnown), std::end(kKnown), type) != std::end(kKnown)) return {};
  part->kind = Part::Kind::unknown;
  part->name = std::move(type);
  return {};
}

Status read_content(Reading& reading, Parts& parts) {
  if (reading.in.null()) return {};
  if (reading.in.peek() == Kind::string) {
    TG_TRY(Part * part, add_part(reading, parts, Part::Kind::text));
    return read_string(reading, "content", part->text);
  }
  return read_inner_list(reading, "content", [&] { return read_part(reading, parts); });
}

// --- tool calls ---

Status read_arguments(Reading& reading, const std::string& key, Part& call) {
  if (reading.in.peek() == Kind::object) return read_raw_object(reading, key, call.text);
  std::string text;
  TG_CHECK(read_string(reading, key, text));
  call.text = argument_object(std::move(text), key, reading.out.lossy);
  return {};
}

// {name, arguments} of a function, {name, input} of a custom tool.
Status read_called(Reading& reading, std::string_view name, Part& call) {
  return read_object(reading, name, [&](const std::string& key) {
    if (key == "name") return read_string(reading, key, call.name);
    const bool said = key == "arguments" || key == "input";
    return said ? read_arguments(reading, key, call) : skip_value(reading);
  });
}

// {"google":{"thought_signature":"..."}}, as Google's own OpenAI endpoint has it.
Status read_extra_content(Reading& reading, Part& call) {
  if (reading.in.peek() != Kind::object) return skip_value(reading);
  return read_object(reading, "extra_content", [&](const std::string& key) -> Status {
    if (key != "google" || reading.in.peek() != Kind::object) return skip_value(reading);
    return read_object(reading, key, [&](const std::string& inner) {
      return inner == "thought_signature" ? read_base64(reading, "extra_content", call.signature) : skip_value(reading);
    });
  });
}

Status read_tool_call(Reading& reading, Parts& calls) {
  TG_TRY(Part * call, add_part(reading, calls, Part::Kind::tool_call));
  call->text = "{}";
  return read_object(reading, "", [&](const std::string& key) {
    if (key == "id") return read_string(reading, key, call->id);
    if (key == "function" || key == "custom") return read_called(reading, key, *call);
    return key == "extra_content" ? read_extra_content(reading, *call) : skip_value(reading);
  });
}

// --- reasoning ---

// {"type":"thinking","thinking":...,"signature":...} or {"type":"redacted_thinking","data":...}
Status read_thinking(Reading& reading, Parts& parts) {
  TG_TRY(Part * part, add_part(reading, parts, Part::Kind::reasoning));
  return read_object(reading, "thinking_blocks", [&](const std::string& key) {
    if (key == "thinking") return read_string(reading, "thinking_blocks.thinking", part->text);
    if (key == "signature") return read_base64(reading, "thinking_blocks.signature", part->signature);
    return key == "data" ? read_base64(reading, "thinking_blocks.data", part->data) : skip_value(reading);
  });
}

// --- messages ---

struct RawMessage {
  Role role = Role::user;
  bool legacy_result = false;  // of role "function": answers the legacy call before it
  bool named = false;          // who speaks: no other dialect has a place for it
  std::string call_id;
  std::string reasoning;
  std::string refusal;
  Parts content;
  Parts thinking;
  Parts calls;
};

Status read_role(Reading& reading, RawMessage& out) {
  std::string role;
  TG_CHECK(read_string(reading, "role", role));
  if (role == "assistant") out.role = Role::assistant;
  if (role == "system" || role == "developer") out.role = Role::system;
  if (role == "tool" || role == "function") out.role = Role::tool;
  out.legacy_result = role == "function";
  return {};
}

// Calls of the legacy API have no ids: one at a time, answered by the next message.
std::string legacy_id(int message) { return "call_" + std::to_string(message); }

Status read_legacy_call(Reading& reading, RawMessage& out) {
  if (reading.in.null()) return {};
  TG_TRY(Part * call, add_part(reading, out.calls, Part::Kind::tool_call));
  call->text = "{}";
  call->id = legacy_id(reading.place.item);
  return read_called(reading, "function_call", *call);
}

Status read_tool_calls(Reading& reading, Parts& calls) {
  if (reading.in.null()) return {};
  return read_inner_list(reading, "tool_calls", [&] { return read_tool_call(reading, calls); });
}

Status read_thinking_blocks(Reading& reading, Parts& thinking) {
  if (reading.in.null()) return {};
  return read_array(reading, "thinking_blocks", [&] { return read_thinking(reading, thinking); });
}

Status read_message_member(Reading& reading, const std::string& key, RawMessage& out) {
  if (key == "role") return read_role(reading, out);
  if (key == "content") return read_content(reading, out.content);
  if (key == "tool_calls") return read_tool_calls(reading, out.calls);
  if (key == "function_call") return read_legacy_call(reading, out);
  if (key == "tool_call_id") return read_string(reading, key, out.call_id);
  if (key == "refusal") return read_string(reading, key, out.refusal);
  if (key == "thinking_blocks") return read_thinking_blocks(reading, out.thinking);
  const bool reasoning = key == "reasoning_content" || key == "reasoning";
  if (reasoning && reading.in.peek() == Kind::string) return read_string(reading, key, out.reasoning);
  out.named = out.named || (key == "name" && reading.in.peek() != Kind::null);
  if (key == "audio" && reading.in.peek() != Kind::null) note_lossy(reading.out.lossy, "messages.audio");
  return skip_value(reading);
}

void append(Parts& to, Parts&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

Part text_part(Part::Kind kind, std::string text) {
  Part part;
  part.kind = kind;
  part.text = std::move(text);
  return part;
}

// Reasoning first, then what was said, then the calls: the order in which a model writes them.
Parts assistant_parts(RawMessage&& raw) {
  Parts parts = std::move(raw.thinking);
  if (parts.empty() && !raw.reasoning.empty())
    parts.push_back(text_part(Part::Kind::reasoning, std::move(raw.reasoning)));
  append(parts, std::move(raw.content));
  if (!raw.refusal.empty()) parts.push_back(text_part(Part::Kind::refusal, std::move(raw.refusal)));
  append(parts, std::move(raw.calls));
  return parts;
}

Parts result_parts(RawMessage&& raw, int message) {
  Part result;
  result.kind = Part::Kind::tool_result;
  result.id = raw.legacy_result ? legacy_id(message - 1) : std::move(raw.call_id);
  for (const Part& part : raw.content)
    if (part.cache != CacheMark::none) result.cache = part.cache;
  result.content = std::move(raw.content);
  Parts parts;
  parts.push_back(std::move(result));
  return parts;
}

Status read_message(Reading& reading) {
  RawMessage raw;
  CacheMark mark = CacheMark::none;  // of the whole message: its last part's
  TG_CHECK(read_object(reading, "", [&](const std::string& key) {
    return key == "cache_control" ? read_cache_mark(reading, mark) : read_message_member(reading, key, raw);
  }));
  if (raw.named && !raw.legacy_result) note_lossy(reading.out.lossy, "messages.name");
  CanonicalMessage message;
  message.role = raw.role;
  if (raw.role == Role::assistant)
    message.parts = assistant_parts(std::move(raw));
  else if (raw.role == Role::tool)
    message.parts = result_parts(std::move(raw), reading.place.item);
  else
    message.parts = std::move(raw.content);
  if (mark != CacheMark::none && !message.parts.empty()) message.parts.back().cache = mark;
  reading.out.messages.push_back(std::move(message));
  return {};
}

}  // namespace

Status read_url(Reading& reading, std::string_view member, Part& part) {
  constexpr std::string_view kScheme = "data:";
  constexpr std::string_view kBase64 = ";base64";
  std::string url;
  TG_CHECK(read_string(reading, member, url));
  if (!url.starts_with(kScheme)) {
    part.url = std::move(url);
    return {};
  }
  const auto comma = url.find(',');
  std::string head = url.substr(0, comma).substr(kScheme.size());
  if (comma == std::string::npos || !head.ends_with(kBase64))
    return invalid_value(reading.place.path(member), "A data: URL has to be of the form data:TYPE;base64,DATA.");
  head.resize(std::min(head.size() - kBase64.size(), head.find(';')));
  std::transform(head.begin(), head.end(), head.begin(), [](unsigned char c) { return std::tolower(c); });
  part.media_type = head == "image/jpg" ? "image/jpeg" : std::move(head);
  part.data = url.erase(0, comma + 1);
  return {};
}

std::string argument_object(std::string text, std::string_view wrapper, std::vector<std::string>& lossy) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return "{}";
  if (is_json_object(text)) return text;
  note_lossy(lossy, "messages.tool_calls." + std::string(wrapper));
  std::string out = "{\"" + std::string(wrapper) + "\":\"";
  append_json_escaped(out, text);
  return out += "\"}";
}

Status read_audio(Reading& reading, CanonicalPart& part) {
  part.kind = CanonicalPart::Kind::audio;
  std::string format;
  TG_CHECK(read_object(reading, "input_audio", [&](const std::string& key) {
    if (key == "data") return read_string(reading, "input_audio.data", part.data);
    return key == "format" ? read_string(reading, "input_audio.format", format) : skip_value(reading);
  }));
  part.media_type = "audio/" + format;
  return {};
}

Status read_messages(Reading& reading) {
  return read_list(reading, "messages", kMaxMessages, [&] { return read_message(reading); });
}

}  // namespace tollgate::providers
