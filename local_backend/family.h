#pragma once
// The model families this runtime knows: how their config.json spells things, which parts a layer has, and how the
// tensors are called. A family is one row of a table; the mathematics asks the switches of ModelSpec, never the name.
#include <cstdint>
#include <span>
#include <string_view>

namespace tollgate::local_backend {

enum class Norm : std::uint8_t { rms, layer };

// How a family's config.json spells what every model has. nullptr: not in the file, the family has one value.
struct ConfigKeys {
  const char* layers;
  const char* hidden;
  const char* heads;
  const char* kv_heads;
  const char* head_dim;
  const char* feed_forward;
  const char* context;
  const char* epsilon;
  const char* activation;
  const char* rotary_dim;
};

// Without ".weight" and ".bias". nullptr: the family has no such tensor. Those of a layer follow `layer` and a number.
struct TensorNames {
  const char* embedding;
  const char* final_norm;
  const char* head;
  const char* layer;
  const char* attention_norm;
  const char* query;
  const char* key;
  const char* value;
  const char* output;
  const char* query_norm;
  const char* key_norm;
  const char* feed_forward_norm;  // nullptr: the attention's norm feeds both (parallel residual)
  const char* gate;               // nullptr: no gate
  const char* up;
  const char* down;
  std::span<const std::string_view> ignored;  // endings of names that hold tables, no weights
};

// Where a bias is: never, always, or where config.json's flag of that name says so.
enum class Presence : std::uint8_t { never, always, by_flag };

// Which layers see only the last `sliding_window` positions.
enum class Windows : std::uint8_t { none, all_layers, later_layers };

struct Family {
  std::string_view name;  // model_type
  ConfigKeys keys;
  TensorNames tensors;
  Norm norm;
  Presence qkv_bias;     // flag: attention_bias
  Presence output_bias;  // flag: attention_bias
  Presence mlp_bias;     // flag: mlp_bias
  Presence head_bias;
  Windows windows;
  bool parallel_residual;
  bool interleaved_rope;
  double epsilon;  // where the file has none
  std::string_view activation;
};

// nullptr when there is none.
const Family* find_family(std::string_view model_type);
std::string_view family_names();  // for messages

}  // namespace tollgate::local_backend
