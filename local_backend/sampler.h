#pragma once
// Chooses the next token from logits. The draw depends on the seed and the position alone: not on the batch, not on
// what was drawn before.
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace tollgate::local_backend {

// Philox4x32-10 (Salmon et al., 2011): a counter-based random generator.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

struct SampleRule {
  double temperature = 1.0;  // 0: the most likely token, of equals the lowest id
  double top_p = 1.0;
  std::uint64_t seed = 0;
  int top_k = 0;       // 0: all
  double min_p = 0.0;  // of the most likely token's probability
  double presence_penalty = 0.0;
  double frequency_penalty = 0.0;
  double repetition_penalty = 1.0;
  std::vector<std::pair<int, double>> bias = {};  // by token; -100 and below bans it
  std::vector<int> enders = {};                   // tokens that end the answer,
  int min_tokens = 0;                             // banned before it has so many
};

// Which tokens may come next, by id.
using TokenMask = std::vector<bool>;

// What the draw looks back on.
struct Past {
  std::span<const int> prompt = {};
  std::span<const int> answer = {};
  const TokenMask* mask = nullptr;  // null: no constraint
};

struct TokenScore {
  int token = 0;
  double logprob = 0;
};

// Holds scratch memory: one thread at a time.
class Sampler {
 public:
  // Ids for which `allowed` is false are never chosen (vocabulary rows without a token).
  explicit Sampler(std::vector<bool> allowed) : allowed_(std::move(allowed)), counts_(allowed_.size()) {}

  // -1 when a logit of an allowed token is not finite; kNoToken when nothing is left to choose from.
  static constexpr int kNoToken = -2;
  int choose(std::span<const float> logits, const SampleRule& rule, std::int64_t position, const Past& past = {});

  // Log-probabilities by the logits as they came: of `token`, then of the `top` most likely ones.
  std::vector<TokenScore> scores(std::span<const float> logits, int token, int top) const;

 private:
  struct Candidate {
    double weight;
    int id;
  };
  bool load(std::span<const float> logits);
  void adjust(const SampleRule& rule, const Past& past);
  void penalise(const SampleRule& rule, const Past& past);
  int draw(const SampleRule& rule, std::int64_t position, int best);
  std::size_t shortlist(const SampleRule& rule);

  std::vector<bool> allowed_;
  std::vector<float> scores_;  // of this draw; minus infinity: banned
  std::vector<int> counts_;    // of tokens, 0 between draws
  std::vector<Candidate> candidates_;
};

}  // namespace tollgate::local_backend
