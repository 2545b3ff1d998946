#include "ratelimit/memory_store.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>

namespace tollgate::ratelimit {
namespace {

constexpr std::size_t kFewestCallsPerSweep = 256;
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;  // 2^64 / golden ratio: Fibonacci hashing

template <class Leases>
void forget_ended(Leases& leases, std::int64_t now) {
  std::erase_if(leases, [now](const auto& lease) { return lease.second <= now; });
}

template <class Leases>
bool lives(const Leases& leases, const Uuid& id, std::int64_t now) {
  const auto found = leases.find(id);
  return found != leases.end() && found->second > now;
}

const Bucket* pointer(const std::optional<Bucket>& bucket) { return bucket ? &*bucket : nullptr; }

// Refills to `now`, then adds `units`. A bucket's time never steps back, or a moment would be refilled twice.
void add(std::optional<Bucket>& bucket, std::int64_t units, const Rate& rate, std::int64_t now) {
  const std::int64_t level = adjusted(level_at(pointer(bucket), rate, now), units, rate);
  bucket = Bucket{level, bucket ? std::max(bucket->at, now) : now};
}

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

// The top bits of the product: the maps inside a shard use the low ones.
std::size_t MemoryStore::shard_of(const std::string& key) {
  return (std::hash<std::string>{}(key)*kGolden) >> (64 - std::bit_width(kShards - 1));
}

std::size_t MemoryStore::shard_of(const Uuid& id) { return UuidHash{}(id) >> (64 - std::bit_width(kShards - 1)); }

std::int64_t MemoryStore::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady_now().time_since_epoch()).count();
}

Reading MemoryStore::read(State* state, const Limits& limits, std::int64_t now) {
  Reading reading;
  if (const auto rate = request_rate(limits)) {
    reading.requests = level_at(state == nullptr ? nullptr : pointer(state->requests), *rate, now);
  }
  if (const auto rate = token_rate(limits)) {
    reading.tokens = level_at(state == nullptr ? nullptr : pointer(state->tokens), *rate, now);
  }
  const auto slots = concurrency(limits);
  if (!slots || state == nullptr) return reading;
  if (std::cmp_greater_equal(state->leases.size(), *slots)) forget_ended(state->leases, now);
  reading.concurrent = static_cast<std::int64_t>(state->leases.size());
  return reading;
}

void MemoryStore::take(State& state, const AdmitRequest& request, const Limits& limits, std::int64_t tokens,
                       std::int64_t now) {
  if (const auto rate = request_rate(limits)) add(state.requests, -kUnit, *rate, now);
  if (const auto rate = token_rate(limits)) add(state.tokens, -tokens * kUnit, *rate, now);
  if (limits.concurrent) state.leases.insert_or_assign(request.id, now + clamp_lease(request.lease).count());
  note_full_time(state, limits, now);
}

void MemoryStore::note_full_time(State& state, const Limits& limits, std::int64_t now) {
  const auto note = [&](const std::optional<Bucket>& bucket, const std::optional<Rate>& rate) {
    if (!bucket || !rate) return;
    state.full_at = std::max(state.full_at, now + wait_until(bucket->level, rate->capacity, *rate).count());
  };
  note(state.requests, request_rate(limits));
  note(state.tokens, token_rate(limits));
}

Verdict MemoryStore::admit(const AdmitRequest& request) {
  const std::vector<Scope>& scopes = request.scopes;
  const std::int64_t tokens = clip_reservation(request.tokens, scopes);
  std::vector<Place> places(scopes.size());
  std::vector<Reading> readings(scopes.size());
  const std::size_t home = shard_of(request.id);
  ShardSet set = ShardSet{1} << home;
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    const std::size_t shard = shard_of(scopes[i].key);
    places[i].shard = &shards_[shard];
    set |= ShardSet{1} << shard;
  }

  Verdict verdict;
  const Locked locked(shards_, set);
  const std::int64_t now = now_ms();
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    auto& states = places[i].shard->scopes;
    const auto found = states.find(scopes[i].key);
    if (found != states.end()) places[i].state = &found->second;
    readings[i] = read(places[i].state, scopes[i].limits, now);
  }
  if (!lives(shards_[home].reservations, request.id, now)) {
    verdict.denial = find_denial(scopes, readings, tokens);
    if (!verdict.denial) {
      shards_[home].reservations.insert_or_assign(request.id, now + clamp_lease(request.lease).count());
      for (std::size_t i = 0; i < scopes.size(); ++i) {
        State& state = places[i].state == nullptr ? places[i].shard->scopes[scopes[i].key] : *places[i].state;
        take(state, request, scopes[i].limits, tokens, now);
        readings[i] = read(&state, scopes[i].limits, now);
      }
      locked.each([now](Shard& shard) { sweep_sometimes(shard, now); });
    }
  }
  describe_levels(verdict, scopes, readings);
  return verdict;
}

bool MemoryStore::settle(const Settlement& settlement) {
  const std::size_t home = shard_of(settlement.id);
  ShardSet set = ShardSet{1} << home;
  for (const Scope& scope : settlement.scopes) set |= ShardSet{1} << shard_of(scope.key);

  const Locked locked(shards_, set);
  const std::int64_t now = now_ms();
  const bool alive = lives(shards_[home].reservations, settlement.id, now);
  shards_[home].reservations.erase(settlement.id);
  if (!alive) return false;
  for (const Scope& scope : settlement.scopes) give_back(shards_[shard_of(scope.key)], scope, settlement, now);
  return true;
}

void MemoryStore::give_back(Shard& shard, const Scope& scope, const Settlement& settlement, std::int64_t now) {
  const std::int64_t units = refund_units(settlement);
  const auto rate = token_rate(scope.limits);
  const auto found = shard.scopes.find(scope.key);
  if (found == shard.scopes.end() && (!rate || units >= 0)) return;  // forgotten means full: nothing to give back
  State& state = found == shard.scopes.end() ? shard.scopes[scope.key] : found->second;
  if (rate && units != 0) add(state.tokens, units, *rate, now);
  state.leases.erase(settlement.id);
  note_full_time(state, scope.limits, now);
}

bool MemoryStore::holds(const Uuid& id) {
  const std::size_t home = shard_of(id);
  const Locked locked(shards_, ShardSet{1} << home);
  return lives(shards_[home].reservations, id, now_ms());
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
  forget_ended(shard.reservations, now);
  for (auto& [key, state] : shard.scopes) forget_ended(state.leases, now);
  std::erase_if(shard.scopes,
                [now](const auto& entry) { return entry.second.leases.empty() && entry.second.full_at <= now; });
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
