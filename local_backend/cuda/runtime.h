#pragma once
// The device's memory and its queue of work: by CUDA's runtime, or by the emulator's.
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "local_backend/cuda/plugin.h"
#include "local_backend/cuda/simt.h"

namespace tollgate::device {

class Error : public std::runtime_error {
 public:
  Error(local_backend::plugin::Status status, const std::string& what) : std::runtime_error(what), status_(status) {}
  local_backend::plugin::Status status() const { return status_; }

 private:
  local_backend::plugin::Status status_;
};

struct Grid {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;
};

// All but release() and release_pinned() throw Error. Memory is not initialised; the emulator fills it with what is no
// number.
void* allocate(std::size_t bytes);
void release(void* memory);
void* allocate_pinned(std::size_t bytes);  // the host's, for upload() and download()
void release_pinned(void* memory);
void copy_in(void* to, const void* from, std::size_t bytes);
// `rows` rows of `width` bytes; each begins `to_pitch` and `from_pitch` bytes after the one before.
void copy_rows_in(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t width,
                  std::size_t rows);
void fill_zeros(void* memory, std::size_t bytes);
local_backend::plugin::Facts device_facts();
void use_device();  // by the calling thread

}  // namespace tollgate::device

#ifdef __CUDACC__
#include "local_backend/cuda/gpu_runtime.h"
#else
#include "local_backend/cuda/emulated/runtime.h"
#endif

namespace tollgate::device {

// An array in the device's memory.
template <class T>
class Array {
 public:
  Array() = default;
  explicit Array(std::size_t count) : data_(static_cast<T*>(allocate(count * sizeof(T)))), count_(count) {}
  Array(Array&& other) noexcept : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  Array& operator=(Array&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~Array() { release(data_); }

  T* data() const { return data_; }
  std::size_t size() const { return count_; }

 private:
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

// An array in the host's memory that the device copies from and to by itself.
template <class T>
class Pinned {
 public:
  explicit Pinned(std::size_t count) : data_(static_cast<T*>(allocate_pinned(count * sizeof(T)))), count_(count) {}
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  ~Pinned() { release_pinned(data_); }

  T* data() const { return data_; }
  std::size_t size() const { return count_; }
  T& operator[](std::size_t i) { return data_[i]; }

 private:
  T* data_;
  std::size_t count_;
};

}  // namespace tollgate::device
