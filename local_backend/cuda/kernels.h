#pragma once
// What the kernels are given, and the functions that launch them. A row of activations ("operands") is padded with
// zeros to a whole number of groups, so that no kernel has a rest to treat.
#include <cstddef>
#include <cstdint>

#include "local_backend/cuda/plugin.h"
#include "local_backend/cuda/runtime.h"
#include "local_backend/weight_types.h"

namespace tollgate::device {

using local_backend::WeightType;
namespace plugin = local_backend::plugin;

constexpr int kGroup = 32;  // columns of a matrix that are multiplied together
constexpr int padded(int columns) { return (columns + kGroup - 1) / kGroup * kGroup; }

// What activations are encoded as before a matrix is multiplied with them.
enum class Operand : std::uint8_t { f32, bf16, f16 };

struct Matrix {  // in the device's memory
  const void* data = nullptr;
  const float* scales = nullptr;
  const float* bias = nullptr;
  int rows = 0;
  int columns = 0;
  WeightType type = WeightType::bf16;
  Operand operand = Operand::bf16;

  int stride() const { return padded(columns); }  // between rows, and of the activations it is multiplied with
};

struct Norm {
  const float* weight = nullptr;
  const float* bias = nullptr;
  int width = 0;
  float epsilon = 0;
  bool layer = false;  // LayerNorm, else RMS
};

// out[row][i] = operand of the norm of x[row][i] + add[row][i] (add may be null), which is also written back to x.
// `picked`: x's row for each row of out; null: the same.
struct NormaliseArgs {
  float* x = nullptr;
  const float* add = nullptr;
  const std::int32_t* picked = nullptr;
  void* out = nullptr;
  Norm norm;
  int stride = 0;  // of out
};

struct CacheArgs {  // of one layer
  void* keys = nullptr;
  void* values = nullptr;
  int block_tokens = 0;
  int kv_heads = 0;
  int width = 0;  // of a head's row: head_dim and zeros to a multiple of 8
};

struct RotateArgs {
  float* qkv = nullptr;
  const plugin::Row* rows = nullptr;  // table below 0: no sequence's, only there to fill a batch
  const std::int32_t* blocks = nullptr;
  const float* cosines = nullptr;
  const float* sines = nullptr;
  const float* query_norm = nullptr;
  const float* key_norm = nullptr;
  CacheArgs cache;
  float epsilon = 0;
  int heads = 0;
  int head_dim = 0;
  int pairs = 0;
  bool interleaved = false;
};

// Rows of one sequence, one after the other.
struct AttentionItem {
  std::int32_t first;
  std::int32_t count;  // 0: nothing to do
};

struct AttentionArgs {
  const float* qkv = nullptr;
  const plugin::Row* rows = nullptr;
  const std::int32_t* blocks = nullptr;
  const AttentionItem* items = nullptr;
  CacheArgs cache;
  void* out = nullptr;
  float* partial = nullptr;  // of each row, head and split: the largest score, the sum, and head_dim numbers
  float scale = 0;
  int heads = 0;
  int head_dim = 0;
  int window = 0;
  int splits = 0;  // that the longest sequence needs
  int stride = 0;  // of out
};

constexpr int kSplit = 256;            // positions that are added up apart from others
constexpr int kAttentionColumns = 16;  // rows x heads that share what is read of keys and values

// How many rows of one sequence an item may have.
int attention_rows(int heads, int kv_heads);
std::size_t attention_partial_floats(const AttentionArgs& args, int rows);

void gather(Stream& stream, const Matrix& embedding, const plugin::Row* rows, float* x, int batch);
void normalise(Stream& stream, const NormaliseArgs& args, Operand operand, int batch);
void add(Stream& stream, float* x, const float* more, std::size_t count);
void rotate_and_store(Stream& stream, const RotateArgs& args, Operand cache, int batch);
// Split over blocks and put together, or `whole` in one block for each item: bitwise the same.
void attend(Stream& stream, const AttentionArgs& args, Operand cache, Operand out, int items, int rows, bool whole);
void activate(Stream& stream, const float* gate_up, void* out, Operand operand, int inner, bool gelu, bool gated,
              int batch);
// y[b][r] = sum of weights[r][c] * x[b][c], times the row's scale, plus its bias. A row of the batch gets bitwise the
// same result alone and in any batch.
void multiply(Stream& stream, const Matrix& matrix, const void* x, float* y, int batch);

}  // namespace tollgate::device
