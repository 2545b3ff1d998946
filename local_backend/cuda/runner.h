#pragma once
// A model on the device: its weights, its cache of keys and values, and what a step needs.
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "local_backend/cuda/kernels.h"

namespace tollgate::device {

// A matrix with the memory it lies in. Rows are padded with zeros.
class LoadedMatrix {
 public:
  // `exact`: activations stay fp32 whatever the weights are.
  LoadedMatrix(const plugin::Matrix& from, bool exact);
  LoadedMatrix() = default;
  const Matrix& view() const { return view_; }
  bool empty() const { return view_.data == nullptr; }

 private:
  Array<unsigned char> data_;
  Array<float> scales_;
  Array<float> bias_;
  Matrix view_;
};

class LoadedNorm {
 public:
  LoadedNorm(const plugin::Norm& from, float epsilon, bool layer);
  const Norm& view() const { return view_; }

 private:
  Array<float> weight_;
  Array<float> bias_;
  Norm view_;
};

struct LoadedLayer {
  LoadedLayer(const plugin::Layer& from, const plugin::Model& model, bool exact);

  LoadedNorm attention_norm;
  LoadedMatrix qkv;
  LoadedNorm query_norm;
  LoadedNorm key_norm;
  LoadedMatrix output;
  LoadedNorm feed_forward_norm;
  LoadedMatrix gate_up;
  LoadedMatrix down;
  int window;
};

// One thread at a time. Every function throws Error.
class Runner {
 public:
  Runner(const plugin::Model& model, const plugin::Options& options);

  // `logits`: those of the rows that want them, in order.
  void step(const plugin::Step& step, float* logits);

  static Operand cache_operand(const plugin::Options& options) {
    return options.exact != 0 ? Operand::f32 : Operand::bf16;
  }

 private:
  // How a step is computed: steps of the same shape are the same work on other inputs.
  struct Shape {
    int rows = 0;
    int items = 0;
    int splits = 0;
    int wanted = 0;
    auto operator<=>(const Shape&) const = default;
  };

  void check_step(const plugin::Step& step) const;
  Shape arrange(const plugin::Step& step);  // fills the inputs
  Shape padded_shape(Shape shape);          // of a decoding step: one of few, so that it can be a graph
  void upload_inputs(const Shape& shape, int blocks);
  void compute_layers(const Shape& shape);
  void attention(const LoadedLayer& layer, int index, const Shape& shape);
  void feed_forward(const LoadedLayer& layer, int rows);
  void normalise_into(const LoadedNorm& norm, const float* more, const LoadedMatrix& next, int rows);
  void compute_logits(int first, int count);
  void download_logits(int count, float* logits);
  void run_graph(const Shape& shape);

  plugin::Model model_;  // its numbers; the pointers are of the caller's time
  plugin::Options options_;
  Stream stream_;
  LoadedMatrix embedding_;
  LoadedMatrix head_;  // empty: the embedding
  LoadedNorm final_norm_;
  std::vector<LoadedLayer> layers_;
  Array<float> cosines_;
  Array<float> sines_;
  Array<unsigned char> cache_;
  std::size_t cache_plane_;  // bytes of one layer's keys

  Pinned<plugin::Row> host_rows_;
  Pinned<std::int32_t> host_blocks_;
  Pinned<AttentionItem> host_items_;
  Pinned<std::int32_t> host_wanted_;
  Pinned<float> host_logits_;
  Array<plugin::Row> rows_;
  Array<std::int32_t> blocks_;
  Array<AttentionItem> items_;
  Array<std::int32_t> wanted_;
  Array<float> logits_;

  Array<float> x_;
  Array<unsigned char> operands_;  // what the next matrix is multiplied with
  Array<unsigned char> mixed_;     // attention's result
  Array<float> qkv_;
  Array<float> gate_up_;
  Array<float> projected_;
  Array<float> partial_;
  std::map<Shape, Graph> graphs_;
};

}  // namespace tollgate::device
