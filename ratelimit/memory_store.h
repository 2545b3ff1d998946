#pragma once
// Limits in this process's memory: the store of a single gateway, and the local share of a fleet whose Redis is away.
#include <array>
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "ratelimit/bucket.h"
#include "ratelimit/limiter.h"

namespace tollgate::ratelimit {

struct UuidHash {
  std::size_t operator()(const Uuid& id) const;
};

// Finds a scope's state by the scope itself, whose hash is known.
struct ScopeHash {
  using is_transparent = void;
  std::size_t operator()(const std::string& key) const { return std::hash<std::string>{}(key); }
  std::size_t operator()(const Scope& scope) const { return scope.hash; }
};
struct ScopeEqual {
  using is_transparent = void;
  bool operator()(const std::string& a, const std::string& b) const { return a == b; }
  bool operator()(const Scope& a, const std::string& b) const { return a.key == b; }
  bool operator()(const std::string& a, const Scope& b) const { return a == b.key; }
};

// Thread-safe. A call locks the shards of its scopes in ascending order, so two calls never wait for each other in a
// circle; it decides, writes and lets go, and waits for nothing else while holding them. Nothing is allocated under the
// locks but the state of a scope that was not known, and room for more calls at once than ever before.
class MemoryStore {
 public:
  explicit MemoryStore(const Clock& clock) : clock_(clock) {}
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  Verdict admit(const AdmitRequest& request);
  // False: no live reservation of that id (never admitted, settled before, or its lease ran out); nothing changed.
  bool settle(const Settlement& settlement);
  // Does a live reservation of that id stand here? `scopes` as it was admitted with.
  bool holds(const Uuid& id, const Scopes& scopes);
  // What a scope holds at this moment; takes nothing.
  Reading reading_of(const Scope& scope);
  // Scopes remembered, for tests and metrics. Forgetting is lazy: it rides on later calls.
  std::size_t remembered_scopes();

 private:
  static constexpr std::size_t kShards = 32;
  using ShardSet = std::uint32_t;                                         // one bit per shard
  using Reservations = std::unordered_map<Uuid, std::int64_t, UuidHash>;  // by id of the call: when its lease ends

  struct Entry {
    State state;
    std::int64_t full_at = 0;  // ms; by then every bucket is full again
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, Entry, ScopeHash, ScopeEqual> scopes;
    Reservations reservations;                    // of calls whose first scope lies here
    std::vector<Reservations::node_type> unused;  // kept for the next calls
    std::size_t calls_since_sweep = 0;
  };
  // One admission under way; what it needs is allocated before the locks are taken.
  struct Attempt;
  enum class Outcome : std::uint8_t { admitted, known, refused };
  class Locked;

  static std::size_t shard_of(const Scope& scope);
  static bool alive(const Shard& shard, const Uuid& id, std::int64_t now);
  static void reserve(Shard& shard, const Uuid& id, std::int64_t end);
  // When the reservation's lease ends; 0 where there is none. Forgets it.
  static std::int64_t release(Shard& shard, const Uuid& id);
  static void note_full_time(Entry& entry, const Scope& scope);
  static void sweep_sometimes(Shard& shard, std::int64_t now);
  Outcome decide(Attempt& attempt);
  Entry* find(const Scope& scope);
  Entry& find_or_make(const Scope& scope);
  std::int64_t now_ms() const;

  const Clock& clock_;
  std::array<Shard, kShards> shards_;
};

}  // namespace tollgate::ratelimit
