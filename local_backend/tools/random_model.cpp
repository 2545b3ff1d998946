#include "local_backend/tools/random_model.h"

#include <cmath>
#include <cstring>

namespace tollgate::local_backend {
namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

// xorshift64*: billions of weights are wanted.
class Random {
 public:
  std::uint64_t next() {
    state_ ^= state_ >> 12U;
    state_ ^= state_ << 25U;
    state_ ^= state_ >> 27U;
    return state_ * 0x2545F4914F6CDD1DU;
  }

 private:
  std::uint64_t state_ = 0x9E3779B97F4A7C15U;
};

// Of magnitudes from `low`, a power of two, to twice that, by filling in signs and mantissas.
Matrix random_matrix(Random& random, int rows, int columns, float low) {
  Matrix out;
  out.rows = size(rows);
  out.columns = size(columns);
  out.data.resize(2 * out.rows * out.columns);
  const auto exponent = std::uint64_t{__builtin_bit_cast(std::uint32_t, low) >> 16U} * 0x0001000100010001U;
  for (std::size_t i = 0; i < out.data.size(); i += sizeof(std::uint64_t)) {
    const std::uint64_t four = (random.next() & 0x807F807F807F807FU) | exponent;
    std::memcpy(out.data.data() + i, &four, std::min(sizeof four, out.data.size() - i));
  }
  return out;
}

// So that sums stay of the size of what is added up, and attention is not the same everywhere.
Linear random_linear(Random& random, int rows, int columns) {
  return {random_matrix(random, rows, columns, std::exp2(-std::round(std::log2(static_cast<float>(columns)) / 2))), {}};
}

NormWeights ones(int width) { return {std::vector<float>(size(width), 1.0F), {}}; }

ModelSpec spec_of(const RandomShape& shape) {
  ModelSpec spec;
  spec.family = find_family("llama");
  spec.layers = shape.layers;
  spec.hidden = shape.hidden;
  spec.heads = shape.heads;
  spec.kv_heads = shape.kv_heads;
  spec.head_dim = shape.head_dim;
  spec.feed_forward = shape.feed_forward;
  spec.vocabulary = shape.vocabulary;
  spec.context = shape.context;
  spec.norm_epsilon = 1e-5F;
  spec.windows.assign(size(shape.layers), shape.window);
  for (int i = 0; i < shape.head_dim / 2; ++i)
    spec.rope.inverse_frequencies.push_back(
        std::pow(500000.0F, -2.0F * static_cast<float>(i) / static_cast<float>(shape.head_dim)));
  return spec;
}

}  // namespace

RandomModel random_model(const RandomShape& shape) {
  RandomModel out{spec_of(shape), {}};
  Random random;
  const int query = out.spec.query_size();
  out.weights.embedding = random_matrix(random, shape.vocabulary, shape.hidden, 0.5F);
  for (int i = 0; i < shape.layers; ++i) {
    LayerWeights layer;
    layer.attention_norm = ones(shape.hidden);
    layer.qkv = random_linear(random, query + 2 * out.spec.kv_size(), shape.hidden);
    layer.output = random_linear(random, shape.hidden, query);
    layer.feed_forward_norm = ones(shape.hidden);
    layer.gate_up = random_linear(random, 2 * shape.feed_forward, shape.hidden);
    layer.down = random_linear(random, shape.hidden, shape.feed_forward);
    out.weights.layers.push_back(std::move(layer));
  }
  out.weights.final_norm = ones(shape.hidden);
  out.weights.head = random_linear(random, shape.vocabulary, shape.hidden);
  return out;
}

}  // namespace tollgate::local_backend
