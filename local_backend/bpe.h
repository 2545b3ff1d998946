#pragma once
// Byte-pair encoding of one word: starts from its bytes and applies the merge of lowest rank until none applies.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tollgate::local_backend {

class Bpe {
 public:
  // `vocabulary`: piece (raw bytes) -> id; `merges` in rank order. Throws std::runtime_error when one of the 256 bytes
  // has no id, or a merge names or makes a piece that is not in the vocabulary.
  Bpe(std::unordered_map<std::string, int> vocabulary, const std::vector<std::pair<std::string, std::string>>& merges,
      bool ignore_merges);

  // Appends the ids of `word`. O(n log n). Thread-safe.
  void encode(std::string_view word, std::vector<int>& out) const;

 private:
  struct Merge {
    int rank;
    int id;
  };
  struct Node;
  const Merge* merge_of(int left, int right) const;

  std::unordered_map<std::string, int> vocabulary_;
  std::unordered_map<std::uint64_t, Merge> merges_;
  std::array<int, 256> byte_ids_{};
  bool ignore_merges_;
};

}  // namespace tollgate::local_backend
