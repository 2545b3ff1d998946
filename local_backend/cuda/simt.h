#pragma once
// What kernels are written in: CUDA's own words and the few functions below, so that the same sources also run on a CPU
// (emulated/simt.h), where tests look at every access and every sum. Nothing else here knows which of the two it is.
#ifdef __CUDACC__
#include <cuda_runtime.h>

#include <cstdint>

#define DEVICE_FUNCTION __device__ __forceinline__

namespace tollgate::simt {

// The block's shared memory, of the size the launch asked for. Not initialised.
template <class T>
DEVICE_FUNCTION T* shared_memory() {
  extern __shared__ __align__(16) unsigned char simt_shared_bytes[];
  return reinterpret_cast<T*>(simt_shared_bytes);
}

DEVICE_FUNCTION void block_sync() { __syncthreads(); }
DEVICE_FUNCTION void warp_sync() { __syncwarp(); }
// Of all 32 lanes.
DEVICE_FUNCTION float shuffle_xor(float value, int mask) { return __shfl_xor_sync(0xFFFFFFFFU, value, mask); }

struct alignas(16) Words4 {
  std::uint32_t w[4];
};
struct alignas(8) Words2 {
  std::uint32_t w[2];
};

// Reads that come once and need no place in the caches near the cores.
DEVICE_FUNCTION Words4 load_once_16(const void* from) {
  Words4 out;
  asm("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
      : "=r"(out.w[0]), "=r"(out.w[1]), "=r"(out.w[2]), "=r"(out.w[3])
      : "l"(from));
  return out;
}
DEVICE_FUNCTION Words2 load_once_8(const void* from) {
  Words2 out;
  asm("ld.global.nc.L1::no_allocate.v2.u32 {%0, %1}, [%2];" : "=r"(out.w[0]), "=r"(out.w[1]) : "l"(from));
  return out;
}

// From global to shared memory, done when async_wait says so.
DEVICE_FUNCTION void async_copy_16(void* shared, const void* global) {
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(global) : "memory");
}
DEVICE_FUNCTION void async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Until at most `kLeft` of this thread's committed groups are on their way.
template <int kLeft>
DEVICE_FUNCTION void async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kLeft) : "memory");
}

// sums += a * b on the warp's 16 x 16 and 16 x 8 matrices of bf16 (or f16), two numbers in each word. Lane l, with
// g = l / 4 and t = l % 4, holds of a: rows g, g + 8 at columns 2t, 2t + 1 (words 0, 1) and 2t + 8, 2t + 9 (words 2,
// 3); of b: rows as a's columns, column g; of sums: rows g (0, 1) and g + 8 (2, 3) at columns 2t, 2t + 1 (PTX ISA,
// "Matrix Fragments for mma.m16n8k16").
template <bool kF16>
DEVICE_FUNCTION void multiply_tiles(float (&sums)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  if constexpr (kF16) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
        "%3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, "
        "%2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
}

}  // namespace tollgate::simt
#else
#include "local_backend/cuda/emulated/simt.h"
#endif

namespace tollgate::simt {

// In one fixed order, the same in every lane.
DEVICE_FUNCTION float warp_sum(float value) {
  for (int mask = 16; mask > 0; mask /= 2) value += shuffle_xor(value, mask);
  return value;
}
DEVICE_FUNCTION float warp_max(float value) {
  for (int mask = 16; mask > 0; mask /= 2) {
    const float other = shuffle_xor(value, mask);
    value = value > other ? value : other;
  }
  return value;
}

}  // namespace tollgate::simt
