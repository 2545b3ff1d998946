#pragma once
// What texts held when they were last looked at. Agents send their whole history with every call; what was seen under
// the same policies is not scanned again.
#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pii/pii.h"
#include "pii/text_digest.h"

namespace tollgate::pii {

// Holds offsets, types and scores by the digest of the text: no text, no value. What was used last stays longest.
// Thread-safe: shared by all workers, because a conversation's next call may come over another connection.
class ScanCache {
 public:
  using Found = std::shared_ptr<const std::vector<Finding>>;  // never null
  struct Stats {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::size_t bytes = 0;  // about, allocator included
  };

  // Shorter texts are scanned as fast as they are looked up.
  static constexpr std::size_t kShortest = 512;

  explicit ScanCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  // 0: nothing is looked up or kept.
  void set_max_bytes(std::size_t max_bytes);

  // What `scan` says of the text, or said when the text was last looked at in this scope: whatever else the findings
  // depend on (Policies::scan_scope).
  template <class Scan>
  Found find(std::string_view scope, std::string_view text, Scan&& scan) {
    if (text.size() < kShortest || off()) return share(scan());
    const Key key = digest_(scope, text);
    if (Found known = get(key)) return known;
    Found found = share(scan());
    put(key, found);
    return found;
  }
  // The same in two steps, for what is not found out at once; texts of any length. Null: not known.
  Found known(std::string_view scope, std::string_view text) { return off() ? nullptr : get(digest_(scope, text)); }
  void remember(std::string_view scope, std::string_view text, std::vector<Finding> findings) {
    if (!off()) put(digest_(scope, text), share(std::move(findings)));
  }
  Stats stats() const;

 private:
  using Key = TextDigest::Value;
  // The digest is random already.
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  struct Entry {
    Key key;
    Found found;
  };
  using Entries = std::list<Entry>;
  struct Shard {
    mutable std::mutex mutex;
    Entries entries;  // the one used last first
    std::unordered_map<Key, Entries::iterator, Hash> places;
    Stats stats;

    // Takes out what was not used for longest, until the rest fits.
    Entries trim(std::size_t limit);
  };
  static constexpr std::size_t kShards = 64;

  bool off() const { return max_bytes_.load(std::memory_order_relaxed) == 0; }
  static Found share(std::vector<Finding> findings);
  static std::size_t cost_of(const Found& found);
  Shard& shard_of(const Key& key) { return shards_[key[0] % kShards]; }
  Found get(const Key& key);  // null: not known
  void put(const Key& key, const Found& found);

  TextDigest digest_;
  std::atomic<std::size_t> max_bytes_;
  std::array<Shard, kShards> shards_;
};

}  // namespace tollgate::pii
