#pragma once
// Finds many fixed strings in one pass over the bytes: the prefixes of keys, the words that announce a secret.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "pii/byte_patterns.h"

namespace tollgate::pii {

// A set of literals: three bytes or more, without regard to the case of ASCII letters. Of each, the three
// neighbouring characters that ordinary text has least often are looked for; the literals are shared out over
// sixteen buckets so that those together let through as little as possible. Immutable; thread-safe.
class LiteralSet {
 public:
  // The characters of the literals must outlive the set.
  explicit LiteralSet(std::vector<std::string_view> literals);
  std::string_view literal(std::size_t index) const { return literals_[index]; }

 private:
  friend class LiteralFinder;
  struct Anchor {
    std::uint32_t key = 0;  // three bytes, folded
    std::uint16_t literal = 0;
    std::uint8_t offset = 0;  // of the three bytes in the literal
  };
  static constexpr std::size_t kSlots = 4096;

  std::vector<std::string_view> literals_;
  std::vector<Anchor> anchors_;                    // by slot, then the longest literal first
  std::array<std::uint16_t, kSlots + 1> first_{};  // slot -> anchors_
  std::array<BytePatterns, 2> patterns_;
};

struct LiteralMatch {
  std::size_t literal = 0;  // index in the set
  std::size_t start = 0;
};

class LiteralFinder {
 public:
  // Both must outlive it. `portable` = do without AVX2 (for tests).
  LiteralFinder(const LiteralSet& set, std::string_view text, bool portable = false);
  // The next match, in order of where its three characters lie; of several there, the longest literal first. False at
  // the end.
  bool next(LiteralMatch& out);

 private:
  const LiteralSet* set_;
  std::string_view text_;
  PatternFinder finder_;
  std::size_t pos_ = 0;
  std::size_t anchor_ = 0;  // the next one to try at pos_
  std::size_t last_ = 0;    // and where its slot ends
};

// Whether `text` has `literal` at `at`, without regard to the case of ASCII letters. `literal` is lower case or not.
bool has_at(std::string_view text, std::size_t at, std::string_view literal);

}  // namespace tollgate::pii
