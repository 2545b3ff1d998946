#pragma once
// Guesses tokens from bytes, and learns: every answer that comes with usage corrects the ratio of its model. Good
// enough to reserve with, so that no tokenizer has to be fetched.
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tollgate::pipeline {

// Shared by workers, carried across reloads. Thread-safe (a mutex held for a lookup).
class Estimator {
 public:
  // Upper-leaning guess at the prompt tokens of `bytes` of text: the learned ratio plus a tenth, plus the frame around
  // messages.
  std::int64_t input_tokens(const std::string& model, std::uint64_t bytes) const;
  // Guess at tokens for text that was generated.
  std::int64_t output_tokens(const std::string& model, std::uint64_t bytes) const;
  // What a provider counted for that many bytes. Tiny samples teach nothing.
  void learn(const std::string& model, std::uint64_t bytes, std::int64_t tokens);

 private:
  double ratio(const std::string& model) const;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, double> tokens_per_byte_;
};

}  // namespace tollgate::pipeline
