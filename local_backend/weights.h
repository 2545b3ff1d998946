#pragma once
// A Llama checkpoint in memory: matrices stay bf16 and row-major as in the file, norm weights become fp32.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "local_backend/model_spec.h"
#include "local_backend/safetensors.h"

namespace tollgate::local_backend {

struct Matrix {
  std::vector<std::uint16_t> bits;  // bf16, rows x columns
  std::size_t rows = 0;
  std::size_t columns = 0;
};

struct LayerWeights {
  std::vector<float> attention_norm;
  Matrix qkv;  // rows of q, then k, then v
  Matrix output;
  std::vector<float> feed_forward_norm;
  Matrix gate_up;  // rows of gate, then up
  Matrix down;
};

struct Weights {
  Matrix embedding;
  std::vector<LayerWeights> layers;
  std::vector<float> final_norm;
  Matrix head;  // empty when tied to the embedding
  std::int64_t parameters = 0;
};

// Throws std::runtime_error naming the tensor: missing, of another shape, not BF16, or one this model does not have.
Weights load_weights(const SafetensorsFile& file, const ModelSpec& spec, const std::string& what);

}  // namespace tollgate::local_backend
