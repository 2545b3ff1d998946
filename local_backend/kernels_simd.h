#pragma once
// The matmul of kernels.h over a vector type V, compiled once for each instruction set in a file of its own. V has:
// kLanes, Reg, zero(), fma(a, b, c), sum(v), and load(p) for every weight type and for float.
// One accumulator for each sum, whatever the tile: that keeps the order of additions independent of the batch.
// Everything has internal linkage: code compiled for one instruction set must not be linked into another's callers.
#include <cstddef>
#include <cstdint>

#include "local_backend/weight_types.h"

namespace tollgate::local_backend {
namespace {

// The last n lanes of a row; the others are zero.
template <class V, class T>
inline typename V::Reg load_some(const T* p, std::size_t n) {
  T lanes[V::kLanes] = {};
  for (std::size_t i = 0; i < n; ++i) lanes[i] = p[i];
  return V::load(lanes);
}

// kRows rows of weights against kBatch rows of x. `stride`: between results of one row of the batch and the next.
template <class V, class T, std::size_t kRows, std::size_t kBatch>
inline void matmul_tile(const T* weights, const float* scales, const float* x, float* y, std::size_t stride,
                        std::size_t columns) {
  typename V::Reg sums[kRows][kBatch];
  for (auto& row : sums) {
    for (auto& sum : row) sum = V::zero();
  }
  const std::size_t whole = columns - columns % V::kLanes;
  for (std::size_t c = 0; c < whole; c += V::kLanes) {
    typename V::Reg in[kBatch];
    for (std::size_t b = 0; b < kBatch; ++b) in[b] = V::load(x + b * columns + c);
    for (std::size_t r = 0; r < kRows; ++r) {
      const typename V::Reg w = V::load(weights + r * columns + c);
      for (std::size_t b = 0; b < kBatch; ++b) sums[r][b] = V::fma(w, in[b], sums[r][b]);
    }
  }
  if (const std::size_t rest = columns - whole; rest > 0) {
    for (std::size_t r = 0; r < kRows; ++r) {
      const typename V::Reg w = load_some<V>(weights + r * columns + whole, rest);
      for (std::size_t b = 0; b < kBatch; ++b)
        sums[r][b] = V::fma(w, load_some<V>(x + b * columns + whole, rest), sums[r][b]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    const float scale = scales == nullptr ? 1.0F : scales[r];
    for (std::size_t b = 0; b < kBatch; ++b) y[b * stride + r] = V::sum(sums[r][b]) * scale;
  }
}

// All batch rows against kRows rows of weights from `row` on, which stay in the cache meanwhile.
template <class V, class T, std::size_t kRows>
inline void matmul_rows(const WeightView& weights, std::size_t row, const float* x, float* y, std::size_t batch,
                        std::size_t stride) {
  const std::size_t columns = weights.columns;
  const T* data = static_cast<const T*>(weights.data) + row * columns;
  const float* scales = weights.scales == nullptr ? nullptr : weights.scales + row;
  y += row;
  std::size_t b = 0;
  for (; b + 4 <= batch; b += 4)
    matmul_tile<V, T, kRows, 4>(data, scales, x + b * columns, y + b * stride, stride, columns);
  for (; b + 2 <= batch; b += 2)
    matmul_tile<V, T, kRows, 2>(data, scales, x + b * columns, y + b * stride, stride, columns);
  for (; b < batch; ++b) matmul_tile<V, T, kRows, 1>(data, scales, x + b * columns, y + b * stride, stride, columns);
}

template <class V, class T, std::size_t kTileRows>
inline void matmul_typed(const WeightView& weights, const float* x, float* y, std::size_t batch, std::size_t stride) {
  std::size_t r = 0;
  if (batch == 1) {
    for (; r + 8 <= weights.rows; r += 8) matmul_rows<V, T, 8>(weights, r, x, y, 1, stride);
  }
  for (; r + kTileRows <= weights.rows; r += kTileRows) matmul_rows<V, T, kTileRows>(weights, r, x, y, batch, stride);
  for (; r < weights.rows; ++r) matmul_rows<V, T, 1>(weights, r, x, y, batch, stride);
}

template <class V, std::size_t kTileRows>
inline void matmul_simd(const WeightView& weights, const float* x, float* y, std::size_t batch, std::size_t stride) {
  switch (weights.type) {
    case WeightType::bf16:
      return matmul_typed<V, Bf16, kTileRows>(weights, x, y, batch, stride);
    case WeightType::f16:
      return matmul_typed<V, F16, kTileRows>(weights, x, y, batch, stride);
    case WeightType::f32:
      return matmul_typed<V, float, kTileRows>(weights, x, y, batch, stride);
    case WeightType::int8:
      return matmul_typed<V, std::int8_t, kTileRows>(weights, x, y, batch, stride);
    case WeightType::fp8:
      return matmul_typed<V, Fp8, kTileRows>(weights, x, y, batch, stride);
  }
}

}  // namespace
}  // namespace tollgate::local_backend
