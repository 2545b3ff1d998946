#include <algorithm>
#include <cstdio>

#include "local_backend/cuda/runtime.h"

namespace tollgate::device {

using local_backend::plugin::Status;

namespace {

Status status_of(cudaError_t result) {
  switch (result) {
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorStubLibrary:
      return Status::no_device;
    case cudaErrorMemoryAllocation:
      return Status::out_of_memory;
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
      return Status::unsupported;
    default:
      return Status::failed;
  }
}

constexpr int kOldestMajor = 8;  // bf16 on the tensor cores, and copies in the background

}  // namespace

void check(cudaError_t result, const char* doing) {
  if (result == cudaSuccess) return;
  (void)cudaGetLastError();
  throw Error(status_of(result), std::string(doing) + ": " + cudaGetErrorString(result));
}

void* allocate(std::size_t bytes) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, std::max<std::size_t>(bytes, 1)), "taking the GPU's memory");
  return memory;
}
void release(void* memory) { (void)cudaFree(memory); }

void* allocate_pinned(std::size_t bytes) {
  void* memory = nullptr;
  check(cudaMallocHost(&memory, std::max<std::size_t>(bytes, 1)), "taking memory for copies");
  return memory;
}
void release_pinned(void* memory) { (void)cudaFreeHost(memory); }

// CUDA's own copies may return while the last bytes are on their way, and a stream of ours would not wait for them.
void copy_in(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "copying to the GPU");
  check(cudaDeviceSynchronize(), "copying to the GPU");
}

void copy_rows_in(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                  std::size_t rows) {
  if (to_pitch == width && from_pitch == width) return copy_in(to, from, width * rows);
  check(cudaMemcpy2D(to, to_pitch, from, from_pitch, width, rows, cudaMemcpyHostToDevice), "copying to the GPU");
  check(cudaDeviceSynchronize(), "copying to the GPU");
}

void fill_zeros(void* memory, std::size_t bytes) {
  check(cudaMemset(memory, 0, bytes), "clearing the GPU's memory");
  check(cudaDeviceSynchronize(), "clearing the GPU's memory");
}

local_backend::plugin::Facts device_facts() {
  int devices = 0;
  check(cudaGetDeviceCount(&devices), "looking for a GPU");
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0), "asking the GPU what it is");
  if (properties.major < kOldestMajor)
    throw Error(Status::unsupported, std::string(properties.name) + " is older than compute capability 8.0");
  std::size_t free_bytes = 0;
  std::size_t all_bytes = 0;
  check(cudaMemGetInfo(&free_bytes, &all_bytes), "asking for the GPU's memory");
  local_backend::plugin::Facts facts{};
  std::snprintf(facts.name.bytes, sizeof facts.name.bytes, "%s", properties.name);
  facts.memory_bytes = free_bytes;
  return facts;
}

void use_device() { check(cudaSetDevice(0), "choosing the GPU"); }

Stream::Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream"); }
Stream::~Stream() { (void)cudaStreamDestroy(stream_); }

void Stream::upload(void* to, const void* pinned, std::size_t bytes) {
  check(cudaMemcpyAsync(to, pinned, bytes, cudaMemcpyHostToDevice, stream_), "copying to the GPU");
}
void Stream::download(void* pinned, const void* from, std::size_t bytes) {
  check(cudaMemcpyAsync(pinned, from, bytes, cudaMemcpyDeviceToHost, stream_), "copying from the GPU");
}
void Stream::wait() { check(cudaStreamSynchronize(stream_), "waiting for the GPU"); }

void Stream::begin_recording() {
  check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "recording a step");
}
Graph Stream::end_recording() {
  cudaGraph_t recorded = nullptr;
  check(cudaStreamEndCapture(stream_, &recorded), "recording a step");
  cudaGraphExec_t graph = nullptr;
  const cudaError_t result = cudaGraphInstantiate(&graph, recorded, 0);
  (void)cudaGraphDestroy(recorded);
  check(result, "making a graph of a step");
  return Graph(graph);
}
void Stream::replay(const Graph& graph) { check(cudaGraphLaunch(graph.graph_, stream_), "starting a step"); }

}  // namespace tollgate::device
