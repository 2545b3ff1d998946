#pragma once
// Time is injected: only `main` names the real clock. System time is shown to people and written to rows; steady time
// measures and sets deadlines.
#include <chrono>
#include <cstdint>

namespace tollgate {

using SystemTime = std::chrono::system_clock::time_point;
using SteadyTime = std::chrono::steady_clock::time_point;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SystemTime system_now() const = 0;
  virtual SteadyTime steady_now() const = 0;
};

class RealClock final : public Clock {
 public:
  SystemTime system_now() const override { return std::chrono::system_clock::now(); }
  SteadyTime steady_now() const override { return std::chrono::steady_clock::now(); }
};

// For tests: stands still until told otherwise. Not thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(SystemTime start = SystemTime(std::chrono::seconds(1'767'225'600))) : system_(start) {}
  SystemTime system_now() const override { return system_; }
  SteadyTime steady_now() const override { return steady_; }
  void advance(std::chrono::nanoseconds by) {
    system_ += std::chrono::duration_cast<SystemTime::duration>(by);
    steady_ += std::chrono::duration_cast<SteadyTime::duration>(by);
  }

 private:
  SystemTime system_;
  SteadyTime steady_ = SteadyTime(std::chrono::hours(1));
};

// Milliseconds since the Unix epoch: the form in which times are stored.
inline std::int64_t unix_ms(SystemTime t) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count();
}

}  // namespace tollgate
