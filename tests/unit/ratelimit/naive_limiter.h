#pragma once
// The oracle: what a limiter must answer, computed the slow and obvious way, in rationals of a minute and lists that
// are searched from end to end. It shares no code with the stores.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/unit/ratelimit/helpers.h"

namespace tollgate::ratelimit {

class NaiveLimiter {
 public:
  explicit NaiveLimiter(std::int64_t start_ms) : now_(start_ms) {}

  void advance(std::int64_t ms) { now_ += ms; }

  bool admit(const AdmitRequest& request) {
    if (alive(request.id)) return true;
    const auto tokens = clip(request);
    if (!would_pass(request, tokens)) return false;
    for (const Scope& scope : request.scopes) {
      Held& held = held_[scope.key] = at_now(scope);
      if (scope.limits.requests_per_minute) held.requests.amount -= kMinute;
      if (scope.limits.tokens_per_minute) held.tokens.amount -= tokens * kMinute;
      if (scope.limits.concurrent) held.slots.push_back({request.id, now_ + request.lease.count()});
    }
    std::erase_if(reservations_, [&](const Lease& lease) { return lease.id == request.id; });
    reservations_.push_back({request.id, now_ + request.lease.count()});
    return true;
  }

  // Smallest wait in milliseconds after which the rates alone would let this call in.
  std::int64_t rate_wait(const AdmitRequest& request) const {
    const auto tokens = clip(request);
    std::int64_t wait = 0;
    for (const Scope& scope : request.scopes) {
      const Held held = at_now(scope);
      if (const auto limit = scope.limits.requests_per_minute) {
        while (held.requests.amount + *limit * wait < kMinute) ++wait;
      }
      if (const auto limit = scope.limits.tokens_per_minute) {
        while (held.tokens.amount + *limit * wait < tokens * kMinute) ++wait;
      }
    }
    return wait;
  }

  bool settle(const Settlement& settlement) {
    const bool known = alive(settlement.id);
    std::erase_if(reservations_, [&](const Lease& lease) { return lease.id == settlement.id; });
    if (!known) return false;
    const std::int64_t change = settlement.reserved_tokens - settlement.actual_tokens;
    for (const Scope& scope : settlement.scopes) {
      Held& held = held_[scope.key];
      std::erase_if(held.slots, [&](const Lease& lease) { return lease.id == settlement.id; });
      if (!scope.limits.tokens_per_minute || change == 0) continue;
      held.tokens = at_now(scope).tokens;
      held.tokens.amount = std::min(held.tokens.amount + change * kMinute, *scope.limits.tokens_burst * kMinute);
    }
    return true;
  }

 private:
  static constexpr std::int64_t kMinute = 60'000;
  struct Pot {
    bool seen = false;
    std::int64_t amount = 0;  // 60 000ths
    std::int64_t at = 0;
  };
  struct Lease {
    Uuid id;
    std::int64_t ends;
  };
  struct Held {
    Pot requests;
    Pot tokens;
    std::vector<Lease> slots;
  };

  static std::int64_t clip(const AdmitRequest& request) {
    std::int64_t tokens = request.tokens;
    for (const Scope& scope : request.scopes)
      if (scope.limits.tokens_per_minute) tokens = std::min(tokens, *scope.limits.tokens_burst);
    return tokens;
  }

  bool alive(const Uuid& id) const {
    return std::any_of(reservations_.begin(), reservations_.end(),
                       [&](const Lease& lease) { return lease.id == id && lease.ends > now_; });
  }

  void refresh(Pot& pot, std::int64_t per_minute, std::int64_t burst) const {
    if (!pot.seen) pot = Pot{true, burst * kMinute, now_};
    pot.amount = std::min(burst * kMinute, pot.amount + per_minute * (now_ - pot.at));
    pot.at = now_;
  }

  // Looking writes nothing: a stretch between two writes is refilled at the limit in force at the second.
  Held at_now(const Scope& scope) const {
    const auto found = held_.find(scope.key);
    Held held = found == held_.end() ? Held{} : found->second;
    const Limits& limits = scope.limits;
    if (limits.requests_per_minute) refresh(held.requests, *limits.requests_per_minute, *limits.requests_burst);
    if (limits.tokens_per_minute) refresh(held.tokens, *limits.tokens_per_minute, *limits.tokens_burst);
    std::erase_if(held.slots, [&](const Lease& lease) { return lease.ends <= now_; });
    return held;
  }

  bool would_pass(const AdmitRequest& request, std::int64_t tokens) const {
    return std::all_of(request.scopes.begin(), request.scopes.end(), [&](const Scope& scope) {
      const Held held = at_now(scope);
      const Limits& limits = scope.limits;
      if (limits.requests_per_minute && held.requests.amount < kMinute) return false;
      if (limits.tokens_per_minute && held.tokens.amount < tokens * kMinute) return false;
      return !limits.concurrent || std::cmp_less(held.slots.size(), *limits.concurrent);
    });
  }

  std::int64_t now_;
  std::map<std::string, Held> held_;
  std::vector<Lease> reservations_;
};

}  // namespace tollgate::ratelimit
