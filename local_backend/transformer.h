#pragma once
// The Llama forward pass on the CPU: fp32 activations over bf16 weights, any mix of sequences in one step.
#include <span>
#include <vector>

#include "local_backend/kernels.h"
#include "local_backend/kv_cache.h"
#include "local_backend/model_spec.h"
#include "local_backend/weights.h"

namespace tollgate::local_backend {

// One token of one sequence. Rows of the same sequence come in the order of their positions, without a gap to what its
// cache holds.
struct StepRow {
  int token = 0;     // REQUIRES: inside the vocabulary
  int position = 0;  // REQUIRES: the table has room for it
  KvTable* cache = nullptr;
  bool wants_logits = false;
};

// Holds scratch memory: one thread at a time. A row's result is bitwise the same alone, in any batch, and however the
// sequence is cut into steps.
class Transformer {
 public:
  // Both must outlive this.
  Transformer(const ModelSpec& spec, const Weights& weights, const Kernels& kernels = best_kernels());

  // Logits of the rows that want them, one after the other: vocabulary floats each. Valid until the next call.
  std::span<const float> step(std::span<const StepRow> rows);

 private:
  void attention(const LayerWeights& layer, int index, std::span<const StepRow> rows);
  void attend(const StepRow& row, int layer, const float* query, float* out);
  void feed_forward(const LayerWeights& layer, std::size_t batch);
  void normalise(const float* x, const std::vector<float>& weight, float* out) const;
  void rotate(float* heads, int count, int position) const;
  void multiply(const Matrix& matrix, const float* x, float* y, std::size_t batch) const;

  const ModelSpec& spec_;
  const Weights& weights_;
  const Kernels& kernels_;
  std::vector<float> cosines_;  // context x head_dim / 2
  std::vector<float> sines_;
  std::vector<float> x_;  // the residual stream, batch x hidden
  std::vector<float> normed_;
  std::vector<float> qkv_;
  std::vector<float> mixed_;  // attention's output, batch x query_size
  std::vector<float> gate_up_;
  std::vector<float> activated_;
  std::vector<float> projected_;
  std::vector<float> scores_;
  std::vector<const float*> key_rows_;  // of one row's sequence, by position
  std::vector<const float*> value_rows_;
  std::vector<float> logits_;
};

}  // namespace tollgate::local_backend
