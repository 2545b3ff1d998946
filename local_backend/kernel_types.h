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

// One head of one row, and the positions that it sees: `count` of them, where each one's keys and values lie.
struct AttentionView {
  const float* query;
  const float* const* keys;
  const float* const* values;
  std::size_t at;  // where this head's numbers begin in them
  std::size_t count;
  std::size_t dim;
  float scale;
};

// out[d] = the values' mean over the positions, weighted by the softmax of query * key * scale. `scores` is room for
// count numbers and a cache line.
using AttentionKernel = void (*)(const AttentionView& head, float* scores, float* out);

// out[i] = x[i] / (1 + e^-x[i])
using SiluKernel = void (*)(const float* x, std::size_t count, float* out);

#ifdef TOLLGATE_LOCAL_X86
void matmul_avx2(const WeightView& weights, const float* x, float* y, std::size_t batch, std::size_t stride);
void matmul_avx512(const WeightView& weights, const float* x, float* y, std::size_t batch, std::size_t stride);
void attend_avx2(const AttentionView& head, float* scores, float* out);
void attend_avx512(const AttentionView& head, float* scores, float* out);
void silu_avx2(const float* x, std::size_t count, float* out);
void silu_avx512(const float* x, std::size_t count, float* out);
extern const Bf16Kernels kAvx512Bf16Kernels;
extern const Bf16Kernels kAmxKernels;
#endif

}  // namespace tollgate::local_backend
