#include "local_backend/kernels.h"

#include <vector>

#include "local_backend/matrix.h"

namespace tollgate::local_backend {

#ifdef TOLLGATE_LOCAL_X86
void matmul_avx2(const WeightView&, const float*, float*, std::size_t);
void matmul_avx512(const WeightView&, const float*, float*, std::size_t);
#endif

namespace {

void matmul_scalar(const WeightView& weights, const float* x, float* y, std::size_t batch) {
  std::vector<float> row(weights.columns);
  for (std::size_t r = 0; r < weights.rows; ++r) {
    decode_row(weights, r, row.data());
    for (std::size_t b = 0; b < batch; ++b) {
      float sum = 0;
      for (std::size_t c = 0; c < weights.columns; ++c) sum += row[c] * x[b * weights.columns + c];
      y[b * weights.rows + r] = sum;
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
  const bool runs = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  return runs ? &kKernels : nullptr;
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
