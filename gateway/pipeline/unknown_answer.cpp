#include "gateway/pipeline/unknown_answer.h"

#include <string>
#include <utility>

namespace tollgate::pipeline {
namespace {

Error unreadable() {
  return Error{
      .kind = ErrorKind::upstream_error,
      .message =
          "The provider's answer holds something that the gateway cannot read, and the policy of this key lets "
          "nothing pass that is not read. Ask your platform team, or call another model.",
      .code = "pii_unreadable_answer",
      .retryable = false};
}

}  // namespace

bool UnknownAnswer::passes() const {
  return under_.rule == pii::OnOpaque::pass || (under_.rule == pii::OnOpaque::local_only && under_.inside_the_house);
}

void UnknownAnswer::tell(const providers::Unknown& one, bool passed) const {
  const std::string_view what = to_string(one.what);
  if (!kinds_.due(std::string(what).append(":").append(one.name))) return;
  log_.write(LogLevel::warning, "pii_unknown_answer",
             "a provider's answer holds what no decoder of the gateway knows, so no policy has read it",
             {{"department", under_.department},
              {"provider", under_.provider},
              {"what", what},
              {"name", std::string_view(one.name)},
              {"rule", pii::to_string(*under_.rule)},
              {"passed", passed}});
}

Status UnknownAnswer::judge(const std::vector<providers::Unknown>& found) {
  if (found.empty() || !under_.rule) return {};
  const bool passed = passes();
  if (!std::exchange(counted_, true))
    metrics_.count(
        "tollgate_pii_unknown_answers_total",
        {{"department", under_.department}, {"provider", under_.provider}, {"rule", pii::to_string(*under_.rule)}});
  for (const auto& one : found) tell(one, passed);
  refused_ = !passed;
  if (refused_) return unreadable();
  return {};
}

}  // namespace tollgate::pipeline
