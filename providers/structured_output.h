#pragma once
// Tools as a request offers them, and structured output where the provider has none of its own. Pure. Internal to
// providers/.
#include <string>
#include <vector>

#include "providers/canonical.h"

namespace tollgate::providers {

inline constexpr std::string_view kEmptyObjectSchema = R"({"type":"object","properties":{}})";

// A tool's schema for providers that insist on "type":"object" at the top.
std::string object_schema(const std::string& schema);

// What a model is told where only words can ask for JSON.
inline constexpr std::string_view kAnswerWithJson =
    "Answer with one JSON object and nothing else: no text around it and no Markdown.";

// The tools that may be called: those `allowed`, if the caller named some.
std::vector<CanonicalTool> offered_tools(const CanonicalRequest& request);

// Stand-ins for the tools that the messages call, by name, for providers that refuse calls of tools they do not know.
std::vector<CanonicalTool> tools_of_history(const CanonicalRequest& request);

// A tool whose arguments are the answer that `format` asks for. Its name is not one of `tools`.
CanonicalTool answer_tool(const ResponseFormat& format, const std::vector<CanonicalTool>& tools);

}  // namespace tollgate::providers
