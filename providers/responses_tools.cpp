// tools and tool_choice of the Responses API, which are flat (OpenAI API reference, responses/create).
#include "providers/responses_reading.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

constexpr std::string_view kInputSchema =
    R"({"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false})";

struct RawTool {
  std::string type;
  std::string syntax;      // of a custom tool's grammar
  std::string definition;  // the grammar
  CanonicalTool tool;
};

Status read_strict(Reading& reading, bool& strict) {
  std::optional<bool> wanted;
  TG_CHECK(read_boolean(reading, "strict", wanted));
  strict = wanted.value_or(false);  // absent, OpenAI tries, and gives way where the schema does not allow it
  return {};
}

Status read_grammar(Reading& reading, RawTool& out) {
  return read_object(reading, "format", [&](const std::string& key) {
    if (key == "syntax") return read_string(reading, "format.syntax", out.syntax);
    return key == "definition" ? read_string(reading, "format.definition", out.definition) : skip_value(reading);
  });
}

Status read_tool_member(Reading& reading, const std::string& key, RawTool& out) {
  if (key == "type") return read_string(reading, key, out.type);
  if (key == "name") return read_string(reading, key, out.tool.name);
  if (key == "description") return read_string(reading, key, out.tool.description);
  if (key == "parameters") return read_raw_object(reading, key, out.tool.schema);
  if (key == "strict") return read_strict(reading, out.tool.strict);
  return key == "format" && reading.in.peek() == Kind::object ? read_grammar(reading, out) : skip_value(reading);
}

// A function with one argument. No other API has grammars: the model is told, and not held to it.
void make_function(RawTool& raw, std::vector<std::string>& lossy) {
  raw.tool.schema = kInputSchema;
  if (raw.definition.empty()) return;
  note_lossy(lossy, "tools.format");
  if (!raw.tool.description.empty()) raw.tool.description += "\n\n";
  raw.tool.description += "The input has to follow this grammar (" + raw.syntax + "):\n" + raw.definition;
}

Status read_tool(Reading& reading) {
  RawTool raw;
  TG_CHECK(read_object(reading, "", [&](const std::string& key) { return read_tool_member(reading, key, raw); }));
  if (raw.type == "custom")
    make_function(raw, reading.out.lossy);
  else if (raw.type != "function")
    return needs_responses_provider(reading.place.path("type"), "a tool of type '" + raw.type + "'");
  if (raw.tool.name.empty()) return invalid_value(reading.place.path("name"), "A tool needs a name.");
  reading.out.tools.push_back(std::move(raw.tool));
  return {};
}

Status set_mode(std::string_view word, ToolChoice& out) {
  using Mode = ToolChoice::Mode;
  for (const auto& [name, mode] :
       {std::pair("none", Mode::none), std::pair("auto", Mode::automatic), std::pair("required", Mode::required)})
    if (word == name) {
      out.mode = mode;
      return {};
    }
  return invalid_value("tool_choice", "'tool_choice' must be none, auto, required, or an object that names a tool.");
}

struct RawChoice {
  std::string type;
  std::string name;
  std::string mode;
  std::vector<std::string> allowed;
};

Status read_allowed(Reading& reading, RawChoice& raw) {
  return read_array(reading, "tool_choice.tools", [&]() -> Status {
    if (raw.allowed.size() == kMaxTools) return too_long("tool_choice.tools", kMaxTools);
    auto& name = raw.allowed.emplace_back();
    return read_object(reading, "tool_choice.tools", [&](const std::string& key) {
      return key == "name" ? read_string(reading, "tool_choice.tools.name", name) : skip_value(reading);
    });
  });
}

Status choose(RawChoice raw, ToolChoice& out) {
  if (raw.type == "allowed_tools") {
    out.allowed = std::move(raw.allowed);
    return set_mode(raw.mode.empty() ? "auto" : raw.mode, out);
  }
  if (raw.type != "function" && raw.type != "custom")
    return needs_responses_provider("tool_choice.type", "a tool choice of type '" + raw.type + "'");
  if (raw.name.empty()) return invalid_value("tool_choice.name", "'tool_choice' has to name the tool.");
  out.mode = ToolChoice::Mode::function;
  out.function = std::move(raw.name);
  return {};
}

}  // namespace

Status read_flat_tools(Reading& reading) {
  if (reading.in.null()) return {};
  return read_list(reading, "tools", kMaxTools, [&] { return read_tool(reading); });
}

Status read_flat_tool_choice(Reading& reading) {
  ToolChoice& out = reading.out.tool_choice;
  if (reading.in.null()) return {};
  if (reading.in.peek() == Kind::string) return set_mode(reading.in.decode(reading.in.string()), out);
  RawChoice raw;
  TG_CHECK(read_object(reading, "tool_choice", [&](const std::string& key) -> Status {
    if (key == "type") return read_string(reading, "tool_choice.type", raw.type);
    if (key == "name") return read_string(reading, "tool_choice.name", raw.name);
    if (key == "mode") return read_string(reading, "tool_choice.mode", raw.mode);
    return key == "tools" ? read_allowed(reading, raw) : skip_value(reading);
  }));
  return choose(std::move(raw), out);
}

Error needs_responses_provider(std::string param, std::string_view what) {
  return invalid_value(std::move(param),
                       "The provider of this model does not speak the Responses API and has no place for " +
                           std::string(what) + ". Leave it out, or name a model whose provider does.",
                       "unsupported_value");
}

}  // namespace tollgate::providers
