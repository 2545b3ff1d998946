#include "local_backend/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "emulated_tiles.h"
#include "local_backend/bf16_rounding.h"
#include "local_backend/matrix.h"

namespace tollgate::local_backend {
namespace {

using test::all_kernels;

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

std::vector<float> product(const Kernels& kernels, const WeightView& weights, const float* x, std::size_t batch) {
  std::vector<CacheLine> packed;
  std::vector<float> out(weights.rows * batch, NAN);
  multiply(kernels, weights, x, out.data(), batch, packed);
  return out;
}

std::vector<float> random_numbers(std::size_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> value(-1, 1);
  std::vector<float> out(count);
  for (float& v : out) v = value(random);
  return out;
}

bool rounds(const Kernels& kernels, WeightType type) { return kernels.bf16 != nullptr && type == WeightType::bf16; }

constexpr WeightType kTypes[] = {WeightType::bf16, WeightType::f16, WeightType::f32, WeightType::int8, WeightType::fp8};
// Around the borders of tiles: 8 and 16 rows, 16 and 32 columns, 2 to 4 and 16 rows of the batch.
constexpr Case kCases[] = {{1, 1, 1},    {9, 15, 1},  {8, 16, 1},   {17, 33, 3},  {6, 100, 4}, {31, 64, 9},
                           {33, 63, 17}, {16, 32, 2}, {50, 31, 33}, {49, 96, 48}, {64, 65, 5}};

TEST(Kernels, EveryFamilyAgreesWithPlainArithmeticForEveryShapeAndType) {
  std::mt19937 random(1);
  for (const WeightType type : kTypes) {
    for (const Case& c : kCases) {
      const Matrix weights = random_matrix(c.rows, c.columns, type, random);
      const std::vector<float> x = random_numbers(c.columns * c.batch, random);
      std::vector<float> rounded = x;
      for (float& v : rounded) v = to_float(Bf16{rounded_to_bf16(v)});
      for (const Kernels* kernels : all_kernels()) {
        const auto& in = rounds(*kernels, type) ? rounded : x;
        const auto wanted = product(*find_kernels(CpuKernels::scalar), weights.view(), in.data(), c.batch);
        const auto got = product(*kernels, weights.view(), x.data(), c.batch);
        for (std::size_t i = 0; i < got.size(); ++i)
          EXPECT_NEAR(got[i], wanted[i], 1e-4) << kernels->name() << " " << i;
      }
    }
  }
}

TEST(Kernels, ARowOfTheBatchIsBitwiseTheSameAlone) {
  std::mt19937 random(2);
  for (const WeightType type : kTypes) {
    for (const Case& c : kCases) {
      const Matrix weights = random_matrix(c.rows, c.columns, type, random);
      const std::vector<float> x = random_numbers(c.columns * c.batch, random);
      for (const Kernels* kernels : all_kernels()) {
        const auto all = product(*kernels, weights.view(), x.data(), c.batch);
        for (std::size_t b = 0; b < c.batch; ++b) {
          const auto alone = product(*kernels, weights.view(), x.data() + b * c.columns, 1);
          for (std::size_t r = 0; r < c.rows; ++r) EXPECT_EQ(alone[r], all[b * c.rows + r]) << kernels->name();
        }
      }
    }
  }
}

TEST(Kernels, ARowOfWeightsIsBitwiseTheSameInAnyPartOfItsMatrix) {
  std::mt19937 random(3);
  for (const WeightType type : kTypes) {
    const Matrix weights = random_matrix(50, 70, type, random);
    const std::vector<float> x = random_numbers(70 * 5, random);
    for (const Kernels* kernels : all_kernels()) {
      const auto all = product(*kernels, weights.view(), x.data(), 5);
      for (const auto& [first, count] : {std::pair<std::size_t, std::size_t>{0, 3}, {5, 20}, {49, 1}, {7, 43}}) {
        const auto part = product(*kernels, weights.view().rows_from(first, count), x.data(), 5);
        for (std::size_t b = 0; b < 5; ++b) {
          for (std::size_t r = 0; r < count; ++r) EXPECT_EQ(part[b * count + r], all[b * 50 + first + r]);
        }
      }
    }
  }
}

TEST(Kernels, NothingIsWrittenBetweenTheRowsOfResults) {
  std::mt19937 random(4);
  const Matrix weights = random_matrix(19, 40, WeightType::bf16, random);
  const std::vector<float> x = random_numbers(40 * 18, random);
  for (const Kernels* kernels : all_kernels()) {
    const auto wanted = product(*kernels, weights.view(), x.data(), 18);
    std::vector<float> got(18 * 30, 4711);
    if (kernels->bf16 == nullptr) {
      kernels->matmul(weights.view(), x.data(), got.data(), 18, 30);
    } else {
      std::vector<CacheLine> packed(kernels->bf16->packed_lines(40, 18));
      kernels->bf16->pack(x.data(), 40, 0, 18, packed.data());
      kernels->bf16->matmul(weights.view(), packed.data(), got.data(), 18, 30);
    }
    for (std::size_t b = 0; b < 18; ++b) {
      for (std::size_t r = 0; r < 30; ++r) EXPECT_EQ(got[b * 30 + r], r < 19 ? wanted[b * 19 + r] : 4711.0F);
    }
  }
}

TEST(Kernels, ActivationsAreRoundedToTheNearestBf16) {
  EXPECT_EQ(rounded_to_bf16(1.0F), 0x3F80);
  EXPECT_EQ(rounded_to_bf16(0x1.01p0F), 0x3F80);       // a tie: the even one
  EXPECT_EQ(rounded_to_bf16(0x1.03p0F), 0x3F82);       // a tie, upwards
  EXPECT_EQ(rounded_to_bf16(-0x1.010002p0F), 0xBF81);  // just beyond a tie
  EXPECT_EQ(rounded_to_bf16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(rounded_to_bf16(-std::numeric_limits<float>::infinity()), 0xFF80);
  EXPECT_TRUE(std::isnan(to_float(Bf16{rounded_to_bf16(__builtin_bit_cast(float, 0x7F800001U))})));
}

// What is used only where a check was passed needs a check that can fail.
TEST(Kernels, WrongKernelsDoNotPassTheCheckOfTheirProducts) {
  static const Bf16Kernels kRight = *test::emulated_tile_kernels().bf16;
  EXPECT_TRUE(kernel_agrees(kRight));
  Bf16Kernels wrong = kRight;
  wrong.matmul = [](const WeightView& weights, const CacheLine* packed, float* y, std::size_t batch,
                    std::size_t stride) {
    kRight.matmul(weights, packed, y, batch, stride);
    y[batch * stride - 1] *= 1.001F;
  };
  EXPECT_FALSE(kernel_agrees(wrong)) << "a last sum that is off";
  wrong.matmul = [](const WeightView& weights, const CacheLine* packed, float* y, std::size_t batch,
                    std::size_t stride) {
    kRight.matmul(weights, packed, y, batch, stride);
    if (batch > 1) y[0] = std::nextafter(y[0], 10.0F);
  };
  EXPECT_FALSE(kernel_agrees(wrong)) << "a last bit that depends on the batch";
  wrong.matmul = [](const WeightView& weights, const CacheLine*, float* y, std::size_t batch, std::size_t stride) {
    std::fill_n(y, (batch - 1) * stride + weights.rows, NAN);
  };
  EXPECT_FALSE(kernel_agrees(wrong)) << "no numbers";
}

// In double precision.
std::vector<double> attended(const AttentionView& head) {
  std::vector<double> weights(head.count);
  double sum = 0;
  for (std::size_t t = 0; t < head.count; ++t) {
    double product = 0;
    for (std::size_t d = 0; d < head.dim; ++d) product += double{head.query[d]} * double{head.keys[t][head.at + d]};
    sum += weights[t] = std::exp(product * double{head.scale});
  }
  std::vector<double> out(head.dim);
  for (std::size_t t = 0; t < head.count; ++t) {
    for (std::size_t d = 0; d < head.dim; ++d) out[d] += weights[t] / sum * double{head.values[t][head.at + d]};
  }
  return out;
}

TEST(Kernels, AttentionIsTheSoftmaxWeightedMeanOfTheValuesForEveryShape) {
  std::mt19937 random(5);
  for (const std::size_t dim : {1U, 10U, 16U, 64U, 80U, 128U, 200U}) {
    for (const std::size_t count : {1U, 7U, 8U, 16U, 33U}) {
      constexpr std::size_t kAt = 3;
      std::vector<std::vector<float>> rows;
      std::vector<const float*> keys;
      std::vector<const float*> values;
      for (std::size_t t = 0; t < 2 * count; ++t) rows.push_back(random_numbers(kAt + dim, random));
      for (std::size_t t = 0; t < count; ++t) {
        keys.push_back(rows[t].data());
        values.push_back(rows[count + t].data());
      }
      const auto query = random_numbers(dim, random);
      const AttentionView head{query.data(), keys.data(), values.data(), kAt, count, dim, 2.5F};
      const auto wanted = attended(head);
      for (const Kernels* kernels : all_kernels()) {
        std::vector<float> scores(count + 16, NAN);
        std::vector<float> got(dim + 1, 4711);
        kernels->attend(head, scores.data(), got.data());
        for (std::size_t d = 0; d < dim; ++d) EXPECT_NEAR(got[d], wanted[d], 2e-6) << kernels->name() << " " << dim;
        EXPECT_EQ(got[dim], 4711) << "written beyond the head";
      }
    }
  }
}

TEST(Kernels, AttentionTakesScoresFarApartAndPassesOnWhatIsNoNumber) {
  const std::vector<float> rows[] = {{1000, 1}, {-1000, 2}, {NAN, 3}};
  const float* const pointers[] = {rows[0].data(), rows[1].data(), rows[2].data()};
  const float query = 1;
  for (const Kernels* kernels : all_kernels()) {
    std::vector<float> scores(3 + 16);
    float out = 0;
    kernels->attend({&query, pointers, pointers, 0, 2, 1, 1.0F}, scores.data(), &out);
    EXPECT_EQ(out, 1000) << kernels->name();
    kernels->attend({&query, pointers, pointers, 0, 3, 1, 1.0F}, scores.data(), &out);
    EXPECT_TRUE(std::isnan(out)) << kernels->name();
  }
}

TEST(Kernels, SiluIsWithinAFewRoundingsOfDoublePrecision) {
  std::vector<float> x = {0, -0.0F, 1e-30F, -87.5F, 87.5F, 1e4F, -20, 20};
  for (float v = -30; v < 30; v += 0.0137F) x.push_back(v);
  for (const Kernels* kernels : all_kernels()) {
    std::vector<float> got(x.size() + 1, 4711);
    kernels->silu(x.data(), x.size(), got.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double wanted = double{x[i]} / (1 + std::exp(-double{x[i]}));
      EXPECT_NEAR(got[i], wanted, std::fabs(wanted) * 4e-7 + 1e-35) << kernels->name() << " " << x[i];
    }
    EXPECT_EQ(got[x.size()], 4711);
  }
}

TEST(Kernels, AFamilyIsFoundByItsNameAndTheBestIsOneOfThem) {
  for (const auto& [name, family] : kCpuKernels) {
    const Kernels* const found = find_kernels(family);
    if (found == nullptr) continue;
    EXPECT_EQ(found->name(), family == CpuKernels::automatic ? best_kernels().name() : name);
  }
  EXPECT_EQ(find_kernels(best_kernels().family), &best_kernels());
  EXPECT_EQ(fp32_kernels().bf16, nullptr);
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
