#pragma once
// Wakes one coroutine from another on the same loop.
#include <memory>

#include "gateway/net/task.h"

namespace tollgate::net {

// One waiter at a time. A notify with nobody waiting is remembered, so no wake-up is lost; several collapse into one.
// Not thread-safe: all use is on the loop of `executor`. The waiter is resumed by post, never inside notify().
// Destroying a Signal with a waiter resumes that waiter (it must then not touch the Signal).
class Signal {
 public:
  explicit Signal(Executor executor);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void notify();
  // REQUIRES: nobody else is waiting.
  Task<void> wait();

 private:
  struct Waiter;
  Executor executor_;
  std::unique_ptr<Waiter> waiter_;
  bool pending_ = false;
};

}  // namespace tollgate::net
