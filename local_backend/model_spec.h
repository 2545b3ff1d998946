#pragma once
// What config.json and generation_config.json say about a model, checked: a value that this runtime does not implement
// is refused by name, never ignored.
#include <cstdint>
#include <string>
#include <vector>

#include "local_backend/family.h"
#include "local_backend/rope.h"

namespace tollgate::local_backend {

struct Json;

enum class Activation : std::uint8_t { silu, gelu_tanh };

struct ModelSpec {
  const Family* family = nullptr;  // of the table: lives for ever
  int layers = 0;
  int hidden = 0;
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  int feed_forward = 0;
  int vocabulary = 0;
  int context = 0;
  Norm norm = Norm::rms;
  float norm_epsilon = 0;
  Activation activation = Activation::silu;
  bool gated = true;               // activation(gate) * up, else activation(up)
  bool parallel_residual = false;  // x + attention(norm(x)) + mlp(norm(x)), one norm for both
  bool head_norms = false;         // RMS norm of each query and key head, before the rotation
  bool qkv_bias = false;
  bool output_bias = false;
  bool mlp_bias = false;
  bool head_bias = false;
  bool tied_head = false;
  std::vector<int> windows;  // by layer: how many positions a row sees, itself included; 0 = all
  Rope rope;
  std::vector<int> end_tokens;  // of both files, sorted
  int begin_token = -1;         // -1: none

  int query_size() const { return heads * head_dim; }
  int kv_size() const { return kv_heads * head_dim; }
};

// `generation` may be null. Throws std::runtime_error that starts with "config.json: ".
ModelSpec parse_model_spec(const Json& config, const Json* generation);

}  // namespace tollgate::local_backend
