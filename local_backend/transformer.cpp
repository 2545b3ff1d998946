#include "local_backend/transformer.h"

#include <algorithm>
#include <cmath>

namespace tollgate::local_backend {
namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

// Several sums side by side: one after the other would wait for each addition, and the compiler may not reorder them.
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

}  // namespace

Transformer::Transformer(const ModelSpec& spec, const Weights& weights, const Kernels& kernels)
    : spec_(spec), weights_(weights), kernels_(kernels) {
  for (int position = 0; position < spec.context; ++position) {
    for (const float frequency : spec.inverse_frequencies) {
      const float angle = static_cast<float>(position) * frequency;
      cosines_.push_back(std::cos(angle));
      sines_.push_back(std::sin(angle));
    }
  }
  scores_.resize(size(spec.context));
  key_rows_.resize(size(spec.context));
  value_rows_.resize(size(spec.context));
}

std::span<const float> Transformer::step(std::span<const StepRow> rows) {
  const std::size_t batch = rows.size();
  const std::size_t hidden = size(spec_.hidden);
  x_.resize(batch * hidden);
  normed_.resize(batch * hidden);
  projected_.resize(batch * hidden);
  for (std::size_t b = 0; b < batch; ++b) {
    const std::uint16_t* embedding = weights_.embedding.bits.data() + size(rows[b].token) * hidden;
    std::transform(embedding, embedding + hidden, x_.data() + b * hidden, bf16_to_float);
  }
  for (int i = 0; i < spec_.layers; ++i) {
    const LayerWeights& layer = weights_.layers[size(i)];
    attention(layer, i, rows);
    feed_forward(layer, batch);
  }
  std::size_t wanted = 0;
  for (std::size_t b = 0; b < batch; ++b) {
    if (rows[b].wants_logits)
      normalise(x_.data() + b * hidden, weights_.final_norm, normed_.data() + wanted++ * hidden);
  }
  logits_.resize(wanted * size(spec_.vocabulary));
  multiply(spec_.tied_head ? weights_.embedding : weights_.head, normed_.data(), logits_.data(), wanted);
  return logits_;
}

void Transformer::attention(const LayerWeights& layer, int index, std::span<const StepRow> rows) {
  const std::size_t batch = rows.size();
  const std::size_t hidden = size(spec_.hidden);
  const std::size_t query = size(spec_.query_size());
  const std::size_t kv = size(spec_.kv_size());
  const std::size_t width = query + 2 * kv;
  for (std::size_t b = 0; b < batch; ++b) {
    normalise(x_.data() + b * hidden, layer.attention_norm, normed_.data() + b * hidden);
  }
  qkv_.resize(batch * width);
  multiply(layer.qkv, normed_.data(), qkv_.data(), batch);
  mixed_.resize(batch * query);
  for (std::size_t b = 0; b < batch; ++b) {
    const StepRow& row = rows[b];
    float* q = qkv_.data() + b * width;
    rotate(q, spec_.heads, row.position);
    rotate(q + query, spec_.kv_heads, row.position);
    std::copy_n(q + query, kv, row.cache->keys(index, row.position));
    std::copy_n(q + query + kv, kv, row.cache->values(index, row.position));
    attend(row, index, q, mixed_.data() + b * query);
  }
  multiply(layer.output, mixed_.data(), projected_.data(), batch);
  for (std::size_t i = 0; i < batch * hidden; ++i) x_[i] += projected_[i];
}

// Softmax over all positions up to the row's own; several query heads share one head of keys and values.
void Transformer::attend(const StepRow& row, int layer, const float* query, float* out) {
  const std::size_t dim = size(spec_.head_dim);
  const std::size_t shared = size(spec_.heads / spec_.kv_heads);
  const std::size_t keys = size(row.position) + 1;
  const float scale = 1.0F / std::sqrt(static_cast<float>(spec_.head_dim));
  for (int t = 0; t <= row.position; ++t) {
    key_rows_[size(t)] = row.cache->keys(layer, t);
    value_rows_[size(t)] = row.cache->values(layer, t);
  }
  for (std::size_t h = 0; h < size(spec_.heads); ++h) {
    const float* q = query + h * dim;
    const std::size_t head = h / shared * dim;  // where its keys and values begin in a row
    float* scores = scores_.data();
    float largest = -INFINITY;
    for (std::size_t t = 0; t < keys; ++t) {
      scores[t] = dot(q, key_rows_[t] + head, dim) * scale;
      largest = std::max(largest, scores[t]);
    }
    float sum = 0;
    for (std::size_t t = 0; t < keys; ++t) sum += scores[t] = std::exp(scores[t] - largest);
    float* mixed = out + h * dim;
    std::fill_n(mixed, dim, 0.0F);
    for (std::size_t t = 0; t < keys; ++t) {
      const float share = scores[t] / sum;
      const float* value = value_rows_[t] + head;
      for (std::size_t d = 0; d < dim; ++d) mixed[d] += share * value[d];
    }
  }
}

void Transformer::feed_forward(const LayerWeights& layer, std::size_t batch) {
  const std::size_t hidden = size(spec_.hidden);
  const std::size_t inner = size(spec_.feed_forward);
  for (std::size_t b = 0; b < batch; ++b) {
    normalise(x_.data() + b * hidden, layer.feed_forward_norm, normed_.data() + b * hidden);
  }
  gate_up_.resize(batch * 2 * inner);
  activated_.resize(batch * inner);
  multiply(layer.gate_up, normed_.data(), gate_up_.data(), batch);
  for (std::size_t b = 0; b < batch; ++b) {
    const float* gate = gate_up_.data() + b * 2 * inner;
    const float* up = gate + inner;
    float* out = activated_.data() + b * inner;
    for (std::size_t i = 0; i < inner; ++i) out[i] = gate[i] / (1.0F + std::exp(-gate[i])) * up[i];  // SiLU(gate) * up
  }
  multiply(layer.down, activated_.data(), projected_.data(), batch);
  for (std::size_t i = 0; i < batch * hidden; ++i) x_[i] += projected_[i];
}

void Transformer::normalise(const float* x, const std::vector<float>& weight, float* out) const {
  const std::size_t hidden = weight.size();
  const float squares = dot(x, x, hidden);
  const float scale = 1.0F / std::sqrt(squares / static_cast<float>(hidden) + spec_.rms_epsilon);
  const float* w = weight.data();
  for (std::size_t i = 0; i < hidden; ++i) out[i] = x[i] * scale * w[i];
}

// Llama pairs element i with i + head_dim / 2 (GPT-J pairs neighbours).
void Transformer::rotate(float* heads, int count, int position) const {
  const std::size_t half = size(spec_.head_dim) / 2;
  const float* cosine = cosines_.data() + size(position) * half;
  const float* sine = sines_.data() + size(position) * half;
  for (int h = 0; h < count; ++h) {
    float* head = heads + size(h) * 2 * half;
    for (std::size_t i = 0; i < half; ++i) {
      const float a = head[i];
      const float b = head[i + half];
      head[i] = a * cosine[i] - b * sine[i];
      head[i + half] = b * cosine[i] + a * sine[i];
    }
  }
}

void Transformer::multiply(const Matrix& matrix, const float* x, float* y, std::size_t batch) const {
  kernels_.matmul(matrix.bits.data(), x, y, matrix.rows, matrix.columns, batch);
}

}  // namespace tollgate::local_backend
