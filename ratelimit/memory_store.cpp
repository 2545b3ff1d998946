#include "ratelimit/memory_store.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tollgate::ratelimit {
namespace {

constexpr std::size_t kFewestCallsPerSweep = 256;
constexpr std::size_t kMostUnused = 1'024;
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;  // 2^64 / golden ratio: Fibonacci hashing

}  // namespace

std::size_t UuidHash::operator()(const Uuid& id) const {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // of a UUIDv7: 62 random bits
  std::memcpy(&first, id.bytes.data(), sizeof(first));
  std::memcpy(&last, id.bytes.data() + sizeof(first), sizeof(last));
  return (first ^ last) * kGolden;
}

// Holds the mutexes of a set of shards, taken in ascending order.
class MemoryStore::Locked {
 public:
  Locked(std::array<Shard, kShards>& shards, ShardSet set) : shards_(shards), set_(set) {
    each([](Shard& shard) { shard.mutex.lock(); });
  }
  ~Locked() {
    each([](Shard& shard) { shard.mutex.unlock(); });
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

  template <class Use>
  void each(Use use) const {
    for (ShardSet left = set_; left != 0; left &= left - 1) {
      use(shards_[static_cast<std::size_t>(std::countr_zero(left))]);
    }
  }

 private:
  std::array<Shard, kShards>& shards_;
  ShardSet set_;
};

struct MemoryStore::Attempt {
  explicit Attempt(const AdmitRequest& asked)
      : request(asked),
        tokens(clip_reservation(asked.tokens, asked.scopes)),
        entries(asked.scopes.size()),
        readings(asked.scopes.size()) {
    for (const auto& scope : asked.scopes) shards |= ShardSet{1} << shard_of(*scope);
  }

  const AdmitRequest& request;
  std::int64_t tokens;
  ShardSet shards = 0;
  std::vector<Entry*> entries;    // null: never seen, so full
  std::vector<Reading> readings;  // of the instant `now`, after what was taken
  std::int64_t now = 0;
};

// The top bits of the product: the maps inside a shard use the low ones.
std::size_t MemoryStore::shard_of(const Scope& scope) {
  return (scope.hash * kGolden) >> (64 - std::bit_width(kShards - 1));
}

std::int64_t MemoryStore::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady_now().time_since_epoch()).count();
}

MemoryStore::Entry* MemoryStore::find(const Scope& scope) {
  auto& scopes = shards_[shard_of(scope)].scopes;
  const auto found = scopes.find(scope);
  return found == scopes.end() ? nullptr : &found->second;
}

MemoryStore::Entry& MemoryStore::find_or_make(const Scope& scope) {
  Entry* const found = find(scope);
  return found != nullptr ? *found : shards_[shard_of(scope)].scopes[scope.key];
}

bool MemoryStore::alive(const Shard& shard, const Uuid& id, std::int64_t now) {
  const auto found = shard.reservations.find(id);
  return found != shard.reservations.end() && found->second > now;
}

void MemoryStore::reserve(Shard& shard, const Uuid& id, std::int64_t end) {
  if (shard.unused.empty()) {
    shard.reservations.insert_or_assign(id, end);
    return;
  }
  shard.reservations.erase(id);  // one whose lease has ended
  auto node = std::move(shard.unused.back());
  shard.unused.pop_back();
  node.key() = id;
  node.mapped() = end;
  shard.reservations.insert(std::move(node));
}

std::int64_t MemoryStore::release(Shard& shard, const Uuid& id) {
  auto node = shard.reservations.extract(id);
  if (node.empty()) return 0;
  const std::int64_t end = node.mapped();
  if (shard.unused.size() < kMostUnused) shard.unused.push_back(std::move(node));
  return end;
}

void MemoryStore::note_full_time(Entry& entry, const Scope& scope) {
  entry.full_at = std::max(entry.full_at, full_at(entry.state, scope));
}

Verdict MemoryStore::admit(const AdmitRequest& request) {
  Verdict verdict;
  if (request.scopes.empty()) return verdict;
  Attempt attempt(request);
  if (decide(attempt) == Outcome::refused) {
    verdict.denial = find_denial(request.scopes, attempt.readings, attempt.tokens, attempt.now);
  }
  describe_levels(verdict, request.scopes, attempt.readings, attempt.now);
  return verdict;
}

MemoryStore::Outcome MemoryStore::decide(Attempt& attempt) {
  const AdmitRequest& request = attempt.request;
  const Scopes& scopes = request.scopes;
  const Locked locked(shards_, attempt.shards);
  const std::int64_t now = attempt.now = now_ms();
  bool agreed = true;
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    attempt.entries[i] = find(*scopes[i]);
    attempt.readings[i] = read(attempt.entries[i] == nullptr ? nullptr : &attempt.entries[i]->state, *scopes[i], now);
    agreed = agrees(*scopes[i], attempt.readings[i], attempt.tokens) && agreed;
  }
  Shard& home = shards_[shard_of(*scopes.front())];
  if (alive(home, request.id, now)) return Outcome::known;
  if (!agreed) return Outcome::refused;

  const std::int64_t end = lease_end(now, request.lease);
  reserve(home, request.id, end);
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    Entry& entry = attempt.entries[i] != nullptr ? *attempt.entries[i] : find_or_make(*scopes[i]);
    take(entry.state, *scopes[i], attempt.readings[i], attempt.tokens, end, now);
    note_full_time(entry, *scopes[i]);
    attempt.readings[i] = taken(attempt.readings[i], *scopes[i], attempt.tokens);
  }
  locked.each([now](Shard& shard) { sweep_sometimes(shard, now); });
  return Outcome::admitted;
}

bool MemoryStore::settle(const Settlement& settlement) {
  const Scopes& scopes = settlement.scopes;
  if (scopes.empty()) return false;
  const std::int64_t refund = refund_of(settlement);
  Shard& home = shards_[shard_of(*scopes.front())];
  ShardSet set = ShardSet{1} << shard_of(*scopes.front());
  for (const auto& scope : scopes) {
    if (settles(*scope, refund)) set |= ShardSet{1} << shard_of(*scope);
  }

  const Locked locked(shards_, set);
  const std::int64_t now = now_ms();
  const std::int64_t end = release(home, settlement.id);
  if (end <= now) return false;
  for (const auto& scope : scopes) {
    if (!settles(*scope, refund)) continue;
    if (refund >= 0 && find(*scope) == nullptr) continue;  // forgotten means full: nothing to give back
    Entry& entry = find_or_make(*scope);
    give_back(entry.state, *scope, refund, end, now);
    note_full_time(entry, *scope);
  }
  return true;
}

bool MemoryStore::holds(const Uuid& id, const Scopes& scopes) {
  if (scopes.empty()) return false;
  const std::size_t home = shard_of(*scopes.front());
  const Locked locked(shards_, ShardSet{1} << home);
  return alive(shards_[home], id, now_ms());
}

Reading MemoryStore::reading_of(const Scope& scope) {
  const std::lock_guard lock(shards_[shard_of(scope)].mutex);
  const Entry* const entry = find(scope);
  return read(entry == nullptr ? nullptr : &entry->state, scope, now_ms());
}

std::size_t MemoryStore::remembered_scopes() {
  std::size_t total = 0;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    total += shard.scopes.size();
  }
  return total;
}

// A sweep looks at everything in the shard, so it waits for a number of calls in proportion: constant work per call.
void MemoryStore::sweep_sometimes(Shard& shard, std::int64_t now) {
  const std::size_t size = shard.scopes.size() + shard.reservations.size();
  if (++shard.calls_since_sweep < std::max(kFewestCallsPerSweep, size / 4)) return;
  shard.calls_since_sweep = 0;
  std::erase_if(shard.reservations, [now](const auto& reservation) { return reservation.second <= now; });
  std::erase_if(shard.scopes, [now](const auto& scope) {
    const Entry& entry = scope.second;
    return entry.full_at <= now && std::none_of(entry.state.leases.begin(), entry.state.leases.end(),
                                                [now](const Leases& leases) { return leases.end > now; });
  });
}

namespace {

class MemoryLimiter final : public Limiter {
 public:
  explicit MemoryLimiter(std::shared_ptr<MemoryStore> store) : store_(std::move(store)) {}
  net::Task<Verdict> admit(AdmitRequest request) override { co_return store_->admit(request); }
  void settle(Settlement settlement) override { store_->settle(settlement); }

 private:
  std::shared_ptr<MemoryStore> store_;
};

}  // namespace

std::shared_ptr<MemoryStore> make_memory_store(const Clock& clock) { return std::make_shared<MemoryStore>(clock); }

std::unique_ptr<Limiter> memory_limiter(std::shared_ptr<MemoryStore> store) {
  return std::make_unique<MemoryLimiter>(std::move(store));
}

}  // namespace tollgate::ratelimit
