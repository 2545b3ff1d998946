#pragma once
// What several providers ask of a request in the same way. Pure. Internal to providers/.
#include <string>
#include <string_view>
#include <vector>

#include "providers/canonical.h"

namespace tollgate::providers {

inline constexpr std::string_view kEmptyObjectSchema = R"({"type":"object","properties":{}})";

// What a model is told where only words can ask for JSON.
inline constexpr std::string_view kAnswerWithJson =
    "Answer with one JSON object and nothing else: no text around it and no Markdown.";

// A tool's schema for providers that insist on "type":"object" at the top.
std::string object_schema(const std::string& schema);

struct ToolPlan {
  std::vector<CanonicalTool> tools;
  ToolChoice choice;
  std::string answer_tool;  // not empty: the tool among them whose arguments are the answer (AnswerContext)
};
// The tools the caller lists, or those it allows of them. Where it lists none, stand-ins for those that the messages
// call: providers refuse calls of tools they do not know; none of them may be called. And where a schema is asked for
// that the provider does not enforce itself (`native_format`), a tool of that schema that has to be called.
ToolPlan plan_tools(const CanonicalRequest& request, bool native_format);

// Error: more than one choice was asked for.
Status one_choice_only(const CanonicalRequest& request);

// The stop sequences but for those of white space only, which providers refuse.
std::vector<std::string> sendable_stops(CanonicalRequest& request);

// Seeds, penalties, log probabilities and unknown members.
void note_unsendable_parameters(CanonicalRequest& request);

}  // namespace tollgate::providers
