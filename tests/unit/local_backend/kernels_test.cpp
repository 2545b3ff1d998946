#include "local_backend/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace tollgate::local_backend {
namespace {

struct Case {
  std::size_t rows, columns, batch;
};

TEST(Kernels, FastOnesAgreeWithTheScalarOneForEveryShape) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> value(-1, 1);
  for (const Case& c :
       {Case{1, 1, 1}, Case{9, 15, 1}, Case{8, 16, 1}, Case{17, 33, 3}, Case{6, 100, 4}, Case{31, 64, 9}}) {
    std::vector<std::uint16_t> weights(c.rows * c.columns);
    std::vector<float> x(c.columns * c.batch);
    for (auto& w : weights) w = static_cast<std::uint16_t>(__builtin_bit_cast(std::uint32_t, value(random)) >> 16U);
    for (auto& v : x) v = value(random);
    std::vector<float> wanted(c.rows * c.batch);
    scalar_kernels().matmul(weights.data(), x.data(), wanted.data(), c.rows, c.columns, c.batch);
    for (const Kernels* kernels : {avx2_kernels(), avx512_kernels()}) {
      if (kernels == nullptr) continue;
      std::vector<float> got(wanted.size(), NAN);
      kernels->matmul(weights.data(), x.data(), got.data(), c.rows, c.columns, c.batch);
      for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-4) << kernels->name << " " << i;
      for (std::size_t b = 0; b < c.batch; ++b) {
        std::vector<float> alone(c.rows);
        kernels->matmul(weights.data(), x.data() + b * c.columns, alone.data(), c.rows, c.columns, 1);
        for (std::size_t r = 0; r < c.rows; ++r) EXPECT_EQ(alone[r], got[b * c.rows + r]) << "not batch-invariant";
      }
    }
  }
}

}  // namespace
}  // namespace tollgate::local_backend
