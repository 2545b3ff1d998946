#pragma once
// CUDA's words on a CPU, for tests: each thread of a block is a fibre that runs until it has to wait for others. What a
// GPU leaves undefined is an error here: a barrier that some threads do not reach, lanes of a warp that are not all
// there, an address that is not aligned. Shared memory is a block's own allocation of exactly the size asked for and
// begins as NaN, copies in the background are made as late as they may be, and the order of threads can be turned
// around: what depends on any of it is wrong.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>

// NOLINTBEGIN(bugprone-reserved-identifier): CUDA's own words
#define __global__
#define __device__
#define __launch_bounds__(threads)
// NOLINTEND(bugprone-reserved-identifier)
#define DEVICE_FUNCTION inline

namespace tollgate::simt {

struct Index {
  unsigned x = 0;
  unsigned y = 0;
  unsigned z = 0;
};

inline thread_local Index thread_index;
inline thread_local Index block_index;
#define threadIdx (::tollgate::simt::thread_index)
#define blockIdx (::tollgate::simt::block_index)

// Runs `kernel` for every thread of every block, one block after the other. Throws std::logic_error for a misuse.
void run_grid(Index blocks, unsigned threads, std::size_t shared_bytes, const std::function<void()>& kernel);
// Threads of the same block take their turns from the last to the first.
void reverse_order(bool reversed);

void block_sync();
void warp_sync();
float shuffle_xor(float value, int mask);
unsigned char* shared_bytes();
void async_copy_16(void* shared, const void* global);
void async_commit();
void async_wait_for(int left);
void multiply_tiles_of(bool f16, float (&sums)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]);

template <class T>
T* shared_memory() {
  return reinterpret_cast<T*>(shared_bytes());
}
template <int kLeft>
void async_wait() {
  async_wait_for(kLeft);
}
template <bool kF16>
void multiply_tiles(float (&sums)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  multiply_tiles_of(kF16, sums, a, b);
}

struct alignas(16) Words4 {
  std::uint32_t w[4];
};
struct alignas(8) Words2 {
  std::uint32_t w[2];
};

template <class Words>
Words load_aligned(const void* from) {
  if (reinterpret_cast<std::uintptr_t>(from) % sizeof(Words) != 0) throw std::logic_error("an unaligned load");
  Words out;
  std::memcpy(&out, from, sizeof out);
  return out;
}
inline Words4 load_once_16(const void* from) { return load_aligned<Words4>(from); }
inline Words2 load_once_8(const void* from) { return load_aligned<Words2>(from); }

}  // namespace tollgate::simt
