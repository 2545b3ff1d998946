#pragma once
// What a kernel is. Plain types only, as in weight_types.h: files compiled for newer instruction sets include this.
#include <cstddef>

#include "local_backend/weight_types.h"

namespace tollgate::local_backend {

// Over activations as they are, in fp32; weights of any type. What it computes: kernels.h.
using MatmulKernel = void (*)(const WeightView& weights, const float* x, float* y, std::size_t batch,
                              std::size_t stride);

struct alignas(64) CacheLine {
  std::byte bytes[64];
};

// Over activations rounded to bf16, with weights of bf16; products are added up in fp32. In two steps, so that
// activations are rounded once, whoever shares the rows of weights then.
struct Bf16Kernels {
  std::size_t group;  // rows of the batch that are packed together
  // Memory that a packed batch takes.
  std::size_t (*packed_lines)(std::size_t columns, std::size_t batch);
  // Rows [first, end) of x, of `batch`. REQUIRES: `first` is a multiple of `group`, and so is `end`, or it is `batch`.
  void (*pack)(const float* x, std::size_t columns, std::size_t first, std::size_t end, CacheLine* packed);
  // REQUIRES: weights.type is bf16; `packed` holds the whole batch
  void (*matmul)(const WeightView& weights, const CacheLine* packed, float* y, std::size_t batch, std::size_t stride);
};

#ifdef TOLLGATE_LOCAL_X86
void matmul_avx2(const WeightView& weights, const float* x, float* y, std::size_t batch, std::size_t stride);
void matmul_avx512(const WeightView& weights, const float* x, float* y, std::size_t batch, std::size_t stride);
extern const Bf16Kernels kAvx512Bf16Kernels;
extern const Bf16Kernels kAmxKernels;
#endif

}  // namespace tollgate::local_backend
