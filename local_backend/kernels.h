#pragma once
// Dot products of bf16 weights with fp32 activations, chosen at start for the CPU at hand.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tollgate::local_backend {

// y[b * rows + r] = sum over c of weights[r * columns + c] * x[b * columns + c].
// Each sum is made in one fixed order that depends on `columns` alone, so a row of the batch gets bitwise the same
// result alone and in any batch. No alignment is required; x and y do not overlap.
using MatmulKernel = void (*)(const std::uint16_t* weights, const float* x, float* y, std::size_t rows,
                              std::size_t columns, std::size_t batch);

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

inline float bf16_to_float(std::uint16_t bits) { return __builtin_bit_cast(float, std::uint32_t{bits} << 16U); }

}  // namespace tollgate::local_backend
