#include "local_backend/bpe.h"

#include <algorithm>
#include <queue>
#include <stdexcept>
#include <tuple>

#include "local_backend/unicode.h"

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

std::string byte_piece(unsigned char byte) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  return std::string("<0x") + kHex[byte >> 4U] + kHex[byte & 15U] + ">";
}

Bpe::Bpe(std::unordered_map<std::string, int> vocabulary, const std::vector<MergeRule>& merges,
         const BpeOptions& options)
    : vocabulary_(std::move(vocabulary)), options_(options) {
  int bytes = 0;
  for (int b = 0; b < 256; ++b) {
    const auto byte = static_cast<unsigned char>(b);
    const auto found = vocabulary_.find(options.by_bytes ? std::string(1, static_cast<char>(byte)) : byte_piece(byte));
    if (found == vocabulary_.end() && options.by_bytes) {
      throw std::runtime_error("the vocabulary lacks the byte " + std::to_string(b));
    }
    byte_ids_[byte] = found == vocabulary_.end() ? -1 : found->second;
    if (found != vocabulary_.end()) ++bytes;
  }
  has_fallback_ = options.byte_fallback && bytes == 256;
  for (const auto& [left, right, rank] : merges) {
    const auto l = vocabulary_.find(left);
    const auto r = vocabulary_.find(right);
    const auto both = vocabulary_.find(left + right);
    if (l == vocabulary_.end() || r == vocabulary_.end() || both == vocabulary_.end()) {
      throw std::runtime_error("merge " + std::to_string(rank) + " names a piece that is not in the vocabulary");
    }
    merges_.try_emplace(pair_key(l->second, r->second), Merge{rank, both->second});
  }
}

const Bpe::Merge* Bpe::merge_of(int left, int right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

void Bpe::add_unknown(std::string_view character, std::vector<int>& out, bool& after_unknown) const {
  const auto id_of = [this](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
  const bool spelled =
      options_.byte_fallback && std::all_of(character.begin(), character.end(), [&](char c) { return id_of(c) >= 0; });
  if (spelled) {
    for (const char c : character) out.push_back(id_of(c));
    after_unknown = false;
    return;
  }
  if (options_.unknown < 0 || (options_.fuse_unknown && after_unknown)) return;
  out.push_back(options_.unknown);
  after_unknown = true;
}

std::vector<int> Bpe::symbols(std::string_view word) const {
  std::vector<int> out;
  out.reserve(word.size());
  if (options_.by_bytes) {
    for (const char c : word) out.push_back(byte_ids_[static_cast<unsigned char>(c)]);
    return out;
  }
  bool after_unknown = false;
  for (std::size_t at = 0; at < word.size();) {
    const std::string_view character = word.substr(at, decode_utf8(word, at).length);
    at += character.size();
    if (const auto found = vocabulary_.find(std::string(character)); found != vocabulary_.end()) {
      out.push_back(found->second);
      after_unknown = false;
    } else {
      add_unknown(character, out, after_unknown);
    }
  }
  return out;
}

void Bpe::encode(std::string_view word, std::vector<int>& out) const {
  if (word.empty()) return;
  if (options_.ignore_merges) {
    if (const auto whole = vocabulary_.find(std::string(word)); whole != vocabulary_.end()) {
      out.push_back(whole->second);
      return;
    }
  }
  std::vector<Node> nodes;
  const std::vector<int> ids = symbols(word);
  const int size = static_cast<int>(ids.size());
  if (size == 0) return;
  nodes.reserve(ids.size());
  for (int i = 0; i < size; ++i) {
    nodes.push_back({ids[static_cast<std::size_t>(i)], i - 1, i + 1 < size ? i + 1 : -1});
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
