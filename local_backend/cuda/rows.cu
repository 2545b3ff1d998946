// What is done to each row of a step by itself: embedding, norms, rotation, activation.
#include "local_backend/cuda/kernels.h"
#include "local_backend/cuda/numbers.h"

namespace tollgate::device {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;

// The same in every thread; summed warp by warp in one order. `shared`: kWarps floats.
DEVICE_FUNCTION float block_sum(float value, float* shared) {
  value = simt::warp_sum(value);
  simt::block_sync();  // whoever used `shared` before has read it
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  simt::block_sync();
  float total = 0;
  for (int warp = 0; warp < kWarps; ++warp) total += shared[warp];
  return total;
}

DEVICE_FUNCTION std::size_t at(int row, int width, int i) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(i);
}

__global__ void gather_rows(Matrix embedding, const plugin::Row* rows, float* x, int stride) {
  const int row = static_cast<int>(blockIdx.x);
  const int token = rows[row].token;
  const float scale = embedding.scales == nullptr ? 1.0F : embedding.scales[token];
  for (int i = static_cast<int>(threadIdx.x); i < embedding.columns; i += kThreads)
    x[at(row, embedding.columns, i)] = weight_at(embedding.type, embedding.data, at(token, stride, i)) * scale;
}

template <class Out>
__global__ void normalise_rows(NormaliseArgs args) {
  auto* shared = simt::shared_memory<float>();
  const Norm& norm = args.norm;
  const int row = static_cast<int>(blockIdx.x);
  const int from = args.picked == nullptr ? row : args.picked[row];
  float* x = args.x + at(from, norm.width, 0);
  const auto count = static_cast<float>(norm.width);
  const int thread = static_cast<int>(threadIdx.x);
  float sum = 0;
  for (int i = thread; i < norm.width; i += kThreads) {
    float value = x[i];
    if (args.add != nullptr) x[i] = value = value + args.add[at(from, norm.width, i)];
    sum += norm.layer ? value : value * value;
  }
  float mean = 0;
  if (norm.layer) {
    mean = block_sum(sum, shared) / count;
    sum = 0;
    for (int i = thread; i < norm.width; i += kThreads) sum = fmaf(x[i] - mean, x[i] - mean, sum);
  }
  const float scale = 1.0F / sqrtf(block_sum(sum, shared) / count + norm.epsilon);
  auto* out = static_cast<typename Out::Type*>(args.out) + at(row, args.stride, 0);
  for (int i = thread; i < args.stride; i += kThreads) {
    float value = i < norm.width ? (x[i] - mean) * scale * norm.weight[i] : 0.0F;
    if (i < norm.width && norm.bias != nullptr) value += norm.bias[i];
    out[i] = Out::encode(value);
  }
}

__global__ void add_rows(float* x, const float* more, std::size_t count) {
  const std::size_t i = std::size_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < count) x[i] += more[i];
}

// A warp for each head of each row: query heads are turned where they are, keys and values go to the cache.
template <class Cache>
__global__ void rotate_heads(RotateArgs args) {
  const int lane = static_cast<int>(threadIdx.x);
  const int row = static_cast<int>(blockIdx.x);
  const int head = static_cast<int>(blockIdx.y);
  const int kv_head = (head - args.heads) % args.cache.kv_heads;
  const bool is_query = head < args.heads;
  const bool is_value = head >= args.heads + args.cache.kv_heads;
  const plugin::Row& told = args.rows[row];
  float* from = args.qkv + at(row, (args.heads + 2 * args.cache.kv_heads) * args.head_dim, head * args.head_dim);
  const float* norm = is_query ? args.query_norm : args.key_norm;
  if (!is_value && norm != nullptr) {
    float sum = 0;
    for (int i = lane; i < args.head_dim; i += 32) sum = fmaf(from[i], from[i], sum);
    const float scale = 1.0F / sqrtf(simt::warp_sum(sum) / static_cast<float>(args.head_dim) + args.epsilon);
    for (int i = lane; i < args.head_dim; i += 32) from[i] = from[i] * scale * norm[i];
    simt::warp_sync();
  }
  if (!is_value) {
    const int step = args.interleaved ? 2 : 1;
    const int apart = args.interleaved ? 1 : args.pairs;
    for (int i = lane; i < args.pairs; i += 32) {
      const float cosine = args.cosines[at(told.position, args.pairs, i)];
      const float sine = args.sines[at(told.position, args.pairs, i)];
      const float a = from[i * step];
      const float b = from[i * step + apart];
      from[i * step] = a * cosine - b * sine;
      from[i * step + apart] = b * cosine + a * sine;
    }
    simt::warp_sync();
  }
  if (is_query || told.table < 0) return;
  const CacheArgs& cache = args.cache;
  const int block = args.blocks[told.table + told.position / cache.block_tokens];
  auto* to = static_cast<typename Cache::Type*>(is_value ? cache.values : cache.keys) +
             at(block * cache.kv_heads + kv_head, cache.block_tokens * cache.width,
                told.position % cache.block_tokens * cache.width);
  for (int i = lane; i < cache.width; i += 32) to[i] = Cache::encode(i < args.head_dim ? from[i] : 0.0F);
}

template <class Out>
__global__ void activate_rows(const float* gate_up, void* out, int inner, int stride, bool gelu, bool gated) {
  const int row = static_cast<int>(blockIdx.y);
  const int i = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
  if (i >= stride) return;
  float value = 0;
  if (i < inner) {
    const float* from = gate_up + at(row, gated ? 2 * inner : inner, 0);
    const float x = from[i];
    // GELU as its authors approximate it: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
    value = gelu ? 0.5F * x * (1.0F + tanhf(0.7978845608F * (x + 0.044715F * x * x * x))) : x / (1.0F + expf(-x));
    if (gated) value *= from[inner + i];
  }
  static_cast<typename Out::Type*>(out)[at(row, stride, i)] = Out::encode(value);
}

template <class Function>
void with_operand(Operand operand, const Function& function) {
  if (operand == Operand::f32) return function(F32Operand{});
  if (operand == Operand::f16) return function(F16Operand{});
  return function(Bf16Operand{});
}

unsigned whole(int n) { return static_cast<unsigned>(n); }

}  // namespace

void gather(Stream& stream, const Matrix& embedding, const plugin::Row* rows, float* x, int batch) {
  stream.launch(gather_rows, {whole(batch), 1, 1}, kThreads, std::size_t{0}, embedding, rows, x, embedding.stride());
}

void normalise(Stream& stream, const NormaliseArgs& args, Operand operand, int batch) {
  with_operand(operand, [&](auto out) {
    stream.launch(normalise_rows<decltype(out)>, {whole(batch), 1, 1}, kThreads, kWarps * sizeof(float), args);
  });
}

void add(Stream& stream, float* x, const float* more, std::size_t count) {
  const auto blocks = static_cast<unsigned>((count + kThreads - 1) / kThreads);
  stream.launch(add_rows, {blocks, 1, 1}, kThreads, std::size_t{0}, x, more, count);
}

void rotate_and_store(Stream& stream, const RotateArgs& args, Operand cache, int batch) {
  with_operand(cache, [&](auto number) {
    stream.launch(rotate_heads<decltype(number)>, {whole(batch), whole(args.heads + 2 * args.cache.kv_heads), 1}, 32,
                  std::size_t{0}, args);
  });
}

void activate(Stream& stream, const float* gate_up, void* out, Operand operand, int inner, bool gelu, bool gated,
              int batch) {
  const int stride = padded(inner);
  with_operand(operand, [&](auto number) {
    stream.launch(activate_rows<decltype(number)>, {whole((stride + kThreads - 1) / kThreads), whole(batch), 1},
                  kThreads, std::size_t{0}, gate_up, out, inner, stride, gelu, gated);
  });
}

}  // namespace tollgate::device
