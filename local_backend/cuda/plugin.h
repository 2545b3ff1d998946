#pragma once
// What a device's plugin is to the runtime that loads it: one exported function, which gives a table of functions over
// plain structs. Both sides are compiled apart, by other compilers perhaps, and compare kVersion before anything else:
// every change of this file raises it.
#include <cstdint>

namespace tollgate::local_backend::plugin {

inline constexpr std::uint32_t kVersion = 1;
inline constexpr char kEntry[] = "tollgate_device_plugin";

enum class Status : std::int32_t {
  ok,
  no_device,      // no driver, or it shows no device
  unsupported,    // the device or this plugin cannot run the model
  out_of_memory,  // of create: the device is well
  failed,         // the runner, and with it this process, cannot use the device any more
};

struct Text {
  char bytes[256];  // ends with a zero
};

struct Facts {
  Text name;                   // of the device
  std::uint64_t memory_bytes;  // that are free
};

// Row-major, as WeightView; `type` is a WeightType.
struct Matrix {
  const void* data;  // null: there is none
  const float* scales;
  const float* bias;  // one for each row, or null
  std::uint64_t rows;
  std::uint64_t columns;
  std::uint32_t type;
};

struct Norm {
  const float* weight;  // null: there is none
  const float* bias;    // or null
  std::uint64_t width;
};

// As LayerWeights.
struct Layer {
  Norm attention_norm;
  Matrix qkv;
  Norm query_norm;
  Norm key_norm;
  Matrix output;
  Norm feed_forward_norm;
  Matrix gate_up;
  Matrix down;
  std::int32_t window;  // 0: all positions
};

// As ModelSpec and Weights. Read by create only.
struct Model {
  std::int32_t layers;
  std::int32_t hidden;
  std::int32_t heads;
  std::int32_t kv_heads;
  std::int32_t head_dim;
  std::int32_t feed_forward;
  std::int32_t vocabulary;
  std::int32_t context;
  float norm_epsilon;
  std::uint32_t layer_norm;  // these are 0 or 1; else RMS
  std::uint32_t gelu;        // else SiLU
  std::uint32_t gated;
  std::uint32_t parallel_residual;
  std::uint32_t rope_interleaved;
  std::int32_t rope_pairs;
  const float* cosines;  // context x rope_pairs
  const float* sines;
  Matrix embedding;
  const Layer* layer;
  Norm final_norm;
  Matrix head;  // data is null: the embedding
};

struct Options {
  std::int32_t kv_blocks;
  std::int32_t kv_block_tokens;
  std::int32_t max_rows;  // of a step
  std::uint32_t exact;    // 1: fp32 everywhere, for comparisons; 0: as fast as the device can
};

struct Row {
  std::int32_t token;
  std::int32_t position;
  std::int32_t table;         // where in Step::blocks its sequence's blocks begin
  std::int32_t wants_logits;  // 0 or 1
};

struct Step {
  const Row* rows;  // those of one sequence follow each other
  const std::int32_t* blocks;
  std::int32_t row_count;
  std::int32_t block_count;
};

struct Runner;

struct Plugin {
  std::uint32_t version;
  // Bytes of one key or value in the device's cache.
  std::uint32_t (*kv_number_bytes)(const Options* options);
  Status (*probe)(Facts* facts, Text* why);
  Status (*create)(const Model* model, const Options* options, Runner** runner, Text* why);
  // `logits` has room for those of the rows that want them, vocabulary floats each.
  Status (*step)(Runner* runner, const Step* step, float* logits, Text* why);
  void (*destroy)(Runner* runner);
};

using Entry = const Plugin* (*)();

}  // namespace tollgate::local_backend::plugin
