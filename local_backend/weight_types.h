#pragma once
// The number formats in which weights are kept. Plain types only: this is also included by files compiled for newer
// instruction sets, which must not share functions with the rest.
#include <cstddef>
#include <cstdint>

namespace tollgate::local_backend {

enum class WeightType : std::uint8_t { bf16, f16, f32, int8, fp8 };

struct Bf16 {
  std::uint16_t bits;
};
struct F16 {
  std::uint16_t bits;
};
struct Fp8 {  // E4M3: sign, 4 bits of exponent (bias 7), 3 of mantissa; no infinity (Micikevicius et al., 2022)
  std::uint8_t bits;
};

// Rows of weights in memory. `scales` has one factor for each row of int8 and fp8, and is null for the others.
struct WeightView {
  WeightType type = WeightType::bf16;
  const void* data = nullptr;
  const float* scales = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;

  // REQUIRES: first + count <= rows
  WeightView rows_from(std::size_t first, std::size_t count) const;
};

}  // namespace tollgate::local_backend
