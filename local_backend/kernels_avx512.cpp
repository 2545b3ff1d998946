// Compiled with -mavx512f -mavx512bw; called only where the CPU has them.
#include <immintrin.h>

#include "local_backend/kernels_simd.h"

namespace tollgate::local_backend {
namespace {

struct Avx512 {
  using Reg = __m512;
  static constexpr std::size_t kLanes = 16;

  static Reg zero() { return _mm512_setzero_ps(); }
  static Reg load(const float* p) { return _mm512_loadu_ps(p); }
  static Reg load_bf16(const std::uint16_t* p) {
    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
  }
  static Reg load(const float* p, std::size_t n) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << n) - 1U), p);
  }
  static Reg load_bf16(const std::uint16_t* p, std::size_t n) {
    std::uint16_t lanes[kLanes] = {};
    for (std::size_t i = 0; i < n; ++i) lanes[i] = p[i];
    return load_bf16(lanes);
  }
  static Reg fma(Reg a, Reg b, Reg c) { return _mm512_fmadd_ps(a, b, c); }
  static float sum(Reg v) { return _mm512_reduce_add_ps(v); }
};

}  // namespace

void matmul_avx512(const std::uint16_t* weights, const float* x, float* y, std::size_t rows, std::size_t columns,
                   std::size_t batch);
void matmul_avx512(const std::uint16_t* weights, const float* x, float* y, std::size_t rows, std::size_t columns,
                   std::size_t batch) {
  matmul_simd<Avx512, 4>(weights, x, y, rows, columns, batch);
}

}  // namespace tollgate::local_backend
