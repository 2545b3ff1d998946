// The emulator is what shows that kernels are right: it has to see what is wrong.
#include <gmock/gmock.h>

#include <array>
#include <vector>

#include "local_backend/cuda/simt.h"

namespace tollgate::simt {
namespace {

using ::testing::Each;

constexpr unsigned kThreads = 64;

// Each thread writes its number, and reads that of its neighbour.
std::vector<float> neighbours(bool waits) {
  std::vector<float> out(kThreads);
  run_grid({1, 1, 1}, kThreads, kThreads * sizeof(float), [&] {
    shared_memory<float>()[threadIdx.x] = static_cast<float>(threadIdx.x);
    if (waits) block_sync();
    out[threadIdx.x] = shared_memory<float>()[threadIdx.x ^ 1U];
  });
  return out;
}

TEST(CudaEmulator, ShowsAMissingBarrier) {
  const auto right = neighbours(true);
  for (unsigned i = 0; i < kThreads; ++i) EXPECT_EQ(right[i], static_cast<float>(i ^ 1U));
  EXPECT_TRUE(std::isnan(neighbours(false)[0])) << "shared memory begins as NaN";
  reverse_order(true);
  EXPECT_EQ(neighbours(true), right);
  EXPECT_TRUE(std::isnan(neighbours(false)[1])) << "the other order shows the other half";
  reverse_order(false);
}

TEST(CudaEmulator, RefusesABarrierThatSomeDoNotReach) {
  EXPECT_THROW(run_grid({1, 1, 1}, kThreads, 0,
                        [] {
                          if (threadIdx.x < 10) block_sync();
                        }),
               std::logic_error);
  EXPECT_THROW(run_grid({1, 1, 1}, kThreads, 0,
                        [] {
                          if (threadIdx.x != 3) (void)warp_sum(1);
                        }),
               std::logic_error);
  EXPECT_EQ(neighbours(true)[0], 1) << "and goes on";
}

TEST(CudaEmulator, CopiesInTheBackgroundAreNotThereBeforeTheyAreAwaited) {
  alignas(16) const std::array<float, 4> from{1, 2, 3, 4};
  run_grid({1, 1, 1}, 32, 16, [&] {
    auto* shared = shared_memory<float>();
    if (threadIdx.x == 0) async_copy_16(shared, from.data());
    async_commit();
    if (threadIdx.x == 0) EXPECT_TRUE(std::isnan(shared[3]));
    async_wait<0>();
    block_sync();
    EXPECT_EQ(shared[3], 4);
  });
}

// Every lane's part of the product of two matrices that tell rows and columns apart.
TEST(CudaEmulator, MultipliesTilesAsTheInstructionDoes) {
  const auto bf16 = [](int value) { return __builtin_bit_cast(std::uint32_t, static_cast<float>(value)) >> 16U; };
  const auto a = [](int row, int k) { return row + 3 * k; };
  const auto b = [](int k, int column) { return k - 2 * column; };
  run_grid({1, 1, 1}, 32, 0, [&] {
    const int group = static_cast<int>(threadIdx.x) / 4;
    const int pair = 2 * (static_cast<int>(threadIdx.x) % 4);
    std::uint32_t left[4];
    std::uint32_t right[2];
    for (int i = 0; i < 4; ++i) {
      const int row = group + i % 2 * 8;
      const int k = pair + i / 2 * 8;
      left[i] = bf16(a(row, k)) | bf16(a(row, k + 1)) << 16U;
      if (i < 2) right[i] = bf16(b(pair + i * 8, group)) | bf16(b(pair + i * 8 + 1, group)) << 16U;
    }
    float sums[4] = {};
    multiply_tiles<false>(sums, left, right);
    for (int i = 0; i < 4; ++i) {
      int wanted = 0;
      for (int k = 0; k < 16; ++k) wanted += a(group + i / 2 * 8, k) * b(k, pair + i % 2);
      EXPECT_EQ(sums[i], static_cast<float>(wanted));
    }
  });
}

}  // namespace
}  // namespace tollgate::simt
