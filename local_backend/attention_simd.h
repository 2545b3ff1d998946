#pragma once
// Attention and SiLU over the vector type of kernels_simd.h, which here also has set(x), add, mul, div, store(p, v),
// nearest(v) (whole numbers), times_power_of_two(v, n), and max(limit, x) and min(limit, x), which are x where that is
// no number. Each sum has one order, which depends on the row's own positions alone. Internal linkage, as there.
#include "local_backend/kernel_types.h"
#include "local_backend/kernels_simd.h"

namespace tollgate::local_backend {
namespace {

// e^x for x between -87 and 88, as far as fp32 goes; beyond, the end's. By 2^n e^r with r within half of ln 2, and a
// polynomial whose coefficients are those of Cephes' expf (S. Moshier).
template <class V>
inline typename V::Reg exponential(typename V::Reg x) {
  x = V::min(V::set(88.0F), V::max(V::set(-87.0F), x));
  const typename V::Reg n = V::nearest(V::mul(x, V::set(1.44269504F)));
  typename V::Reg r = V::fma(n, V::set(-0.693359375F), x);  // ln 2 in two parts, the first exact
  r = V::fma(n, V::set(2.12194440e-4F), r);
  typename V::Reg sum = V::set(1.9875691500e-4F);
  constexpr float kNext[] = {1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F};
  for (const float next : kNext) sum = V::fma(sum, r, V::set(next));
  sum = V::add(V::fma(sum, V::mul(r, r), r), V::set(1.0F));
  return V::times_power_of_two(sum, n);
}

// The products of kCount keys with the query.
template <class V, std::size_t kCount>
inline void attention_scores(const AttentionView& head, const float* const* keys, float* out) {
  typename V::Reg sums[kCount];
  for (auto& sum : sums) sum = V::zero();
  const std::size_t whole = head.dim - head.dim % V::kLanes;
  for (std::size_t d = 0; d < whole; d += V::kLanes) {
    const typename V::Reg query = V::load(head.query + d);
    for (std::size_t i = 0; i < kCount; ++i) sums[i] = V::fma(V::load(keys[i] + head.at + d), query, sums[i]);
  }
  if (const std::size_t rest = head.dim - whole; rest > 0) {
    const typename V::Reg query = load_some<V>(head.query + whole, rest);
    for (std::size_t i = 0; i < kCount; ++i)
      sums[i] = V::fma(load_some<V>(keys[i] + head.at + whole, rest), query, sums[i]);
  }
  for (std::size_t i = 0; i < kCount; ++i) out[i] = V::sum(sums[i]) * head.scale;
}

// Makes scores their exponentials, the largest's being 1, and returns the sum of these. REQUIRES: `scores` has room for
// whole vectors.
template <class V>
inline float softmax(float* scores, std::size_t count) {
  std::size_t padded = count;
  for (; padded % V::kLanes != 0; ++padded) scores[padded] = -__builtin_inff();
  typename V::Reg most = V::set(-__builtin_inff());
  for (std::size_t t = 0; t < padded; t += V::kLanes) most = V::max(most, V::load(scores + t));
  float lanes[V::kLanes];
  V::store(lanes, most);
  float largest = lanes[0];
  for (const float lane : lanes) largest = lane > largest ? lane : largest;
  const typename V::Reg down = V::set(-largest);
  typename V::Reg sum = V::zero();
  for (std::size_t t = 0; t < padded; t += V::kLanes) {
    const typename V::Reg weight = exponential<V>(V::add(V::load(scores + t), down));
    V::store(scores + t, weight);
    sum = V::add(sum, weight);
  }
  return V::sum(sum);
}

// kVectors vectors of the values' mean, from number `d` of each on.
template <class V, std::size_t kVectors>
inline void attention_mean(const AttentionView& head, const float* weights, float factor, std::size_t d, float* out) {
  typename V::Reg sums[kVectors];
  for (auto& sum : sums) sum = V::zero();
  for (std::size_t t = 0; t < head.count; ++t) {
    const float* value = head.values[t] + head.at + d;
    for (std::size_t i = 0; i < kVectors; ++i)
      sums[i] = V::fma(V::load(value + i * V::kLanes), V::set(weights[t]), sums[i]);
  }
  for (std::size_t i = 0; i < kVectors; ++i) V::store(out + d + i * V::kLanes, V::mul(sums[i], V::set(factor)));
}

template <class V>
inline void attend_simd(const AttentionView& head, float* scores, float* out) {
  std::size_t t = 0;
  for (; t + 8 <= head.count; t += 8) attention_scores<V, 8>(head, head.keys + t, scores + t);
  for (; t < head.count; ++t) attention_scores<V, 1>(head, head.keys + t, scores + t);
  const float factor = 1.0F / softmax<V>(scores, head.count);
  std::size_t d = 0;
  for (; d + 8 * V::kLanes <= head.dim; d += 8 * V::kLanes) attention_mean<V, 8>(head, scores, factor, d, out);
  for (; d + 4 * V::kLanes <= head.dim; d += 4 * V::kLanes) attention_mean<V, 4>(head, scores, factor, d, out);
  for (; d + V::kLanes <= head.dim; d += V::kLanes) attention_mean<V, 1>(head, scores, factor, d, out);
  for (; d < head.dim; ++d) {
    float sum = 0;
    for (std::size_t i = 0; i < head.count; ++i) sum += scores[i] * head.values[i][head.at + d];
    out[d] = sum * factor;
  }
}

template <class V>
inline typename V::Reg silu_of(typename V::Reg x) {
  return V::div(x, V::add(V::set(1.0F), exponential<V>(V::mul(x, V::set(-1.0F)))));
}

template <class V>
inline void silu_simd(const float* x, std::size_t count, float* out) {
  const std::size_t whole = count - count % V::kLanes;
  for (std::size_t i = 0; i < whole; i += V::kLanes) V::store(out + i, silu_of<V>(V::load(x + i)));
  if (whole == count) return;
  float lanes[V::kLanes];
  V::store(lanes, silu_of<V>(load_some<V>(x + whole, count - whole)));
  for (std::size_t i = whole; i < count; ++i) out[i] = lanes[i - whole];
}

}  // namespace
}  // namespace tollgate::local_backend
