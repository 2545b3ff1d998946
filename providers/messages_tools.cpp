// tools and tool_choice (Anthropic API reference, messages/create) with the wire format taken off.
#include "providers/messages_reading.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// A member that changes what the provider does, and has no counterpart here: said, unless it says nothing.
Status note_extra(Reading& reading, const std::string& name) {
  if (reading.in.null()) return {};
  const bool off = reading.in.peek() == Kind::boolean;
  const Span value = reading.in.skip();
  if (!off || reading.in.view(value) == "true") note_lossy(reading.out.lossy, "tools." + name);
  return {};
}

Status read_tool(Reading& reading) {
  CanonicalTool tool;
  std::string type = "custom";
  std::optional<bool> strict;
  TG_CHECK(read_object(reading, "", [&](const std::string& key) {
    if (key == "type") return read_string(reading, key, type);
    if (key == "name") return read_string(reading, key, tool.name);
    if (key == "description") return read_string(reading, key, tool.description);
    if (key == "input_schema") return read_raw_object(reading, key, tool.schema);
    if (key == "strict") return read_boolean(reading, key, strict);
    return key == "cache_control" ? read_cache_mark(reading, tool.cache) : note_extra(reading, key);
  }));
  if (type != "custom")
    return only_at_anthropic(reading.place.path("type"), "tools of type '" + type.substr(0, 64) + "'");
  if (tool.name.empty()) return invalid_value(reading.place.path("name"), "A tool needs a name: add 'name'.");
  if (tool.schema.empty())
    return invalid_value(reading.place.path("input_schema"), "A tool needs an 'input_schema': add a JSON Schema.");
  tool.strict = strict.value_or(false);
  reading.out.tools.push_back(std::move(tool));
  return {};
}

}  // namespace

Status read_tool_list(Reading& reading) {
  if (reading.in.null()) return {};
  return read_list(reading, "tools", kMaxTools, [&] { return read_tool(reading); });
}

Status read_choice(Reading& reading) {
  if (reading.in.null()) return {};
  ToolChoice& out = reading.out.tool_choice;
  std::string type;
  std::optional<bool> one_at_a_time;
  TG_CHECK(read_object(reading, "tool_choice", [&](const std::string& key) {
    if (key == "type") return read_string(reading, "tool_choice.type", type);
    if (key == "name") return read_string(reading, "tool_choice.name", out.function);
    const bool parallel = key == "disable_parallel_tool_use";
    return parallel ? read_boolean(reading, "tool_choice." + key, one_at_a_time) : skip_value(reading);
  }));
  static constexpr std::pair<std::string_view, ToolChoice::Mode> kTypes[] = {{"auto", ToolChoice::Mode::automatic},
                                                                             {"any", ToolChoice::Mode::required},
                                                                             {"tool", ToolChoice::Mode::function},
                                                                             {"none", ToolChoice::Mode::none}};
  for (const auto& [word, mode] : kTypes)
    if (type == word) out.mode = mode;
  if (out.mode == ToolChoice::Mode::unset)
    return invalid_value("tool_choice.type", "'tool_choice.type' must be auto, any, tool or none.");
  if (out.mode == ToolChoice::Mode::function && out.function.empty())
    return invalid_value("tool_choice.name", "'tool_choice.name' is missing: name the tool.");
  if (one_at_a_time) reading.out.parallel_tool_calls = !*one_at_a_time;
  return {};
}

}  // namespace tollgate::providers
