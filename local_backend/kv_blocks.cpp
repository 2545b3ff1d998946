#include "local_backend/kv_blocks.h"

#include <algorithm>

namespace tollgate::local_backend {
namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15U;
  return hash ^ hash >> 32U;
}

}  // namespace

KvBlocks::KvBlocks(int blocks, int block_tokens)
    : block_tokens_(block_tokens),
      unused_(blocks),
      blocks_(static_cast<std::size_t>(blocks)),
      tokens_(static_cast<std::size_t>(blocks) * static_cast<std::size_t>(block_tokens)) {
  index_.reserve(blocks_.size());
  for (int i = 0; i < blocks; ++i) link(i, -1);
}

std::optional<int> KvBlocks::allocate() {
  if (first_ < 0) return std::nullopt;
  const int block = first_;
  if (at(block).published) forget(block);
  reference(block);
  return block;
}

void KvBlocks::release(int block) {
  if (--at(block).references > 0) return;
  ++unused_;
  link(block, at(block).published ? -1 : first_);  // what holds nothing of use is taken before what does
}

std::vector<int> KvBlocks::find(const std::string& department, std::span<const int> tokens) {
  std::vector<int> found;
  const auto size = static_cast<std::size_t>(block_tokens_);
  found.reserve(tokens.size() / size);
  int parent = -1;
  for (; tokens.size() >= size; tokens = tokens.subspan(size)) {
    const auto part = tokens.first(size);
    parent = lookup(hash_of(department, parent, part), department, parent, part);
    if (parent < 0) break;
    found.push_back(parent);
  }
  for (const int block : found) reference(block);
  return found;
}

int KvBlocks::publish(const std::string& department, int parent, int block, std::span<const int> tokens) {
  const std::uint64_t hash = hash_of(department, parent, tokens);
  const int same = lookup(hash, department, parent, tokens);
  if (same == block) return block;
  if (same >= 0) {
    reference(same);
    release(block);
    return same;
  }
  Block& b = at(block);
  b.department = parent < 0 ? department : std::string();
  index_.emplace(hash, block);
  b.hash = hash;
  b.parent = parent;
  b.parent_generation = parent < 0 ? 0 : at(parent).generation;
  b.published = true;
  std::copy(tokens.begin(), tokens.end(), tokens_of(block).begin());
  return block;
}

std::span<int> KvBlocks::tokens_of(int block) {
  const auto size = static_cast<std::size_t>(block_tokens_);
  return std::span(tokens_).subspan(static_cast<std::size_t>(block) * size, size);
}

std::uint64_t KvBlocks::hash_of(const std::string& department, int parent, std::span<const int> tokens) const {
  std::uint64_t hash = 0;
  if (parent < 0) {
    hash = std::hash<std::string>{}(department);
  } else {
    hash = mix(static_cast<std::uint64_t>(parent) + 1, at(parent).generation);
  }
  for (const int token : tokens) hash = mix(hash, static_cast<std::uint64_t>(token));
  return hash;
}

int KvBlocks::lookup(std::uint64_t hash, const std::string& department, int parent, std::span<const int> tokens) {
  const auto [begin, end] = index_.equal_range(hash);
  for (auto i = begin; i != end; ++i) {
    const Block& b = at(i->second);
    if (b.parent != parent) continue;
    if (parent < 0 ? b.department != department : b.parent_generation != at(parent).generation) continue;
    if (std::ranges::equal(tokens_of(i->second), tokens)) return i->second;
  }
  return -1;
}

void KvBlocks::reference(int block) {
  if (at(block).references++ > 0) return;
  --unused_;
  unlink(block);
}

void KvBlocks::forget(int block) {
  Block& b = at(block);
  const auto [begin, end] = index_.equal_range(b.hash);
  index_.erase(std::find_if(begin, end, [block](const auto& entry) { return entry.second == block; }));
  b.published = false;
  ++b.generation;  // what followed this block cannot be found any more, whatever its place will hold
}

// Puts a block into the list of unused ones, in front of `before` (-1: at the end).
void KvBlocks::link(int block, int before) {
  Block& b = at(block);
  b.next = before;
  b.previous = before < 0 ? last_ : at(before).previous;
  (b.previous < 0 ? first_ : at(b.previous).next) = block;
  (before < 0 ? last_ : at(before).previous) = block;
}

void KvBlocks::unlink(int block) {
  const Block& b = at(block);
  (b.previous < 0 ? first_ : at(b.previous).next) = b.next;
  (b.next < 0 ? last_ : at(b.next).previous) = b.previous;
}

}  // namespace tollgate::local_backend
