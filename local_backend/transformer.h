#pragma once
// The forward pass on the CPU: fp32 activations over weights of any type, any mix of sequences in one step. What
// differs between families is a switch of ModelSpec.
#include <span>
#include <vector>

#include "local_backend/forward_pass.h"
#include "local_backend/kernels.h"
#include "local_backend/model_spec.h"
#include "local_backend/weights.h"
#include "local_backend/worker_pool.h"

namespace tollgate::local_backend {

class Transformer : public ForwardPass {
 public:
  // All must outlive this. `pool`: who helps; null: nobody.
  Transformer(const ModelSpec& spec, const Weights& weights, const Kernels& kernels = best_kernels(),
              WorkerPool* pool = nullptr);

  std::span<const float> step(std::span<const StepRow> rows) override;
  PrefillRows prefill_rows() const override { return {}; }
  bool keeps_hidden() const override { return true; }
  std::span<const float> hidden() const override { return hidden_; }

 private:
  // By position: what one row sees.
  struct AttentionScratch {
    std::vector<float> scores;
    std::vector<const float*> keys;
    std::vector<const float*> values;
    std::size_t first = 0;
    std::size_t end = 0;
  };

  void keep_hidden(std::span<const StepRow> rows);
  // From normed_ to projected_.
  void attention(const LayerWeights& layer, int index, std::span<const StepRow> rows);
  void feed_forward(const LayerWeights& layer, std::size_t batch);
  void attend(int layer, std::span<const StepRow> rows);  // from qkv_ to mixed_
  void gather(const StepRow& row, int layer, AttentionScratch& scratch) const;
  void attend_head(AttentionScratch& scratch, std::size_t head, const float* query, float* mixed) const;
  template <class Function>
  void share(std::size_t units, std::size_t work, const Function& function) const;
  void activate(const float* gate_up, float* out) const;
  void normalise_heads(float* heads, int count, const NormWeights& norm) const;
  void normalise_rows(const NormWeights& norm, std::size_t batch);  // x_ to normed_
  void normalise(const float* x, const NormWeights& norm, Norm kind, float* out) const;
  void rotate(float* heads, int count, int position) const;
  void share_matmul(const WeightView& matrix, const float* x, float* y, std::size_t batch);
  void pack(const Bf16Kernels& kernels, std::size_t columns, const float* x, std::size_t batch);  // to packed_
  void multiply(const Linear& linear, const float* x, float* y, std::size_t batch);
  void add_projected(std::size_t batch);  // to x_

  const ModelSpec& spec_;
  const Weights& weights_;
  const Kernels& kernels_;
  WorkerPool* pool_;
  RopeTable angles_;
  std::vector<float> x_;  // the residual stream, batch x hidden
  std::vector<float> normed_;
  std::vector<float> qkv_;
  std::vector<float> mixed_;  // attention's output, batch x query_size
  std::vector<float> gate_up_;
  std::vector<float> activated_;
  std::vector<float> projected_;
  std::vector<CacheLine> packed_;          // what is multiplied, where kernels round it
  std::vector<AttentionScratch> scratch_;  // of each thread
  std::vector<float> logits_;
  std::vector<float> hidden_;
};

}  // namespace tollgate::local_backend
