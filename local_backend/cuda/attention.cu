// Attention over the blocks of the cache, for rows that decode and for prompts.
//
// Positions are added up in splits of kSplit, each in tiles of kTile, from first to last, always counted from position
// 0: a row's result is bitwise the same whether the splits are computed by one block after the other or side by side,
// and whichever rows share what is read. What a row may not see adds exact zeros.
#include "local_backend/cuda/kernels.h"
#include "local_backend/cuda/numbers.h"

namespace tollgate::device {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;
constexpr int kTile = 32;  // positions, one for each lane of a warp
constexpr int kColumns = kAttentionColumns;
constexpr int kWarpColumns = kColumns / kWarps;
constexpr int kMaxHead = 256;
constexpr int kDimensions = kMaxHead / kThreads;  // of a head, for each thread

DEVICE_FUNCTION int lesser(int a, int b) { return a < b ? a : b; }
DEVICE_FUNCTION int greater(int a, int b) { return a > b ? a : b; }
DEVICE_FUNCTION std::size_t index(int row, int width, int i) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(i);
}

// What is known of some positions: the largest score, and sums of exp(score - largest).
struct Part {
  float largest;
  float sum;
};

// How much both parts count when they are put together.
struct Shares {
  float before;
  float added;
};
DEVICE_FUNCTION Shares merge(Part& total, const Part& part) {
  if (part.largest == -INFINITY) return {1, 0};
  const float largest = total.largest > part.largest ? total.largest : part.largest;
  const Shares shares{total.largest == -INFINITY ? 0.0F : expf(total.largest - largest), expf(part.largest - largest)};
  total = {largest, fmaf(total.sum, shares.before, part.sum * shares.added)};
  return shares;
}
DEVICE_FUNCTION float merged(float total, float part, const Shares& shares) {
  return fmaf(total, shares.before, part * shares.added);
}

int head_chunk(int heads, int kv_heads) { return heads / kv_heads < kColumns ? heads / kv_heads : kColumns; }

// The block's share of the work: some rows, some heads that share keys and values.
struct Columns {
  AttentionItem item;
  int heads;       // in the chunk
  int first_head;  // of all query heads
  int kv_head;
  int position;  // of the first row

  DEVICE_FUNCTION int row(int column) const { return item.first + column / heads; }
  DEVICE_FUNCTION bool used(int column) const { return column < item.count * heads; }
  DEVICE_FUNCTION int position_of(int column) const { return position + column / heads; }
};

DEVICE_FUNCTION Columns columns_of(const AttentionArgs& args, int chunk) {
  const int shared = args.heads / args.cache.kv_heads;
  const int chunks = (shared + chunk - 1) / chunk;
  Columns out;
  out.item = args.items[blockIdx.x];
  out.kv_head = static_cast<int>(blockIdx.y) / chunks;
  const int first = static_cast<int>(blockIdx.y) % chunks * chunk;
  out.first_head = out.kv_head * shared + first;
  out.heads = lesser(chunk, shared - first);
  out.position = out.item.count == 0 ? 0 : args.rows[out.item.first].position;
  return out;
}

DEVICE_FUNCTION int first_visible(const AttentionArgs& args, int position) {
  return args.window == 0 ? 0 : greater(0, position + 1 - args.window);
}

struct Shared {
  float* queries;  // columns x width
  float* keys;     // tile x (width + 4): lanes that read a row each meet in no bank
  float* values;   // tile x (width + 4)
  float* shares;   // columns x tile
  Part* parts;     // of the split, by column
  Part* totals;
  float* scales;  // of what was added up before this tile
  Shares* merges;
};
constexpr std::size_t kSharedPerColumn = kTile + 2 + 2 + 1 + 2;

std::size_t shared_floats(int width) {
  return static_cast<std::size_t>(kColumns * width + 2 * kTile * (width + 4)) + kColumns * kSharedPerColumn;
}

DEVICE_FUNCTION Shared shared_of(int width) {
  auto* at = simt::shared_memory<float>();
  Shared out;
  out.queries = at;
  out.keys = out.queries + kColumns * width;
  out.values = out.keys + kTile * (width + 4);
  out.shares = out.values + kTile * (width + 4);
  out.parts = reinterpret_cast<Part*>(out.shares + kColumns * kTile);
  out.totals = out.parts + kColumns;
  out.merges = reinterpret_cast<Shares*>(out.totals + kColumns);
  out.scales = reinterpret_cast<float*>(out.merges + kColumns);
  return out;
}

// Eight numbers of the cache.
DEVICE_FUNCTION void load_eight(const F32Operand::Type* from, float* to) {
  for (int i = 0; i < 8; ++i) to[i] = from[i];
}
DEVICE_FUNCTION void load_eight(const std::uint16_t* from, float* to) {
  const simt::Words4 words = *reinterpret_cast<const simt::Words4*>(from);
  for (int i = 0; i < 8; ++i) to[i] = bf16_to_float(static_cast<std::uint16_t>(words.w[i / 2] >> (16 * (i % 2))));
}

// Positions that no row of the block sees may never have been written: they count as zeros.
template <class Cache>
DEVICE_FUNCTION void load_tile(const AttentionArgs& args, const Columns& columns, const Shared& shared, int begin,
                               int first, int last) {
  const CacheArgs& cache = args.cache;
  const int table = args.rows[columns.item.first].table;
  const int eights = cache.width / 8;
  for (int i = static_cast<int>(threadIdx.x); i < kTile * eights; i += kThreads) {
    const int position = begin + i / eights;
    const int to = i / eights * (cache.width + 4) + i % eights * 8;
    if (position < first || position > last) {
      for (int j = 0; j < 8; ++j) shared.keys[to + j] = shared.values[to + j] = 0;
      continue;
    }
    const int block = args.blocks[table + position / cache.block_tokens];
    const std::size_t from = index(block * cache.kv_heads + columns.kv_head, cache.block_tokens * cache.width,
                                   position % cache.block_tokens * cache.width + i % eights * 8);
    load_eight(static_cast<const typename Cache::Type*>(cache.keys) + from, shared.keys + to);
    load_eight(static_cast<const typename Cache::Type*>(cache.values) + from, shared.values + to);
  }
}

DEVICE_FUNCTION void load_queries(const AttentionArgs& args, const Columns& columns, const Shared& shared) {
  const int width = args.cache.width;
  const int all = (args.heads + 2 * args.cache.kv_heads) * args.head_dim;
  for (int i = static_cast<int>(threadIdx.x); i < kColumns * width; i += kThreads) {
    const int column = i / width;
    const int d = i % width;
    const bool there = columns.used(column) && d < args.head_dim;
    const int head = columns.first_head + column % columns.heads;
    shared.queries[i] = there ? args.qkv[index(columns.row(column), all, head * args.head_dim + d)] : 0.0F;
  }
}

// A warp's columns against a tile: shares of the positions, and what becomes of the part.
DEVICE_FUNCTION void score_tile(const AttentionArgs& args, const Columns& columns, const Shared& shared, int begin) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int width = args.cache.width;
  float scores[kWarpColumns] = {};
  for (int d = 0; d < width; ++d) {
    const float key = shared.keys[lane * (width + 4) + d];
    for (int i = 0; i < kWarpColumns; ++i)
      scores[i] = fmaf(shared.queries[(warp + i * kWarps) * width + d], key, scores[i]);
  }
  for (int i = 0; i < kWarpColumns; ++i) {
    const int column = warp + i * kWarps;
    if (!columns.used(column)) break;  // the same in all lanes
    const int own = columns.position_of(column);
    const bool seen = begin + lane <= own && begin + lane >= first_visible(args, own);
    const float score = seen ? scores[i] * args.scale : -INFINITY;
    const Part before = shared.parts[column];
    const float tile_largest = simt::warp_max(score);
    const float largest = before.largest > tile_largest ? before.largest : tile_largest;
    const float share = seen ? expf(score - largest) : 0.0F;
    const float scale = before.largest == largest ? 1.0F : expf(before.largest - largest);
    const float sum = fmaf(before.sum, scale, simt::warp_sum(share));
    shared.shares[column * kTile + lane] = share;
    simt::warp_sync();  // all lanes have read the part
    if (lane != 0) continue;
    shared.parts[column] = {largest, sum};
    shared.scales[column] = scale;
  }
}

struct Sums {
  float of[kColumns][kDimensions];
};

DEVICE_FUNCTION void add_tile(const AttentionArgs& args, const Columns& columns, const Shared& shared, Sums& sums) {
  const int width = args.cache.width;
#pragma unroll
  for (int k = 0; k < kDimensions; ++k) {
    const int d = static_cast<int>(threadIdx.x) + k * kThreads;
    if (d >= args.head_dim) break;
#pragma unroll
    for (int column = 0; column < kColumns; ++column) {
      if (!columns.used(column)) break;
      float sum = sums.of[column][k] * shared.scales[column];
      for (int j = 0; j < kTile; ++j)
        sum = fmaf(shared.shares[column * kTile + j], shared.values[j * (width + 4) + d], sum);
      sums.of[column][k] = sum;
    }
  }
}

// One split, from its first tile that somebody sees to its last.
template <class Cache>
DEVICE_FUNCTION void add_split(const AttentionArgs& args, const Columns& columns, const Shared& shared, int split,
                               Sums& sums) {
  const int last = columns.position + columns.item.count - 1;
  const int first = first_visible(args, columns.position);
  simt::block_sync();
  for (int i = static_cast<int>(threadIdx.x); i < kColumns; i += kThreads) shared.parts[i] = {-INFINITY, 0};
  for (auto& column : sums.of) {
    for (float& sum : column) sum = 0;
  }
  const int end = lesser((split + 1) * kSplit, last + 1);
  const int begin = greater(split * kSplit, first / kTile * kTile);
  for (int tile = begin; tile < end; tile += kTile) {
    load_tile<Cache>(args, columns, shared, tile, first, last);
    simt::block_sync();
    score_tile(args, columns, shared, tile);
    simt::block_sync();
    add_tile(args, columns, shared, sums);
    simt::block_sync();
  }
}

DEVICE_FUNCTION std::size_t partial_at(const AttentionArgs& args, int row, int head, int split) {
  return (index(row, args.heads, head) * static_cast<std::size_t>(args.splits) + static_cast<std::size_t>(split)) *
         static_cast<std::size_t>(args.head_dim + 2);
}

template <class Out>
DEVICE_FUNCTION void write(const AttentionArgs& args, int row, int head, int d, float value) {
  auto* out = static_cast<typename Out::Type*>(args.out);
  out[index(row, args.stride, head * args.head_dim + d)] = Out::encode(value);
}

// A block for each item, group of heads and split; combine_splits puts them together.
template <class Cache>
__global__ void __launch_bounds__(kThreads) attend_split(AttentionArgs args, int chunk) {
  const Columns columns = columns_of(args, chunk);
  const int split = static_cast<int>(blockIdx.z);
  if (columns.item.count == 0 || split * kSplit > columns.position + columns.item.count - 1) return;
  const Shared shared = shared_of(args.cache.width);
  load_queries(args, columns, shared);
  Sums sums;
  add_split<Cache>(args, columns, shared, split, sums);
  simt::block_sync();
#pragma unroll
  for (int column = 0; column < kColumns; ++column) {
    if (!columns.used(column)) continue;
    const int head = columns.first_head + column % columns.heads;
    float* to = args.partial + partial_at(args, columns.row(column), head, split);
    if (threadIdx.x == 0) to[0] = shared.parts[column].largest;
    if (threadIdx.x == 0) to[1] = shared.parts[column].sum;
#pragma unroll
    for (int k = 0; k < kDimensions; ++k) {
      const int d = static_cast<int>(threadIdx.x) + k * kThreads;
      if (d < args.head_dim) to[2 + d] = sums.of[column][k];
    }
  }
}

template <class Out>
__global__ void __launch_bounds__(kThreads) combine_splits(AttentionArgs args) {
  const int row = static_cast<int>(blockIdx.x);
  const int head = static_cast<int>(blockIdx.y);
  const int splits = args.rows[row].position / kSplit + 1;
  if (args.rows[row].table < 0) return;
  for (int d = static_cast<int>(threadIdx.x); d < args.head_dim; d += kThreads) {
    Part total{-INFINITY, 0};
    float sum = 0;
    for (int split = 0; split < splits; ++split) {
      const float* from = args.partial + partial_at(args, row, head, split);
      const Shares shares = merge(total, {from[0], from[1]});
      sum = merged(sum, from[2 + d], shares);
    }
    write<Out>(args, row, head, d, sum / total.sum);
  }
}

// All splits of an item in one block.
template <class Cache, class Out>
__global__ void __launch_bounds__(kThreads) attend_whole(AttentionArgs args, int chunk) {
  const Columns columns = columns_of(args, chunk);
  if (columns.item.count == 0) return;
  const Shared shared = shared_of(args.cache.width);
  load_queries(args, columns, shared);
  for (int i = static_cast<int>(threadIdx.x); i < kColumns; i += kThreads) shared.totals[i] = {-INFINITY, 0};
  Sums totals{};
  Sums sums;
  const int last = (columns.position + columns.item.count - 1) / kSplit;
  for (int split = first_visible(args, columns.position) / kSplit; split <= last; ++split) {
    add_split<Cache>(args, columns, shared, split, sums);
    for (int i = static_cast<int>(threadIdx.x); i < kColumns; i += kThreads) {
      if (columns.used(i)) shared.merges[i] = merge(shared.totals[i], shared.parts[i]);
    }
    simt::block_sync();
#pragma unroll
    for (int i = 0; i < kColumns * kDimensions; ++i) {
      float& total = totals.of[i / kDimensions][i % kDimensions];
      if (columns.used(i / kDimensions))
        total = merged(total, sums.of[i / kDimensions][i % kDimensions], shared.merges[i / kDimensions]);
    }
  }
  simt::block_sync();
#pragma unroll
  for (int i = 0; i < kColumns * kDimensions; ++i) {
    const int column = i / kDimensions;
    const int d = static_cast<int>(threadIdx.x) + i % kDimensions * kThreads;
    if (!columns.used(column) || d >= args.head_dim) continue;
    const int head = columns.first_head + column % columns.heads;
    write<Out>(args, columns.row(column), head, d, totals.of[column][i % kDimensions] / shared.totals[column].sum);
  }
}

unsigned whole_number(int n) { return static_cast<unsigned>(n); }

template <class Cache, class Out>
void launch(Stream& stream, const AttentionArgs& args, int items, int rows, bool whole) {
  const int chunk = head_chunk(args.heads, args.cache.kv_heads);
  const int shared_heads = args.heads / args.cache.kv_heads;
  const unsigned groups = whole_number(args.cache.kv_heads * ((shared_heads + chunk - 1) / chunk));
  const std::size_t bytes = shared_floats(args.cache.width) * sizeof(float);
  if (whole) {
    return stream.launch(attend_whole<Cache, Out>, {whole_number(items), groups, 1}, kThreads, bytes, args, chunk);
  }
  stream.launch(attend_split<Cache>, {whole_number(items), groups, whole_number(args.splits)}, kThreads, bytes, args,
                chunk);
  stream.launch(combine_splits<Out>, {whole_number(rows), whole_number(args.heads), 1}, kThreads, std::size_t{0}, args);
}

}  // namespace

int attention_rows(int heads, int kv_heads) { return kColumns / head_chunk(heads, kv_heads); }

std::size_t attention_partial_floats(const AttentionArgs& args, int rows) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(args.heads) * static_cast<std::size_t>(args.splits) *
         static_cast<std::size_t>(args.head_dim + 2);
}

void attend(Stream& stream, const AttentionArgs& args, Operand cache, Operand out, int items, int rows, bool whole) {
  if (cache == Operand::f32) {
    if (out == Operand::f32) return launch<F32Operand, F32Operand>(stream, args, items, rows, whole);
    if (out == Operand::bf16) return launch<F32Operand, Bf16Operand>(stream, args, items, rows, whole);
    return launch<F32Operand, F16Operand>(stream, args, items, rows, whole);
  }
  if (out == Operand::f32) return launch<Bf16Operand, F32Operand>(stream, args, items, rows, whole);
  if (out == Operand::bf16) return launch<Bf16Operand, Bf16Operand>(stream, args, items, rows, whole);
  return launch<Bf16Operand, F16Operand>(stream, args, items, rows, whole);
}

}  // namespace tollgate::device
