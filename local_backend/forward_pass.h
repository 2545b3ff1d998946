#pragma once
// One step of a model, whatever computes it: the CPU (Transformer) or a device (DevicePass).
#include <span>

#include "local_backend/kv_cache.h"

namespace tollgate::local_backend {

// One token of one sequence. Rows of the same sequence come in the order of their positions, without a gap to what its
// cache holds.
struct StepRow {
  int token = 0;     // REQUIRES: inside the vocabulary
  int position = 0;  // REQUIRES: the table has room for it
  KvTable* cache = nullptr;
  bool wants_logits = false;
  bool wants_hidden = false;  // REQUIRES: keeps_hidden()
};

// Prompt tokens in one step.
struct PrefillRows {
  int alone = 128;  // when nobody waits for a next token
  int shared = 32;  // when somebody does: bounds the pause between two tokens
};

// One thread at a time. A row's result is bitwise the same alone, in any batch, and however the sequence is cut into
// steps.
class ForwardPass {
 public:
  virtual ~ForwardPass() = default;

  // Logits of the rows that want them, one after the other: vocabulary floats each. Valid until the next call. Throws
  // std::runtime_error where a device fails: then it cannot be used any more.
  virtual std::span<const float> step(std::span<const StepRow> rows) = 0;
  virtual PrefillRows prefill_rows() const = 0;
  // Embeddings can be made.
  virtual bool keeps_hidden() const { return false; }
  // What the last layer made of the rows of the last step that want it, normalised: as many floats each as the model is
  // wide.
  virtual std::span<const float> hidden() const { return {}; }
};

}  // namespace tollgate::local_backend
