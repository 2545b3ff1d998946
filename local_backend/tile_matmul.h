#pragma once
// Products of bf16 by tiles of 16 by 16 sums, as AMX has them. Tiles is the instruction set, or what stands for it in
// tests; each of its eight tiles has 16 rows of 64 bytes:
//   configure(), release()    before and after, in each thread
//   zero<t>()
//   load<t>(from, stride)     `stride` bytes from one row to the next
//   dot<c, a, b>()            c[i, j] += a[i, 2k] * b[k, 2j] + a[i, 2k + 1] * b[k, 2j + 1], for all k
//   store<t>(to)              rows one after the other, of a tile of fp32
// Weights are the a of it: 16 rows by 32 columns, as the file has them. Activations are the b: they are packed, 16 rows
// of the batch at a time, so that a line holds two columns of all sixteen. A sum is c[row of weights, row of the
// batch]: it depends on no other row. Internal linkage, as in kernels_simd.h.
#include <cstring>

#include "local_backend/bf16_rounding.h"
#include "local_backend/kernel_types.h"

namespace tollgate::local_backend {
namespace {

constexpr std::size_t kTile = 16;         // rows of a tile, each a line; and its columns of 32 bits
constexpr std::size_t kTileColumns = 32;  // of weights

inline std::size_t steps_of(std::size_t columns) { return (columns + kTileColumns - 1) / kTileColumns; }

using Four = float __attribute__((vector_size(16)));

inline Four four_at(const float* from) {
  Four out;
  std::memcpy(&out, from, sizeof out);
  return out;
}

// to[j * to_stride + i] = from[i * 16 + j] for i < rows, j < columns: numbers are moved, never computed with.
inline void transpose(const float* from, float* to, std::size_t to_stride, std::size_t rows, std::size_t columns) {
  for (std::size_t i = 0; i < rows; i += 4) {
    for (std::size_t j = 0; j < columns; j += 4) {
      const float* block = from + i * kTile + j;
      const Four a = four_at(block);
      const Four b = four_at(block + kTile);
      const Four c = four_at(block + 2 * kTile);
      const Four d = four_at(block + 3 * kTile);
      const Four ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
      const Four ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
      const Four cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
      const Four cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
      const Four out[4] = {
          __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5), __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7),
          __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5), __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
      for (std::size_t k = 0; k < 4 && j + k < columns; ++k)
        std::memcpy(to + (j + k) * to_stride + i, &out[k], (rows - i < 4 ? rows - i : 4) * sizeof(float));
    }
  }
}

inline std::size_t tile_packed_lines(std::size_t columns, std::size_t batch) {
  return (batch + kTile - 1) / kTile * steps_of(columns) * kTile;
}

// What is beyond the batch and the columns is zero.
inline void tile_pack(const float* x, std::size_t columns, std::size_t first, std::size_t end, CacheLine* packed) {
  const std::size_t steps = steps_of(columns);
  for (std::size_t group = first; group < end; group += kTile) {
    CacheLine* to = packed + group / kTile * steps * kTile;
    for (std::size_t step = 0; step < steps; ++step, to += kTile) {
      alignas(64) std::uint16_t rows[kTile][kTileColumns] = {};
      const std::size_t c = step * kTileColumns;
      const std::size_t count = columns - c < kTileColumns ? columns - c : kTileColumns;
      for (std::size_t b = 0; b < kTile && group + b < end; ++b)
        round_to_bf16(x + (group + b) * columns + c, count, kTileColumns, rows[b]);
      float pairs[kTile * kTile];  // of bf16
      std::memcpy(pairs, rows, sizeof pairs);
      float turned[kTile * kTile];
      transpose(pairs, turned, kTile, kTile, kTile);
      std::memcpy(to, turned, sizeof turned);
    }
  }
}

// Of `rows` and `count` columns from here on; what is not whole in the matrix gets zeros around.
template <class Tiles, int kTarget>
void load_weights(const std::uint16_t* from, std::size_t columns, std::size_t rows, std::size_t count) {
  if (rows >= kTile && count >= kTileColumns) return Tiles::template load<kTarget>(from, columns * sizeof *from);
  alignas(64) std::uint16_t copy[kTile][kTileColumns] = {};
  const std::size_t width = count < kTileColumns ? count : kTileColumns;
  for (std::size_t i = 0; i < kTile && i < rows; ++i) std::memcpy(copy[i], from + i * columns, width * sizeof *from);
  Tiles::template load<kTarget>(copy, sizeof copy[0]);
}

template <class Tiles, int kFrom>
void store_sums(float* y, std::size_t stride, std::size_t rows, std::size_t batch) {
  alignas(64) float sums[kTile * kTile];
  Tiles::template store<kFrom>(sums);
  transpose(sums, y, stride, rows < kTile ? rows : kTile, batch < kTile ? batch : kTile);
}

// One or two tiles of weights' rows against one or two groups of the batch. `rows` and `batch`: how many there are
// from here on.
template <class Tiles, bool kTwoRows, bool kTwoGroups>
void tile_block(const std::uint16_t* weights, std::size_t columns, std::size_t rows, const CacheLine* packed, float* y,
                std::size_t stride, std::size_t batch) {
  const std::size_t steps = steps_of(columns);
  Tiles::template zero<0>();
  if constexpr (kTwoGroups) Tiles::template zero<1>();
  if constexpr (kTwoRows) Tiles::template zero<2>();
  if constexpr (kTwoRows && kTwoGroups) Tiles::template zero<3>();
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t c = step * kTileColumns;
    load_weights<Tiles, 4>(weights + c, columns, rows, columns - c);
    Tiles::template load<6>(packed + step * kTile, sizeof(CacheLine));
    Tiles::template dot<0, 4, 6>();
    if constexpr (kTwoGroups) {
      Tiles::template load<7>(packed + (steps + step) * kTile, sizeof(CacheLine));
      Tiles::template dot<1, 4, 7>();
    }
    if constexpr (kTwoRows) {
      load_weights<Tiles, 5>(weights + kTile * columns + c, columns, rows - kTile, columns - c);
      Tiles::template dot<2, 5, 6>();
      if constexpr (kTwoGroups) Tiles::template dot<3, 5, 7>();
    }
  }
  store_sums<Tiles, 0>(y, stride, rows, batch);
  if constexpr (kTwoGroups) store_sums<Tiles, 1>(y + kTile * stride, stride, rows, batch - kTile);
  if constexpr (kTwoRows) store_sums<Tiles, 2>(y + kTile, stride, rows - kTile, batch);
  if constexpr (kTwoRows && kTwoGroups)
    store_sums<Tiles, 3>(y + kTile * stride + kTile, stride, rows - kTile, batch - kTile);
}

template <class Tiles, bool kTwoRows>
void tile_rows(const std::uint16_t* weights, std::size_t columns, std::size_t rows, const CacheLine* packed, float* y,
               std::size_t stride, std::size_t batch) {
  const std::size_t group_lines = steps_of(columns) * kTile;
  for (std::size_t b = 0; b < batch;) {
    const CacheLine* groups = packed + b / kTile * group_lines;
    if (batch - b > kTile) {
      tile_block<Tiles, kTwoRows, true>(weights, columns, rows, groups, y + b * stride, stride, batch - b);
      b += 2 * kTile;
    } else {
      tile_block<Tiles, kTwoRows, false>(weights, columns, rows, groups, y + b * stride, stride, batch - b);
      b += kTile;
    }
  }
}

template <class Tiles>
void tile_matmul(const WeightView& weights, const CacheLine* packed, float* y, std::size_t batch, std::size_t stride) {
  const auto* data = static_cast<const std::uint16_t*>(weights.data);
  const std::size_t columns = weights.columns;
  Tiles::configure();
  for (std::size_t r = 0; r < weights.rows;) {
    const std::size_t left = weights.rows - r;
    if (left > kTile) {
      tile_rows<Tiles, true>(data + r * columns, columns, left, packed, y + r, stride, batch);
      r += 2 * kTile;
    } else {
      tile_rows<Tiles, false>(data + r * columns, columns, left, packed, y + r, stride, batch);
      r += kTile;
    }
  }
  Tiles::release();
}

template <class Tiles>
constexpr Bf16Kernels kTileKernels = {kTile, tile_packed_lines, tile_pack, tile_matmul<Tiles>};

}  // namespace
}  // namespace tollgate::local_backend
