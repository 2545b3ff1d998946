#pragma once
// Chooses the next token from logits. The draw depends on the seed and the position alone: not on the batch, not on
// what was drawn before.
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace tollgate::local_backend {

// Philox4x32-10 (Salmon et al., 2011): a counter-based random generator.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

struct SampleRule {
  double temperature = 1.0;  // 0: the most likely token, of equals the lowest id
  double top_p = 1.0;
  std::uint64_t seed = 0;
};

// Holds scratch memory: one thread at a time.
class Sampler {
 public:
  // Ids for which `allowed` is false are never chosen (vocabulary rows without a token).
  explicit Sampler(std::vector<bool> allowed) : allowed_(std::move(allowed)) {}

  // -1 when a logit of an allowed token is not finite.
  int choose(std::span<const float> logits, const SampleRule& rule, std::int64_t position);

 private:
  struct Candidate {
    double weight;
    int id;
  };
  std::vector<bool> allowed_;
  std::vector<Candidate> candidates_;
};

}  // namespace tollgate::local_backend
