#include "local_backend/transformer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tollgate::local_backend {
namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

constexpr std::size_t kWorthSharing = 1U << 20U;  // multiplications: less is done before another thread is awake

constexpr std::size_t kExponential = 32;  // multiplications that cost as much
constexpr std::size_t kRounding = 4;
constexpr std::size_t kLine = sizeof(CacheLine) / sizeof(float);

constexpr std::size_t kSharedRows = 32;  // of weights, which one thread takes together: tiles are not cut

}  // namespace

Transformer::Transformer(const ModelSpec& spec, const Weights& weights, const Kernels& kernels, WorkerPool* pool)
    : spec_(spec), weights_(weights), kernels_(kernels), pool_(pool), angles_(rope_table(spec.rope, spec.context)) {
  const std::size_t context = size(spec.context);
  for (int part = 0; part < (pool == nullptr ? 1 : pool->threads()); ++part)
    scratch_.push_back(
        {std::vector<float>(context + kLine), std::vector<const float*>(context), std::vector<const float*>(context)});
}

std::span<const float> Transformer::step(std::span<const StepRow> rows) {
  const std::size_t batch = rows.size();
  const std::size_t hidden = size(spec_.hidden);
  x_.resize(batch * hidden);
  normed_.resize(batch * hidden);
  projected_.resize(batch * hidden);
  for (std::size_t b = 0; b < batch; ++b) {
    decode_row(weights_.embedding.view(), size(rows[b].token), x_.data() + b * hidden);
  }
  for (int i = 0; i < spec_.layers; ++i) {
    const LayerWeights& layer = weights_.layers[size(i)];
    normalise_rows(layer.attention_norm, batch);
    attention(layer, i, rows);
    add_projected(batch);
    if (!spec_.parallel_residual) normalise_rows(layer.feed_forward_norm, batch);
    feed_forward(layer, batch);
    add_projected(batch);
  }
  keep_hidden(rows);
  std::size_t wanted = 0;
  for (std::size_t b = 0; b < batch; ++b) {
    if (rows[b].wants_logits)
      normalise(x_.data() + b * hidden, weights_.final_norm, spec_.norm, normed_.data() + wanted++ * hidden);
  }
  logits_.resize(wanted * size(spec_.vocabulary));
  if (wanted == 0) return logits_;
  if (spec_.tied_head) {
    share_matmul(weights_.embedding.view(), normed_.data(), logits_.data(), wanted);
  } else {
    multiply(weights_.head, normed_.data(), logits_.data(), wanted);
  }
  return logits_;
}

void Transformer::keep_hidden(std::span<const StepRow> rows) {
  const std::size_t hidden = size(spec_.hidden);
  hidden_.clear();
  for (std::size_t b = 0; b < rows.size(); ++b) {
    if (!rows[b].wants_hidden) continue;
    hidden_.resize(hidden_.size() + hidden);
    normalise(x_.data() + b * hidden, weights_.final_norm, spec_.norm, hidden_.data() + hidden_.size() - hidden);
  }
}

void Transformer::attention(const LayerWeights& layer, int index, std::span<const StepRow> rows) {
  const std::size_t batch = rows.size();
  const std::size_t query = size(spec_.query_size());
  const std::size_t kv = size(spec_.kv_size());
  const std::size_t width = query + 2 * kv;
  qkv_.resize(batch * width);
  multiply(layer.qkv, normed_.data(), qkv_.data(), batch);
  mixed_.resize(batch * query);
  for (std::size_t b = 0; b < batch; ++b) {
    const StepRow& row = rows[b];
    float* q = qkv_.data() + b * width;
    if (spec_.head_norms) {
      normalise_heads(q, spec_.heads, layer.query_norm);
      normalise_heads(q + query, spec_.kv_heads, layer.key_norm);
    }
    rotate(q, spec_.heads, row.position);
    rotate(q + query, spec_.kv_heads, row.position);
    std::copy_n(q + query, kv, row.cache->keys(index, row.position));
    std::copy_n(q + query + kv, kv, row.cache->values(index, row.position));
  }
  attend(index, rows);
  multiply(layer.output, mixed_.data(), projected_.data(), batch);
}

// Every head of every row by itself, so that threads can share them.
void Transformer::attend(int layer, std::span<const StepRow> rows) {
  const std::size_t heads = size(spec_.heads);
  const std::size_t query = size(spec_.query_size());
  const std::size_t width = query + 2 * size(spec_.kv_size());
  std::size_t work = 0;
  for (const StepRow& row : rows) work += 2 * query * size(row.position + 1);
  share(rows.size() * heads, work, [&](int part, std::size_t begin, std::size_t end) {
    AttentionScratch& scratch = scratch_[size(part)];
    for (std::size_t unit = begin; unit < end; ++unit) {
      const std::size_t b = unit / heads;
      if (unit == begin || unit % heads == 0) gather(rows[b], layer, scratch);
      const std::size_t head = unit % heads * size(spec_.head_dim);
      attend_head(scratch, unit % heads, qkv_.data() + b * width + head, mixed_.data() + b * query + head);
    }
  });
}

// Where the keys and values lie that a row sees: up to its own position, as far as the layer's window reaches.
void Transformer::gather(const StepRow& row, int layer, AttentionScratch& scratch) const {
  const int window = spec_.windows[size(layer)];
  scratch.first = window == 0 ? 0 : size(std::max(0, row.position + 1 - window));
  scratch.end = size(row.position) + 1;
  for (std::size_t t = scratch.first; t < scratch.end; ++t) {
    scratch.keys[t] = row.cache->keys(layer, static_cast<int>(t));
    scratch.values[t] = row.cache->values(layer, static_cast<int>(t));
  }
}

// Several query heads share one head of keys and values.
void Transformer::attend_head(AttentionScratch& scratch, std::size_t head, const float* query, float* mixed) const {
  const std::size_t dim = size(spec_.head_dim);
  const std::size_t shared = size(spec_.heads / spec_.kv_heads);
  kernels_.attend({.query = query,
                   .keys = scratch.keys.data() + scratch.first,
                   .values = scratch.values.data() + scratch.first,
                   .at = head / shared * dim,
                   .count = scratch.end - scratch.first,
                   .dim = dim,
                   .scale = 1.0F / std::sqrt(static_cast<float>(spec_.head_dim))},
                  scratch.scores.data(), mixed);
}

// Splits `units` among the threads; `work`: about how many multiplications they are in all.
template <class Function>
void Transformer::share(std::size_t units, std::size_t work, const Function& function) const {
  const std::size_t parts = pool_ == nullptr || work < kWorthSharing ? 1 : size(pool_->threads());
  if (parts == 1) return function(0, 0, units);
  pool_->run([&](int part) { function(part, units * size(part) / parts, units * size(part + 1) / parts); });
}

void Transformer::feed_forward(const LayerWeights& layer, std::size_t batch) {
  const std::size_t inner = size(spec_.feed_forward);
  const std::size_t width = spec_.gated ? 2 * inner : inner;
  gate_up_.resize(batch * width);
  activated_.resize(batch * inner);
  multiply(layer.gate_up, normed_.data(), gate_up_.data(), batch);
  share(batch, kExponential * batch * inner, [&](int, std::size_t begin, std::size_t end) {
    for (std::size_t b = begin; b < end; ++b) activate(gate_up_.data() + b * width, activated_.data() + b * inner);
  });
  multiply(layer.down, activated_.data(), projected_.data(), batch);
}

void Transformer::activate(const float* gate_up, float* out) const {
  const std::size_t inner = size(spec_.feed_forward);
  if (spec_.activation == Activation::silu) {
    kernels_.silu(gate_up, inner, out);
  } else {  // GELU as its authors approximate it: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
    for (std::size_t i = 0; i < inner; ++i) {
      const float x = gate_up[i];
      out[i] = 0.5F * x * (1.0F + std::tanh(0.7978845608F * (x + 0.044715F * x * x * x)));
    }
  }
  if (!spec_.gated) return;
  for (std::size_t i = 0; i < inner; ++i) out[i] *= gate_up[inner + i];
}

void Transformer::add_projected(std::size_t batch) {
  for (std::size_t i = 0; i < batch * size(spec_.hidden); ++i) x_[i] += projected_[i];
}

void Transformer::normalise_rows(const NormWeights& norm, std::size_t batch) {
  const std::size_t hidden = size(spec_.hidden);
  for (std::size_t b = 0; b < batch; ++b) {
    normalise(x_.data() + b * hidden, norm, spec_.norm, normed_.data() + b * hidden);
  }
}

void Transformer::normalise_heads(float* heads, int count, const NormWeights& norm) const {
  for (int h = 0; h < count; ++h) {
    float* head = heads + size(h) * size(spec_.head_dim);
    normalise(head, norm, Norm::rms, head);
  }
}

// `out` may be `x`.
void Transformer::normalise(const float* x, const NormWeights& norm, Norm kind, float* out) const {
  const std::size_t width = norm.weight.size();
  const auto count = static_cast<float>(width);
  const float* w = norm.weight.data();
  if (kind == Norm::rms) {
    const float scale = 1.0F / std::sqrt(dot(x, x, width) / count + spec_.norm_epsilon);
    for (std::size_t i = 0; i < width; ++i) out[i] = x[i] * scale * w[i];
    return;
  }
  const float mean = std::accumulate(x, x + width, 0.0F) / count;
  for (std::size_t i = 0; i < width; ++i) out[i] = x[i] - mean;
  const float scale = 1.0F / std::sqrt(dot(out, out, width) / count + spec_.norm_epsilon);
  for (std::size_t i = 0; i < width; ++i) out[i] = out[i] * scale * w[i] + norm.bias[i];
}

void Transformer::rotate(float* heads, int count, int position) const {
  const std::size_t pairs = spec_.rope.inverse_frequencies.size();
  const std::size_t step = spec_.rope.interleaved ? 2 : 1;       // from one pair to the next
  const std::size_t apart = spec_.rope.interleaved ? 1 : pairs;  // the two of a pair
  const float* cosine = angles_.cosines.data() + size(position) * pairs;
  const float* sine = angles_.sines.data() + size(position) * pairs;
  for (int h = 0; h < count; ++h) {
    float* head = heads + size(h) * size(spec_.head_dim);
    for (std::size_t i = 0; i < pairs; ++i) {
      const float a = head[i * step];
      const float b = head[i * step + apart];
      head[i * step] = a * cosine[i] - b * sine[i];
      head[i * step + apart] = b * cosine[i] + a * sine[i];
    }
  }
}

// No sum is split, so the result is the same whoever computes which part of it. Threads share the rows of weights: each
// is read once, whatever the batch.
void Transformer::share_matmul(const WeightView& matrix, const float* x, float* y, std::size_t batch) {
  const Bf16Kernels* const rounded = matrix.type == WeightType::bf16 ? kernels_.bf16 : nullptr;
  if (rounded != nullptr) pack(*rounded, matrix.columns, x, batch);
  const std::size_t blocks = (matrix.rows + kSharedRows - 1) / kSharedRows;
  share(blocks, matrix.rows * matrix.columns * batch, [&](int, std::size_t begin, std::size_t end) {
    if (begin == end) return;
    const std::size_t first = begin * kSharedRows;
    const WeightView rows = matrix.rows_from(first, std::min(end * kSharedRows, matrix.rows) - first);
    if (rounded != nullptr) {
      rounded->matmul(rows, packed_.data(), y + first, batch, matrix.rows);
    } else {
      kernels_.matmul(rows, x, y + first, batch, matrix.rows);
    }
  });
}

void Transformer::pack(const Bf16Kernels& kernels, std::size_t columns, const float* x, std::size_t batch) {
  packed_.resize(std::max(packed_.size(), kernels.packed_lines(columns, batch)));
  const std::size_t groups = (batch + kernels.group - 1) / kernels.group;
  share(groups, kRounding * batch * columns, [&](int, std::size_t begin, std::size_t end) {
    if (begin == end) return;
    kernels.pack(x, columns, begin * kernels.group, std::min(end * kernels.group, batch), packed_.data());
  });
}

void Transformer::multiply(const Linear& linear, const float* x, float* y, std::size_t batch) {
  const WeightView matrix = linear.matrix.view();
  share_matmul(matrix, x, y, batch);
  if (linear.bias.empty()) return;
  for (std::size_t b = 0; b < batch; ++b) {
    for (std::size_t r = 0; r < matrix.rows; ++r) y[b * matrix.rows + r] += linear.bias[r];
  }
}

}  // namespace tollgate::local_backend
