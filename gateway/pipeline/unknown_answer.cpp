#include "gateway/pipeline/unknown_answer.h"

#include <utility>

namespace tollgate::pipeline {
namespace {

constexpr std::chrono::minutes kPause{1};

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

bool UnknownKinds::due(std::string_view what, std::string_view name) {
  std::string kind(what);
  kind.append(":").append(name);
  const SteadyTime now = clock_.steady_now();
  const auto known = told_.find(kind);
  if (known != told_.end() && now - known->second < kPause) return false;
  if (known == told_.end() && told_.size() >= kMost) {
    std::erase_if(told_, [now](const auto& entry) { return now - entry.second >= kPause; });
    if (told_.size() >= kMost) return false;
  }
  told_.insert_or_assign(std::move(kind), now);
  return true;
}

bool UnknownAnswer::passes() const {
  return under_.rule == pii::OnOpaque::pass || (under_.rule == pii::OnOpaque::local_only && under_.inside_the_house);
}

void UnknownAnswer::tell(const providers::Unknown& one, bool passed) const {
  const std::string_view what = to_string(one.what);
  if (!kinds_.due(what, one.name)) return;
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
