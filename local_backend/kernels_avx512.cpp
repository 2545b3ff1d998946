// Compiled with -mavx512f -mavx512bw; called only where the CPU has them.
#include <immintrin.h>

#include "local_backend/attention_simd.h"

namespace tollgate::local_backend {
namespace {

struct Avx512 {
  using Reg = __m512;
  static constexpr std::size_t kLanes = 16;

  static Reg set(float x) { return _mm512_set1_ps(x); }
  static Reg zero() { return _mm512_setzero_ps(); }
  static Reg load(const float* p) { return _mm512_loadu_ps(p); }
  static Reg load(const Bf16* p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(sixteen_halves(p)), 16));
  }
  static Reg load(const F16* p) { return _mm512_cvtph_ps(sixteen_halves(p)); }
  static Reg load(const std::int8_t* p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(sixteen_bytes(p))); }
  // Exponent and mantissa at their places in a float; the biases differ by 120.
  static Reg load(const Fp8* p) {
    const __m512i bits = _mm512_cvtepu8_epi32(sixteen_bytes(p));
    const __m512i sign = _mm512_slli_epi32(_mm512_and_epi32(bits, _mm512_set1_epi32(0x80)), 24);
    const __m512i rest = _mm512_slli_epi32(_mm512_and_epi32(bits, _mm512_set1_epi32(0x7F)), 20);
    return _mm512_mul_ps(_mm512_castsi512_ps(_mm512_or_epi32(sign, rest)), _mm512_set1_ps(0x1p120F));
  }
  static Reg fma(Reg a, Reg b, Reg c) { return _mm512_fmadd_ps(a, b, c); }
  static Reg add(Reg a, Reg b) { return _mm512_add_ps(a, b); }
  static Reg mul(Reg a, Reg b) { return _mm512_mul_ps(a, b); }
  static Reg div(Reg a, Reg b) { return _mm512_div_ps(a, b); }
  static Reg max(Reg limit, Reg x) { return _mm512_max_ps(limit, x); }
  static Reg min(Reg limit, Reg x) { return _mm512_min_ps(limit, x); }
  static Reg nearest(Reg v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static Reg times_power_of_two(Reg v, Reg n) { return _mm512_scalef_ps(v, n); }
  static void store(float* p, Reg v) { _mm512_storeu_ps(p, v); }
  static float sum(Reg v) { return _mm512_reduce_add_ps(v); }

 private:
  static __m256i sixteen_halves(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static __m128i sixteen_bytes(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
};

}  // namespace

void matmul_avx512(const WeightView& weights, const float* x, float* y, std::size_t batch, std::size_t stride) {
  matmul_simd<Avx512, 4>(weights, x, y, batch, stride);
}

void attend_avx512(const AttentionView& head, float* scores, float* out) { attend_simd<Avx512>(head, scores, out); }

void silu_avx512(const float* x, std::size_t count, float* out) { silu_simd<Avx512>(x, count, out); }

}  // namespace tollgate::local_backend
