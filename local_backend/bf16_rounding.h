#pragma once
// Activations made bf16. Internal linkage, as in kernels_simd.h: this is compiled for several instruction sets.
#include <cstddef>
#include <cstdint>

namespace tollgate::local_backend {
namespace {

// To the nearest, ties to even; what is no number stays none. Plain arithmetic that compilers turn into vectors.
inline std::uint16_t rounded_to_bf16(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t nearest = (bits + 0x7FFFU + (bits >> 16U & 1U)) >> 16U;
  const std::uint32_t quiet = bits >> 16U | 0x40U;
  return static_cast<std::uint16_t>((bits & 0x7FFFFFFFU) > 0x7F800000U ? quiet : nearest);
}

// The first `count` of `out` are x, rounded; the others, up to `padded`, are zero.
inline void round_to_bf16(const float* x, std::size_t count, std::size_t padded, std::uint16_t* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = rounded_to_bf16(x[i]);
  for (std::size_t i = count; i < padded; ++i) out[i] = 0;
}

}  // namespace
}  // namespace tollgate::local_backend
