#pragma once
// AMX's tiles on any CPU, to the letter of Intel's manual: TDPBF16PS adds up the even and the odd products of a row for
// themselves and adds both to the tile. Subnormal numbers are left as they are, where AMX
// makes them zero. What was not loaded is no number.
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "local_backend/kernels.h"
#include "local_backend/tile_matmul.h"

namespace tollgate::local_backend::test {

struct EmulatedTiles {
  static void configure() {
    configured = true;
    for (auto& tile : tiles) std::memset(tile, 0xFF, sizeof tile);
  }
  static void release() { configured = false; }
  template <int kTarget>
  static void zero() {
    check();
    std::memset(tiles[kTarget], 0, sizeof tiles[kTarget]);
  }
  template <int kTarget>
  static void load(const void* from, std::size_t stride) {
    check();
    for (std::size_t row = 0; row < 16; ++row)
      std::memcpy(tiles[kTarget][row], static_cast<const std::byte*>(from) + row * stride, 64);
  }
  template <int kSums, int kA, int kB>
  static void dot() {
    check();
    for (std::size_t m = 0; m < 16; ++m) {
      for (std::size_t n = 0; n < 16; ++n) {
        float even = 0;
        float odd = 0;
        for (std::size_t k = 0; k < 16; ++k) {
          even += bf16(kA, m, 2 * k) * bf16(kB, k, 2 * n);  // a product of two bf16 is exact: fused or not
          odd += bf16(kA, m, 2 * k + 1) * bf16(kB, k, 2 * n + 1);
        }
        float sum = 0;
        std::memcpy(&sum, &tiles[kSums][m][4 * n], sizeof sum);
        sum += even + odd;
        std::memcpy(&tiles[kSums][m][4 * n], &sum, sizeof sum);
      }
    }
  }
  template <int kFrom>
  static void store(float* to) {
    check();
    std::memcpy(to, tiles[kFrom], sizeof tiles[kFrom]);
  }

 private:
  static void check() {
    if (!configured) throw std::logic_error("tiles are used outside of configure() and release()");
  }
  static float bf16(int tile, std::size_t row, std::size_t column) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, &tiles[tile][row][2 * column], sizeof bits);
    return __builtin_bit_cast(float, std::uint32_t{bits} << 16U);
  }

  static inline thread_local bool configured = false;
  static inline thread_local std::uint8_t tiles[8][16][64];
};

inline const Kernels& emulated_tile_kernels() {
  static constexpr Bf16Kernels kBf16 = kTileKernels<EmulatedTiles>;
  static const Kernels kKernels{CpuKernels::amx, fp32_kernels().matmul, fp32_kernels().attend, fp32_kernels().silu,
                                &kBf16};
  return kKernels;
}

// Every family that this CPU has, and AMX's kernels without AMX.
inline std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> out{&emulated_tile_kernels()};
  for (const auto& [name, family] : kCpuKernels)
    if (const Kernels* found = find_kernels(family); found != nullptr && family != CpuKernels::automatic)
      out.push_back(found);
  return out;
}

}  // namespace tollgate::local_backend::test
