#include "gateway/net/tls_memory.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include <array>
#include <cstdlib>

namespace tollgate::net {
namespace {

// OpenSSL's read and write buffers: a record of 16 KiB, its header, alignment and the most a cipher adds.
constexpr std::size_t kSmallest = 16 * 1024;
constexpr std::size_t kBiggest = 20 * 1024;

bool is_record_buffer(std::size_t bytes) { return bytes >= kSmallest && bytes <= kBiggest; }

// Buffers of kBiggest bytes, all alike, that nobody uses at the moment.
class Shelf {
 public:
  Shelf() = default;
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;
  ~Shelf() {
    while (count_ > 0) std::free(kept_[--count_]);
    closed_ = true;
  }
  void* take() { return count_ > 0 ? kept_[--count_] : nullptr; }
  bool keep(void* buffer) {
    if (closed_ || count_ == kept_.size()) return false;
    kept_[count_++] = buffer;
    return true;
  }

 private:
  std::array<void*, 8> kept_{};
  std::size_t count_ = 0;
  bool closed_ = false;  // the thread ends
};

thread_local Shelf shelf;

void* allocate(std::size_t bytes, const char* /*file*/, int /*line*/) {
  if (!is_record_buffer(bytes)) return bytes == 0 ? nullptr : std::malloc(bytes);
  void* kept = shelf.take();
  return kept != nullptr ? kept : std::malloc(kBiggest);
}

void release(void* memory, const char* /*file*/, int /*line*/) {
  if (memory == nullptr) return;
  // Anything of at least that size serves, whoever asked for it.
  const std::size_t usable = malloc_usable_size(memory);
  const bool alike = usable >= kBiggest && usable < 2 * kBiggest;
  if (!alike || !shelf.keep(memory)) std::free(memory);
}

void* resize(void* memory, std::size_t bytes, const char* file, int line) {
  if (bytes > 0) return std::realloc(memory, bytes);
  release(memory, file, line);
  return nullptr;
}

}  // namespace

void keep_tls_buffers() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return;
#endif
#endif
  (void)CRYPTO_set_mem_functions(allocate, resize, release);
#endif
}

}  // namespace tollgate::net
