#include "local_backend/matrix.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tollgate::local_backend {
namespace {

constexpr float kLargestFp8 = 448;
constexpr float kLargestInt8 = 127;

template <class T>
void decode(const WeightView& weights, std::size_t row, float* out) {
  const T* from = static_cast<const T*>(weights.data) + row * weights.columns;
  const float scale = weights.scales == nullptr ? 1.0F : weights.scales[row];
  for (std::size_t i = 0; i < weights.columns; ++i) out[i] = to_float(from[i]) * scale;
}

std::byte encoded(float value, WeightType type) {
  if (type == WeightType::fp8) return std::byte{to_fp8(value).bits};
  const float whole = std::clamp(std::nearbyint(value), -kLargestInt8, kLargestInt8);
  return static_cast<std::byte>(static_cast<std::int8_t>(whole));
}

}  // namespace

std::size_t size_of(WeightType type) {
  switch (type) {
    case WeightType::bf16:
    case WeightType::f16:
      return 2;
    case WeightType::f32:
      return 4;
    case WeightType::int8:
    case WeightType::fp8:
      return 1;
  }
  return 0;
}

float to_float(F16 value) {
  const std::uint32_t sign = std::uint32_t{value.bits & 0x8000U} << 16U;
  const std::uint32_t rest = std::uint32_t{value.bits & 0x7FFFU} << 13U;
  const bool finite = (value.bits & 0x7C00U) != 0x7C00U;
  // The exponents' biases differ by 112; multiplying also makes normal numbers of subnormal ones.
  const float magnitude =
      finite ? __builtin_bit_cast(float, rest) * 0x1p112F : __builtin_bit_cast(float, rest | 0x7F800000U);
  return __builtin_bit_cast(float, __builtin_bit_cast(std::uint32_t, magnitude) | sign);
}

float to_float(Fp8 value) {
  const std::uint32_t sign = std::uint32_t{value.bits & 0x80U} << 24U;
  const float magnitude = __builtin_bit_cast(float, std::uint32_t{value.bits & 0x7FU} << 20U) * 0x1p120F;
  return __builtin_bit_cast(float, __builtin_bit_cast(std::uint32_t, magnitude) | sign);
}

Fp8 to_fp8(float value) {
  const float magnitude = std::min(std::fabs(value), kLargestFp8);
  int exponent = magnitude > 0 ? std::max(std::ilogb(magnitude), -6) : -6;
  auto eighths = static_cast<unsigned>(std::nearbyint(std::ldexp(magnitude, 3 - exponent)));
  if (eighths == 16) {
    eighths = 8;
    ++exponent;
  }
  const unsigned subnormal = eighths;  // below 8: the smallest exponent, without the leading one
  const unsigned normal = (static_cast<unsigned>(exponent + 7) << 3U) + eighths - 8;
  const unsigned sign = std::signbit(value) ? 0x80U : 0U;
  return {static_cast<std::uint8_t>(sign | (eighths < 8 ? subnormal : normal))};
}

WeightView WeightView::rows_from(std::size_t first, std::size_t count) const {
  const auto* begin = static_cast<const std::byte*>(data) + first * columns * size_of(type);
  return {type, begin, scales == nullptr ? nullptr : scales + first, count, columns};
}

void decode_row(const WeightView& weights, std::size_t row, float* out) {
  switch (weights.type) {
    case WeightType::bf16:
      return decode<Bf16>(weights, row, out);
    case WeightType::f16:
      return decode<F16>(weights, row, out);
    case WeightType::f32:
      return decode<float>(weights, row, out);
    case WeightType::int8:
      return decode<std::int8_t>(weights, row, out);
    case WeightType::fp8:
      return decode<Fp8>(weights, row, out);
  }
}

Matrix quantise(const Matrix& matrix, WeightType type) {
  if (size_of(type) != 1) throw std::logic_error("quantise: int8 or fp8");
  const float largest = type == WeightType::fp8 ? kLargestFp8 : kLargestInt8;
  Matrix out;
  out.type = type;
  out.rows = matrix.rows;
  out.columns = matrix.columns;
  out.data.reserve(matrix.rows * matrix.columns);
  std::vector<float> row(matrix.columns);
  for (std::size_t r = 0; r < matrix.rows; ++r) {
    decode_row(matrix.view(), r, row.data());
    float most = 0;
    for (const float v : row) most = std::max(most, std::fabs(v));
    const float scale = most > 0 && std::isfinite(most) ? most / largest : 1.0F;
    out.scales.push_back(scale);
    for (const float v : row) out.data.push_back(encoded(v / scale, type));
  }
  return out;
}

}  // namespace tollgate::local_backend
