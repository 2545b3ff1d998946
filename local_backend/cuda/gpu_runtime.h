#pragma once
// CUDA's part of runtime.h. Every call's result goes through check().
#include <cuda_runtime.h>

namespace tollgate::device {

void check(cudaError_t result, const char* doing);  // throws Error

// A kernel may ask for more than 48 KiB only where this was said before.
template <class... P>
void allow_shared_memory(void (*kernel)(P...), std::size_t bytes) {
  check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(bytes)),
        "asking for shared memory");
}

class Graph {
 public:
  Graph() = default;
  explicit Graph(cudaGraphExec_t graph) : graph_(graph) {}
  Graph(Graph&& other) noexcept : graph_(std::exchange(other.graph_, nullptr)) {}
  Graph& operator=(Graph&& other) noexcept {
    std::swap(graph_, other.graph_);
    return *this;
  }
  ~Graph() {
    if (graph_ != nullptr) cudaGraphExecDestroy(graph_);
  }
  explicit operator bool() const { return graph_ != nullptr; }

 private:
  friend class Stream;
  cudaGraphExec_t graph_ = nullptr;
};

class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  template <class... P, class... A>
  void launch(void (*kernel)(P...), Grid grid, int threads, std::size_t shared_bytes, const A&... args) {
    launch_exactly(kernel, grid, threads, shared_bytes, static_cast<P>(args)...);
  }
  void upload(void* to, const void* pinned, std::size_t bytes);
  void download(void* pinned, const void* from, std::size_t bytes);
  void wait();
  template <class Work>
  Graph record(const Work& work) {
    begin_recording();
    work();
    return end_recording();
  }
  void replay(const Graph& graph);

 private:
  template <class... P>
  void launch_exactly(void (*kernel)(P...), Grid grid, int threads, std::size_t shared_bytes, P... args) {
    void* pointers[] = {static_cast<void*>(&args)...};
    if (shared_bytes > 48U << 10U) allow_shared_memory(kernel, shared_bytes);
    check(cudaLaunchKernel(reinterpret_cast<const void*>(kernel), dim3(grid.x, grid.y, grid.z),
                           dim3(static_cast<unsigned>(threads)), pointers, shared_bytes, stream_),
          "starting a kernel");
  }
  void begin_recording();
  Graph end_recording();

  cudaStream_t stream_ = nullptr;
};

}  // namespace tollgate::device
