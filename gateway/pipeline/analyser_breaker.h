#pragma once
// Keeps calls from waiting for an analyser that is down: after some failures in a row it is not asked for a while.
// Shared by the workers and carried across reloads, by the analyser's name; thread-safe.
#include <chrono>
#include <mutex>
#include <string>
#include <unordered_map>

#include "gateway/base/clock.h"

namespace tollgate::pipeline {

class AnalyserBreaker {
 public:
  explicit AnalyserBreaker(const Clock& clock) : clock_(clock) {}

  // Whether to ask it now. When a pause is over one call tries, and the others wait for what that learns.
  bool may_ask(const std::string& name);
  // It did not answer, or not properly. True: it is paused from now on.
  bool failed(const std::string& name, std::int64_t most_failures, std::chrono::milliseconds pause);
  void succeeded(const std::string& name);

 private:
  struct Entry {
    std::int64_t failures = 0;           // in a row
    std::chrono::milliseconds pause{0};  // 0: it is asked
    SteadyTime until{};
  };
  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;  // of those that failed last
};

}  // namespace tollgate::pipeline
