#pragma once
// A few threads that share one piece of work at a time.
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace tollgate::local_backend {

class WorkerPool {
 public:
  // `threads` work, the caller of run() among them.
  explicit WorkerPool(int threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  int threads() const { return static_cast<int>(threads_.size()) + 1; }

  // Calls `work(part)` for each part below threads(), at the same time, and returns when all have returned. One caller
  // at a time; `work` must not throw.
  template <class Work>
  void run(const Work& work) {
    run_erased([](const void* w, int part) { (*static_cast<const Work*>(w))(part); }, &work);
  }

 private:
  using Call = void (*)(const void* work, int part);
  void run_erased(Call call, const void* work);
  void serve(int part);

  Call call_ = nullptr;
  const void* work_ = nullptr;
  std::atomic<std::uint32_t> round_{0};  // a new number: there is work
  std::atomic<int> busy_{0};             // threads that have not finished it
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

// For a model beside a gateway that needs its cores, too: half of those that this process may use.
int default_threads();

}  // namespace tollgate::local_backend
