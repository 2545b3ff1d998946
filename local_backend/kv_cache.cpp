#include "local_backend/kv_cache.h"

namespace tollgate::local_backend {
namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

}  // namespace

KvPool::KvPool(const ModelSpec& spec, int blocks, int block_tokens, KvMemory where)
    : where_(where),
      blocks_(blocks, block_tokens),
      row_(size(spec.kv_size())),
      block_floats_(block_bytes(spec, block_tokens) / sizeof(float)),
      memory_(size(blocks)) {}

std::size_t KvPool::block_bytes(const ModelSpec& spec, int block_tokens, std::size_t number) {
  return 2 * size(spec.layers) * size(block_tokens) * size(spec.kv_size()) * number;
}

float* KvPool::memory(int block) {
  if (where_ == KvMemory::device) return nullptr;
  auto& memory = memory_[size(block)];
  if (!memory) memory = std::make_unique_for_overwrite<float[]>(block_floats_);  // NOLINT(modernize-avoid-c-arrays)
  return memory.get();
}

int KvTable::adopt(const std::string& department, std::span<const int> tokens) {
  blocks_ = pool_.blocks().find(department, tokens);
  published_ = blocks_.size();
  memory_.reserve(blocks_.size());
  for (const int block : blocks_) memory_.push_back(pool_.memory(block));
  return blocks() * block_tokens();
}

bool KvTable::reserve(int positions) {
  const std::size_t wanted = size((positions + block_tokens() - 1) / block_tokens());
  if (wanted > blocks_.size() + size(pool_.blocks().unused())) return false;
  blocks_.reserve(wanted);
  memory_.reserve(wanted);
  while (blocks_.size() < wanted) {
    blocks_.push_back(*pool_.blocks().allocate());
    memory_.push_back(pool_.memory(blocks_.back()));
  }
  return true;
}

void KvTable::publish(const std::string& department, std::span<const int> tokens, int computed) {
  for (const auto full = size(computed / block_tokens()); published_ < full; ++published_) {
    int& block = blocks_[published_];
    const int parent = published_ == 0 ? -1 : blocks_[published_ - 1];
    block = pool_.blocks().publish(department, parent, block,
                                   tokens.subspan(published_ * size(block_tokens()), size(block_tokens())));
    memory_[published_] = pool_.memory(block);
  }
}

void KvTable::clear() {
  while (!blocks_.empty()) {
    pool_.blocks().release(blocks_.back());
    blocks_.pop_back();
  }
  memory_.clear();
  published_ = 0;
}

}  // namespace tollgate::local_backend
