#include "local_backend/sampler.h"

#include <algorithm>
#include <cmath>

namespace tollgate::local_backend {
namespace {

// In [0, 1), with 53 random bits.
double uniform(std::uint64_t seed, std::int64_t position) {
  const auto at = static_cast<std::uint64_t>(position);
  const auto words = philox({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at >> 32U), 0, 0},
                            {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)});
  const std::uint64_t bits = std::uint64_t{words[0]} << 32U | words[1];
  return static_cast<double>(bits >> 11U) * 0x1.0p-53;
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32U) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32U) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

int Sampler::choose(std::span<const float> logits, const SampleRule& rule, std::int64_t position) {
  int best = -1;
  const std::size_t count = std::min(logits.size(), allowed_.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (!allowed_[i]) continue;
    if (!std::isfinite(logits[i])) return -1;
    if (best < 0 || logits[i] > logits[static_cast<std::size_t>(best)]) best = static_cast<int>(i);
  }
  if (best < 0 || rule.temperature <= 0) return best;

  const double largest = logits[static_cast<std::size_t>(best)];
  double total = 0;
  candidates_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    if (!allowed_[i]) continue;
    const double weight = std::exp((logits[i] - largest) / rule.temperature);
    candidates_.push_back({weight, static_cast<int>(i)});
    total += weight;
  }
  const double target = uniform(rule.seed, position);
  double sum = 0;
  if (rule.top_p >= 1) {
    for (const Candidate& c : candidates_) {
      sum += c.weight;
      if (sum > target * total) return c.id;
    }
    return best;
  }
  // The smallest set of the most likely tokens that reaches top_p. A heap finds it without sorting the vocabulary.
  const auto less_likely = [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight < b.weight : a.id > b.id;
  };
  std::make_heap(candidates_.begin(), candidates_.end(), less_likely);
  auto end = candidates_.end();
  while (end != candidates_.begin() && (end == candidates_.end() || sum < rule.top_p * total)) {
    std::pop_heap(candidates_.begin(), end, less_likely);
    --end;
    sum += end->weight;
  }
  double drawn = 0;
  for (auto c = candidates_.end(); c != end;) {
    --c;
    drawn += c->weight;
    if (drawn > target * sum) return c->id;
  }
  return best;
}

}  // namespace tollgate::local_backend
