#pragma once
// What a model directory holds and needs, without loading it: for people who choose a model and a machine.
#include <cstdint>
#include <string>
#include <vector>

#include "local_backend/api.h"

namespace tollgate::local_backend {

struct Inspection {
  std::string family;         // empty where config.json cannot be used
  std::string dtypes;         // of the files: "BF16", or several
  std::string tokenizer;      // "byte-level BPE, 128256 tokens"
  std::string chat_template;  // where it is
  std::int64_t parameters = 0;
  std::int64_t layers = 0;
  std::int64_t context = 0;
  std::int64_t vocabulary = 0;
  std::int64_t window = 0;                  // of the layers that have one; 0: none has
  std::int64_t files = 0;                   // of weights
  std::int64_t weight_bytes = 0;            // in memory, in the format asked for
  std::int64_t bytes_per_token = 0;         // of weights, read for each token of one answer
  std::int64_t kv_bytes_per_1k_tokens = 0;  // of each sequence
  std::vector<std::string> problems;        // empty: it can be loaded, as far as can be told without doing so
};

// Never throws for what the directory holds: that is a problem of the list.
Inspection inspect_model(const std::string& directory, WeightFormat format = WeightFormat::as_stored);

// What would compute with device: auto: the GPU's name, or "cpu" and why.
std::string device_at_hand();

// Bytes of weights that one thread multiplies in a second on this machine. Takes about half a second.
double measured_weight_bandwidth();

}  // namespace tollgate::local_backend
