#pragma once
// A stream of random operations for the model tests: a handful of scopes whose limits change now and then, calls that
// overlap, settlements in any order, repeated ids, leases that run out.
#include <random>
#include <vector>

#include "tests/unit/ratelimit/helpers.h"

namespace tollgate::ratelimit {

class RandomCalls {
 public:
  explicit RandomCalls(std::uint64_t seed) : random_(seed) {
    for (int i = 0; i < 6; ++i) scopes_.push_back(random_scope("s" + std::to_string(i)));
  }

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }

  AdmitRequest next_call() {
    if (between(0, 99) == 0) {
      auto& changed = scopes_[static_cast<std::size_t>(between(0, 5))];
      changed = random_scope(changed.key, &changed.limits);
    }
    std::vector<Scope> chosen;
    for (const Scope& scope : scopes_)
      if (between(0, 1) == 1) chosen.push_back(scope);
    return call(++last_id_, std::move(chosen), between(0, 300), milliseconds(between(1, 20'000)));
  }

 private:
  // A change keeps the set of meters: what a meter that is switched off and on again remembers is not promised.
  Scope random_scope(std::string key, const Limits* before = nullptr) {
    Limits limits;
    if (before == nullptr ? between(0, 1) == 1 : before->requests_per_minute.has_value()) {
      limits.requests_per_minute = between(1, 400);
      limits.requests_burst = between(1, 20);
    }
    if (before == nullptr ? between(0, 1) == 1 : before->tokens_per_minute.has_value()) {
      limits.tokens_per_minute = between(1, 9'000);
      limits.tokens_burst = between(1, 900);
    }
    if (before == nullptr ? between(0, 1) == 1 : before->concurrent.has_value()) limits.concurrent = between(1, 8);
    return scope_of(std::move(key), limits);
  }

  std::mt19937_64 random_;
  std::vector<Scope> scopes_;
  std::uint64_t last_id_ = 0;
};

}  // namespace tollgate::ratelimit
