#include "local_backend/bpe.h"

#include <queue>
#include <stdexcept>
#include <tuple>

namespace tollgate::local_backend {
namespace {

std::uint64_t pair_key(int left, int right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32U | static_cast<std::uint32_t>(right);
}

}  // namespace

// A piece of the word in a doubly linked list; a piece that was merged into its left neighbour has id -1.
struct Bpe::Node {
  int id;
  int previous;
  int next;
};

Bpe::Bpe(std::unordered_map<std::string, int> vocabulary,
         const std::vector<std::pair<std::string, std::string>>& merges, bool ignore_merges)
    : vocabulary_(std::move(vocabulary)), ignore_merges_(ignore_merges) {
  for (int b = 0; b < 256; ++b) {
    const auto found = vocabulary_.find(std::string(1, static_cast<char>(b)));
    if (found == vocabulary_.end()) throw std::runtime_error("the vocabulary lacks the byte " + std::to_string(b));
    byte_ids_[static_cast<std::size_t>(b)] = found->second;
  }
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    const auto l = vocabulary_.find(left);
    const auto r = vocabulary_.find(right);
    const auto both = vocabulary_.find(left + right);
    if (l == vocabulary_.end() || r == vocabulary_.end() || both == vocabulary_.end()) {
      throw std::runtime_error("merge " + std::to_string(rank) + " names a piece that is not in the vocabulary");
    }
    merges_.try_emplace(pair_key(l->second, r->second), Merge{static_cast<int>(rank), both->second});
  }
}

const Bpe::Merge* Bpe::merge_of(int left, int right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

void Bpe::encode(std::string_view word, std::vector<int>& out) const {
  if (word.empty()) return;
  if (ignore_merges_) {
    if (const auto whole = vocabulary_.find(std::string(word)); whole != vocabulary_.end()) {
      out.push_back(whole->second);
      return;
    }
  }
  const int size = static_cast<int>(word.size());
  std::vector<Node> nodes;
  nodes.reserve(word.size());
  for (int i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(word[static_cast<std::size_t>(i)]);
    nodes.push_back({byte_ids_[byte], i - 1, i + 1 < size ? i + 1 : -1});
  }
  // (rank, position of the left piece, ids when queued): an entry whose ids no longer stand there is out of date.
  using Candidate = std::tuple<int, int, int, int>;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto at = [&](int i) -> Node& { return nodes[static_cast<std::size_t>(i)]; };
  const auto consider = [&](int left) {
    if (left < 0 || at(left).next < 0) return;
    const int right = at(left).next;
    if (const Merge* m = merge_of(at(left).id, at(right).id)) queue.emplace(m->rank, left, at(left).id, at(right).id);
  };
  for (int i = 0; i < size; ++i) consider(i);
  while (!queue.empty()) {
    const auto [rank, left, left_id, right_id] = queue.top();
    queue.pop();
    const int right = at(left).next;
    if (at(left).id != left_id || right < 0 || at(right).id != right_id) continue;
    at(left).id = merge_of(left_id, right_id)->id;
    at(left).next = at(right).next;
    if (at(right).next >= 0) at(at(right).next).previous = left;
    at(right).id = -1;
    consider(at(left).previous);
    consider(left);
  }
  for (int i = 0; i >= 0; i = at(i).next) out.push_back(at(i).id);
}

}  // namespace tollgate::local_backend
