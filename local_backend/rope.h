#pragma once
// Rotary position embedding as config.json describes it: which angle each pair of a head turns by, per position.
#include <vector>

namespace tollgate::local_backend {

struct Json;

struct Rope {
  std::vector<float> inverse_frequencies;  // one for each pair of elements, scaling applied
  float amplitude = 1;                     // of cosines and sines (yarn's attention_factor)
  bool interleaved = false;                // pairs are neighbours (2i, 2i + 1), else (i, i + rotated / 2)

  int rotated() const { return 2 * static_cast<int>(inverse_frequencies.size()); }  // elements of a head
};

// Position by position, the cosine and sine of each pair's angle, times the amplitude.
struct RopeTable {
  std::vector<float> cosines;
  std::vector<float> sines;
};
RopeTable rope_table(const Rope& rope, int context);

// `rotated` elements of each head turn (even), `context` is the model's. Throws as parse_model_spec does.
Rope parse_rope(const Json& config, int rotated, int context);

}  // namespace tollgate::local_backend
