// A Converse request with the wire format taken off (Amazon Bedrock API reference, Converse).
#include <algorithm>
#include <array>
#include <limits>

#include "providers/converse_call.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;
using Effort = ReasoningEffort;
using Mode = ToolChoice::Mode;

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();

// Members that change nothing about the answer.
constexpr std::array<std::string_view, 3> kWithoutEffect = {"requestMetadata", "performanceConfig", "serviceTier"};

Status note_extra(Reading& reading, const std::string& name) {
  if (reading.in.peek() != Kind::null) note_lossy(reading.out.lossy, name);
  return skip_value(reading);
}

// --- tools ---

Status read_specification(Reading& reading) {
  CanonicalTool tool;
  std::optional<bool> strict;
  TG_CHECK(read_object(reading, "toolSpec", [&](const std::string& key) -> Status {
    if (key == "name") return read_string(reading, key, tool.name);
    if (key == "description") return read_string(reading, key, tool.description);
    if (key == "strict") return read_boolean(reading, key, strict);
    if (key != "inputSchema") return note_extra(reading, "toolConfig.tools." + key);
    return read_object(reading, key, [&](const std::string& inner) {
      return inner == "json" ? read_raw_object(reading, inner, tool.schema) : skip_value(reading);
    });
  }));
  if (tool.name.empty()) return invalid_value("toolConfig.tools", "A toolSpec needs a 'name'.");
  tool.strict = strict.value_or(false);
  reading.out.tools.push_back(std::move(tool));
  return {};
}

Status read_tool(Reading& reading) {
  if (reading.out.tools.size() == kMaxTools) return too_long("toolConfig.tools", kMaxTools);
  return read_object(reading, "toolConfig.tools", [&](const std::string& key) -> Status {
    if (reading.in.null()) return {};
    if (key == "toolSpec") return read_specification(reading);
    if (key != "cachePoint") return only_at_bedrock("toolConfig.tools", key.substr(0, 64) + " entries");
    CacheMark mark = CacheMark::none;
    TG_CHECK(read_cache_point(reading, mark));
    if (!reading.out.tools.empty()) reading.out.tools.back().cache = mark;
    return {};
  });
}

// {"auto":{}}, {"any":{}} or {"tool":{"name":...}}
Status read_choice(Reading& reading) {
  ToolChoice& out = reading.out.tool_choice;
  return read_object(reading, "toolConfig.toolChoice", [&](const std::string& key) -> Status {
    if (reading.in.null()) return {};
    static constexpr std::pair<std::string_view, Mode> kModes[] = {
        {"auto", Mode::automatic}, {"any", Mode::required}, {"tool", Mode::function}};
    for (const auto& [word, mode] : kModes)
      if (key == word) out.mode = mode;
    return read_object(reading, "toolConfig.toolChoice", [&](const std::string& inner) {
      return inner == "name" ? read_string(reading, inner, out.function) : skip_value(reading);
    });
  });
}

Status read_tool_config(Reading& reading) {
  TG_CHECK(read_object(reading, "toolConfig", [&](const std::string& key) -> Status {
    if (reading.in.null()) return {};
    if (key == "tools") return read_array(reading, "toolConfig.tools", [&] { return read_tool(reading); });
    return key == "toolChoice" ? read_choice(reading) : note_extra(reading, "toolConfig." + key);
  }));
  if (reading.out.tool_choice.mode == Mode::function && reading.out.tool_choice.function.empty())
    return invalid_value("toolConfig.toolChoice", "'toolConfig.toolChoice.tool' needs a 'name'.");
  return {};
}

// --- settings ---

Status read_inference_config(Reading& reading) {
  CanonicalRequest& out = reading.out;
  return read_object(reading, "inferenceConfig", [&](const std::string& key) -> Status {
    const std::string path = "inferenceConfig." + key;
    if (key == "maxTokens") return read_integer(reading, path, 1, kMost, out.max_tokens);
    if (key == "temperature") return read_number(reading, path, 0, 1, out.temperature);
    if (key == "topP") return read_number(reading, path, 0, 1, out.top_p);
    if (key != "stopSequences") return note_extra(reading, path);
    if (reading.in.null()) return {};
    return read_array(reading, path, [&]() -> Status {
      constexpr std::size_t kMaxStops = 256;
      if (out.stop.size() == kMaxStops) return invalid_value(path, "Too many stop sequences: at most 256 are read.");
      return read_string(reading, path, out.stop.emplace_back());
    });
  });
}

// {"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":JSON IN A STRING,"name"}}},"effort"}
Status read_output_config(Reading& reading) {
  ResponseFormat& format = reading.out.response_format;
  const auto schema = [&](const std::string& key) -> Status {
    if (key == "schema")
      return read_string(reading, "outputConfig.textFormat.structure.jsonSchema.schema", format.schema);
    return key == "name" ? read_string(reading, key, format.name) : skip_value(reading);
  };
  const auto structure = [&](const std::string& key) -> Status {
    return key == "jsonSchema" ? read_object(reading, key, schema) : skip_value(reading);
  };
  const auto text_format = [&](const std::string& key) -> Status {
    return key == "structure" ? read_object(reading, key, structure) : skip_value(reading);
  };
  TG_CHECK(read_object(reading, "outputConfig", [&](const std::string& key) -> Status {
    if (reading.in.null()) return {};
    if (key == "effort") return read_effort(reading, "outputConfig.effort");
    return key == "textFormat" ? read_object(reading, key, text_format) : note_extra(reading, "outputConfig." + key);
  }));
  if (format.schema.empty()) return {};
  if (!is_json_object(format.schema))
    return invalid_value("outputConfig.textFormat", "'schema' must be a string that holds one JSON object.");
  if (format.name.empty()) format.name = "response";
  format.kind = ResponseFormat::Kind::json_schema;
  format.strict = true;
  return {};
}

Effort effort_of(std::int64_t budget) {
  constexpr std::int64_t kLow = 4096;
  constexpr std::int64_t kMedium = 16 * 1024;
  if (budget < kLow) return Effort::low;
  return budget < kMedium ? Effort::medium : Effort::high;
}

// Claude's {"type":"enabled","budget_tokens":N}; where the model may choose, it thinks much.
Status read_thinking(Reading& reading) {
  CanonicalRequest& out = reading.out;
  const std::string path = "additionalModelRequestFields.thinking";
  std::string type;
  std::optional<std::int64_t> budget;
  TG_CHECK(read_object(reading, path, [&](const std::string& key) -> Status {
    if (key == "type") return read_string(reading, path + ".type", type);
    if (key == "budget_tokens") return read_integer(reading, path + ".budget_tokens", 1, kMost, budget);
    return note_extra(reading, path + "." + key);
  }));
  if (type == "disabled") out.reasoning_effort = Effort::none;
  if (type != "enabled" && type != "adaptive") return {};
  out.reasoning_budget = budget;
  if (out.reasoning_effort == Effort::unset) out.reasoning_effort = budget ? effort_of(*budget) : Effort::high;
  return {};
}

// What the model's own API has beyond Converse: whose model it was meant for is not known, so what is alike is taken.
Status read_model_fields(Reading& reading) {
  return read_object(reading, "additionalModelRequestFields", [&](const std::string& key) -> Status {
    const std::string path = "additionalModelRequestFields." + key;
    if (key == "top_k") return read_integer(reading, path, 0, 1'000'000, reading.out.top_k);
    if (key == "reasoning_effort") return read_effort(reading, path);
    if (key == "thinking" && reading.in.peek() == Kind::object) return read_thinking(reading);
    return note_extra(reading, path);
  });
}

Status read_member(Reading& reading, const std::string& name) {
  if (reading.in.null()) return {};
  if (name == "messages") return read_converse_messages(reading);
  if (name == "system") return read_converse_system(reading);
  if (name == "inferenceConfig") return read_inference_config(reading);
  if (name == "toolConfig") return read_tool_config(reading);
  if (name == "outputConfig") return read_output_config(reading);
  if (name == "additionalModelRequestFields" && reading.in.peek() == Kind::object) return read_model_fields(reading);
  if (name == "guardrailConfig") return only_at_bedrock(name, "a guardrail of Bedrock's");
  const bool without = std::find(kWithoutEffect.begin(), kWithoutEffect.end(), name) != kWithoutEffect.end();
  return without ? skip_value(reading) : note_extra(reading, name);
}

}  // namespace

Result<CanonicalRequest> canonicalise_converse(std::string_view body) {
  Reading reading(body);
  TG_CHECK(read_request(reading, [&](const std::string& key) { return read_member(reading, key); }));
  return std::move(reading.out);
}

}  // namespace tollgate::providers
