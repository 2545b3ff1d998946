#pragma once
// What Claude models ask of a request, whichever API carries it (Anthropic, Bedrock). Pure. Internal to providers/.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "providers/canonical.h"

namespace tollgate::providers {

// Read from the model's name ("claude-3-7-sonnet-20250219", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"). 0.0: a
// name that does not tell, such as an alias or an ARN; then nothing that only some versions have is used.
struct ClaudeVersion {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const ClaudeVersion&, const ClaudeVersion&) = default;
};
ClaudeVersion claude_version(std::string_view model);

// The parameters that depend on each other and on the version.
struct ClaudePlan {
  bool strict_tools = false;           // the model can be held to a tool's schema
  bool native_format = false;          // the answer's schema goes as it is, without the help of a forced tool
  std::optional<std::int64_t> budget;  // thinking with that many tokens at most
  std::string_view effort;             // not empty: adaptive thinking of this effort
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<std::int64_t> top_k;
  std::int64_t max_tokens = 0;
  bool thinks() const { return budget || !effort.empty(); }
};
// Notes in `request.lossy` what had to give way.
ClaudePlan plan_claude(CanonicalRequest& request, ClaudeVersion version, std::int64_t default_max_tokens);

}  // namespace tollgate::providers
