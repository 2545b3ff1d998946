#include "local_backend/cuda/runner.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tollgate::device {
namespace {

using local_backend::plugin::Status;

constexpr int kGraphRows = 64;                                 // decoding steps of more rows are not recorded
constexpr int kLogitRows = 64;                                 // computed together
constexpr std::size_t kPartialFloats = std::size_t{1} << 24U;  // 64 MiB
constexpr int kMaxHead = 256;

std::size_t size(int n) { return static_cast<std::size_t>(n); }
int query_size(const plugin::Model& m) { return m.heads * m.head_dim; }
int qkv_size(const plugin::Model& m) { return (m.heads + 2 * m.kv_heads) * m.head_dim; }
int gate_up_size(const plugin::Model& m) { return m.gated != 0 ? 2 * m.feed_forward : m.feed_forward; }
int cache_width(const plugin::Model& m) { return (m.head_dim + 7) / 8 * 8; }
int max_blocks(const plugin::Model& m, const plugin::Options& o) {
  return (m.context + o.kv_block_tokens - 1) / o.kv_block_tokens;
}
std::size_t bytes_of(Operand operand) { return operand == Operand::f32 ? 4 : 2; }

// What the kernels do not do is refused before anything is loaded.
const plugin::Model& checked(const plugin::Model& m) {
  if (m.head_dim > kMaxHead) throw Error(Status::unsupported, "heads wider than 256 are not computed here");
  return m;
}

std::vector<LoadedLayer> loaded_layers(const plugin::Model& model, bool exact) {
  std::vector<LoadedLayer> out;
  out.reserve(size(model.layers));
  for (int i = 0; i < model.layers; ++i) out.emplace_back(model.layer[i], model, exact);
  return out;
}

Array<float> table(const float* from, const plugin::Model& model) {
  Array<float> out(size(model.context) * size(model.rope_pairs));
  copy_in(out.data(), from, out.size() * sizeof(float));
  return out;
}

int rounded_rows(int rows) {
  if (rows <= 2) return rows;
  if (rows <= 4) return 4;
  return (rows + 7) / 8 * 8;
}

int power_of_two(int n) {
  int out = 1;
  while (out < n) out *= 2;
  return out;
}

}  // namespace

Runner::Runner(const plugin::Model& model, const plugin::Options& options)
    : model_(checked(model)),
      options_(options),
      embedding_(model.embedding, options.exact != 0),
      head_(model.head, options.exact != 0),
      final_norm_(model.final_norm, model.norm_epsilon, model.layer_norm != 0),
      layers_(loaded_layers(model, options.exact != 0)),
      cosines_(table(model.cosines, model)),
      sines_(table(model.sines, model)),
      cache_plane_(size(options.kv_blocks) * size(model.kv_heads) * size(options.kv_block_tokens) *
                   size(cache_width(model)) * bytes_of(cache_operand(options))),
      host_rows_(size(options.max_rows)),
      host_blocks_(size(options.max_rows) * size(max_blocks(model, options))),
      host_items_(size(options.max_rows)),
      host_wanted_(size(options.max_rows)),
      host_logits_(size(kLogitRows) * size(model.vocabulary)),
      rows_(size(options.max_rows)),
      blocks_(host_blocks_.size()),
      items_(size(options.max_rows)),
      wanted_(size(options.max_rows)),
      logits_(size(kLogitRows) * size(model.vocabulary)),
      x_(size(options.max_rows) * size(model.hidden)),
      operands_(size(options.max_rows) * size(padded(std::max(model.hidden, model.feed_forward))) * sizeof(float)),
      mixed_(size(options.max_rows) * size(padded(query_size(model))) * sizeof(float)),
      qkv_(size(options.max_rows) * size(qkv_size(model))),
      gate_up_(size(options.max_rows) * size(gate_up_size(model))),
      projected_(size(options.max_rows) * size(model.hidden)),
      partial_(kPartialFloats) {
  cache_ = Array<unsigned char>(2 * size(model.layers) * cache_plane_);
  fill_zeros(mixed_.data(), mixed_.size());  // its padding is never written
}

void Runner::step(const plugin::Step& step, float* logits) {
  check_step(step);
  Shape shape = arrange(step);
  const int wanted = shape.wanted;
  const bool decoding = shape.rows <= kGraphRows && shape.items == shape.rows && wanted == shape.rows;
  if (decoding) shape = padded_shape(shape);
  upload_inputs(shape, step.block_count);
  if (decoding) {
    run_graph(shape);
    return download_logits(wanted, logits);
  }
  compute_layers(shape);
  for (int first = 0; first < wanted; first += kLogitRows) {
    const int count = std::min(kLogitRows, wanted - first);
    compute_logits(first, count);
    download_logits(count, logits + size(first) * size(model_.vocabulary));
  }
  stream_.wait();  // the inputs' memory is used again
}

// The runtime asks for what it says it may; whatever else comes must not reach a kernel.
void Runner::check_step(const plugin::Step& step) const {
  const auto bad = [](const char* what) { throw Error(Status::failed, std::string("a step is not sound: ") + what); };
  if (step.row_count < 1 || step.row_count > options_.max_rows) bad("its number of rows");
  if (step.block_count < 0 || size(step.block_count) > blocks_.size()) bad("its number of blocks");
  for (int i = 0; i < step.block_count; ++i) {
    if (step.blocks[i] < 0 || step.blocks[i] >= options_.kv_blocks) bad("a block");
  }
  for (int i = 0; i < step.row_count; ++i) {
    const plugin::Row& row = step.rows[i];
    if (row.token < 0 || row.token >= model_.vocabulary) bad("a token");
    if (row.position < 0 || row.position >= model_.context) bad("a position");
    if (row.table < 0 || row.table + row.position / options_.kv_block_tokens >= step.block_count) bad("a table");
  }
}

Runner::Shape Runner::arrange(const plugin::Step& step) {
  Shape shape{.rows = step.row_count};
  std::copy_n(step.rows, step.row_count, host_rows_.data());
  std::copy_n(step.blocks, step.block_count, host_blocks_.data());
  const int most = attention_rows(model_.heads, model_.kv_heads);
  int longest = 0;
  for (int i = 0; i < step.row_count; ++i) {
    const plugin::Row& row = step.rows[i];
    longest = std::max(longest, row.position);
    if (row.wants_logits != 0) host_wanted_[size(shape.wanted++)] = i;
    AttentionItem* last = shape.items == 0 ? nullptr : &host_items_[size(shape.items - 1)];
    const bool follows = last != nullptr && last->count < most && row.table == step.rows[i - 1].table &&
                         row.position == step.rows[i - 1].position + 1;
    if (follows) {
      ++last->count;
    } else {
      host_items_[size(shape.items++)] = {i, 1};
    }
  }
  shape.splits = longest / kSplit + 1;
  return shape;
}

// What is added belongs to no sequence: it leaves no trace in the cache, and its logits are not read.
Runner::Shape Runner::padded_shape(Shape shape) {
  const int rows = std::min(rounded_rows(shape.rows), options_.max_rows);
  for (int i = shape.rows; i < rows; ++i) {
    host_rows_[size(i)] = {.token = 0, .position = 0, .table = -1, .wants_logits = 1};
    host_items_[size(i)] = {i, 0};
    host_wanted_[size(i)] = i;
  }
  return {.rows = rows, .items = rows, .splits = power_of_two(shape.splits), .wanted = rows};
}

void Runner::upload_inputs(const Shape& shape, int blocks) {
  stream_.upload(rows_.data(), host_rows_.data(), size(shape.rows) * sizeof(plugin::Row));
  stream_.upload(blocks_.data(), host_blocks_.data(), size(blocks) * sizeof(std::int32_t));
  stream_.upload(items_.data(), host_items_.data(), size(shape.items) * sizeof(AttentionItem));
  stream_.upload(wanted_.data(), host_wanted_.data(), size(shape.wanted) * sizeof(std::int32_t));
}

// The first step of a shape is computed as it is: kernels are loaded when they are first started, which must not happen
// while a graph is recorded.
void Runner::run_graph(const Shape& shape) {
  const auto compute = [&] {
    compute_layers(shape);
    compute_logits(0, shape.wanted);
  };
  Graph& graph = graphs_[shape];
  if (graph) return stream_.replay(graph);
  compute();
  graph = stream_.record(compute);
}

void Runner::compute_layers(const Shape& shape) {
  const int rows = shape.rows;
  gather(stream_, embedding_.view(), rows_.data(), x_.data(), rows);
  const float* more = nullptr;  // what the layer before has still to add
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const LoadedLayer& layer = layers_[i];
    normalise_into(layer.attention_norm, more, layer.qkv, rows);
    attention(layer, static_cast<int>(i), shape);
    if (model_.parallel_residual != 0) {
      add(stream_, x_.data(), projected_.data(), size(rows) * size(model_.hidden));
    } else {
      normalise_into(layer.feed_forward_norm, projected_.data(), layer.gate_up, rows);
    }
    feed_forward(layer, rows);
    more = projected_.data();
  }
}

void Runner::normalise_into(const LoadedNorm& norm, const float* more, const LoadedMatrix& next, int rows) {
  normalise(stream_,
            {.x = x_.data(), .add = more, .out = operands_.data(), .norm = norm.view(), .stride = next.view().stride()},
            next.view().operand, rows);
}

void Runner::attention(const LoadedLayer& layer, int index, const Shape& shape) {
  multiply(stream_, layer.qkv.view(), operands_.data(), qkv_.data(), shape.rows);
  const CacheArgs cache{.keys = cache_.data() + 2 * size(index) * cache_plane_,
                        .values = cache_.data() + (2 * size(index) + 1) * cache_plane_,
                        .block_tokens = options_.kv_block_tokens,
                        .kv_heads = model_.kv_heads,
                        .width = cache_width(model_)};
  rotate_and_store(stream_,
                   {.qkv = qkv_.data(),
                    .rows = rows_.data(),
                    .blocks = blocks_.data(),
                    .cosines = cosines_.data(),
                    .sines = sines_.data(),
                    .query_norm = layer.query_norm.view().weight,
                    .key_norm = layer.key_norm.view().weight,
                    .cache = cache,
                    .epsilon = model_.norm_epsilon,
                    .heads = model_.heads,
                    .head_dim = model_.head_dim,
                    .pairs = model_.rope_pairs,
                    .interleaved = model_.rope_interleaved != 0},
                   cache_operand(options_), shape.rows);
  const Matrix& output = layer.output.view();
  const AttentionArgs args{.qkv = qkv_.data(),
                           .rows = rows_.data(),
                           .blocks = blocks_.data(),
                           .items = items_.data(),
                           .cache = cache,
                           .out = mixed_.data(),
                           .partial = partial_.data(),
                           .scale = 1.0F / std::sqrt(static_cast<float>(model_.head_dim)),
                           .heads = model_.heads,
                           .head_dim = model_.head_dim,
                           .window = layer.window,
                           .splits = shape.splits,
                           .stride = output.stride()};
  const bool whole = attention_partial_floats(args, shape.rows) > partial_.size() || shape.rows > kGraphRows;
  attend(stream_, args, cache_operand(options_), output.operand, shape.items, shape.rows, whole);
  multiply(stream_, output, mixed_.data(), projected_.data(), shape.rows);
}

void Runner::feed_forward(const LoadedLayer& layer, int rows) {
  multiply(stream_, layer.gate_up.view(), operands_.data(), gate_up_.data(), rows);
  activate(stream_, gate_up_.data(), operands_.data(), layer.down.view().operand, model_.feed_forward, model_.gelu != 0,
           model_.gated != 0, rows);
  multiply(stream_, layer.down.view(), operands_.data(), projected_.data(), rows);
}

// Of the wanted rows from `first` on. x_ is final then: the last layer's part is added on the way.
void Runner::compute_logits(int first, int count) {
  const Matrix& head = head_.empty() ? embedding_.view() : head_.view();
  normalise(stream_,
            {.x = x_.data(),
             .add = projected_.data(),
             .picked = wanted_.data() + first,
             .out = operands_.data(),
             .norm = final_norm_.view(),
             .stride = head.stride()},
            head.operand, count);
  multiply(stream_, head, operands_.data(), logits_.data(), count);
}

void Runner::download_logits(int count, float* logits) {
  const std::size_t floats = size(count) * size(model_.vocabulary);
  stream_.download(host_logits_.data(), logits_.data(), floats * sizeof(float));
  stream_.wait();
  std::memcpy(logits, host_logits_.data(), floats * sizeof(float));
}

}  // namespace tollgate::device
