#include "finops/open_intents.h"

#include <algorithm>
#include <cstring>

namespace tollgate::finops {
namespace {

constexpr std::size_t kLengthBytes = 4;

}  // namespace

std::size_t UuidHash::operator()(const Uuid& id) const {
  std::size_t random_half = 0;  // the last eight bytes of a UUIDv7
  std::memcpy(&random_half, id.bytes.data() + id.bytes.size() - sizeof random_half, sizeof random_half);
  return random_half;
}

std::vector<std::int64_t> OpenIntents::emptied_by(const std::vector<EncodedFinal>& finals) const {
  std::unordered_map<std::int64_t, std::int64_t> ended;
  std::vector<std::int64_t> emptied;
  for (const auto& record : finals) {
    const auto it = block_of_.find(record.event_id);
    if (it != block_of_.end() && ++ended[it->second] == under_way_.at(it->second)) emptied.push_back(it->second);
  }
  return emptied;
}

void OpenIntents::close(const std::vector<EncodedFinal>& finals) {
  for (const auto& record : finals) {
    const auto it = block_of_.find(record.event_id);
    if (it == block_of_.end()) continue;
    if (const auto block = under_way_.find(it->second); --block->second == 0) under_way_.erase(block);
    block_of_.erase(it);
  }
}

void OpenIntents::open(std::int64_t block, const std::vector<Uuid>& calls) {
  for (const auto& call : calls) block_of_[call] = block;
  under_way_[block] = static_cast<std::int64_t>(calls.size());
}

void append_to_block(std::string& block, std::string_view record) {
  for (std::size_t i = 0; i < kLengthBytes; ++i) block.push_back(static_cast<char>(record.size() >> (8 * i) & 0xFFU));
  block.append(record);
}

Block read_block(std::string_view bytes) {
  Block block;
  while (!bytes.empty()) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < kLengthBytes && i < bytes.size(); ++i)
      length |= static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[i])) << (8 * i);
    auto record = length + kLengthBytes <= bytes.size() ? decode(bytes.substr(kLengthBytes, length))
                                                        : Error{ErrorKind::internal, "cut"};
    if (record)
      block.records.push_back(*std::move(record));
    else
      block.complete = false;
    bytes.remove_prefix(std::min(length + kLengthBytes, bytes.size()));
  }
  return block;
}

}  // namespace tollgate::finops
