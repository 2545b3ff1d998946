#include "providers/request_plan.h"

#include <algorithm>

#include "providers/json_reader.h"

namespace tollgate::providers {
namespace {

using Mode = ToolChoice::Mode;

bool has_name(const std::vector<CanonicalTool>& tools, std::string_view name) {
  return std::any_of(tools.begin(), tools.end(), [&](const CanonicalTool& tool) { return tool.name == name; });
}

std::vector<CanonicalTool> offered_tools(const CanonicalRequest& request) {
  const auto& allowed = request.tool_choice.allowed;
  if (allowed.empty()) return request.tools;
  std::vector<CanonicalTool> out;
  for (const CanonicalTool& tool : request.tools)
    if (std::find(allowed.begin(), allowed.end(), tool.name) != allowed.end()) out.push_back(tool);
  return out;
}

std::vector<CanonicalTool> tools_of_history(const CanonicalRequest& request) {
  std::vector<CanonicalTool> out;
  for (const CanonicalMessage& message : request.messages)
    for (const CanonicalPart& part : message.parts)
      if (part.kind == CanonicalPart::Kind::tool_call && !has_name(out, part.name)) out.emplace_back().name = part.name;
  return out;
}

CanonicalTool answer_tool(const ResponseFormat& format, const std::vector<CanonicalTool>& tools) {
  CanonicalTool tool;
  tool.name = "structured_answer";
  while (has_name(tools, tool.name)) tool.name += "_";
  tool.description = format.description.empty() ? "Gives the answer. Always call it, once." : format.description;
  tool.schema = format.schema;
  return tool;
}

}  // namespace

std::string object_schema(const std::string& schema) {
  if (schema.empty()) return std::string(kEmptyObjectSchema);
  JsonReader reader(schema);
  bool typed = false;
  bool empty = true;
  if (reader.peek() == JsonReader::Kind::object) reader.enter_object();
  while (reader.next_member()) {
    typed = typed || reader.key() == "type";
    empty = false;
    reader.skip();
  }
  if (typed) return schema;
  return empty ? std::string(kEmptyObjectSchema) : R"({"type":"object",)" + schema.substr(schema.find('{') + 1);
}

ToolPlan plan_tools(const CanonicalRequest& request, bool native_format) {
  ToolPlan plan{offered_tools(request), request.tool_choice, {}};
  if (plan.tools.empty()) {
    plan.tools = tools_of_history(request);
    plan.choice = {};
    if (!plan.tools.empty()) plan.choice.mode = Mode::none;
  }
  if (request.response_format.kind != ResponseFormat::Kind::json_schema || native_format) return plan;
  const bool no_other = plan.tools.empty() || plan.choice.mode == Mode::none;
  plan.tools.push_back(answer_tool(request.response_format, plan.tools));
  plan.answer_tool = plan.tools.back().name;
  plan.choice.mode = no_other ? Mode::function : Mode::required;
  plan.choice.function = no_other ? plan.answer_tool : std::string();
  return plan;
}

Status one_choice_only(const CanonicalRequest& request) {
  if (request.n == 1) return {};
  return invalid_value("n", "This model answers with one choice: n must be 1.", "unsupported_value");
}

std::vector<std::string> sendable_stops(CanonicalRequest& request) {
  std::vector<std::string> out;
  for (const std::string& stop : request.stop)
    if (stop.find_first_not_of(" \t\r\n") != std::string::npos) out.push_back(stop);
  if (out.size() < request.stop.size()) note_lossy(request.lossy, "stop");
  return out;
}

void note_unsendable_parameters(CanonicalRequest& request) {
  const auto note = [&request](bool asked, std::string_view field) {
    if (asked) note_lossy(request.lossy, field);
  };
  note(request.seed.has_value(), "seed");
  note(request.logprobs, "logprobs");
  note(request.frequency_penalty.has_value(), "frequency_penalty");
  note(request.presence_penalty.has_value(), "presence_penalty");
  for (const auto& extra : request.extras) note(true, extra.name);
}

}  // namespace tollgate::providers
