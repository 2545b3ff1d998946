// A Responses request as a CanonicalRequest (OpenAI API reference, responses/create).
#include <algorithm>
#include <array>
#include <limits>

#include "providers/responses.h"
#include "providers/responses_reading.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// Members that change nothing about the answer here, or that were refused before; max_tool_calls counts hosted tools.
constexpr std::array<std::string_view, 14> kWithoutEffect = {"model",
                                                             "stream",
                                                             "stream_options",
                                                             "metadata",
                                                             "store",
                                                             "service_tier",
                                                             "prompt_cache_key",
                                                             "prompt_cache_retention",
                                                             "prompt_cache_options",
                                                             "background",
                                                             "conversation",
                                                             "prompt",
                                                             "previous_response_id",
                                                             "max_tool_calls"};

Status read_schema_member(Reading& reading, const std::string& key, std::string& type, ResponseFormat& out) {
  const std::string name = "text.format." + key;
  if (key == "type") return read_string(reading, name, type);
  if (key == "name") return read_string(reading, name, out.name);
  if (key == "description") return read_string(reading, name, out.description);
  if (key == "schema") return read_raw_object(reading, name, out.schema);
  if (key != "strict") return skip_value(reading);
  std::optional<bool> strict;
  TG_CHECK(read_boolean(reading, name, strict));
  out.strict = strict.value_or(false);
  return {};
}

Status read_format(Reading& reading) {
  ResponseFormat& out = reading.out.response_format;
  if (reading.in.null()) return {};
  std::string type;
  TG_CHECK(read_object(reading, "text.format",
                       [&](const std::string& key) { return read_schema_member(reading, key, type, out); }));
  if (type == "text") return {};
  if (type == "json_object") {
    out.kind = ResponseFormat::Kind::json_object;
  } else if (type == "json_schema") {
    out.kind = ResponseFormat::Kind::json_schema;
    if (out.schema.empty()) return invalid_value("text.format.schema", "A JSON Schema is needed: add 'schema'.");
  } else {
    return invalid_value("text.format.type", "'text.format.type' must be text, json_object or json_schema.");
  }
  return {};
}

Status keep_extra(Reading& reading, const std::string& name) {
  if (reading.in.null()) return {};
  const Span value = reading.in.skip();
  reading.out.extras.push_back({name, std::string(reading.in.view(value))});
  return {};
}

Status read_text(Reading& reading) {
  if (reading.in.null()) return {};
  return read_object(reading, "text", [&](const std::string& key) {
    if (key == "format") return read_format(reading);
    return key == "verbosity" ? keep_extra(reading, key) : skip_value(reading);
  });
}

Status read_reasoning(Reading& reading) {
  if (reading.in.null()) return {};
  return read_object(reading, "reasoning", [&](const std::string& key) {
    return key == "effort" ? read_effort(reading, "reasoning.effort") : skip_value(reading);
  });
}

// Only one of them asks for something that an answer from elsewhere does not hold.
Status read_include(Reading& reading) {
  constexpr std::string_view kLogprobs = "message.output_text.logprobs";
  if (reading.in.null()) return {};
  return read_array(reading, "include", [&]() -> Status {
    std::string word;
    TG_CHECK(read_string(reading, "include", word));
    if (word == kLogprobs) note_lossy(reading.out.lossy, "include." + word);
    return {};
  });
}

Status read_top_logprobs(Reading& reading) {
  std::optional<std::int64_t> count;
  TG_CHECK(read_integer(reading, "top_logprobs", 0, 20, count));
  if (count.value_or(0) > 0) note_lossy(reading.out.lossy, "top_logprobs");
  return {};
}

Status read_truncation(Reading& reading) {
  std::string word;
  TG_CHECK(read_string(reading, "truncation", word));
  if (word == "auto") note_lossy(reading.out.lossy, "truncation");
  return {};
}

// Whichever of the two is there; safety_identifier is the newer name.
Status read_user(Reading& reading, const std::string& name) {
  std::string user;
  TG_CHECK(read_string(reading, name, user));
  if (name == "safety_identifier" || reading.out.user.empty()) reading.out.user = std::move(user);
  return {};
}

Status note_unknown(Reading& reading, const std::string& name) {
  if (reading.in.null()) return {};
  note_lossy(reading.out.lossy, name);
  return skip_value(reading);
}

Status read_parameter(Reading& reading, const std::string& name) {
  CanonicalRequest& out = reading.out;
  if (name == "temperature") return read_number(reading, name, 0, 2, out.temperature);
  if (name == "top_p") return read_number(reading, name, 0, 1, out.top_p);
  if (name == "top_logprobs") return read_top_logprobs(reading);
  if (name == "max_output_tokens")
    return read_integer(reading, name, 1, std::numeric_limits<std::int32_t>::max(), out.max_tokens);
  if (name == "parallel_tool_calls") return read_boolean(reading, name, out.parallel_tool_calls);
  if (name == "reasoning") return read_reasoning(reading);
  if (name == "text") return read_text(reading);
  if (name == "include") return read_include(reading);
  if (name == "truncation") return read_truncation(reading);
  if (name == "user" || name == "safety_identifier") return read_user(reading, name);
  if (std::find(kWithoutEffect.begin(), kWithoutEffect.end(), name) != kWithoutEffect.end()) return skip_value(reading);
  return note_unknown(reading, name);
}

Status read_member(Reading& reading, const std::string& name, std::string& instructions) {
  if (name == "input") return read_input_items(reading);
  if (name == "instructions") return read_string(reading, name, instructions);
  if (name == "tools") return read_flat_tools(reading);
  if (name == "tool_choice") return read_flat_tool_choice(reading);
  return read_parameter(reading, name);
}

void put_first(std::string instructions, std::vector<CanonicalMessage>& messages) {
  CanonicalMessage first;
  first.role = Role::system;
  first.parts.emplace_back().text = std::move(instructions);
  messages.insert(messages.begin(), std::move(first));
}

}  // namespace

Result<CanonicalRequest> canonicalise_responses(std::string_view body) {
  Reading reading(body);
  std::string instructions;
  TG_CHECK(read_request(reading, [&](const std::string& name) { return read_member(reading, name, instructions); }));
  if (!instructions.empty()) put_first(std::move(instructions), reading.out.messages);
  return std::move(reading.out);
}

}  // namespace tollgate::providers
