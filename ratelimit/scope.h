#pragma once
// What is limited, and by how much.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::ratelimit {

// What is counted, in the order in which a denial names it. All but the last are token buckets.
enum class Meter : std::uint8_t {
  requests_per_minute,
  tokens_per_minute,
  requests_per_day,
  tokens_per_day,
  concurrent
};
inline constexpr std::size_t kBuckets = 4;

std::string_view to_string(Meter meter);  // as a configuration names it: "tokens_per_day"
constexpr bool counts_tokens(Meter meter) {
  return meter == Meter::tokens_per_minute || meter == Meter::tokens_per_day;
}

// Limits of one scope. Absent = unlimited. Rates are token buckets: refilled continuously at limit/60 s (limit/24 h),
// holding at most the burst (default: the limit itself), so at most limit + burst pass in any 60 s (24 h).
struct Limits {
  std::optional<std::int64_t> requests_per_minute;
  std::optional<std::int64_t> requests_burst;
  std::optional<std::int64_t> tokens_per_minute;
  std::optional<std::int64_t> tokens_burst;
  std::optional<std::int64_t> requests_per_day;
  std::optional<std::int64_t> requests_day_burst;
  std::optional<std::int64_t> tokens_per_day;
  std::optional<std::int64_t> tokens_day_burst;
  std::optional<std::int64_t> concurrent;
};

// One bucket's arithmetic; what units and ticks are is said in bucket.h.
struct Rate {
  std::int64_t limit = 0;     // per minute or day; also: units refilled per tick
  std::int64_t capacity = 0;  // units
  std::int64_t unit = 0;      // units that make one request or token
  std::int64_t tick = 0;      // ms

  bool operator==(const Rate&) const = default;
};

// A thing that is limited: a department, a key, a model. Made once, when a configuration is read, and shared by its
// calls; it limits at least one meter.
struct Scope {
  std::string key;       // state lives under it, across reloads and replicas: "department:retail"
  std::size_t hash = 0;  // of key
  std::array<std::optional<Rate>, kBuckets> rates;  // by Meter
  std::optional<std::int64_t> slots;                // of Meter::concurrent

  bool operator==(const Scope&) const = default;
};

// Of one call, narrow to wide, so that a denial names the narrowest cause; none null, no key twice, at most
// kMostScopes.
inline constexpr std::size_t kMostScopes = 8;
using Scopes = std::vector<std::shared_ptr<const Scope>>;

// Null where nothing is limited.
std::shared_ptr<const Scope> make_scope(std::string key, const Limits& limits);
bool unlimited(const Limits& limits);

// This replica's share of a scope: everything divided, but never less than 1 of what is allowed at all.
std::shared_ptr<const Scope> share_of(const Scope& scope, int replicas);

// Tokens to reserve so that every scope could ever admit the call.
std::int64_t clip_reservation(std::int64_t tokens, const Scopes& scopes);

}  // namespace tollgate::ratelimit
