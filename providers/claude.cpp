#include "providers/claude.h"

#include <algorithm>
#include <charconv>

#include "providers/conversation.h"

namespace tollgate::providers {
namespace {

using Effort = ReasoningEffort;

constexpr ClaudeVersion kThinks{3, 7};
constexpr ClaudeVersion kOneSamplingParameter{4, 1};
constexpr ClaudeVersion kEnforcesSchemas{4, 5};
constexpr ClaudeVersion kAdaptive{4, 6};
constexpr std::int64_t kLeastBudget = 1024;

// The numbers Google's own OpenAI endpoint uses for the same words.
std::int64_t budget_of(Effort effort) {
  switch (effort) {
    case Effort::low:
    case Effort::minimal:
      return kLeastBudget;
    case Effort::medium:
      return 8 * 1024;
    default:
      return 24 * 1024;
  }
}

std::string_view effort_of(Effort effort) {
  switch (effort) {
    case Effort::low:
    case Effort::minimal:
      return "low";
    case Effort::medium:
      return "medium";
    case Effort::max:
      return "max";
    default:
      return "high";
  }
}

bool forces_a_tool(const CanonicalRequest& request, const ClaudePlan& plan) {
  const auto mode = request.tool_choice.mode;
  const bool schema = request.response_format.kind == ResponseFormat::Kind::json_schema && !plan.native_format;
  return schema || mode == ToolChoice::Mode::required || mode == ToolChoice::Mode::function;
}

// Thinking excludes forced tools, and a turn that began without it cannot go on with it.
void plan_thinking(CanonicalRequest& request, ClaudeVersion version, ClaudePlan& plan) {
  const Effort effort = request.reasoning_effort;
  if (effort == Effort::unset || effort == Effort::none) return;
  if (version < kThinks || forces_a_tool(request, plan) || !reasoning_can_go_on(request))
    return note_lossy(request.lossy, "reasoning_effort");
  if (version >= kAdaptive) {
    plan.effort = effort_of(effort);
    return;
  }
  // The cap of the caller includes reasoning; some of it is left for the answer.
  const auto asked = request.reasoning_budget;
  std::int64_t budget = asked.value_or(budget_of(effort));
  const bool fits = asked && request.max_tokens && *asked < *request.max_tokens;
  if (request.max_tokens && !fits)
    budget = std::min(budget, *request.max_tokens - *request.max_tokens / 4);
  else if (!request.max_tokens)
    plan.max_tokens += budget;
  if (budget < kLeastBudget) return note_lossy(request.lossy, "reasoning_effort");
  plan.budget = budget;
}

void plan_sampling(CanonicalRequest& request, ClaudeVersion version, ClaudePlan& plan) {
  plan.temperature = request.temperature;
  plan.top_p = request.top_p;
  plan.top_k = request.top_k;
  const auto drop = [&](auto& parameter, std::string_view name, bool because) {
    if (!parameter || !because) return;
    parameter.reset();
    note_lossy(request.lossy, name);
  };
  drop(plan.temperature, "temperature", plan.thinks() && plan.temperature != 1.0);
  drop(plan.top_p, "top_p", plan.thinks() && plan.top_p < 0.95);
  drop(plan.top_k, "top_k", plan.thinks());
  drop(plan.top_p, "top_p", plan.temperature.has_value() && version >= kOneSamplingParameter);
  if (plan.temperature > 1.0) {
    plan.temperature = 1.0;
    note_lossy(request.lossy, "temperature");
  }
}

}  // namespace

ClaudeVersion claude_version(std::string_view model) {
  const auto at = model.find("claude");
  if (at == std::string_view::npos) return {};
  int numbers[2] = {0, 0};
  std::size_t found = 0;
  std::string_view rest = model.substr(at);
  while (!rest.empty() && found < 2) {
    const std::size_t end = std::min(rest.find_first_of("-@:._"), rest.size());
    const std::string_view word = rest.substr(0, end);
    int value = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    const bool number = error == std::errc() && stop == word.data() + word.size();
    if (number && word.size() <= 2)
      numbers[found++] = value;
    else if (found > 0)
      break;  // "4-20250514": a date follows the version
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {numbers[0], numbers[1]};
}

ClaudePlan plan_claude(CanonicalRequest& request, ClaudeVersion version, std::int64_t default_max_tokens) {
  ClaudePlan plan;
  // Where schemas are enforced, each object in them has to be closed: `strict` is the caller's word that it is.
  const ResponseFormat& format = request.response_format;
  plan.strict_tools = version >= kEnforcesSchemas;
  plan.native_format = plan.strict_tools && format.kind == ResponseFormat::Kind::json_schema && format.strict;
  plan.max_tokens = request.max_tokens.value_or(default_max_tokens);
  plan_thinking(request, version, plan);
  plan_sampling(request, version, plan);
  return plan;
}

}  // namespace tollgate::providers
