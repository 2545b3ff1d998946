#pragma once
// Everything a model directory holds, read and checked together.
#include <memory>
#include <string>
#include <vector>

#include "local_backend/api.h"
#include "local_backend/chat_template.h"
#include "local_backend/json_automaton.h"
#include "local_backend/model_spec.h"
#include "local_backend/tokenizer.h"
#include "local_backend/weights.h"

namespace tollgate::local_backend {

// How the vectors of a text's tokens become the text's.
enum class Pooling : std::uint8_t { last, mean };

// What an embedding is made of. The text is encoded as it is, between these tokens.
struct EmbeddingForm {
  Pooling pooling = Pooling::last;
  std::vector<int> before;
  std::vector<int> after;
};

// Immutable after load (but for drop_weights); thread-safe.
struct Model {
  ModelFacts facts;
  ModelSpec spec;
  Weights weights;
  Tokenizer tokenizer;
  ChatTemplate chat_template;        // refers to `tokenizer`: a Model does not move
  std::vector<bool> may_be_sampled;  // by id: has text, or says something to us
  TokenOrder token_order;
  EmbeddingForm embedding;

  // Throws std::runtime_error that says what is wrong with which file.
  static std::unique_ptr<Model> load(const std::string& directory, WeightFormat format = WeightFormat::as_stored);

  Model(const std::string& directory, ModelSpec model_spec, WeightFormat format);
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  bool ends_answer(int token) const;
  // A device has a copy of its own.
  void drop_weights() { weights = {}; }
  // Written where a call begins or ends: text to who reads calls, though the token may be a special one.
  bool marks_call(int token) const;
};

// The parts of a model directory that are read before its weights. They throw as Model::load does.
ModelSpec read_model_spec(const std::string& directory);
Tokenizer read_tokenizer(const std::string& directory);

}  // namespace tollgate::local_backend
