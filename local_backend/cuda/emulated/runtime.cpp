#include "local_backend/cuda/runtime.h"

#include <cstdio>
#include <cstdlib>

namespace tollgate::device {

using local_backend::plugin::Status;

void* allocate(std::size_t bytes) {
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw Error(Status::out_of_memory, "the emulated device has no memory left");
  std::memset(memory, 0xFF, bytes);  // NaN in every format with NaN
  return memory;
}
void release(void* memory) { std::free(memory); }
void* allocate_pinned(std::size_t bytes) { return allocate(bytes); }
void release_pinned(void* memory) { release(memory); }

void copy_in(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }

void copy_rows_in(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                  std::size_t rows) {
  for (std::size_t row = 0; row < rows; ++row)
    std::memcpy(static_cast<char*>(to) + row * to_pitch, static_cast<const char*>(from) + row * from_pitch, width);
}

void fill_zeros(void* memory, std::size_t bytes) { std::memset(memory, 0, bytes); }

local_backend::plugin::Facts device_facts() {
  local_backend::plugin::Facts facts{};
  std::snprintf(facts.name.bytes, sizeof facts.name.bytes, "emulated on the CPU, for tests");
  facts.memory_bytes = std::uint64_t{1} << 30U;
  return facts;
}

void use_device() {}

void Stream::upload(void* to, const void* pinned, std::size_t bytes) { std::memcpy(to, pinned, bytes); }
void Stream::download(void* pinned, const void* from, std::size_t bytes) { std::memcpy(pinned, from, bytes); }

}  // namespace tollgate::device
