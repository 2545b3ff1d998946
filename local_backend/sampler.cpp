#include "local_backend/sampler.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace tollgate::local_backend {
namespace {

constexpr float kBanned = -std::numeric_limits<float>::infinity();

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

int Sampler::choose(std::span<const float> logits, const SampleRule& rule, std::int64_t position, const Past& past) {
  if (!load(logits)) return -1;
  adjust(rule, past);
  const auto best = std::ranges::max_element(scores_);  // the first of equals
  if (best == scores_.end() || *best == kBanned) return kNoToken;
  const int id = static_cast<int>(best - scores_.begin());
  return rule.temperature <= 0 ? id : draw(rule, position, id);
}

bool Sampler::load(std::span<const float> logits) {
  const std::size_t count = std::min(logits.size(), allowed_.size());
  scores_.assign(count, kBanned);
  for (std::size_t i = 0; i < count; ++i) {
    if (!allowed_[i]) continue;
    if (!std::isfinite(logits[i])) return false;
    scores_[i] = logits[i];
  }
  return true;
}

void Sampler::adjust(const SampleRule& rule, const Past& past) {
  const auto known = [this](int id) { return id >= 0 && static_cast<std::size_t>(id) < scores_.size(); };
  if (past.mask != nullptr) {
    for (std::size_t i = 0; i < scores_.size(); ++i) {
      if (i >= past.mask->size() || !(*past.mask)[i]) scores_[i] = kBanned;
    }
  }
  if (past.answer.size() < static_cast<std::size_t>(rule.min_tokens)) {
    for (const int id : rule.enders) {
      if (known(id)) scores_[static_cast<std::size_t>(id)] = kBanned;
    }
  }
  for (const auto& [id, bias] : rule.bias) {
    if (!known(id)) continue;
    float& score = scores_[static_cast<std::size_t>(id)];
    score = bias <= -100 ? kBanned : score + static_cast<float>(bias);
  }
  if (rule.presence_penalty != 0 || rule.frequency_penalty != 0 || rule.repetition_penalty != 1) penalise(rule, past);
}

// Repetition (Keskar et al., 2019) counts prompt and answer; presence and frequency (OpenAI) the answer only.
void Sampler::penalise(const SampleRule& rule, const Past& past) {
  for (const int id : past.answer) ++counts_[static_cast<std::size_t>(id)];
  const auto repeated = [&](int id) {
    float& score = scores_[static_cast<std::size_t>(id)];
    int& count = counts_[static_cast<std::size_t>(id)];
    if (count < 0) return;  // seen to already
    const auto factor = static_cast<float>(rule.repetition_penalty);
    score = score > 0 ? score / factor : score * factor;
    if (count > 0) score -= static_cast<float>(rule.presence_penalty + rule.frequency_penalty * count);
    count = -1;
  };
  for (const auto& tokens : {past.answer, past.prompt}) {
    for (const int id : tokens) repeated(id);
  }
  for (const auto& tokens : {past.answer, past.prompt}) {
    for (const int id : tokens) counts_[static_cast<std::size_t>(id)] = 0;
  }
}

int Sampler::draw(const SampleRule& rule, std::int64_t position, int best) {
  const double largest = scores_[static_cast<std::size_t>(best)];
  candidates_.clear();
  for (std::size_t i = 0; i < scores_.size(); ++i) {
    if (scores_[i] == kBanned) continue;
    candidates_.push_back({std::exp((scores_[i] - largest) / rule.temperature), static_cast<int>(i)});
  }
  const std::size_t kept = shortlist(rule);
  double total = 0;
  for (std::size_t i = 0; i < kept; ++i) total += candidates_[i].weight;
  const double target = uniform(rule.seed, position) * total;
  double sum = 0;
  for (std::size_t i = 0; i < kept; ++i) {
    sum += candidates_[i].weight;
    if (sum > target) return candidates_[i].id;
  }
  return best;
}

// Moves the candidates that top_k, top_p and min_p leave to the front, the most likely first; returns how many. Without
// any of them, all stay in the order of their ids.
std::size_t Sampler::shortlist(const SampleRule& rule) {
  const std::size_t all = candidates_.size();
  const std::size_t most = rule.top_k > 0 ? std::min(all, static_cast<std::size_t>(rule.top_k)) : all;
  if (most == all && rule.top_p >= 1 && rule.min_p <= 0) return all;
  const auto likelier = [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  };
  if (most < all)
    std::ranges::nth_element(candidates_, candidates_.begin() + static_cast<std::ptrdiff_t>(most), likelier);
  candidates_.resize(most);
  double total = 0;
  for (const Candidate& c : candidates_) total += c.weight;
  // A heap finds the set without sorting the vocabulary. What it gives up goes to the back.
  const auto last = [&](const Candidate& a, const Candidate& b) { return likelier(b, a); };
  std::ranges::make_heap(candidates_, last);
  double sum = 0;
  auto end = candidates_.end();
  while (end != candidates_.begin() && (sum == 0 || sum < rule.top_p * total)) {
    if (candidates_.front().weight < rule.min_p) break;  // the most likely of all has weight 1
    std::pop_heap(candidates_.begin(), end, last);
    --end;
    sum += end->weight;
  }
  candidates_.erase(candidates_.begin(), end);
  std::ranges::reverse(candidates_);
  return candidates_.size();
}

std::vector<TokenScore> Sampler::scores(std::span<const float> logits, int token, int top) const {
  double largest = -INFINITY;
  const std::size_t count = std::min(logits.size(), allowed_.size());
  std::vector<TokenScore> likely;
  likely.reserve(static_cast<std::size_t>(top) + 2);
  for (std::size_t i = 0; i < count; ++i) {
    if (!allowed_[i]) continue;
    const double logit = logits[i];
    largest = std::max(largest, logit);
    const auto at = std::ranges::upper_bound(likely, logit, std::greater<>(), &TokenScore::logprob);
    if (at - likely.begin() >= top) continue;
    likely.insert(at, {static_cast<int>(i), logit});
    if (likely.size() > static_cast<std::size_t>(top)) likely.pop_back();
  }
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (allowed_[i]) sum += std::exp(double{logits[i]} - largest);
  }
  likely.insert(likely.begin(), {token, double{logits[static_cast<std::size_t>(token)]}});
  for (TokenScore& score : likely) score.logprob -= largest + std::log(sum);
  return likely;
}

}  // namespace tollgate::local_backend
