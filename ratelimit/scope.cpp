#include "ratelimit/scope.h"

#include <algorithm>
#include <functional>

#include "ratelimit/bucket.h"

namespace tollgate::ratelimit {
namespace {

using Amount = std::optional<std::int64_t>;

std::optional<Rate> make_rate(const Amount& limit, const Amount& burst, const Period& period) {
  if (!limit) return std::nullopt;
  return Rate{clamp_amount(*limit), clamp_amount(burst.value_or(*limit)) * period.unit, period.unit, period.tick};
}

std::int64_t divided(std::int64_t amount, int replicas) {
  return amount == 0 ? 0 : std::max<std::int64_t>(1, amount / std::max(replicas, 1));
}

}  // namespace

std::string_view to_string(Meter meter) {
  switch (meter) {
    case Meter::requests_per_minute:
      return "requests_per_minute";
    case Meter::tokens_per_minute:
      return "tokens_per_minute";
    case Meter::requests_per_day:
      return "requests_per_day";
    case Meter::tokens_per_day:
      return "tokens_per_day";
    case Meter::concurrent:
      return "concurrent";
  }
  return "";
}

bool unlimited(const Limits& limits) {
  return !limits.requests_per_minute && !limits.tokens_per_minute && !limits.requests_per_day &&
         !limits.tokens_per_day && !limits.concurrent;
}

std::shared_ptr<const Scope> make_scope(std::string key, const Limits& limits) {
  if (unlimited(limits)) return nullptr;
  auto scope = std::make_shared<Scope>();
  scope->key = std::move(key);
  scope->hash = std::hash<std::string>{}(scope->key);
  scope->rates = {make_rate(limits.requests_per_minute, limits.requests_burst, kMinute),
                  make_rate(limits.tokens_per_minute, limits.tokens_burst, kMinute),
                  make_rate(limits.requests_per_day, limits.requests_day_burst, kDay),
                  make_rate(limits.tokens_per_day, limits.tokens_day_burst, kDay)};
  if (limits.concurrent) scope->slots = clamp_amount(*limits.concurrent);
  return scope;
}

std::shared_ptr<const Scope> share_of(const Scope& scope, int replicas) {
  auto share = std::make_shared<Scope>(scope);
  for (auto& rate : share->rates) {
    if (!rate) continue;
    rate->limit = divided(rate->limit, replicas);
    rate->capacity = divided(rate->capacity / rate->unit, replicas) * rate->unit;
  }
  if (share->slots) share->slots = divided(*share->slots, replicas);
  return share;
}

std::int64_t clip_reservation(std::int64_t tokens, const Scopes& scopes) {
  std::int64_t clipped = clamp_amount(tokens);
  for (const auto& scope : scopes) {
    for (const Meter meter : {Meter::tokens_per_minute, Meter::tokens_per_day}) {
      const auto& rate = scope->rates[static_cast<std::size_t>(meter)];
      // A bucket of 0 must refuse: reserving nothing would slip past it.
      if (rate) clipped = std::min(clipped, std::max<std::int64_t>(rate->capacity / rate->unit, 1));
    }
  }
  return clipped;
}

}  // namespace tollgate::ratelimit
