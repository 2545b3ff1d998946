#pragma once
// Which block of the key-value cache belongs to whom, and which of them still hold a prefix that may come again. Pure
// logic: no memory of keys and values here. Not thread-safe.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace tollgate::local_backend {

// A block holds a fixed number of positions and has a count of references. A full block can be published: then later
// sequences of the same department that begin with the same tokens share it, while it is in use and after, until its
// place is needed. Hits are found by hash and proven by comparing every token, the block before it and the department:
// nobody learns from timing what another department has asked.
class KvBlocks {
 public:
  // REQUIRES: both above 0
  KvBlocks(int blocks, int block_tokens);

  int block_tokens() const { return block_tokens_; }
  int total() const { return static_cast<int>(blocks_.size()); }
  int unused() const { return unused_; }  // with those that hold a published prefix nobody uses now

  // A block with one reference. Takes the one unused for longest and forgets what it held; nullopt when all are in use.
  std::optional<int> allocate();
  // Drops a reference. What is released first is taken first: release a sequence's last block first.
  void release(int block);
  // The published blocks, in order, that hold the longest prefix of `tokens`; each gets a reference.
  std::vector<int> find(const std::string& department, std::span<const int> tokens);
  // Says what a full block holds: `tokens` after what `parent` (published, or -1) ends with. Returns the block to use
  // from now on: where another holds the same already, that one, and the reference moves there.
  // REQUIRES: a reference to both; tokens.size() == block_tokens()
  int publish(const std::string& department, int parent, int block, std::span<const int> tokens);

 private:
  struct Block {
    int references = 0;
    bool published = false;
    std::uint32_t generation = 0;  // how often its content was forgotten
    std::uint64_t hash = 0;
    int parent = -1;
    std::uint32_t parent_generation = 0;
    std::string department;  // of a first block; later ones have it from their parent
    int previous = -1;       // in the list of unused ones
    int next = -1;
  };
  Block& at(int block) { return blocks_[static_cast<std::size_t>(block)]; }
  const Block& at(int block) const { return blocks_[static_cast<std::size_t>(block)]; }
  std::span<int> tokens_of(int block);
  std::uint64_t hash_of(const std::string& department, int parent, std::span<const int> tokens) const;
  int lookup(std::uint64_t hash, const std::string& department, int parent, std::span<const int> tokens);
  void reference(int block);
  void forget(int block);
  void link(int block, int before);
  void unlink(int block);

  int block_tokens_;
  int unused_;
  int first_ = -1;  // of the unused: taken next
  int last_ = -1;
  std::vector<Block> blocks_;
  std::vector<int> tokens_;  // block_tokens_ for each block
  std::unordered_multimap<std::uint64_t, int> index_;
};

}  // namespace tollgate::local_backend
