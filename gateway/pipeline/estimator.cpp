#include "gateway/pipeline/estimator.h"

#include <algorithm>
#include <cmath>

namespace tollgate::pipeline {
namespace {

// English prose has about four bytes a token with current vocabularies; other languages and code have fewer.
constexpr double kStartRatio = 0.3;
constexpr double kLearningRate = 0.05;
constexpr std::int64_t kFrameTokens = 16;
constexpr std::uint64_t kSmallestSample = 64;

}  // namespace

double Estimator::ratio(const std::string& model) const {
  const std::lock_guard lock(mutex_);
  const auto it = tokens_per_byte_.find(model);
  return it == tokens_per_byte_.end() ? kStartRatio : it->second;
}

std::int64_t Estimator::input_tokens(const std::string& model, std::uint64_t bytes) const {
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(bytes) * ratio(model) * 1.1)) + kFrameTokens;
}

std::int64_t Estimator::output_tokens(const std::string& model, std::uint64_t bytes) const {
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(bytes) * ratio(model)));
}

void Estimator::learn(const std::string& model, std::uint64_t bytes, std::int64_t tokens) {
  if (bytes < kSmallestSample || tokens <= 0) return;
  const double seen = std::clamp(static_cast<double>(tokens) / static_cast<double>(bytes), 0.05, 2.0);
  const std::lock_guard lock(mutex_);
  const auto [it, fresh] = tokens_per_byte_.try_emplace(model, seen);
  if (!fresh) it->second += kLearningRate * (seen - it->second);
}

}  // namespace tollgate::pipeline
