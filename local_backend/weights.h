#pragma once
// A checkpoint in memory: matrices stay as in the file or are made smaller, all else becomes fp32.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "local_backend/api.h"
#include "local_backend/checkpoint.h"
#include "local_backend/matrix.h"
#include "local_backend/model_spec.h"

namespace tollgate::local_backend {

struct Linear {
  Matrix matrix;
  std::vector<float> bias;  // empty: none
};

struct NormWeights {
  std::vector<float> weight;
  std::vector<float> bias;  // of a LayerNorm; empty for RMS
};

struct LayerWeights {
  NormWeights attention_norm;
  Linear qkv;              // rows of q, then k, then v
  NormWeights query_norm;  // of one head; empty where the model has none
  NormWeights key_norm;
  Linear output;
  NormWeights feed_forward_norm;  // empty where the attention's feeds both
  Linear gate_up;                 // rows of gate (where the model has one), then up
  Linear down;
};

struct Weights {
  Matrix embedding;
  std::vector<LayerWeights> layers;
  NormWeights final_norm;
  Linear head;  // empty when tied to the embedding
  std::int64_t parameters = 0;
};

// What keeps a checkpoint from being this model's, each naming the tensor: missing, of another shape or type, or one
// that the model does not have. Reads no weights.
std::vector<std::string> weight_problems(const Checkpoint& checkpoint, const ModelSpec& spec);

// `format` other than as_stored quantises the layers' matrices and the head while they are read; the embedding stays.
// Throws std::runtime_error with the first of its weight_problems.
Weights load_weights(const Checkpoint& checkpoint, const ModelSpec& spec,
                     WeightFormat format = WeightFormat::as_stored);

}  // namespace tollgate::local_backend
