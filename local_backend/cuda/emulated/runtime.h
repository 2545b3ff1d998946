#pragma once
// The emulator's part of runtime.h: the device's memory is the host's, each array an allocation of its own, so that
// AddressSanitizer sees what a GPU would not.
#include <functional>
#include <tuple>
#include <vector>

#include "local_backend/cuda/emulated/simt.h"

namespace tollgate::device {

template <class... P>
void allow_shared_memory(void (*)(P...), std::size_t) {}

// Work that was recorded, to be done again.
class Graph {
 public:
  explicit operator bool() const { return !work_.empty(); }

 private:
  friend class Stream;
  std::vector<std::function<void()>> work_;
};

class Stream {
 public:
  // Kernels after one another. Arguments are copied now.
  template <class... P, class... A>
  void launch(void (*kernel)(P...), Grid grid, int threads, std::size_t shared_bytes, const A&... args) {
    auto work = [=] {
      simt::run_grid({grid.x, grid.y, grid.z}, static_cast<unsigned>(threads), shared_bytes, [&] { kernel(args...); });
    };
    if (recording_ != nullptr) {
      recording_->work_.emplace_back(std::move(work));
    } else {
      work();
    }
  }
  void upload(void* to, const void* pinned, std::size_t bytes);
  void download(void* pinned, const void* from, std::size_t bytes);
  void wait() {}
  template <class Work>
  Graph record(const Work& work) {
    Graph graph;
    recording_ = &graph;
    work();
    recording_ = nullptr;
    return graph;
  }
  void replay(const Graph& graph) {
    for (const auto& work : graph.work_) work();
  }

 private:
  Graph* recording_ = nullptr;
};

}  // namespace tollgate::device
