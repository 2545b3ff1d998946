// Compiled with -mavx2 -mfma; called only where the CPU has them.
#include <immintrin.h>

#include "local_backend/kernels_simd.h"

namespace tollgate::local_backend {
namespace {

struct Avx2 {
  using Reg = __m256;
  static constexpr std::size_t kLanes = 8;

  static Reg zero() { return _mm256_setzero_ps(); }
  static Reg load(const float* p) { return _mm256_loadu_ps(p); }
  static Reg load_bf16(const std::uint16_t* p) {
    const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
  }
  static Reg load(const float* p, std::size_t n) {
    float lanes[kLanes] = {};
    for (std::size_t i = 0; i < n; ++i) lanes[i] = p[i];
    return load(lanes);
  }
  static Reg load_bf16(const std::uint16_t* p, std::size_t n) {
    std::uint16_t lanes[kLanes] = {};
    for (std::size_t i = 0; i < n; ++i) lanes[i] = p[i];
    return load_bf16(lanes);
  }
  static Reg fma(Reg a, Reg b, Reg c) { return _mm256_fmadd_ps(a, b, c); }
  static float sum(Reg v) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
  }
};

}  // namespace

void matmul_avx2(const std::uint16_t* weights, const float* x, float* y, std::size_t rows, std::size_t columns,
                 std::size_t batch);
void matmul_avx2(const std::uint16_t* weights, const float* x, float* y, std::size_t rows, std::size_t columns,
                 std::size_t batch) {
  matmul_simd<Avx2, 2>(weights, x, y, rows, columns, batch);
}

}  // namespace tollgate::local_backend
