#pragma once
// A stream of random operations for the model tests: a handful of scopes whose limits change now and then, calls that
// overlap, settlements in any order, repeated ids, leases that run out.
#include <random>
#include <vector>

#include "tests/unit/ratelimit/naive_limiter.h"

namespace tollgate::ratelimit {

class RandomCalls {
 public:
  explicit RandomCalls(std::uint64_t seed) : random_(seed) {
    for (int i = 0; i < 6; ++i) scopes_.push_back({"s" + std::to_string(i), random_limits()});
  }

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  bool once_in(std::int64_t times) { return between(1, times) == 1; }

  NaiveCall next_call() {
    if (once_in(100)) {
      auto& changed = scopes_[static_cast<std::size_t>(between(0, 5))];
      changed.limits = random_limits(&changed.limits);
    }
    std::vector<NaiveScope> chosen;
    while (chosen.empty()) {
      for (const NaiveScope& scope : scopes_)
        if (!unlimited(scope.limits) && once_in(2)) chosen.push_back(scope);
    }
    return NaiveCall{id_of(++last_id_), std::move(chosen), between(0, 300), between(1, 20'000)};
  }

 private:
  using Amount = std::optional<std::int64_t>;

  // A change keeps the set of meters: what a meter that is switched off and on again remembers is not promised. The
  // rates of a day are high, so that waiting for them takes seconds.
  Limits random_limits(const Limits* before = nullptr) {
    Limits limits;
    const auto fill = [&](Amount Limits::* limit, std::int64_t low, std::int64_t high) {
      const bool wanted = before == nullptr ? once_in(2) : (before->*limit).has_value();
      if (wanted) limits.*limit = between(low, high);
      return wanted;
    };
    if (fill(&Limits::requests_per_minute, 1, 400)) limits.requests_burst = between(1, 20);
    if (fill(&Limits::tokens_per_minute, 1, 9'000)) limits.tokens_burst = between(1, 900);
    if (fill(&Limits::requests_per_day, 20'000, 600'000)) limits.requests_day_burst = between(1, 20);
    if (fill(&Limits::tokens_per_day, 1'000'000, 20'000'000)) limits.tokens_day_burst = between(1, 900);
    fill(&Limits::concurrent, 1, 8);
    return limits;
  }

  std::mt19937_64 random_;
  std::vector<NaiveScope> scopes_;
  std::uint64_t last_id_ = 0;
};

// As the stores are asked.
inline AdmitRequest asked(const NaiveCall& call) {
  AdmitRequest request{call.id, {}, call.tokens, milliseconds(call.lease_ms)};
  for (const NaiveScope& scope : call.scopes) request.scopes.push_back(scope_of(scope.key, scope.limits));
  return request;
}

}  // namespace tollgate::ratelimit
