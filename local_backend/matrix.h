#pragma once
// A matrix of weights, row-major as in the file, and the number formats it may be kept in.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "local_backend/weight_types.h"

namespace tollgate::local_backend {

std::size_t size_of(WeightType type);  // bytes of one weight

inline float to_float(float value) { return value; }
inline float to_float(std::int8_t value) { return static_cast<float>(value); }
inline float to_float(Bf16 value) { return __builtin_bit_cast(float, std::uint32_t{value.bits} << 16U); }
float to_float(F16 value);
float to_float(Fp8 value);
Fp8 to_fp8(float value);  // the nearest, ties to even; beyond the range its end

struct Matrix {
  WeightType type = WeightType::bf16;
  std::vector<std::byte> data;
  std::vector<float> scales;  // int8 and fp8: one for each row
  std::size_t rows = 0;
  std::size_t columns = 0;

  WeightView view() const { return {type, data.data(), scales.empty() ? nullptr : scales.data(), rows, columns}; }
};

// The row as numbers. REQUIRES: row < rows; `out` has room for its columns.
void decode_row(const WeightView& weights, std::size_t row, float* out);

// The same weights as int8 or fp8, each row with a scale of its own: its largest weight becomes the largest number.
Matrix quantise(const Matrix& matrix, WeightType type);

}  // namespace tollgate::local_backend
