#pragma once
// The arithmetic of a token bucket, shared by both stores: pure functions on 64-bit integers, exact to the unit.
//
// A level is counted in units of 1/60 000 of a request or token, and time in whole milliseconds. A limit of L per
// minute then refills exactly L units per millisecond: no division, no rounding, no drift. Every level stays below 2^53
// so that a Lua script, whose numbers are doubles, computes the same integers.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ratelimit/limiter.h"

namespace tollgate::ratelimit {

inline constexpr std::int64_t kUnit = 60'000;
// Limits and amounts beyond this count as this (100 billion tokens): 6e15 units, below 2^53 = 9e15.
inline constexpr std::int64_t kMaxAmount = 100'000'000'000;
inline constexpr std::int64_t kLowestLevel = -kMaxAmount * kUnit;
// The wait reported when no wait helps (a limit of 0).
inline constexpr std::chrono::milliseconds kNever = std::chrono::hours(24);
// A slot comes back whenever some call ends: nobody can know when, so this is how often to ask.
inline constexpr std::chrono::milliseconds kConcurrencyHint{1'000};

struct Rate {
  std::int64_t per_minute = 0;  // also: units refilled per millisecond
  std::int64_t capacity = 0;    // units
};

struct Bucket {
  std::int64_t level = 0;  // units; negative = debt
  std::int64_t at = 0;     // ms of the store's clock
};

// What one scope holds at one instant. Fields of meters without a limit are meaningless.
struct Reading {
  std::int64_t requests = 0;    // units
  std::int64_t tokens = 0;      // units
  std::int64_t concurrent = 0;  // live leases
};

std::int64_t clamp_amount(std::int64_t amount);  // into [0, kMaxAmount]
std::optional<Rate> request_rate(const Limits& limits);
std::optional<Rate> token_rate(const Limits& limits);
std::optional<std::int64_t> concurrency(const Limits& limits);
bool unlimited(const Limits& limits);

// `bucket` null = never seen = full. A clock that steps back refills nothing.
std::int64_t level_at(const Bucket* bucket, const Rate& rate, std::int64_t now);
// The level after giving back (positive) or taking (negative) `units`: never above capacity, never below kLowestLevel.
std::int64_t adjusted(std::int64_t level, std::int64_t units, const Rate& rate);
// Milliseconds of refilling until `level` has reached `target`: 0 when it has, kNever when it never will.
std::chrono::milliseconds wait_until(std::int64_t level, std::int64_t target, const Rate& rate);

// The first scope and meter that refuses, with the time until all of them would agree; nullopt when all agree.
// REQUIRES: one reading per scope.
std::optional<Denial> find_denial(const std::vector<Scope>& scopes, std::span<const Reading> readings,
                                  std::int64_t tokens);
// Sets `requests` and `tokens` of the verdict from the tightest scope.
void describe_levels(Verdict& verdict, const std::vector<Scope>& scopes, std::span<const Reading> readings);

// Reservation units given back by a settlement: positive = refund, negative = debt.
std::int64_t refund_units(const Settlement& settlement);
std::chrono::milliseconds clamp_lease(std::chrono::milliseconds lease);

}  // namespace tollgate::ratelimit
