#include "local_backend/kernels.h"

namespace tollgate::local_backend {

#ifdef TOLLGATE_LOCAL_X86
void matmul_avx2(const std::uint16_t*, const float*, float*, std::size_t, std::size_t, std::size_t);
void matmul_avx512(const std::uint16_t*, const float*, float*, std::size_t, std::size_t, std::size_t);
#endif

namespace {

void matmul_scalar(const std::uint16_t* weights, const float* x, float* y, std::size_t rows, std::size_t columns,
                   std::size_t batch) {
  for (std::size_t b = 0; b < batch; ++b) {
    for (std::size_t r = 0; r < rows; ++r) {
      float sum = 0;
      for (std::size_t c = 0; c < columns; ++c) sum += bf16_to_float(weights[r * columns + c]) * x[b * columns + c];
      y[b * rows + r] = sum;
    }
  }
}

}  // namespace

const Kernels& scalar_kernels() {
  static constexpr Kernels kKernels{"scalar", matmul_scalar};
  return kKernels;
}

#ifdef TOLLGATE_LOCAL_X86
const Kernels* avx2_kernels() {
  static constexpr Kernels kKernels{"avx2", matmul_avx2};
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kKernels : nullptr;
}
const Kernels* avx512_kernels() {
  static constexpr Kernels kKernels{"avx512", matmul_avx512};
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") ? &kKernels : nullptr;
}
#else
const Kernels* avx2_kernels() { return nullptr; }
const Kernels* avx512_kernels() { return nullptr; }
#endif

const Kernels& best_kernels() {
  if (const Kernels* k = avx512_kernels()) return *k;
  if (const Kernels* k = avx2_kernels()) return *k;
  return scalar_kernels();
}

}  // namespace tollgate::local_backend
