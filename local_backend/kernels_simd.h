#pragma once
// The matmul of kernels.h over a vector type V, compiled once for each instruction set in a file of its own. V has:
// kLanes, Reg, zero(), load_bf16(p), load(p), fma(a, b, c), sum(v); and load_bf16(p, n), load(p, n) for the last n
// lanes. One accumulator for each sum, whatever the tile: that keeps the order of additions independent of the batch.
// Everything has internal linkage: code compiled for one instruction set must not be linked into another's callers.
#include <cstddef>
#include <cstdint>

namespace tollgate::local_backend {
namespace {

template <class V, std::size_t kRows, std::size_t kBatch>
inline void matmul_tile(const std::uint16_t* weights, const float* x, float* y, std::size_t rows, std::size_t columns) {
  typename V::Reg sums[kRows][kBatch];
  for (auto& row : sums) {
    for (auto& sum : row) sum = V::zero();
  }
  const std::size_t whole = columns - columns % V::kLanes;
  for (std::size_t c = 0; c < whole; c += V::kLanes) {
    typename V::Reg in[kBatch];
    for (std::size_t b = 0; b < kBatch; ++b) in[b] = V::load(x + b * columns + c);
    for (std::size_t r = 0; r < kRows; ++r) {
      const typename V::Reg w = V::load_bf16(weights + r * columns + c);
      for (std::size_t b = 0; b < kBatch; ++b) sums[r][b] = V::fma(w, in[b], sums[r][b]);
    }
  }
  if (const std::size_t rest = columns - whole; rest > 0) {
    for (std::size_t r = 0; r < kRows; ++r) {
      const typename V::Reg w = V::load_bf16(weights + r * columns + whole, rest);
      for (std::size_t b = 0; b < kBatch; ++b)
        sums[r][b] = V::fma(w, V::load(x + b * columns + whole, rest), sums[r][b]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t b = 0; b < kBatch; ++b) y[b * rows + r] = V::sum(sums[r][b]);
  }
}

// All batch rows against kRows rows of weights, which stay in the cache meanwhile.
template <class V, std::size_t kRows>
inline void matmul_rows(const std::uint16_t* weights, const float* x, float* y, std::size_t rows, std::size_t columns,
                        std::size_t batch) {
  std::size_t b = 0;
  for (; b + 4 <= batch; b += 4) matmul_tile<V, kRows, 4>(weights, x + b * columns, y + b * rows, rows, columns);
  for (; b + 2 <= batch; b += 2) matmul_tile<V, kRows, 2>(weights, x + b * columns, y + b * rows, rows, columns);
  for (; b < batch; ++b) matmul_tile<V, kRows, 1>(weights, x + b * columns, y + b * rows, rows, columns);
}

template <class V, std::size_t kTileRows>
inline void matmul_simd(const std::uint16_t* weights, const float* x, float* y, std::size_t rows, std::size_t columns,
                        std::size_t batch) {
  std::size_t r = 0;
  if (batch == 1) {
    for (; r + 8 <= rows; r += 8) matmul_tile<V, 8, 1>(weights + r * columns, x, y + r, rows, columns);
  }
  for (; r + kTileRows <= rows; r += kTileRows) {
    matmul_rows<V, kTileRows>(weights + r * columns, x, y + r, rows, columns, batch);
  }
  for (; r < rows; ++r) matmul_rows<V, 1>(weights + r * columns, x, y + r, rows, columns, batch);
}

}  // namespace
}  // namespace tollgate::local_backend
