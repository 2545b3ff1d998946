#include "ratelimit/bucket.h"

#include <algorithm>

namespace tollgate::ratelimit {
namespace {

using std::chrono::milliseconds;

std::optional<Rate> make_rate(const std::optional<std::int64_t>& limit, const std::optional<std::int64_t>& burst) {
  if (!limit) return std::nullopt;
  return Rate{clamp_amount(*limit), clamp_amount(burst.value_or(*limit)) * kUnit};
}

std::int64_t ceil_div(std::int64_t dividend, std::int64_t divisor) { return (dividend + divisor - 1) / divisor; }

struct Demand {
  Meter meter;
  std::int64_t limit;
  std::int64_t requested;
  milliseconds wait;  // zero = the meter agrees
};

// Every meter of one scope, in the order in which a denial names them.
template <class Use>
void each_demand(const Limits& limits, const Reading& reading, std::int64_t tokens, Use use) {
  if (const auto rate = request_rate(limits)) {
    use(Demand{Meter::requests, rate->per_minute, 1, wait_until(reading.requests, kUnit, *rate)});
  }
  if (const auto rate = token_rate(limits)) {
    use(Demand{Meter::tokens, rate->per_minute, tokens, wait_until(reading.tokens, tokens * kUnit, *rate)});
  }
  if (const auto slots = concurrency(limits)) {
    const milliseconds wait = reading.concurrent < *slots ? milliseconds(0) : kConcurrencyHint;
    use(Demand{Meter::concurrent, *slots, 1, wait});
  }
}

// Keeps the tighter of two buckets: the smaller share of capacity left, compared without division.
class Tightest {
 public:
  void offer(std::int64_t level, const Rate& rate) {
    const std::int64_t left = std::max<std::int64_t>(level, 0);
    if (found_ && static_cast<__int128>(left) * rate_.capacity >= static_cast<__int128>(left_) * rate.capacity) return;
    found_ = true;
    left_ = left;
    level_ = level;
    rate_ = rate;
  }
  std::optional<Level> get() const {
    if (!found_) return std::nullopt;
    return Level{rate_.per_minute, left_ / kUnit, wait_until(level_, rate_.capacity, rate_)};
  }

 private:
  bool found_ = false;
  std::int64_t left_ = 0;
  std::int64_t level_ = 0;
  Rate rate_;
};

}  // namespace

std::int64_t clamp_amount(std::int64_t amount) { return std::clamp<std::int64_t>(amount, 0, kMaxAmount); }

std::optional<Rate> request_rate(const Limits& limits) {
  return make_rate(limits.requests_per_minute, limits.requests_burst);
}

std::optional<Rate> token_rate(const Limits& limits) {
  return make_rate(limits.tokens_per_minute, limits.tokens_burst);
}

std::optional<std::int64_t> concurrency(const Limits& limits) {
  if (!limits.concurrent) return std::nullopt;
  return clamp_amount(*limits.concurrent);
}

bool unlimited(const Limits& limits) {
  return !limits.requests_per_minute && !limits.tokens_per_minute && !limits.concurrent;
}

std::int64_t level_at(const Bucket* bucket, const Rate& rate, std::int64_t now) {
  if (bucket == nullptr || bucket->level >= rate.capacity) return rate.capacity;
  if (rate.per_minute == 0 || now <= bucket->at) return bucket->level;
  const std::int64_t missing = rate.capacity - bucket->level;
  const std::int64_t elapsed = now - bucket->at;
  if (elapsed >= ceil_div(missing, rate.per_minute)) return rate.capacity;  // also keeps the product small
  return bucket->level + rate.per_minute * elapsed;
}

std::int64_t adjusted(std::int64_t level, std::int64_t units, const Rate& rate) {
  return std::clamp(level + units, kLowestLevel, rate.capacity);
}

milliseconds wait_until(std::int64_t level, std::int64_t target, const Rate& rate) {
  if (level >= target) return milliseconds(0);
  if (target > rate.capacity || rate.per_minute == 0) return kNever;
  return milliseconds(ceil_div(target - level, rate.per_minute));
}

std::optional<Denial> find_denial(const std::vector<Scope>& scopes, std::span<const Reading> readings,
                                  std::int64_t tokens) {
  std::optional<Denial> denial;
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    each_demand(scopes[i].limits, readings[i], tokens, [&](const Demand& demand) {
      if (demand.wait.count() == 0) return;
      if (!denial) denial = Denial{scopes[i].name, demand.meter, demand.limit, demand.requested, demand.wait, false};
      denial->retry_after = std::max(denial->retry_after, demand.wait);
    });
  }
  return denial;
}

void describe_levels(Verdict& verdict, const std::vector<Scope>& scopes, std::span<const Reading> readings) {
  Tightest requests;
  Tightest tokens;
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    if (const auto rate = request_rate(scopes[i].limits)) requests.offer(readings[i].requests, *rate);
    if (const auto rate = token_rate(scopes[i].limits)) tokens.offer(readings[i].tokens, *rate);
  }
  verdict.requests = requests.get();
  verdict.tokens = tokens.get();
}

std::int64_t refund_units(const Settlement& settlement) {
  return (clamp_amount(settlement.reserved_tokens) - clamp_amount(settlement.actual_tokens)) * kUnit;
}

milliseconds clamp_lease(milliseconds lease) {
  return std::clamp<milliseconds>(lease, milliseconds(1), std::chrono::hours(24 * 7));
}

std::int64_t clip_reservation(std::int64_t tokens, const std::vector<Scope>& scopes) {
  std::int64_t clipped = clamp_amount(tokens);
  for (const Scope& scope : scopes) {
    const auto rate = token_rate(scope.limits);
    // A bucket of 0 must refuse: reserving nothing would slip past it.
    if (rate) clipped = std::min(clipped, std::max<std::int64_t>(rate->capacity / kUnit, 1));
  }
  return clipped;
}

}  // namespace tollgate::ratelimit
