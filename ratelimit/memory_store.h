#pragma once
// Limits in this process's memory: the store of a single gateway, and the local share of a fleet whose Redis is away.
#include <array>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ratelimit/bucket.h"
#include "ratelimit/limiter.h"

namespace tollgate::ratelimit {

struct UuidHash {
  std::size_t operator()(const Uuid& id) const;
};

// Thread-safe. A call locks the shards of its id and of its scopes in ascending order, so two calls never wait for each
// other in a circle; it decides, writes and lets go, and waits for nothing else while holding them.
class MemoryStore {
 public:
  explicit MemoryStore(const Clock& clock) : clock_(clock) {}
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  // REQUIRES: the scopes' keys differ from each other (here and in settle).
  Verdict admit(const AdmitRequest& request);
  // False: no live reservation of that id (never admitted, settled before, or its lease ran out); nothing changed.
  bool settle(const Settlement& settlement);
  // Does a live reservation of that id stand here?
  bool holds(const Uuid& id);
  // Scopes remembered, for tests and metrics. Forgetting is lazy: it rides on later calls.
  std::size_t remembered_scopes();

 private:
  static constexpr std::size_t kShards = 32;
  using ShardSet = std::uint32_t;                                   // one bit per shard
  using Leases = std::unordered_map<Uuid, std::int64_t, UuidHash>;  // id -> when it ends, ms

  struct State {  // of one scope
    std::optional<Bucket> requests;
    std::optional<Bucket> tokens;
    std::int64_t full_at = 0;  // ms; by then every bucket is full again
    Leases leases;
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, State> scopes;
    Leases reservations;  // by id of the call: what makes admit and settle idempotent
    std::size_t calls_since_sweep = 0;
  };
  struct Place {  // of one scope of a call
    Shard* shard = nullptr;
    State* state = nullptr;  // null: never seen, so full
  };
  class Locked;

  static std::size_t shard_of(const std::string& key);
  static std::size_t shard_of(const Uuid& id);
  static Reading read(State* state, const Limits& limits, std::int64_t now);
  static void take(State& state, const AdmitRequest& request, const Limits& limits, std::int64_t tokens,
                   std::int64_t now);
  static void give_back(Shard& shard, const Scope& scope, const Settlement& settlement, std::int64_t now);
  static void note_full_time(State& state, const Limits& limits, std::int64_t now);
  static void sweep_sometimes(Shard& shard, std::int64_t now);
  std::int64_t now_ms() const;

  const Clock& clock_;
  std::array<Shard, kShards> shards_;
};

}  // namespace tollgate::ratelimit
