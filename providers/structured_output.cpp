#include "providers/structured_output.h"

#include <algorithm>

#include "providers/json_reader.h"

namespace tollgate::providers {
namespace {

bool has_name(const std::vector<CanonicalTool>& tools, std::string_view name) {
  return std::any_of(tools.begin(), tools.end(), [&](const CanonicalTool& tool) { return tool.name == name; });
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
      if (part.kind == CanonicalPart::Kind::tool_call && !has_name(out, part.name)) {
        out.emplace_back().name = part.name;
      }
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

}  // namespace tollgate::providers
