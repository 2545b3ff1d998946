#pragma once
// Which calls under way stand in the database as intents, and in which block. Private.
//
// The intents of one group are stored as one block, a row: a row each, inserted and soon deleted, cost more than all
// the rest of the ledger (measured). A block is deleted when the last of its calls has ended.
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "finops/usage_record.h"
#include "gateway/base/result.h"

namespace tollgate::finops {

// A final record as it lies in a ring.
struct EncodedFinal {
  Uuid event_id;
  std::string_view bytes;
};

struct UuidHash {
  std::size_t operator()(const Uuid& id) const;
};

// In the memory of the store that wrote the blocks. Changed only after a commit, so that a failed one can be repeated.
class OpenIntents {
 public:
  // Blocks of which nothing is under way once `finals` have ended.
  std::vector<std::int64_t> emptied_by(const std::vector<EncodedFinal>& finals) const;
  void close(const std::vector<EncodedFinal>& finals);
  void open(std::int64_t block, const std::vector<Uuid>& calls);

 private:
  std::unordered_map<Uuid, std::int64_t, UuidHash> block_of_;
  std::unordered_map<std::int64_t, std::int64_t> under_way_;  // by block
};

// A block's bytes: encoded records, each after its length (32 bits, little-endian).
void append_to_block(std::string& block, std::string_view record);
struct Block {
  std::vector<UsageRecord> records;
  bool complete = true;  // false: there is more, which this version cannot read
};
Block read_block(std::string_view bytes);

}  // namespace tollgate::finops
