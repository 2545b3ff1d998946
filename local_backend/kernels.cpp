#include "local_backend/kernels.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "local_backend/bf16_rounding.h"
#include "local_backend/matrix.h"

#ifdef TOLLGATE_LOCAL_X86
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace tollgate::local_backend {
namespace {

void matmul_scalar(const WeightView& weights, const float* x, float* y, std::size_t batch, std::size_t stride) {
  std::vector<float> row(weights.columns);
  for (std::size_t r = 0; r < weights.rows; ++r) {
    decode_row(weights, r, row.data());
    for (std::size_t b = 0; b < batch; ++b) {
      float sum = 0;
      for (std::size_t c = 0; c < weights.columns; ++c) sum += row[c] * x[b * weights.columns + c];
      y[b * stride + r] = sum;
    }
  }
}

void attend_scalar(const AttentionView& head, float* scores, float* out) {
  float largest = -INFINITY;
  for (std::size_t t = 0; t < head.count; ++t) {
    const float* key = head.keys[t] + head.at;
    scores[t] = dot(head.query, key, head.dim) * head.scale;
    largest = std::max(largest, scores[t]);
  }
  float sum = 0;
  for (std::size_t t = 0; t < head.count; ++t) sum += scores[t] = std::exp(scores[t] - largest);
  std::fill_n(out, head.dim, 0.0F);
  for (std::size_t t = 0; t < head.count; ++t) {
    const float weight = scores[t] / sum;
    const float* value = head.values[t] + head.at;
    for (std::size_t d = 0; d < head.dim; ++d) out[d] += weight * value[d];
  }
}

void silu_scalar(const float* x, std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = x[i] / (1.0F + std::exp(-x[i]));
}

constexpr Kernels kScalar = {CpuKernels::scalar, matmul_scalar, attend_scalar, silu_scalar, nullptr};

#ifdef TOLLGATE_LOCAL_X86
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}
bool has_avx512() { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"); }
bool has_avx512_bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }

// The CPU has the tiles, and Linux keeps them for this process and the threads it will have: their state is large, so
// it has to be asked for (the kernel's documentation, x86/xstate).
bool may_use_amx() {
  constexpr unsigned kBf16 = 1U << 22U;
  constexpr unsigned kTiles = 1U << 24U;
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (!has_avx512() || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  if ((d & kBf16) == 0 || (d & kTiles) == 0) return false;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

constexpr Kernels kAvx2 = {CpuKernels::avx2, matmul_avx2, attend_avx2, silu_avx2, nullptr};
constexpr Kernels kAvx512 = {CpuKernels::avx512, matmul_avx512, attend_avx512, silu_avx512, nullptr};
constexpr Kernels kAvx512Bf16 = {CpuKernels::avx512_bf16, matmul_avx512, attend_avx512, silu_avx512,
                                 &kAvx512Bf16Kernels};
constexpr Kernels kAmx = {CpuKernels::amx, matmul_avx512, attend_avx512, silu_avx512, &kAmxKernels};

enum class Amx : std::uint8_t { absent, wrong, usable };

Amx amx() {
  static const Amx kFound = !may_use_amx() ? Amx::absent : kernel_agrees(kAmxKernels) ? Amx::usable : Amx::wrong;
  return kFound;
}
#endif

// Numbers between -1 and 1 that look random, the same everywhere.
float some_number(std::size_t i) {
  const std::uint32_t mixed = static_cast<std::uint32_t>(i + 1) * 2654435761U;
  return static_cast<float>(mixed >> 8U) / 0x1p23F - 1.0F;
}

float near_bf16(float value) { return to_float(Bf16{rounded_to_bf16(value)}); }

constexpr std::size_t kCheckedRows = 37;
constexpr std::size_t kCheckedColumns = 75;
constexpr std::size_t kCheckedBatch = 35;

using Checked = std::vector<float>;

Checked product(const Bf16Kernels& kernels, const WeightView& weights, const float* x, std::size_t batch) {
  std::vector<CacheLine> packed(kernels.packed_lines(weights.columns, batch));
  kernels.pack(x, weights.columns, 0, batch, packed.data());
  Checked out(batch * weights.rows, NAN);
  kernels.matmul(weights, packed.data(), out.data(), batch, weights.rows);
  return out;
}

}  // namespace

float dot(const float* a, const float* b, std::size_t n) {
  constexpr std::size_t kLanes = 16;
  float sums[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < n; ++i) sums[i % kLanes] += a[i] * b[i];
  float total = 0;
  for (const float sum : sums) total += sum;
  return total;
}

std::string_view Kernels::name() const {
  return std::ranges::find(kCpuKernels, family, [](const auto& pair) { return pair.second; })->first;
}

const Kernels* find_kernels(CpuKernels family) {
  switch (family) {
    case CpuKernels::automatic:
      return &best_kernels();
    case CpuKernels::scalar:
      return &kScalar;
#ifdef TOLLGATE_LOCAL_X86
    case CpuKernels::avx2:
      return has_avx2() ? &kAvx2 : nullptr;
    case CpuKernels::avx512:
      return has_avx512() ? &kAvx512 : nullptr;
    case CpuKernels::avx512_bf16:
      return has_avx512_bf16() ? &kAvx512Bf16 : nullptr;
    case CpuKernels::amx:
      return amx() == Amx::usable ? &kAmx : nullptr;
#else
    default:
      return nullptr;
#endif
  }
  return nullptr;
}

bool amx_is_wrong() {
#ifdef TOLLGATE_LOCAL_X86
  return amx() == Amx::wrong;
#else
  return false;
#endif
}

const Kernels& best_kernels() {
  for (const CpuKernels family : {CpuKernels::amx, CpuKernels::avx512_bf16})
    if (const Kernels* found = find_kernels(family)) return *found;
  return fp32_kernels();
}

const Kernels& fp32_kernels() {
  for (const CpuKernels family : {CpuKernels::avx512, CpuKernels::avx2})
    if (const Kernels* found = find_kernels(family)) return *found;
  return kScalar;
}

void multiply(const Kernels& kernels, const WeightView& weights, const float* x, float* y, std::size_t batch,
              std::vector<CacheLine>& packed) {
  if (kernels.bf16 == nullptr || weights.type != WeightType::bf16)
    return kernels.matmul(weights, x, y, batch, weights.rows);
  packed.resize(std::max(packed.size(), kernels.bf16->packed_lines(weights.columns, batch)));
  kernels.bf16->pack(x, weights.columns, 0, batch, packed.data());
  kernels.bf16->matmul(weights, packed.data(), y, batch, weights.rows);
}

bool kernel_agrees(const Bf16Kernels& kernels) {
  std::vector<Bf16> numbers(kCheckedRows * kCheckedColumns);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i].bits = rounded_to_bf16(some_number(i));
  const WeightView weights{WeightType::bf16, numbers.data(), nullptr, kCheckedRows, kCheckedColumns};
  std::vector<float> x(kCheckedBatch * kCheckedColumns);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = some_number(i + 100'000);
  const Checked all = product(kernels, weights, x.data(), kCheckedBatch);
  for (std::size_t b = 0; b < kCheckedBatch; ++b) {
    const Checked alone = product(kernels, weights, x.data() + b * kCheckedColumns, 1);
    for (std::size_t r = 0; r < kCheckedRows; ++r) {
      double wanted = 0;
      double most = 0;  // by which rounding may change the sum
      for (std::size_t c = 0; c < kCheckedColumns; ++c) {
        const double part = double{to_float(numbers[r * kCheckedColumns + c])} * near_bf16(x[b * kCheckedColumns + c]);
        wanted += part;
        most += std::fabs(part) * kCheckedColumns * 0x1p-24;
      }
      const float got = all[b * kCheckedRows + r];
      if (!(std::fabs(got - wanted) <= most) || alone[r] != got) return false;
    }
  }
  return true;
}

}  // namespace tollgate::local_backend
