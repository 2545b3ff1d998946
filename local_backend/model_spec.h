#pragma once
// What config.json and generation_config.json say about a model, checked: a value that this runtime does not implement
// is refused by name, never ignored.
#include <cstdint>
#include <string>
#include <vector>

namespace tollgate::local_backend {

struct Json;

struct ModelSpec {
  std::string architecture;  // "llama"
  int layers = 0;
  int hidden = 0;
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  int feed_forward = 0;
  int vocabulary = 0;
  int context = 0;
  float rms_epsilon = 0;
  bool tied_head = false;
  std::vector<float> inverse_frequencies;  // head_dim / 2, scaling applied
  std::vector<int> end_tokens;             // of both files, sorted
  int begin_token = -1;                    // -1: none

  int query_size() const { return heads * head_dim; }
  int kv_size() const { return kv_heads * head_dim; }
};

// `generation` may be null. Throws std::runtime_error that starts with "config.json: ".
ModelSpec parse_model_spec(const Json& config, const Json* generation);

}  // namespace tollgate::local_backend
