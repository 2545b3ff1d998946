#include "gateway/observe/once_a_minute.h"

#include <utility>

namespace tollgate::observe {
namespace {

constexpr std::chrono::minutes kPause{1};

}  // namespace

bool OnceAMinute::due(std::string_view kind) {
  std::string name(kind);
  const SteadyTime now = clock_.steady_now();
  const auto known = seen_.find(name);
  if (known != seen_.end() && now - known->second < kPause) return false;
  if (known == seen_.end() && seen_.size() >= kMost) {
    std::erase_if(seen_, [now](const auto& entry) { return now - entry.second >= kPause; });
    if (seen_.size() >= kMost) return false;
  }
  seen_.insert_or_assign(std::move(name), now);
  return true;
}

}  // namespace tollgate::observe
