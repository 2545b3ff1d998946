// Compiled with -mavx512f -mavx512bw -mavx512bf16; called only where the CPU has them.
//
// Sixteen lanes each add up two products at a time (VDPBF16PS), one accumulator for each sum; then the lanes are added
// in a tree that is the same for every sum. Rows of weights are read as the file has them.
#include <immintrin.h>

#include "local_backend/bf16_rounding.h"
#include "local_backend/kernel_types.h"

namespace tollgate::local_backend {
namespace {

constexpr std::size_t kColumns = 32;  // that one instruction takes
constexpr std::size_t kRows = 8;      // of weights in a tile: their sums fill one store
constexpr std::size_t kBatch = 3;     // rows of the batch in a tile: 24 of the 32 registers are accumulators

// Columns of a packed row: an odd number of cache lines, because rows that lie a multiple of 4096 bytes apart would
// push each other out of the cache.
std::size_t padded(std::size_t columns) { return ((columns + kColumns - 1) / kColumns | 1U) * kColumns; }

// Lane 0 and 2 of each four, 1 and 3, of both: twice that, and each four is a sum of its own vector.
__m512 pairs(__m512 a, __m512 b) { return _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)); }
__m512 fours(__m512 a, __m512 b) {
  const __m512d low = _mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b));
  const __m512d high = _mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b));
  return _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
}

// The sum of the lanes of each of eight vectors.
__m256 lane_sums(const __m512 (&v)[kRows]) {
  const __m512 first = fours(pairs(v[0], v[1]), pairs(v[2], v[3]));
  const __m512 second = fours(pairs(v[4], v[5]), pairs(v[6], v[7]));
  const __m512 halves =
      _mm512_add_ps(_mm512_shuffle_f32x4(first, second, 0x44), _mm512_shuffle_f32x4(first, second, 0xEE));
  const __m512 sums =
      _mm512_add_ps(_mm512_shuffle_f32x4(halves, halves, 0x08), _mm512_shuffle_f32x4(halves, halves, 0x0D));
  return _mm512_castps512_ps256(sums);
}

__m512bh load(const void* p) { return __builtin_bit_cast(__m512bh, _mm512_loadu_si512(p)); }
__m512bh load_some(const void* p, std::size_t count) {
  return __builtin_bit_cast(__m512bh, _mm512_maskz_loadu_epi16((1U << count) - 1U, p));
}

template <std::size_t kTileRows, std::size_t kTileBatch>
void add_products(__m512 (&sums)[kBatch][kRows], const __m512bh (&w)[kRows], const __m512bh (&in)[kBatch]) {
  for (std::size_t r = 0; r < kTileRows; ++r) {
    for (std::size_t b = 0; b < kTileBatch; ++b) sums[b][r] = _mm512_dpbf16_ps(sums[b][r], w[r], in[b]);
  }
}

// kTileRows rows of weights (8 or 1) against kTileBatch rows of the batch.
template <std::size_t kTileRows, std::size_t kTileBatch>
void tile(const Bf16* weights, std::size_t columns, const std::uint16_t* x, float* y, std::size_t stride) {
  __m512 sums[kBatch][kRows];
  for (auto& row : sums) {
    for (auto& sum : row) sum = _mm512_setzero_ps();
  }
  const std::size_t width = padded(columns);
  const std::size_t whole = columns - columns % kColumns;
  __m512bh in[kBatch];
  __m512bh w[kRows];
  for (std::size_t c = 0; c < whole; c += kColumns) {
    for (std::size_t b = 0; b < kTileBatch; ++b) in[b] = load(x + b * width + c);
    for (std::size_t r = 0; r < kTileRows; ++r) w[r] = load(weights + r * columns + c);
    add_products<kTileRows, kTileBatch>(sums, w, in);
  }
  if (whole < columns) {
    for (std::size_t b = 0; b < kTileBatch; ++b) in[b] = load(x + b * width + whole);
    for (std::size_t r = 0; r < kTileRows; ++r) w[r] = load_some(weights + r * columns + whole, columns - whole);
    add_products<kTileRows, kTileBatch>(sums, w, in);
  }
  for (std::size_t b = 0; b < kTileBatch; ++b) {
    const __m256 out = lane_sums(sums[b]);
    if constexpr (kTileRows == kRows) {
      _mm256_storeu_ps(y + b * stride, out);
    } else {
      y[b * stride] = _mm256_cvtss_f32(out);
    }
  }
}

// All of the batch against rows that stay in the cache meanwhile.
template <std::size_t kTileRows>
void rows(const Bf16* weights, std::size_t columns, const std::uint16_t* x, float* y, std::size_t batch,
          std::size_t stride) {
  const std::size_t width = padded(columns);
  std::size_t b = 0;
  for (; b + 3 <= batch; b += 3) tile<kTileRows, 3>(weights, columns, x + b * width, y + b * stride, stride);
  if (batch - b == 2) tile<kTileRows, 2>(weights, columns, x + b * width, y + b * stride, stride);
  if (batch - b == 1) tile<kTileRows, 1>(weights, columns, x + b * width, y + b * stride, stride);
}

std::size_t packed_lines(std::size_t columns, std::size_t batch) { return padded(columns) / kColumns * batch; }

void pack(const float* x, std::size_t columns, std::size_t first, std::size_t end, CacheLine* packed) {
  const std::size_t width = padded(columns);
  auto* out = reinterpret_cast<std::uint16_t*>(packed);
  for (std::size_t b = first; b < end; ++b) round_to_bf16(x + b * columns, columns, width, out + b * width);
}

void matmul(const WeightView& weights, const CacheLine* packed, float* y, std::size_t batch, std::size_t stride) {
  const auto* data = static_cast<const Bf16*>(weights.data);
  const auto* x = reinterpret_cast<const std::uint16_t*>(packed);
  const std::size_t columns = weights.columns;
  std::size_t r = 0;
  for (; r + kRows <= weights.rows; r += kRows) rows<kRows>(data + r * columns, columns, x, y + r, batch, stride);
  for (; r < weights.rows; ++r) rows<1>(data + r * columns, columns, x, y + r, batch, stride);
}

}  // namespace

constinit const Bf16Kernels kAvx512Bf16Kernels = {1, packed_lines, pack, matmul};

}  // namespace tollgate::local_backend
