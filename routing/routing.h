#pragma once
// Which target gets a call, in which order, and what follows a failure. Pure but for Health, which remembers failures.
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/error.h"

namespace tollgate::routing {

struct TargetTimeouts {
  std::chrono::milliseconds connect{3'000};
  std::chrono::milliseconds first_content{60'000};  // to the first content, whatever arrives before
  std::chrono::milliseconds idle{60'000};           // between two frames
};

// (provider, model): one place a call can go.
struct Target {
  std::string provider;
  std::string model;  // the provider's name for it
  int weight = 1;     // share among the primary targets; 0 = only when named by fallback
  TargetTimeouts timeouts;
  std::chrono::milliseconds cool_down{10'000};  // after a failure that speaks against the target
  std::string key() const { return provider + "/" + model; }
};

enum class FallbackCause : std::uint8_t { error, throttled, timeout };

struct Fallback {
  Target target;
  std::vector<FallbackCause> when;  // empty = all
  std::string only_criticality;     // empty = every application; else only those of that criticality, such as "low"
};

struct Route {
  std::vector<Target> targets;      // weighted
  std::vector<Fallback> fallbacks;  // ordered
};

// Where a call may go, in order. `primary_count` targets come from the weighted set, the rest are fallbacks.
struct Candidate {
  Target target;
  bool fallback = false;
  std::vector<FallbackCause> when;
};

// How targets have behaved. Shared by workers and carried across reloads, keyed by Target::key(); thread-safe
// (sharded by a mutex held for a lookup only).
class Health {
 public:
  explicit Health(const Clock& clock) : clock_(clock) {}
  bool cooling(const std::string& key) const;
  // A failure that speaks against the target; it is passed over until `cool_down` (or the provider's retry hint) ends.
  void failed(const std::string& key, std::chrono::milliseconds cool_down);
  void succeeded(const std::string& key);
  struct State {
    std::string key;
    bool cooling = false;
    std::int64_t failures = 0;  // since start
    std::int64_t successes = 0;
  };
  std::vector<State> states() const;  // sorted by key, for metrics

 private:
  struct Entry {
    SteadyTime cool_until{};
    std::int64_t failures = 0;
    std::int64_t successes = 0;
  };
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

// Orders the targets of a route for one call: a weighted draw among the healthy primaries (`random` is uniform in 64
// bits), the other healthy primaries after it, then the fallbacks that this application may use, then the cooling ones
// (a cooling target beats no target). Never empty when the route has a usable target.
std::vector<Candidate> plan(const Route& route, const std::string& criticality, const Health& health,
                            std::uint64_t random);

// How a failed attempt looks from the outside.
enum class Outcome : std::uint8_t {
  success,
  caller_fault,  // the provider refused the request itself: every target would
  unserved,      // not by this target: it has no such model, or no place for what is asked; another may
  throttled,     // 429
  timeout,
  error,      // connect failure, 5xx, garbage
  cancelled,  // the client left
};
Outcome classify(const Error& error);
// It is passed over for a while.
bool speaks_against_target(Outcome outcome);
// The next candidate is worth an attempt.
bool another_may_serve(Outcome outcome);

// Decides what follows each attempt. A small machine with no clock: tested as a table.
class AttemptPolicy {
 public:
  explicit AttemptPolicy(std::vector<Candidate> candidates, std::size_t max_attempts = 4);

  // The candidate to try now, or nullptr when there is none left.
  const Candidate* current() const;
  // Reports how current() ended before any content reached the client; true when another candidate is now current.
  bool next_after(Outcome outcome);
  std::size_t attempts() const { return attempts_; }  // started so far, the current one included

 private:
  std::vector<Candidate> candidates_;
  std::size_t at_ = 0;
  std::size_t attempts_;
  std::size_t max_attempts_;
};

}  // namespace tollgate::routing
