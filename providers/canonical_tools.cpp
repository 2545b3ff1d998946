// tools, tool_choice and response_format (OpenAI API reference), with their legacy spellings.
#include "providers/canonical_reading.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

Status read_function(Reading& reading, CanonicalTool& tool) {
  return read_object(reading, "function", [&](const std::string& key) -> Status {
    if (key == "name") return read_string(reading, "function.name", tool.name);
    if (key == "description") return read_string(reading, "function.description", tool.description);
    if (key == "parameters") return read_raw_object(reading, "function.parameters", tool.schema);
    if (key == "cache_control") return read_cache_mark(reading, tool.cache);
    if (key != "strict") return skip_value(reading);
    std::optional<bool> strict;
    TG_CHECK(read_boolean(reading, "function.strict", strict));
    tool.strict = strict.value_or(false);
    return {};
  });
}

// {"type":"function","function":{...}}; a legacy function stands for itself.
Status read_tool(Reading& reading, bool legacy) {
  CanonicalTool tool;
  std::string type = "function";
  if (legacy) {
    TG_CHECK(read_function(reading, tool));
  } else {
    TG_CHECK(read_object(reading, "", [&](const std::string& key) {
      if (key == "type") return read_string(reading, key, type);
      if (key == "cache_control") return read_cache_mark(reading, tool.cache);
      return key == "function" ? read_function(reading, tool) : skip_value(reading);
    }));
  }
  if (type != "function") {
    note_lossy(reading.out.lossy, "tools." + type);
    return {};
  }
  if (tool.name.empty()) return invalid_value(reading.place.path("function.name"), "A function needs a name.");
  reading.out.tools.push_back(std::move(tool));
  return {};
}

Status read_mode(Reading& reading, std::string_view member, ToolChoice& out) {
  std::string word;
  TG_CHECK(read_string(reading, member, word));
  if (word == "none") {
    out.mode = ToolChoice::Mode::none;
  } else if (word == "auto") {
    out.mode = ToolChoice::Mode::automatic;
  } else if (word == "required") {
    out.mode = ToolChoice::Mode::required;
  } else if (!word.empty()) {
    return invalid_value(std::string(member),
                         "'" + std::string(member) + "' must be none, auto, required, or an object that names one.");
  }
  return {};
}

Status read_named(Reading& reading, std::string& out) {
  return read_object(reading, "tool_choice.function", [&](const std::string& key) {
    return key == "name" ? read_string(reading, "tool_choice.function.name", out) : skip_value(reading);
  });
}

Status read_allowed(Reading& reading, ToolChoice& out) {
  return read_object(reading, "tool_choice.allowed_tools", [&](const std::string& key) -> Status {
    if (key == "mode") return read_mode(reading, "tool_choice.allowed_tools.mode", out);
    if (key != "tools") return skip_value(reading);
    return read_array(reading, "tool_choice.allowed_tools.tools", [&]() -> Status {
      if (out.allowed.size() == kMaxTools) return too_long("tool_choice.allowed_tools.tools", kMaxTools);
      return read_object(reading, "tool_choice.allowed_tools.tools", [&](const std::string& inner) {
        return inner == "function" ? read_named(reading, out.allowed.emplace_back()) : skip_value(reading);
      });
    });
  });
}

struct SchemaFormat {
  ResponseFormat& out;
  Status read(Reading& reading) const {
    return read_object(reading, "response_format.json_schema", [&](const std::string& key) -> Status {
      if (key == "name") return read_string(reading, "response_format.json_schema.name", out.name);
      if (key == "description") return read_string(reading, "response_format.json_schema.description", out.description);
      if (key == "schema") return read_raw_object(reading, "response_format.json_schema.schema", out.schema);
      if (key != "strict") return skip_value(reading);
      std::optional<bool> strict;
      TG_CHECK(read_boolean(reading, "response_format.json_schema.strict", strict));
      out.strict = strict.value_or(false);
      return {};
    });
  }
};

}  // namespace

Status read_tools(Reading& reading, bool legacy) {
  if (reading.in.null()) return {};
  return read_list(reading, legacy ? "functions" : "tools", kMaxTools, [&] { return read_tool(reading, legacy); });
}

Status read_tool_choice(Reading& reading, bool legacy) {
  ToolChoice& out = reading.out.tool_choice;
  if (reading.in.null()) return {};
  if (reading.in.peek() == Kind::string) return read_mode(reading, legacy ? "function_call" : "tool_choice", out);
  std::string name;
  TG_CHECK(read_object(reading, "tool_choice", [&](const std::string& key) -> Status {
    if (legacy && key == "name") return read_string(reading, "function_call.name", name);
    if (!legacy && key == "function") return read_named(reading, name);
    if (!legacy && key == "allowed_tools") return read_allowed(reading, out);
    return skip_value(reading);
  }));
  if (!name.empty()) {
    out.mode = ToolChoice::Mode::function;
    out.function = std::move(name);
  } else if (out.allowed.empty()) {
    note_lossy(reading.out.lossy, "tool_choice");
  }
  return {};
}

Status read_response_format(Reading& reading) {
  ResponseFormat& out = reading.out.response_format;
  if (reading.in.null()) return {};
  std::string type;
  TG_CHECK(read_object(reading, "response_format", [&](const std::string& key) -> Status {
    if (key == "type") return read_string(reading, "response_format.type", type);
    return key == "json_schema" ? SchemaFormat{out}.read(reading) : skip_value(reading);
  }));
  if (type == "text") return {};
  if (type == "json_object") {
    out.kind = ResponseFormat::Kind::json_object;
  } else if (type == "json_schema") {
    out.kind = ResponseFormat::Kind::json_schema;
    if (out.schema.empty())
      return invalid_value("response_format.json_schema.schema", "A JSON Schema is needed: add 'schema'.");
  } else {
    return invalid_value("response_format.type", "'response_format.type' must be text, json_object or json_schema.");
  }
  return {};
}

}  // namespace tollgate::providers
