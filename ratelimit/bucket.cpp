#include "ratelimit/bucket.h"

#include <algorithm>

namespace tollgate::ratelimit {
namespace {

using std::chrono::milliseconds;

std::int64_t ceil_div(std::int64_t dividend, std::int64_t divisor) { return (dividend + divisor - 1) / divisor; }

// Units of bucket `i` that a call takes.
std::int64_t need_of(std::size_t i, const Rate& rate, std::int64_t tokens) {
  return counts_tokens(static_cast<Meter>(i)) ? tokens * rate.unit : rate.unit;
}

// use(index, rate) for every bucket of the scope.
template <class Use>
void each_bucket(const Scope& scope, Use use) {
  for (std::size_t i = 0; i < kBuckets; ++i) {
    if (scope.rates[i]) use(i, *scope.rates[i]);
  }
}

struct Demand {
  Meter meter;
  std::int64_t limit;
  std::int64_t requested;
  milliseconds wait;  // zero = the meter agrees
};

// Every meter of one scope, in the order in which a denial names them.
template <class Use>
void each_demand(const Scope& scope, const Reading& reading, std::int64_t tokens, std::int64_t now, Use use) {
  each_bucket(scope, [&](std::size_t i, const Rate& rate) {
    const std::int64_t need = need_of(i, rate, tokens);
    use(Demand{static_cast<Meter>(i), rate.limit, need / rate.unit, wait_until(reading.levels[i], need, rate, now)});
  });
  if (!scope.slots) return;
  const milliseconds wait = reading.running < *scope.slots ? milliseconds(0) : kConcurrencyHint;
  use(Demand{Meter::concurrent, *scope.slots, 1, wait});
}

// Keeps the tighter of two buckets: the smaller share of capacity left, compared without division.
class Tightest {
 public:
  void offer(std::int64_t level, const Rate& rate) {
    const std::int64_t left = std::max<std::int64_t>(level, 0);
    if (rate_ != nullptr &&
        static_cast<__int128>(left) * rate_->capacity >= static_cast<__int128>(left_) * rate.capacity) {
      return;
    }
    left_ = left;
    level_ = level;
    rate_ = &rate;
  }
  std::optional<Level> get(std::int64_t now) const {
    if (rate_ == nullptr) return std::nullopt;
    return Level{rate_->limit, left_ / rate_->unit, wait_until(level_, rate_->capacity, *rate_, now)};
  }

 private:
  const Rate* rate_ = nullptr;
  std::int64_t left_ = 0;
  std::int64_t level_ = 0;
};

// Of scopes that outlive the call.
std::optional<Level> tightest(Meter meter, const Scopes& scopes, std::span<const Reading> readings, std::int64_t now) {
  const auto i = static_cast<std::size_t>(meter);
  Tightest found;
  for (std::size_t s = 0; s < scopes.size(); ++s) {
    if (scopes[s]->rates[i]) found.offer(readings[s].levels[i], *scopes[s]->rates[i]);
  }
  return found.get(now);
}

void write(State& state, const Reading& reading, std::int64_t now) {
  state.levels = reading.levels;
  state.at = std::max(state.at, now);  // never back, or a moment would be refilled twice
  std::erase_if(state.leases, [now](const Leases& leases) { return leases.end <= now; });
}

}  // namespace

std::int64_t clamp_amount(std::int64_t amount) { return std::clamp<std::int64_t>(amount, 0, kMaxAmount); }

std::int64_t level_at(std::int64_t level, std::int64_t at, const Rate& rate, std::int64_t now) {
  if (level >= rate.capacity) return rate.capacity;
  const std::int64_t ticks = now / rate.tick - at / rate.tick;
  if (ticks <= 0 || rate.limit == 0) return level;
  if (ticks >= ceil_div(rate.capacity - level, rate.limit)) return rate.capacity;  // also keeps the product small
  return level + rate.limit * ticks;
}

milliseconds wait_until(std::int64_t level, std::int64_t target, const Rate& rate, std::int64_t now) {
  if (level >= target) return milliseconds(0);
  if (target > rate.capacity || rate.limit == 0) return kNever;
  // At most (kMaxAmount + kMaxDebt) * 86 400 ticks of a second: 9e18, just below 2^63.
  return milliseconds(ceil_div(target - level, rate.limit) * rate.tick - now % rate.tick);
}

milliseconds clamp_lease(milliseconds lease) {
  return std::clamp<milliseconds>(lease, milliseconds(1), std::chrono::hours(24 * 7));
}

std::int64_t lease_end(std::int64_t now, milliseconds lease) {
  const std::int64_t length = clamp_lease(lease).count();
  const std::int64_t grain = std::max<std::int64_t>(1, length / 32);
  return ceil_div(now + length, grain) * grain;
}

Reading read(const State* state, const Scope& scope, std::int64_t now) {
  Reading reading;
  each_bucket(scope, [&](std::size_t i, const Rate& rate) {
    reading.levels[i] = state == nullptr ? rate.capacity : level_at(state->levels[i], state->at, rate, now);
  });
  if (state == nullptr) return reading;
  for (const Leases& leases : state->leases) {
    if (leases.end > now) reading.running += leases.count;
  }
  return reading;
}

bool agrees(const Scope& scope, const Reading& reading, std::int64_t tokens) {
  bool enough = !scope.slots || reading.running < *scope.slots;
  each_bucket(scope, [&](std::size_t i, const Rate& rate) {
    enough = enough && reading.levels[i] >= need_of(i, rate, tokens);
  });
  return enough;
}

Reading taken(Reading reading, const Scope& scope, std::int64_t tokens) {
  each_bucket(scope, [&](std::size_t i, const Rate& rate) { reading.levels[i] -= need_of(i, rate, tokens); });
  if (scope.slots) ++reading.running;
  return reading;
}

void take(State& state, const Scope& scope, const Reading& reading, std::int64_t tokens, std::int64_t end,
          std::int64_t now) {
  write(state, taken(reading, scope, tokens), now);
  if (!scope.slots) return;
  const auto same =
      std::find_if(state.leases.begin(), state.leases.end(), [&](const Leases& l) { return l.end == end; });
  if (same != state.leases.end()) {
    ++same->count;
  } else {
    state.leases.push_back({end, 1});
  }
}

std::int64_t refund_of(const Settlement& settlement) {
  return clamp_amount(settlement.reserved_tokens) - clamp_amount(settlement.actual_tokens);
}

bool settles(const Scope& scope, std::int64_t refund) {
  const bool tokens = scope.rates[static_cast<std::size_t>(Meter::tokens_per_minute)] ||
                      scope.rates[static_cast<std::size_t>(Meter::tokens_per_day)];
  return scope.slots.has_value() || (tokens && refund != 0);
}

void give_back(State& state, const Scope& scope, std::int64_t refund, std::int64_t end, std::int64_t now) {
  Reading reading = read(&state, scope, now);
  each_bucket(scope, [&](std::size_t i, const Rate& rate) {
    if (!counts_tokens(static_cast<Meter>(i))) return;
    reading.levels[i] = std::clamp(reading.levels[i] + refund * rate.unit, -kMaxDebt * rate.unit, rate.capacity);
  });
  write(state, reading, now);
  if (!scope.slots) return;
  std::erase_if(state.leases, [end](Leases& leases) { return leases.end == end && --leases.count == 0; });
}

std::int64_t full_at(const State& state, const Scope& scope) {
  milliseconds longest{0};
  each_bucket(scope, [&](std::size_t i, const Rate& rate) {
    longest = std::max(longest, wait_until(state.levels[i], rate.capacity, rate, state.at));
  });
  return state.at + longest.count();
}

std::optional<Denial> find_denial(const Scopes& scopes, std::span<const Reading> readings, std::int64_t tokens,
                                  std::int64_t now) {
  std::optional<Denial> denial;
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    each_demand(*scopes[i], readings[i], tokens, now, [&](const Demand& demand) {
      if (demand.wait.count() == 0) return;
      if (!denial) denial = Denial{scopes[i]->key, demand.meter, demand.limit, demand.requested, demand.wait, false};
      denial->retry_after = std::max(denial->retry_after, demand.wait);
    });
  }
  return denial;
}

void describe_levels(Verdict& verdict, const Scopes& scopes, std::span<const Reading> readings, std::int64_t now) {
  verdict.requests = tightest(Meter::requests_per_minute, scopes, readings, now);
  verdict.tokens = tightest(Meter::tokens_per_minute, scopes, readings, now);
}

}  // namespace tollgate::ratelimit
