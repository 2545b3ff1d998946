#include "local_backend/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "local_backend/matrix.h"

namespace tollgate::local_backend {
namespace {

struct Case {
  std::size_t rows, columns, batch;
};

template <class T>
void append(Matrix& matrix, T value) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&value);
  matrix.data.insert(matrix.data.end(), bytes, bytes + sizeof value);
}

std::uint16_t half_of(float value) {  // of magnitude between 2^-14 and 2, cut
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  return static_cast<std::uint16_t>((bits >> 16U & 0x8000U) | ((bits >> 13U & 0x3FFFFU) - (112U << 10U)));
}

Matrix random_matrix(std::size_t rows, std::size_t columns, WeightType type, std::mt19937& random) {
  std::uniform_real_distribution<float> magnitude(0.001F, 1);
  const bool small = size_of(type) == 1;
  Matrix out{small ? WeightType::f32 : type, {}, {}, rows, columns};
  for (std::size_t i = 0; i < rows * columns; ++i) {
    const float value = magnitude(random) * (random() % 2 == 0 ? 1.0F : -1.0F);
    if (type == WeightType::bf16)
      append(out, static_cast<std::uint16_t>(__builtin_bit_cast(std::uint32_t, value) >> 16U));
    if (type == WeightType::f16) append(out, half_of(value));
    if (out.type == WeightType::f32) append(out, value);
  }
  return small ? quantise(out, type) : out;
}

TEST(Kernels, FastOnesAgreeWithTheScalarOneForEveryShapeAndType) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> value(-1, 1);
  for (const WeightType type :
       {WeightType::bf16, WeightType::f16, WeightType::f32, WeightType::int8, WeightType::fp8}) {
    for (const Case& c :
         {Case{1, 1, 1}, Case{9, 15, 1}, Case{8, 16, 1}, Case{17, 33, 3}, Case{6, 100, 4}, Case{31, 64, 9}}) {
      const Matrix weights = random_matrix(c.rows, c.columns, type, random);
      std::vector<float> x(c.columns * c.batch);
      for (auto& v : x) v = value(random);
      std::vector<float> wanted(c.rows * c.batch);
      scalar_kernels().matmul(weights.view(), x.data(), wanted.data(), c.batch);
      for (const Kernels* kernels : {avx2_kernels(), avx512_kernels()}) {
        if (kernels == nullptr) continue;
        std::vector<float> got(wanted.size(), NAN);
        kernels->matmul(weights.view(), x.data(), got.data(), c.batch);
        for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-4) << kernels->name << " " << i;
        for (std::size_t b = 0; b < c.batch; ++b) {
          std::vector<float> alone(c.rows);
          kernels->matmul(weights.view(), x.data() + b * c.columns, alone.data(), 1);
          for (std::size_t r = 0; r < c.rows; ++r) EXPECT_EQ(alone[r], got[b * c.rows + r]) << "not batch-invariant";
        }
      }
    }
  }
}

TEST(Kernels, DecodesHalfPrecisionAsTheFormatSays) {
  EXPECT_EQ(to_float(F16{0x3C00}), 1.0F);
  EXPECT_EQ(to_float(F16{0xC000}), -2.0F);
  EXPECT_EQ(to_float(F16{0x7BFF}), 65504.0F);
  EXPECT_EQ(to_float(F16{0x0001}), 0x1p-24F);  // the smallest subnormal
  EXPECT_EQ(to_float(F16{0x7C00}), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(to_float(F16{0x7E00})));
  EXPECT_EQ(to_float(Bf16{0x3F80}), 1.0F);
}

TEST(Kernels, EveryFp8NumberComesBackAndOthersGoToTheNearest) {
  for (unsigned bits = 0; bits < 256; ++bits) {
    if ((bits & 0x7FU) == 0x7FU) continue;  // not a number
    EXPECT_EQ(to_fp8(to_float(Fp8{static_cast<std::uint8_t>(bits)})).bits, bits);
  }
  EXPECT_EQ(to_float(Fp8{0x7E}), 448.0F);
  EXPECT_EQ(to_float(Fp8{0x01}), 0x1p-9F);
  EXPECT_EQ(to_float(to_fp8(1000.0F)), 448.0F);
  EXPECT_EQ(to_float(to_fp8(-17.1F)), -18.0F);  // between 16 and 18
  EXPECT_EQ(to_float(to_fp8(17.0F)), 16.0F);    // a tie: the even one
  EXPECT_EQ(to_float(to_fp8(15.9F)), 16.0F);    // up into the next exponent
}

TEST(Kernels, QuantisedWeightsAreNearTheOriginals) {
  std::mt19937 random(3);
  const Matrix original = random_matrix(20, 50, WeightType::f32, random);
  std::vector<float> wanted(50);
  std::vector<float> got(50);
  for (const WeightType type : {WeightType::int8, WeightType::fp8}) {
    const Matrix small = quantise(original, type);
    EXPECT_EQ(small.data.size() * 4, original.data.size());
    for (std::size_t r = 0; r < 20; ++r) {
      decode_row(original.view(), r, wanted.data());
      decode_row(small.view(), r, got.data());
      for (std::size_t i = 0; i < 50; ++i) {
        const double step = type == WeightType::int8 ? 1.0 / 254 : std::fabs(wanted[i]) / 16 + 1.0 / 448;
        EXPECT_NEAR(got[i], wanted[i], step * 1.001);
      }
    }
  }
}

}  // namespace
}  // namespace tollgate::local_backend
