#include "local_backend/worker_pool.h"

#include <algorithm>

namespace tollgate::local_backend {
namespace {

constexpr int kMostThreads = 16;  // beyond, memory is what is waited for
constexpr int kPatience = 2000;   // looks before a thread goes to sleep: steps follow one another closely

// Until the value is another one.
template <class T>
void wait_while(const std::atomic<T>& value, T old) {
  for (int i = 0; i < kPatience; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

WorkerPool::WorkerPool(int threads) {
  for (int part = 1; part < threads; ++part) threads_.emplace_back([this, part] { serve(part); });
}

WorkerPool::~WorkerPool() {
  stopping_ = true;
  ++round_;
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::run_erased(Call call, const void* work) {
  call_ = call;
  work_ = work;
  busy_.store(static_cast<int>(threads_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  call(work, 0);
  for (int left = busy_.load(std::memory_order_acquire); left > 0; left = busy_.load(std::memory_order_acquire)) {
    wait_while(busy_, left);
  }
}

void WorkerPool::serve(int part) {
  for (std::uint32_t seen = 0;;) {
    wait_while(round_, seen);
    ++seen;
    if (stopping_) return;
    call_(work_, part);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_all();
  }
}

int default_threads() { return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 2, 1, kMostThreads); }

}  // namespace tollgate::local_backend
