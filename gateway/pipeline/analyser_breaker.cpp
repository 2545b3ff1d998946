#include "gateway/pipeline/analyser_breaker.h"

namespace tollgate::pipeline {

bool AnalyserBreaker::may_ask(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(name);
  if (it == entries_.end() || it->second.pause.count() == 0) return true;
  const SteadyTime now = clock_.steady_now();
  if (now < it->second.until) return false;
  it->second.until = now + it->second.pause;
  return true;
}

bool AnalyserBreaker::failed(const std::string& name, std::int64_t most_failures, std::chrono::milliseconds pause) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[name];
  if (++entry.failures < most_failures) return false;
  const bool first = entry.pause.count() == 0;
  entry.pause = pause;
  entry.until = clock_.steady_now() + pause;
  return first;
}

void AnalyserBreaker::succeeded(const std::string& name) {
  const std::lock_guard lock(mutex_);
  entries_.erase(name);
}

}  // namespace tollgate::pipeline
