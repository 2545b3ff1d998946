#pragma once
// Keeps what strangers or providers can cause at will from filling the log.
#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/base/clock.h"

namespace tollgate::observe {

// Lets each kind of a thing through once in a minute. Kinds may be made up by others: beyond kMost that are remembered,
// new ones wait. Not thread-safe.
class OnceAMinute {
 public:
  static constexpr std::size_t kMost = 256;
  explicit OnceAMinute(const Clock& clock) : clock_(clock) {}
  bool due(std::string_view kind);

 private:
  const Clock& clock_;
  std::unordered_map<std::string, SteadyTime> seen_;  // by kind: when it was last let through
};

}  // namespace tollgate::observe
