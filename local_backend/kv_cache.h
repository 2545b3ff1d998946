#pragma once
// The memory of keys and values: one pool of blocks for all sequences, and each sequence's table of blocks.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "local_backend/kv_blocks.h"
#include "local_backend/model_spec.h"

namespace tollgate::local_backend {

// Where keys and values lie. A device has its own memory, and here is only which block of it belongs to whom.
enum class KvMemory : std::uint8_t { host, device };

// A block's memory is taken when it is first used, so a large pool costs nothing until it is needed. Not thread-safe.
class KvPool {
 public:
  KvPool(const ModelSpec& spec, int blocks, int block_tokens, KvMemory where = KvMemory::host);

  // `number`: bytes of each key and value.
  static std::size_t block_bytes(const ModelSpec& spec, int block_tokens, std::size_t number = sizeof(float));
  KvBlocks& blocks() { return blocks_; }
  const KvBlocks& blocks() const { return blocks_; }
  std::size_t row() const { return row_; }  // floats of one position's keys in one layer
  // Null where a device has it. Throws std::bad_alloc.
  float* memory(int block);

 private:
  KvMemory where_;
  KvBlocks blocks_;
  std::size_t row_;
  std::size_t block_floats_;
  std::vector<std::unique_ptr<float[]>> memory_;  // NOLINT(modernize-avoid-c-arrays): not to be filled with zeros
};

// Blocks of one sequence, in the order of its positions. The pool must outlive it.
class KvTable {
 public:
  explicit KvTable(KvPool& pool) : pool_(pool) {}
  ~KvTable() { clear(); }
  KvTable(const KvTable&) = delete;
  KvTable& operator=(const KvTable&) = delete;

  // Shares what is known of the beginning of `tokens`; returns how many positions that is. REQUIRES: empty
  int adopt(const std::string& department, std::span<const int> tokens);
  // The pool could give what is missing to `blocks` in all, and have `spare` left.
  bool can_reserve(int blocks, int spare) const { return blocks - this->blocks() + spare <= pool_.blocks().unused(); }
  // Makes room for `positions` in all. False when the pool has not enough (what there was stays). Throws
  // std::bad_alloc.
  bool reserve(int positions);
  // Lets others share the full blocks of the first `computed` positions, which hold `tokens`.
  void publish(const std::string& department, std::span<const int> tokens, int computed);
  void clear();

  int blocks() const { return static_cast<int>(blocks_.size()); }
  int block_tokens() const { return pool_.blocks().block_tokens(); }
  std::span<const int> block_ids() const { return blocks_; }
  // REQUIRES: KvMemory::host. Positions of the same block lie one after the other, pool.row() floats apart.
  float* keys(int layer, int position) { return at(2 * layer, position); }
  float* values(int layer, int position) { return at(2 * layer + 1, position); }

 private:
  float* at(int plane, int position) {
    const int size = block_tokens();
    const auto row =
        static_cast<std::size_t>(plane) * static_cast<std::size_t>(size) + static_cast<std::size_t>(position % size);
    return memory_[static_cast<std::size_t>(position / size)] + row * pool_.row();
  }

  KvPool& pool_;
  std::vector<int> blocks_;
  std::vector<float*> memory_;  // of each of them
  std::size_t published_ = 0;   // how many of them
};

}  // namespace tollgate::local_backend
