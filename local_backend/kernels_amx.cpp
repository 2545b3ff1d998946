// Compiled with -mamx-tile -mamx-bf16 and what every CPU with these has; called only where the kernel lets this process
// use them (may_use_amx).
#include <immintrin.h>

#include "local_backend/tile_matmul.h"

namespace tollgate::local_backend {
namespace {

// The layout that LDTILECFG reads (Intel's Software Developer's Manual, volume 1, chapter 18).
struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfiguration) == 64);

struct AmxTiles {
  static void configure() {
    static constexpr TileConfiguration kConfiguration;
    _tile_loadconfig(&kConfiguration);
  }
  static void release() { _tile_release(); }
  template <int kTarget>
  static void zero() {
    _tile_zero(kTarget);
  }
  template <int kTarget>
  static void load(const void* from, std::size_t stride) {
    _tile_loadd(kTarget, from, stride);
  }
  template <int kSums, int kA, int kB>
  static void dot() {
    _tile_dpbf16ps(kSums, kA, kB);
  }
  template <int kFrom>
  static void store(float* to) {
    _tile_stored(kFrom, to, sizeof(CacheLine));
  }
};

}  // namespace

constinit const Bf16Kernels kAmxKernels = kTileKernels<AmxTiles>;

}  // namespace tollgate::local_backend
