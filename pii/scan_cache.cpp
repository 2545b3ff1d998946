#include "pii/scan_cache.h"

#include <cstring>

namespace tollgate::pii {

std::size_t ScanCache::Hash::operator()(const Key& key) const {
  std::size_t out = 0;
  std::memcpy(&out, key.data() + 1, sizeof out);  // the first byte chose the shard
  return out;
}

ScanCache::Found ScanCache::share(std::vector<Finding> findings) {
  static const Found kNothing = std::make_shared<const std::vector<Finding>>();
  if (findings.empty()) return kNothing;
  findings.shrink_to_fit();
  return std::make_shared<const std::vector<Finding>>(std::move(findings));
}

// An entry's node, its place in the index, and what a list of findings takes.
std::size_t ScanCache::cost_of(const Found& found) {
  constexpr std::size_t kEntry = sizeof(Entry) + sizeof(Key) + 10 * sizeof(void*);
  constexpr std::size_t kList = 64;
  return kEntry + (found->empty() ? 0 : kList + found->size() * sizeof(Finding));
}

ScanCache::Entries ScanCache::Shard::trim(std::size_t limit) {
  Entries out;
  while (stats.bytes > limit) {
    const auto last = std::prev(entries.end());
    stats.bytes -= cost_of(last->found);
    places.erase(last->key);
    out.splice(out.begin(), entries, last);
  }
  return out;
}

void ScanCache::set_max_bytes(std::size_t max_bytes) {
  max_bytes_.store(max_bytes, std::memory_order_relaxed);
  for (Shard& shard : shards_) {
    Entries old;
    const std::lock_guard lock(shard.mutex);
    old = shard.trim(max_bytes / kShards);
  }
}

ScanCache::Found ScanCache::get(const Key& key) {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto place = shard.places.find(key);
  if (place == shard.places.end()) {
    ++shard.stats.misses;
    return nullptr;
  }
  ++shard.stats.hits;
  shard.entries.splice(shard.entries.begin(), shard.entries, place->second);
  return place->second->found;
}

void ScanCache::put(const Key& key, const Found& found) {
  const std::size_t cost = cost_of(found);
  const std::size_t limit = max_bytes_.load(std::memory_order_relaxed) / kShards;
  if (cost > limit) return;
  Entries fresh;
  fresh.push_back({key, found});
  Entries old;  // freed when nobody waits for the lock any more
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  if (!shard.places.try_emplace(key, fresh.begin()).second) return;  // another worker was faster
  shard.entries.splice(shard.entries.begin(), fresh);
  shard.stats.bytes += cost;
  old = shard.trim(limit);
}

ScanCache::Stats ScanCache::stats() const {
  Stats out;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    out.hits += shard.stats.hits;
    out.misses += shard.stats.misses;
    out.bytes += shard.stats.bytes;
  }
  return out;
}

}  // namespace tollgate::pii
