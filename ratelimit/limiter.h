#pragma once
// Admission: one atomic decision over every scope and meter of a call, all or nothing; settled once when it ends.
// What scopes and meters are: ratelimit/scope.h.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/ids.h"
#include "gateway/base/log.h"
#include "gateway/base/result.h"
#include "gateway/base/secret.h"
#include "gateway/net/task.h"
#include "ratelimit/scope.h"

namespace tollgate::ratelimit {

// What the caller may know about its tightest scope, for x-ratelimit-* headers.
struct Level {
  std::int64_t limit = 0;
  std::int64_t remaining = 0;          // never negative
  std::chrono::milliseconds reset{0};  // until the bucket is full again
};

struct Denial {
  std::string scope;  // its key: "department:retail"
  Meter meter = Meter::requests_per_minute;
  std::int64_t limit = 0;
  std::int64_t requested = 0;
  std::chrono::milliseconds retry_after{0};  // true wait of all scopes for rates; a short poll hint for concurrency
  bool store_lost = false;                   // denied because the store is away and policy says closed
};

struct Verdict {
  std::optional<Denial> denial;   // absent = admitted
  std::optional<Level> requests;  // per minute, of the scope with the least remaining share
  std::optional<Level> tokens;
  bool degraded = false;  // decided without the shared store
};

struct AdmitRequest {
  Uuid id;  // idempotency: the same id gets the same answer while its lease lives
  Scopes scopes;
  std::int64_t tokens = 0;  // upper bound to reserve; clipped to the smallest token bucket of the scopes
  std::chrono::milliseconds lease{600'000};  // concurrency slots come back by themselves after this
};

struct Settlement {
  Uuid id;
  Scopes scopes;                     // as admitted
  std::int64_t reserved_tokens = 0;  // as clipped by admit
  std::int64_t actual_tokens = 0;    // the difference is refunded, or taken as debt (levels may go negative)
};

// Backend: memory (shared by all workers) or Redis (one link per worker). Same semantics, one conformance suite.
class Limiter {
 public:
  virtual ~Limiter() = default;
  virtual net::Task<Verdict> admit(AdmitRequest request) = 0;
  // Fire and forget; idempotent per id; never waits; a no-op once the lease has run out, so leases must outlive calls.
  // Callable from destructors on the worker's loop.
  virtual void settle(Settlement settlement) = 0;
};

// State of the in-memory limiter: shared by workers, carried across reloads; thread-safe (sharded mutexes, none held
// across a wait). Idle scopes are forgotten when they are full again.
class MemoryStore;
std::shared_ptr<MemoryStore> make_memory_store(const Clock& clock);
std::unique_ptr<Limiter> memory_limiter(std::shared_ptr<MemoryStore> store);

// What happens while Redis is away.
enum class OnStoreLoss : std::uint8_t { local_share, closed, open };

struct RedisOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6379;
  std::shared_ptr<const Secret> password;  // null: none
  int database = 0;
  std::string prefix = "tollgate";  // keys read {prefix}:department:retail
  std::chrono::milliseconds timeout{50};
  OnStoreLoss on_loss = OnStoreLoss::local_share;
  int replicas = 1;  // local share = limit / replicas
};

// Counters for metrics; per limiter, read from its loop.
struct RedisStats {
  bool connected = false;
  std::int64_t calls = 0;
  std::int64_t timeouts = 0;
  std::int64_t reconnects = 0;
  std::int64_t degraded_decisions = 0;
  std::int64_t dropped_settlements = 0;  // while Redis was away for long; their leases ran out by themselves
};

class RedisLimiter : public Limiter {
 public:
  virtual RedisStats stats() const = 0;
};
// Lives on the loop of `io`, which must outlive it. `fallback` serves local_share; throws std::invalid_argument when
// that is the policy and there is none.
std::unique_ptr<RedisLimiter> redis_limiter(net::asio::io_context& io, RedisOptions options,
                                            std::shared_ptr<MemoryStore> fallback, const Clock& clock, Log& log);

// A reservation and its concurrency lease. Move-only; settled once, whatever the ending: the destructor settles as if
// all reserved tokens had been used, because an unknown ending must not be free.
class Ticket {
 public:
  Ticket() = default;
  Ticket(Limiter& limiter, Settlement settlement) : limiter_(&limiter), settlement_(std::move(settlement)) {}
  Ticket(Ticket&& other) noexcept
      : limiter_(std::exchange(other.limiter_, nullptr)), settlement_(std::move(other.settlement_)) {}
  Ticket& operator=(Ticket&& other) noexcept;
  ~Ticket() { settle(settlement_.reserved_tokens); }

  void settle(std::int64_t actual_tokens);
  bool open() const { return limiter_ != nullptr; }
  std::int64_t reserved_tokens() const { return settlement_.reserved_tokens; }

 private:
  Limiter* limiter_ = nullptr;
  Settlement settlement_;
};

}  // namespace tollgate::ratelimit
