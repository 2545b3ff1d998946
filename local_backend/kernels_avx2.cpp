// Compiled with -mavx2 -mfma -mf16c; called only where the CPU has them.
#include <immintrin.h>

#include "local_backend/attention_simd.h"

namespace tollgate::local_backend {
namespace {

struct Avx2 {
  using Reg = __m256;
  static constexpr std::size_t kLanes = 8;

  static Reg set(float x) { return _mm256_set1_ps(x); }
  static Reg zero() { return _mm256_setzero_ps(); }
  static Reg load(const float* p) { return _mm256_loadu_ps(p); }
  static Reg load(const Bf16* p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(eight_halves(p)), 16));
  }
  static Reg load(const F16* p) { return _mm256_cvtph_ps(eight_halves(p)); }
  static Reg load(const std::int8_t* p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight_bytes(p))); }
  // Exponent and mantissa at their places in a float; the biases differ by 120.
  static Reg load(const Fp8* p) {
    const __m256i bits = _mm256_cvtepu8_epi32(eight_bytes(p));
    const __m256i sign = _mm256_slli_epi32(_mm256_and_si256(bits, _mm256_set1_epi32(0x80)), 24);
    const __m256i rest = _mm256_slli_epi32(_mm256_and_si256(bits, _mm256_set1_epi32(0x7F)), 20);
    return _mm256_mul_ps(_mm256_castsi256_ps(_mm256_or_si256(sign, rest)), _mm256_set1_ps(0x1p120F));
  }
  static Reg fma(Reg a, Reg b, Reg c) { return _mm256_fmadd_ps(a, b, c); }
  static Reg add(Reg a, Reg b) { return _mm256_add_ps(a, b); }
  static Reg mul(Reg a, Reg b) { return _mm256_mul_ps(a, b); }
  static Reg div(Reg a, Reg b) { return _mm256_div_ps(a, b); }
  static Reg max(Reg limit, Reg x) { return _mm256_max_ps(limit, x); }
  static Reg min(Reg limit, Reg x) { return _mm256_min_ps(limit, x); }
  static Reg nearest(Reg v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // By adding to the exponent: of results that are normal numbers.
  static Reg times_power_of_two(Reg v, Reg n) {
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v), _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23)));
  }
  static void store(float* p, Reg v) { _mm256_storeu_ps(p, v); }
  static float sum(Reg v) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
  }

 private:
  static __m128i eight_halves(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
  static __m128i eight_bytes(const void* p) { return _mm_loadl_epi64(static_cast<const __m128i*>(p)); }
};

}  // namespace

void matmul_avx2(const WeightView& weights, const float* x, float* y, std::size_t batch, std::size_t stride) {
  matmul_simd<Avx2, 2>(weights, x, y, batch, stride);
}

void attend_avx2(const AttentionView& head, float* scores, float* out) { attend_simd<Avx2>(head, scores, out); }

void silu_avx2(const float* x, std::size_t count, float* out) { silu_simd<Avx2>(x, count, out); }

}  // namespace tollgate::local_backend
