// Matrix products on the tensor cores, for one row of activations and for a thousand.
//
// Each sum is made in one order, which depends on the number of columns alone: the columns are cut into kSlices slices,
// a slice is a chain of tensor-core steps, and slices are added from first to last. For few rows each slice is a
// warp's, so that all of the memory's bandwidth is asked for; for many rows one warp goes through all slices with tiles
// in shared memory. That is why a row's result is bitwise the same in any batch.
//
// Of a group of 32 columns lane t of four holds columns 8t to 8t + 7, one load of 16 bytes, of both factors. The tensor
// cores' steps then see the columns in another order than memory has them; a sum does not mind, as both factors agree.
#include "local_backend/cuda/kernels.h"
#include "local_backend/cuda/numbers.h"

namespace tollgate::device {
namespace {

using simt::Words2;
using simt::Words4;

constexpr int kWarps = 8;
constexpr int kThreads = 32 * kWarps;
constexpr int kSlices = kWarps;
constexpr int kTileRows = 16;
constexpr int kTileColumns = 8;

DEVICE_FUNCTION int slice_groups(int groups) { return (groups + kSlices - 1) / kSlices; }
DEVICE_FUNCTION int least(int a, int b) { return a < b ? a : b; }

// The upper halves of two floats that bf16 holds exactly.
DEVICE_FUNCTION std::uint32_t pack(float low, float high) {
  return (as_bits(low) >> 16U) | (as_bits(high) & 0xFFFF0000U);
}

// Eight weights as operands; kLoad is what is read for them.
struct Wide16 {
  static constexpr int kBytes = 2;
  static DEVICE_FUNCTION Words4 load(const unsigned char* from) { return simt::load_once_16(from); }
  static DEVICE_FUNCTION Words4 read(const unsigned char* shared) { return *reinterpret_cast<const Words4*>(shared); }
};
struct Bf16Weights : Wide16 {
  static constexpr bool kF16 = false;
};
struct F16Weights : Wide16 {
  static constexpr bool kF16 = true;
};

template <class Decode>
struct ByteWeights {
  static constexpr int kBytes = 1;
  static constexpr bool kF16 = false;
  static DEVICE_FUNCTION Words4 expand(const Words2& raw) {
    Words4 out;
    for (int i = 0; i < 4; ++i) {
      const std::uint32_t two = raw.w[i / 2] >> (16 * (i % 2));
      out.w[i] = pack(Decode::decode(two & 0xFFU), Decode::decode((two >> 8U) & 0xFFU));
    }
    return out;
  }
  static DEVICE_FUNCTION Words4 load(const unsigned char* from) { return expand(simt::load_once_8(from)); }
  static DEVICE_FUNCTION Words4 read(const unsigned char* shared) {
    return expand(*reinterpret_cast<const Words2*>(shared));
  }
};
struct DecodeInt8 {  // as the last bits of 2^23 + 128 + value: cheaper than a conversion
  static DEVICE_FUNCTION float decode(std::uint32_t byte) {
    return as_float(0x4B000000U | (byte ^ 0x80U)) - 8388736.0F;
  }
};
struct DecodeFp8 {
  static DEVICE_FUNCTION float decode(std::uint32_t byte) { return fp8_to_float(static_cast<std::uint8_t>(byte)); }
};
using Int8Weights = ByteWeights<DecodeInt8>;
using Fp8Weights = ByteWeights<DecodeFp8>;

struct MultiplyArgs {
  const unsigned char* weights;
  const float* scales;
  const float* bias;
  const unsigned char* x;
  float* y;
  int rows;
  int stride;  // of weights and x, in columns
  int batch;
};

DEVICE_FUNCTION void store(const MultiplyArgs& args, int row, int column, float total) {
  if (row >= args.rows || column >= args.batch) return;
  if (args.scales != nullptr) total = total * args.scales[row];
  if (args.bias != nullptr) total = total + args.bias[row];
  args.y[static_cast<std::size_t>(column) * static_cast<std::size_t>(args.rows) + static_cast<std::size_t>(row)] =
      total;
}

// A group of a 16 x 8 tile: two steps of the tensor cores.
template <bool kF16>
DEVICE_FUNCTION void multiply_group(float (&sums)[4], const Words4& upper, const Words4& lower, const Words4& x) {
  const std::uint32_t a0[4] = {upper.w[0], lower.w[0], upper.w[1], lower.w[1]};
  const std::uint32_t b0[2] = {x.w[0], x.w[1]};
  simt::multiply_tiles<kF16>(sums, a0, b0);
  const std::uint32_t a1[4] = {upper.w[2], lower.w[2], upper.w[3], lower.w[3]};
  const std::uint32_t b1[2] = {x.w[2], x.w[3]};
  simt::multiply_tiles<kF16>(sums, a1, b1);
}

// Few rows of activations: a block has 16 rows of weights, each of its warps a slice of their columns.
template <class W, int kTiles>
__global__ void __launch_bounds__(kThreads) multiply_few(MultiplyArgs args) {
  constexpr int kAhead = 4;  // groups of weights on their way
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int part = lane % 4 * 8;  // of a group's columns
  const int row = static_cast<int>(blockIdx.x) * kTileRows + lane / 4;
  const int column = static_cast<int>(blockIdx.y) * kTiles * kTileColumns;
  const auto stride = static_cast<std::size_t>(args.stride);
  const unsigned char* upper = args.weights + static_cast<std::size_t>(least(row, args.rows - 1)) * stride * W::kBytes;
  const unsigned char* lower =
      args.weights + static_cast<std::size_t>(least(row + 8, args.rows - 1)) * stride * W::kBytes;
  const unsigned char* x[kTiles];
  for (int tile = 0; tile < kTiles; ++tile) {
    const int from = least(column + tile * kTileColumns + lane / 4, args.batch - 1);
    x[tile] = args.x + static_cast<std::size_t>(from) * stride * 2;
  }
  const int groups = args.stride / kGroup;
  const int slice = slice_groups(groups);
  const int end = least((warp + 1) * slice, groups);
  float sums[kTiles][4] = {};
  for (int group = warp * slice; group < end; group += kAhead) {
    Words4 upper_words[kAhead];
    Words4 lower_words[kAhead];
#pragma unroll
    for (int ahead = 0; ahead < kAhead; ++ahead) {
      const auto at = static_cast<std::size_t>(least(group + ahead, end - 1) * kGroup + part);
      upper_words[ahead] = W::load(upper + at * W::kBytes);
      lower_words[ahead] = W::load(lower + at * W::kBytes);
    }
#pragma unroll
    for (int ahead = 0; ahead < kAhead; ++ahead) {
      if (group + ahead >= end) break;
      const auto at = static_cast<std::size_t>((group + ahead) * kGroup + part);
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
        const Words4 in = *reinterpret_cast<const Words4*>(x[tile] + at * 2);
        multiply_group<W::kF16>(sums[tile], upper_words[ahead], lower_words[ahead], in);
      }
    }
  }
  constexpr int kResults = kTiles * kTileColumns * kTileRows;
  auto* slices = simt::shared_memory<float>();  // [warp][column][row]
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile) {
    for (int i = 0; i < 4; ++i) {
      const int to = tile * kTileColumns + lane % 4 * 2 + i % 2;
      slices[warp * kResults + to * kTileRows + lane / 4 + i / 2 * 8] = sums[tile][i];
    }
  }
  simt::block_sync();
  for (int i = static_cast<int>(threadIdx.x); i < kResults; i += kThreads) {
    float total = 0;
    for (int from = 0; from < kSlices; ++from) total += slices[from * kResults + i];
    store(args, static_cast<int>(blockIdx.x) * kTileRows + i % kTileRows, column + i / kTileRows, total);
  }
}

// Many rows of activations: a block has 128 rows of weights and 64 of activations, and brings a group of columns after
// the other into shared memory, some ahead. Its warps have 32 rows and 32 columns each.
constexpr int kBlockRows = 128;
constexpr int kBlockColumns = 64;
constexpr int kStages = 4;
constexpr int kWarpTiles = 4;  // of 8 columns

template <class W>
struct Stage {
  static constexpr int kWeightBytes = kGroup * W::kBytes;  // of a row
  static constexpr int kActivationBytes = kGroup * 2;
  static constexpr int kActivations = kBlockRows * kWeightBytes;  // where they begin
  static constexpr int kBytes = kActivations + kBlockColumns * kActivationBytes;
};

template <class W>
DEVICE_FUNCTION void fetch_stage(const MultiplyArgs& args, unsigned char* stage, int group) {
  using S = Stage<W>;
  const int first_row = static_cast<int>(blockIdx.y) * kBlockRows;
  const int first_column = static_cast<int>(blockIdx.x) * kBlockColumns;
  constexpr int kRowChunks = S::kWeightBytes / 16;
  for (int i = static_cast<int>(threadIdx.x); i < kBlockRows * kRowChunks; i += kThreads) {
    const auto row = static_cast<std::size_t>(least(first_row + i / kRowChunks, args.rows - 1));
    const std::size_t at = (row * static_cast<std::size_t>(args.stride) + static_cast<std::size_t>(group * kGroup)) *
                           static_cast<std::size_t>(W::kBytes);
    simt::async_copy_16(stage + i * 16, args.weights + at + static_cast<std::size_t>(i % kRowChunks * 16));
  }
  constexpr int kColumnChunks = S::kActivationBytes / 16;
  for (int i = static_cast<int>(threadIdx.x); i < kBlockColumns * kColumnChunks; i += kThreads) {
    const auto column = static_cast<std::size_t>(least(first_column + i / kColumnChunks, args.batch - 1));
    const std::size_t at =
        (column * static_cast<std::size_t>(args.stride) + static_cast<std::size_t>(group * kGroup)) * 2;
    simt::async_copy_16(stage + S::kActivations + i * 16,
                        args.x + at + static_cast<std::size_t>(i % kColumnChunks * 16));
  }
}

template <class W>
__global__ void __launch_bounds__(kThreads) multiply_many(MultiplyArgs args) {
  using S = Stage<W>;
  auto* stages = simt::shared_memory<unsigned char>();
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int row = warp / 2 * 32;  // in the block
  const int column = warp % 2 * 32;
  const int groups = args.stride / kGroup;
  const int slice = slice_groups(groups);
  float sums[2][kWarpTiles][4] = {};
  float totals[2][kWarpTiles][4] = {};
  for (int ahead = 0; ahead < kStages - 1; ++ahead) {
    if (ahead < groups) fetch_stage<W>(args, stages + ahead * S::kBytes, ahead);
    simt::async_commit();
  }
  for (int group = 0; group < groups; ++group) {
    simt::async_wait<kStages - 2>();
    simt::block_sync();  // everybody's part of this stage is there, and nobody reads the one that is filled next
    const int next = group + kStages - 1;
    if (next < groups) fetch_stage<W>(args, stages + next % kStages * S::kBytes, next);
    simt::async_commit();
    const unsigned char* stage = stages + group % kStages * S::kBytes;
    Words4 weights[2][2];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int at = row + i * 8 + lane / 4;
      weights[i / 2][i % 2] = W::read(stage + at * S::kWeightBytes + lane % 4 * 8 * W::kBytes);
    }
#pragma unroll
    for (int tile = 0; tile < kWarpTiles; ++tile) {
      const int at = column + tile * kTileColumns + lane / 4;
      const Words4 x =
          *reinterpret_cast<const Words4*>(stage + S::kActivations + at * S::kActivationBytes + lane % 4 * 16);
      multiply_group<W::kF16>(sums[0][tile], weights[0][0], weights[0][1], x);
      multiply_group<W::kF16>(sums[1][tile], weights[1][0], weights[1][1], x);
    }
    if ((group + 1) % slice != 0 && group + 1 != groups) continue;
#pragma unroll
    for (int i = 0; i < 2 * kWarpTiles * 4; ++i) {
      totals[i / (kWarpTiles * 4)][i / 4 % kWarpTiles][i % 4] += sums[i / (kWarpTiles * 4)][i / 4 % kWarpTiles][i % 4];
      sums[i / (kWarpTiles * 4)][i / 4 % kWarpTiles][i % 4] = 0;
    }
  }
#pragma unroll
  for (int i = 0; i < 2 * kWarpTiles * 4; ++i) {
    const int half = i / (kWarpTiles * 4);
    const int tile = i / 4 % kWarpTiles;
    const int to_row = static_cast<int>(blockIdx.y) * kBlockRows + row + half * 16 + lane / 4 + i % 4 / 2 * 8;
    const int to_column =
        static_cast<int>(blockIdx.x) * kBlockColumns + column + tile * kTileColumns + lane % 4 * 2 + i % 2;
    store(args, to_row, to_column, totals[half][tile][i % 4]);
  }
}

// fp32 throughout: a warp for each row of weights, the columns dealt out to its lanes.
__global__ void __launch_bounds__(kThreads) multiply_exact(MultiplyArgs args, WeightType type) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int row = static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x) / 32;
  if (row >= args.rows) return;
  constexpr int kColumns = 4;
  const int column = static_cast<int>(blockIdx.y) * kColumns;
  const auto* x = reinterpret_cast<const float*>(args.x);
  float sums[kColumns] = {};
  for (int c = lane; c < args.stride; c += 32) {
    const float weight =
        weight_at(type, args.weights,
                  static_cast<std::size_t>(row) * static_cast<std::size_t>(args.stride) + static_cast<std::size_t>(c));
    for (int i = 0; i < kColumns; ++i) {
      const auto from = static_cast<std::size_t>(least(column + i, args.batch - 1));
      sums[i] = fmaf(weight, x[from * static_cast<std::size_t>(args.stride) + static_cast<std::size_t>(c)], sums[i]);
    }
  }
  for (int i = 0; i < kColumns; ++i) {
    const float total = simt::warp_sum(sums[i]);
    if (lane == 0) store(args, row, column + i, total);
  }
}

unsigned blocks_for(int count, int each) { return static_cast<unsigned>((count + each - 1) / each); }

template <class W, int kTiles>
void launch_few(Stream& stream, const MultiplyArgs& args) {
  const std::size_t shared = sizeof(float) * kWarps * kTiles * kTileColumns * kTileRows;
  stream.launch(multiply_few<W, kTiles>,
                {blocks_for(args.rows, kTileRows), blocks_for(args.batch, kTiles * kTileColumns), 1}, kThreads, shared,
                args);
}

template <class W>
void launch(Stream& stream, const MultiplyArgs& args) {
  if (args.batch <= 8) return launch_few<W, 1>(stream, args);
  if (args.batch <= 16) return launch_few<W, 2>(stream, args);
  if (args.batch <= 32) return launch_few<W, 4>(stream, args);
  stream.launch(multiply_many<W>, {blocks_for(args.batch, kBlockColumns), blocks_for(args.rows, kBlockRows), 1},
                kThreads, static_cast<std::size_t>(kStages * Stage<W>::kBytes), args);
}

}  // namespace

void multiply(Stream& stream, const Matrix& matrix, const void* x, float* y, int batch) {
  const MultiplyArgs args{static_cast<const unsigned char*>(matrix.data),
                          matrix.scales,
                          matrix.bias,
                          static_cast<const unsigned char*>(x),
                          y,
                          matrix.rows,
                          matrix.stride(),
                          batch};
  if (matrix.operand == Operand::f32) {
    return stream.launch(multiply_exact, {blocks_for(matrix.rows, kWarps), blocks_for(batch, 4), 1}, kThreads,
                         std::size_t{0}, args, matrix.type);
  }
  switch (matrix.type) {
    case WeightType::bf16:
      return launch<Bf16Weights>(stream, args);
    case WeightType::f16:
      return launch<F16Weights>(stream, args);
    case WeightType::int8:
      return launch<Int8Weights>(stream, args);
    default:
      return launch<Fp8Weights>(stream, args);
  }
}

}  // namespace tollgate::device
