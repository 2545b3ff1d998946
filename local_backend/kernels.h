#pragma once
// What takes a model's time, by families of kernels of which one is chosen at start for the CPU at hand: products of a
// matrix of weights with activations, attention, and SiLU.
//
// Each product is y[b * stride + r] = sum over c of weights[r, c] * x[b * columns + c], each sum in one fixed
// order that depends on `columns` alone: a row of the batch gets bitwise the same result alone and in any batch, and a
// row of weights the same in any part of its matrix. No alignment is required; x and y do not overlap.
#include <string_view>
#include <vector>

#include "local_backend/api.h"
#include "local_backend/kernel_types.h"

namespace tollgate::local_backend {

struct Kernels {
  CpuKernels family;
  MatmulKernel matmul;
  AttentionKernel attend;
  SiluKernel silu;
  const Bf16Kernels* bf16;  // for matrices of bf16; null: they are multiplied as all others

  // The family's name in kCpuKernels.
  std::string_view name() const;
};

// Null where the build or the CPU has none, or its products are wrong (kernel_agrees). Thread-safe. `automatic` is
// best_kernels().
const Kernels* find_kernels(CpuKernels family);
// The CPU has AMX, and kernel_agrees said no.
bool amx_is_wrong();
// The fastest, and the fastest that leaves activations as they are.
const Kernels& best_kernels();
const Kernels& fp32_kernels();

// Several sums side by side, in one order: one after the other would wait for each addition, and compilers may not
// reorder them.
float dot(const float* a, const float* b, std::size_t n);

// One thread multiplies; `packed` is memory to work in, kept from call to call.
void multiply(const Kernels& kernels, const WeightView& weights, const float* x, float* y, std::size_t batch,
              std::vector<CacheLine>& packed);

// A small product with edges on all sides is near what plain arithmetic makes of it, and its rows are the same alone.
// Asked once before a family is used whose instructions were never met where this was written.
bool kernel_agrees(const Bf16Kernels& kernels);

}  // namespace tollgate::local_backend
