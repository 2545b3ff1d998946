#pragma once
// Coarse deadlines: one timer per loop sweeps a list, instead of one timer per operation (1 us each, measured).
#include <chrono>
#include <functional>
#include <memory>

#include "gateway/base/clock.h"
#include "gateway/net/task.h"

namespace tollgate::net {

class Deadline;

// One per worker loop. Every `period` (default 50 ms, so a deadline fires at most that late) it calls what has expired.
// A callback may set, clear or destroy any Deadline, its own included. Not thread-safe. Must outlive its Deadlines.
class Sweep {
 public:
  explicit Sweep(asio::io_context& io, std::chrono::milliseconds period = std::chrono::milliseconds(50));
  ~Sweep();
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  SteadyTime now() const { return now_; }  // time of the last sweep: for what may be a period old
  void stop();                             // lets the loop run out of work
  // The longest time the loop kept the sweep waiting beyond its period since the last call (loop lag, for metrics).
  std::chrono::microseconds take_worst_lag();

 private:
  friend class Deadline;
  void arm();
  void sweep();
  void fire(Deadline& deadline);
  Timer timer_;
  std::chrono::milliseconds period_;
  SteadyTime now_;
  SteadyTime due_;
  std::chrono::microseconds worst_lag_{0};
  Deadline* head_ = nullptr;  // intrusive list; Deadlines link and unlink themselves
  Deadline* next_in_sweep_ = nullptr;
  Deadline* firing_ = nullptr;   // its callback is running; null when that destroyed it
  std::shared_ptr<char> alive_;  // expires with the Sweep
  bool stopped_ = false;
};

// Calls `on_expiry` once on the loop when `at` has passed; the destructor or clear() forgets it. Move-less, one owner.
class Deadline {
 public:
  Deadline(Sweep& sweep, std::function<void()> on_expiry);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void set(std::chrono::milliseconds from_now);  // replaces an earlier setting; zero or less = never
  void clear();
  bool expired() const { return expired_; }  // it fired since the last set()

 private:
  friend class Sweep;
  Sweep& sweep_;
  std::function<void()> on_expiry_;
  SteadyTime at_ = SteadyTime::max();
  bool expired_ = false;
  Deadline* prev_ = nullptr;
  Deadline* next_ = nullptr;
};

}  // namespace tollgate::net
