#pragma once
// Byte-pair encoding of one word: starts from its bytes or characters and applies the merge of lowest rank until none
// applies.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tollgate::local_backend {

struct MergeRule {
  std::string left;
  std::string right;
  int rank;  // of equal ones the leftmost pair is merged first
};

struct BpeOptions {
  bool by_bytes = true;        // begin with bytes, all 256 of which are in the vocabulary; else with characters
  bool ignore_merges = false;  // a word that is in the vocabulary is one token
  bool byte_fallback = false;  // characters: what has no piece becomes the pieces <0x00> to <0xFF>
  int unknown = -1;            // characters: what has no piece, and no fallback, is this; -1: it is dropped
  bool fuse_unknown = false;   // several in a row are one
};

class Bpe {
 public:
  // `vocabulary`: piece (raw bytes, or characters) -> id. Throws std::runtime_error when a byte that options.by_bytes
  // needs has no id, or a merge names or makes a piece that is not in the vocabulary.
  Bpe(std::unordered_map<std::string, int> vocabulary, const std::vector<MergeRule>& merges, const BpeOptions& options);

  // Appends the ids of `word` (valid UTF-8 unless options.by_bytes). O(n log n). Thread-safe.
  void encode(std::string_view word, std::vector<int>& out) const;
  // Every text comes out as some tokens: nothing is dropped, nothing is fused.
  bool is_lossless() const {
    return options_.by_bytes || has_fallback_ || (options_.unknown >= 0 && !options_.fuse_unknown);
  }

 private:
  struct Merge {
    int rank;
    int id;
  };
  struct Node;
  const Merge* merge_of(int left, int right) const;
  std::vector<int> symbols(std::string_view word) const;
  void add_unknown(std::string_view character, std::vector<int>& out, bool& after_unknown) const;

  std::unordered_map<std::string, int> vocabulary_;
  std::unordered_map<std::uint64_t, Merge> merges_;
  std::array<int, 256> byte_ids_{};  // -1: none
  bool has_fallback_ = false;        // byte_fallback, and all bytes have pieces
  BpeOptions options_;
};

// "<0x0A>" for 10.
std::string byte_piece(unsigned char byte);

}  // namespace tollgate::local_backend
