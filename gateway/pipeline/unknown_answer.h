#pragma once
// What a provider's answer holds and no decoder knows (providers/event.h, Unknown): no policy has read it, so the
// policies' `on_opaque` decides about the answer. It never passes unseen.
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/result.h"
#include "gateway/observe/metrics.h"
#include "gateway/observe/once_a_minute.h"
#include "pii/policy.h"
#include "providers/event.h"

namespace tollgate::pipeline {

// Under whose policies, and by whom, a call is answered. Views live as long as the call.
struct AnswerUnder {
  std::optional<pii::OnOpaque> rule;  // nullopt: no policy, so that nothing is counted or refused
  std::string_view department;
  std::string_view provider;
  bool inside_the_house = false;  // the target
};

// Judges what comes of one answer. One per attempt; what it refers to outlives it.
class UnknownAnswer {
 public:
  UnknownAnswer(observe::OnceAMinute& kinds, observe::MetricsShard& metrics, Log& log, AnswerUnder under)
      : kinds_(kinds), metrics_(metrics), log_(log), under_(under) {}

  // Counts the answer once, logs, and lets it go on or not. Error upstream_error with code "pii_unreadable_answer": the
  // policies let nothing pass that nobody reads.
  Status judge(const std::vector<providers::Unknown>& found);
  // It was not the target that failed, and another one's answer is not asked for: this one has been paid.
  bool refused() const { return refused_; }

 private:
  bool passes() const;
  void tell(const providers::Unknown& one, bool passed) const;

  observe::OnceAMinute& kinds_;
  observe::MetricsShard& metrics_;
  Log& log_;
  AnswerUnder under_;
  bool counted_ = false;
  bool refused_ = false;
};

}  // namespace tollgate::pipeline
