#pragma once
// Number formats as kernels read and write them, by arithmetic on bits alone: the same results on a GPU and a CPU.
#include "local_backend/cuda/simt.h"
#include "local_backend/weight_types.h"

namespace tollgate::device {

DEVICE_FUNCTION float as_float(std::uint32_t bits) {
  float out;
  memcpy(&out, &bits, sizeof out);
  return out;
}
DEVICE_FUNCTION std::uint32_t as_bits(float value) {
  std::uint32_t out;
  memcpy(&out, &value, sizeof out);
  return out;
}

DEVICE_FUNCTION float bf16_to_float(std::uint16_t bits) { return as_float(std::uint32_t{bits} << 16U); }

// The exponents' biases differ by 112; multiplying also makes normal numbers of subnormal ones.
DEVICE_FUNCTION float f16_to_float(std::uint16_t bits) {
  const std::uint32_t rest = std::uint32_t{bits & 0x7FFFU} << 13U;
  const float magnitude = (bits & 0x7C00U) != 0x7C00U ? as_float(rest) * 0x1p112F : as_float(rest | 0x7F800000U);
  return (bits & 0x8000U) != 0 ? -magnitude : magnitude;
}

DEVICE_FUNCTION float fp8_to_float(std::uint8_t bits) {
  return as_float((std::uint32_t{bits & 0x80U} << 24U) | (std::uint32_t{bits & 0x7FU} << 20U)) * 0x1p120F;
}

// To the nearest, ties to even. What is not finite stays so: a broken value has to be seen at the end.
DEVICE_FUNCTION std::uint16_t float_to_bf16(float value) {
  const std::uint32_t bits = as_bits(value);
  if ((bits & 0x7F800000U) == 0x7F800000U) return static_cast<std::uint16_t>((bits >> 16U) | ((bits & 0xFFFFU) != 0));
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);
}

DEVICE_FUNCTION std::uint16_t float_to_f16(float value) {
  const std::uint32_t bits = as_bits(value);
  const std::uint32_t sign = (bits >> 16U) & 0x8000U;
  const float magnitude = fabsf(value);
  std::uint32_t out;
  if (!(magnitude < 65520.0F)) {
    out = magnitude != magnitude ? 0x7E00U : 0x7C00U;
  } else if (magnitude < 0x1p-14F) {
    out = static_cast<std::uint32_t>(rintf(magnitude * 0x1p24F));
  } else {
    const std::uint32_t low = bits & 0x7FFFFFFFU;
    out = (low + 0xFFFU + ((low >> 13U) & 1U) - (112U << 23U)) >> 13U;
  }
  return static_cast<std::uint16_t>(sign | out);
}

// What the activations are kept in for a matrix, and keys and values in their cache.
struct F32Operand {
  using Type = float;
  static DEVICE_FUNCTION float encode(float value) { return value; }
  static DEVICE_FUNCTION float decode(float value) { return value; }
};
struct Bf16Operand {
  using Type = std::uint16_t;
  static DEVICE_FUNCTION std::uint16_t encode(float value) { return float_to_bf16(value); }
  static DEVICE_FUNCTION float decode(std::uint16_t bits) { return bf16_to_float(bits); }
};
struct F16Operand {
  using Type = std::uint16_t;
  static DEVICE_FUNCTION std::uint16_t encode(float value) { return float_to_f16(value); }
  static DEVICE_FUNCTION float decode(std::uint16_t bits) { return f16_to_float(bits); }
};

DEVICE_FUNCTION float weight_at(local_backend::WeightType type, const void* data, std::size_t index) {
  using local_backend::WeightType;
  switch (type) {
    case WeightType::bf16:
      return bf16_to_float(static_cast<const std::uint16_t*>(data)[index]);
    case WeightType::f16:
      return f16_to_float(static_cast<const std::uint16_t*>(data)[index]);
    case WeightType::int8:
      return static_cast<float>(static_cast<const std::int8_t*>(data)[index]);
    case WeightType::fp8:
      return fp8_to_float(static_cast<const std::uint8_t*>(data)[index]);
    default:
      return static_cast<const float*>(data)[index];
  }
}

}  // namespace tollgate::device
