#pragma once
// The arithmetic of limits, shared by both stores: pure functions on 64-bit integers, exact to the unit.
//
// Of a limit per minute, a level is counted in units of 1/60 000 of a request or token and time in milliseconds; of a
// limit per day, in units of 1/86 400 and in whole seconds. A limit of L then refills exactly L units per tick: no
// division, no rounding, no drift. Every level, sum and product that matters stays below 2^53, so that a Lua script,
// whose numbers are doubles, computes the same integers.
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ratelimit/limiter.h"

namespace tollgate::ratelimit {

struct Period {
  std::int64_t unit;  // units that make one request or token
  std::int64_t tick;  // ms
};
inline constexpr Period kMinute{60'000, 1};
inline constexpr Period kDay{86'400, 1'000};

// Limits and amounts beyond this count as this.
inline constexpr std::int64_t kMaxAmount = 100'000'000'000;
// A debt beyond this is forgiven.
inline constexpr std::int64_t kMaxDebt = 4'000'000'000;
// The level of a bucket that was never used: above every capacity.
inline constexpr std::int64_t kFull = 9'000'000'000'000'000;
static_assert((kMaxAmount + kMaxDebt) * kDay.unit < (std::int64_t{1} << 53) && kMaxAmount * kDay.unit < kFull);

// The wait reported when no wait helps (a limit of 0).
inline constexpr std::chrono::milliseconds kNever = std::chrono::hours(24);
// A slot comes back whenever some call ends: nobody can know when, so this is how often to ask.
inline constexpr std::chrono::milliseconds kConcurrencyHint{1'000};

// Calls that end a lease at the same time, so that a scope holds a few of these and not one entry per call.
struct Leases {
  std::int64_t end = 0;  // ms of the store's clock
  std::int64_t count = 0;
};

// What a store keeps of one scope.
struct State {
  std::int64_t at = 0;  // when `levels` were true, ms of the store's clock
  std::array<std::int64_t, kBuckets> levels = {kFull, kFull, kFull, kFull};  // units by Meter; negative = debt
  std::vector<Leases> leases;                                                // calls under way, by end
};

// What a scope holds at one instant. Levels of meters without a limit are kFull.
struct Reading {
  std::array<std::int64_t, kBuckets> levels = {kFull, kFull, kFull, kFull};
  std::int64_t running = 0;  // live leases
};

std::int64_t clamp_amount(std::int64_t amount);  // into [0, kMaxAmount]

// A clock that steps back refills nothing.
std::int64_t level_at(std::int64_t level, std::int64_t at, const Rate& rate, std::int64_t now);
// Milliseconds from `now` until `level` has reached `target`: 0 when it has, kNever when it never will.
std::chrono::milliseconds wait_until(std::int64_t level, std::int64_t target, const Rate& rate, std::int64_t now);
// When a lease taken now ends: up to 1/32 later than asked, so that calls share the entry.
std::int64_t lease_end(std::int64_t now, std::chrono::milliseconds lease);
std::chrono::milliseconds clamp_lease(std::chrono::milliseconds lease);

// `state` null = never seen = full.
Reading read(const State* state, const Scope& scope, std::int64_t now);
bool agrees(const Scope& scope, const Reading& reading, std::int64_t tokens);
// The reading after a call with `tokens` was let in.
Reading taken(Reading reading, const Scope& scope, std::int64_t tokens);

// The state after `reading` at `now`, with one more lease where the scope has slots.
void take(State& state, const Scope& scope, const Reading& reading, std::int64_t tokens, std::int64_t end,
          std::int64_t now);
// Tokens given back by a settlement: positive = refund, negative = debt.
std::int64_t refund_of(const Settlement& settlement);
// Does a settlement change anything of this scope?
bool settles(const Scope& scope, std::int64_t refund);
// Gives back tokens, and the slot of a call whose lease has this end.
void give_back(State& state, const Scope& scope, std::int64_t refund, std::int64_t end, std::int64_t now);
// When every bucket is full again.
std::int64_t full_at(const State& state, const Scope& scope);

// The first scope and meter that refuses, with the time until all of them would agree; nullopt when all agree.
// REQUIRES: one reading per scope, of the instant `now`.
std::optional<Denial> find_denial(const Scopes& scopes, std::span<const Reading> readings, std::int64_t tokens,
                                  std::int64_t now);
// Sets `requests` and `tokens` of the verdict from the tightest scope.
void describe_levels(Verdict& verdict, const Scopes& scopes, std::span<const Reading> readings, std::int64_t now);

}  // namespace tollgate::ratelimit
