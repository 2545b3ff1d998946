// Compiled with -mamx-tile -mamx-bf16 and what every CPU with these has; called only where the kernel lets this process
// use them (may_use_amx).
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

// The instructions themselves: GCC's functions for them take no template's number.
struct AmxTiles {
  static void configure() {
    static constexpr TileConfiguration kConfiguration;
    asm volatile("ldtilecfg %0" : : "m"(kConfiguration));
  }
  static void release() { asm volatile("tilerelease"); }
  template <int kTarget>
  static void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTarget));
  }
  template <int kTarget>
  static void load(const void* from, std::size_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTarget) : "memory");
  }
  template <int kSums, int kA, int kB>
  static void dot() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kA), "i"(kB));
  }
  template <int kFrom>
  static void store(float* to) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(sizeof(CacheLine)), "i"(kFrom) : "memory");
  }
};

}  // namespace

constinit const Bf16Kernels kAmxKernels = kTileKernels<AmxTiles>;

}  // namespace tollgate::local_backend
