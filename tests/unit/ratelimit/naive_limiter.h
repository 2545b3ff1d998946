#pragma once
// The oracle: what a limiter must answer, computed the slow and obvious way, in rationals of a minute or day and lists
// that are searched from end to end. It shares no code with the stores.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/ratelimit/helpers.h"

namespace tollgate::ratelimit {

// A scope as the oracle knows it; bursts are given for every rate.
struct NaiveScope {
  std::string key;
  Limits limits;
};

struct NaiveCall {
  Uuid id;
  std::vector<NaiveScope> scopes;
  std::int64_t tokens = 0;
  std::int64_t lease_ms = 0;
};

class NaiveLimiter {
 public:
  explicit NaiveLimiter(std::int64_t start_ms) : now_(start_ms) {}

  void advance(std::int64_t ms) { now_ += ms; }

  bool admit(const NaiveCall& call) {
    if (alive(call.id)) return true;
    const auto tokens = clip(call);
    if (!would_pass(call, tokens)) return false;
    const Lease lease{call.id, lease_end(call.lease_ms)};
    for (const NaiveScope& scope : call.scopes) {
      Held& held = held_[scope.key] = at_now(scope);
      for (const Kind& kind : kKinds) {
        if (scope.limits.*kind.limit) *(held.*kind.pot) -= (kind.tokens ? tokens : 1) * kind.parts;
      }
      if (scope.limits.concurrent) held.slots.push_back(lease);
    }
    std::erase_if(reservations_, [&](const Lease& old) { return old.id == call.id; });
    reservations_.push_back(lease);
    return true;
  }

  // Smallest wait in milliseconds after which the rates alone would let this call in.
  std::int64_t rate_wait(const NaiveCall& call) const {
    const auto tokens = clip(call);
    std::int64_t wait = 0;
    for (const NaiveScope& scope : call.scopes) {
      const Held held = at_now(scope);
      for (const Kind& kind : kKinds) {
        const auto limit = scope.limits.*kind.limit;
        const std::int64_t need = (kind.tokens ? tokens : 1) * kind.parts;
        while (limit && *(held.*kind.pot) + *limit * ticks(kind, now_, now_ + wait) < need) ++wait;
      }
    }
    return wait;
  }

  bool settle(const NaiveCall& call, std::int64_t actual_tokens) {
    const bool known = alive(call.id);
    std::erase_if(reservations_, [&](const Lease& lease) { return lease.id == call.id; });
    if (!known) return false;
    const std::int64_t change = clip(call) - actual_tokens;
    for (const NaiveScope& scope : call.scopes) {
      const Limits& limits = scope.limits;
      if (!limits.concurrent && (change == 0 || (!limits.tokens_per_minute && !limits.tokens_per_day))) continue;
      Held& held = held_[scope.key] = at_now(scope);
      std::erase_if(held.slots, [&](const Lease& lease) { return limits.concurrent && lease.id == call.id; });
      for (const Kind& kind : kKinds) {
        if (!kind.tokens || !(limits.*kind.limit)) continue;
        held.*kind.pot = std::min(*(held.*kind.pot) + change * kind.parts, *(limits.*kind.burst) * kind.parts);
      }
    }
    return true;
  }

  std::int64_t clip(const NaiveCall& call) const {
    std::int64_t tokens = call.tokens;
    for (const NaiveScope& scope : call.scopes) {
      if (scope.limits.tokens_per_minute) tokens = std::min(tokens, *scope.limits.tokens_burst);
      if (scope.limits.tokens_per_day) tokens = std::min(tokens, *scope.limits.tokens_day_burst);
    }
    return tokens;
  }

 private:
  struct Lease {
    Uuid id;
    std::int64_t ends;
  };
  using Pot = std::optional<std::int64_t>;  // in parts; absent: never limited
  struct Held {
    std::int64_t at = 0;
    Pot minute_requests;
    Pot minute_tokens;
    Pot day_requests;
    Pot day_tokens;
    std::vector<Lease> slots;
  };
  using Amount = std::optional<std::int64_t>;
  struct Kind {
    Amount Limits::* limit;
    Amount Limits::* burst;
    Pot Held::* pot;
    bool tokens;
    std::int64_t parts;    // of one request or token
    std::int64_t tick_ms;  // each tick fills `limit` parts
  };
  static constexpr Kind kKinds[] = {
      {&Limits::requests_per_minute, &Limits::requests_burst, &Held::minute_requests, false, 60'000, 1},
      {&Limits::tokens_per_minute, &Limits::tokens_burst, &Held::minute_tokens, true, 60'000, 1},
      {&Limits::requests_per_day, &Limits::requests_day_burst, &Held::day_requests, false, 86'400, 1'000},
      {&Limits::tokens_per_day, &Limits::tokens_day_burst, &Held::day_tokens, true, 86'400, 1'000}};

  static std::int64_t ticks(const Kind& kind, std::int64_t from, std::int64_t to) {
    return to / kind.tick_ms - from / kind.tick_ms;
  }

  // Rounded up to a multiple of the lease's 32nd part.
  std::int64_t lease_end(std::int64_t length) const {
    std::int64_t end = now_ + length;
    while (length >= 64 && end % (length / 32) != 0) ++end;
    return end;
  }

  bool alive(const Uuid& id) const {
    return std::any_of(reservations_.begin(), reservations_.end(),
                       [&](const Lease& lease) { return lease.id == id && lease.ends > now_; });
  }

  // Looking writes nothing: a stretch between two writes is refilled at the limit in force at the second.
  Held at_now(const NaiveScope& scope) const {
    const auto found = held_.find(scope.key);
    Held held = found == held_.end() ? Held{} : found->second;
    for (const Kind& kind : kKinds) {
      const auto limit = scope.limits.*kind.limit;
      if (!limit) continue;
      const std::int64_t most = *(scope.limits.*kind.burst) * kind.parts;
      Pot& pot = held.*kind.pot;
      pot = pot ? std::min(most, *pot + *limit * ticks(kind, held.at, now_)) : most;
    }
    held.at = now_;
    std::erase_if(held.slots, [&](const Lease& lease) { return lease.ends <= now_; });
    return held;
  }

  bool would_pass(const NaiveCall& call, std::int64_t tokens) const {
    return std::all_of(call.scopes.begin(), call.scopes.end(), [&](const NaiveScope& scope) {
      const Held held = at_now(scope);
      for (const Kind& kind : kKinds) {
        if (scope.limits.*kind.limit && *(held.*kind.pot) < (kind.tokens ? tokens : 1) * kind.parts) return false;
      }
      return !scope.limits.concurrent || std::cmp_less(held.slots.size(), *scope.limits.concurrent);
    });
  }

  std::int64_t now_;
  std::map<std::string, Held> held_;
  std::vector<Lease> reservations_;
};

}  // namespace tollgate::ratelimit
