#pragma once
// A Llama of any shape with random weights, made in memory: to time and compare what computes it.
#include <cstdint>

#include "local_backend/model_spec.h"
#include "local_backend/weights.h"

namespace tollgate::local_backend {

struct RandomShape {
  int layers = 1;
  int hidden = 64;
  int heads = 4;
  int kv_heads = 2;
  int head_dim = 16;
  int feed_forward = 96;
  int vocabulary = 128;
  int context = 1024;
  int window = 0;
};

struct RandomModel {
  ModelSpec spec;
  Weights weights;  // bf16
};

RandomModel random_model(const RandomShape& shape);

}  // namespace tollgate::local_backend
