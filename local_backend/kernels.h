#pragma once
// Dot products of weights with fp32 activations, chosen at start for the CPU at hand.
#include <cstddef>
#include <string_view>

#include "local_backend/weight_types.h"

namespace tollgate::local_backend {

// y[b * rows + r] = sum over c of weights[r, c] * x[b * columns + c].
// Each sum is made in one fixed order that depends on `columns` alone, so a row of the batch gets bitwise the same
// result alone and in any batch. No alignment is required; x and y do not overlap.
using MatmulKernel = void (*)(const WeightView& weights, const float* x, float* y, std::size_t batch);

struct Kernels {
  std::string_view name;  // "scalar", "avx2", "avx512"
  MatmulKernel matmul;
};

const Kernels& scalar_kernels();
// nullptr where the build or the CPU has none.
const Kernels* avx2_kernels();
const Kernels* avx512_kernels();
// The fastest of them.
const Kernels& best_kernels();

}  // namespace tollgate::local_backend
