#pragma once
// Which credentials were used on which day, on its way to the store. Private to this folder.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace tollgate::auth {

// Thread-safe. Every call of the gateway notes its credential, and no worker may wait for another there: what was noted
// before is recognised in a table of atomics, without a lock. Two credentials that share a slot only cost the lock
// again.
class UseLog {
 public:
  using Days = std::map<std::int64_t, std::set<std::string>>;  // Unix day -> ids

  void note(std::string_view id, std::int64_t day) {
    const std::uint64_t mark = std::hash<std::string_view>{}(id) + static_cast<std::uint64_t>(day) * kGolden;
    std::atomic<std::uint64_t>& slot = noted_[mark % noted_.size()];
    if (slot.load(std::memory_order_relaxed) == mark) return;
    const std::lock_guard lock(mutex_);
    pending_[day].emplace(id);
    slot.store(mark, std::memory_order_relaxed);
  }

  Days take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(pending_, {});
  }

  // The store could not take them.
  void put_back(Days days) {
    const std::lock_guard lock(mutex_);
    for (auto& [day, ids] : days) pending_[day].merge(ids);
  }

 private:
  static constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
  std::array<std::atomic<std::uint64_t>, 8192> noted_{};
  std::mutex mutex_;
  Days pending_;
};

}  // namespace tollgate::auth
