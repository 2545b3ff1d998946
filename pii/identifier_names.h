#pragma once
// Which identifiers' names stand near a value: "NHS no.", "Steuer-ID", "주민등록번호". One look at the words around it
// answers for all identifiers at once.
#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pii/word_starts.h"

namespace tollgate::pii {

// Immutable after construction; thread-safe.
class IdentifierNames {
 public:
  static constexpr std::size_t kMostLists = 128;
  static constexpr std::size_t kBefore = 90;  // bytes
  static constexpr std::size_t kAfter = 32;
  static constexpr std::size_t kLongestWhole = 5;  // a longer name may go on, as in compounds
  using Set = std::bitset<kMostLists>;             // a bit per list

  // A list of names as in identifier_table.cpp; the same list has the same number.
  std::size_t add(std::string_view list);

  // Whose names stand in the kBefore bytes before `start`, and in the kAfter after `end`.
  Set before(std::string_view text, std::size_t start) const;
  Set after(std::string_view text, std::size_t end) const;

  // What tells TellingWords (telling_words.h) that both would find nothing: how names of ASCII begin, and whether
  // one stands at `at`. Part: it would be one if the word did not go on.
  enum class Begun : std::uint8_t { none, part, whole };
  const Trigrams& starts() const { return may_begin_; }
  Begun begun_at(std::string_view text, std::size_t at) const;

 private:
  struct Name {
    std::string_view text;
    std::uint8_t list = 0;
    char third = '\0';       // its third byte
    bool any_third = false;  // ... of which it has none
  };
  void match_words(std::string_view window, Set& out) const;
  void match_at(std::string_view window, std::size_t at, Set& out) const;
  void match_unspaced(std::string_view window, Set& out) const;

  std::vector<std::string_view> lists_;
  std::array<std::vector<Name>, 256> by_start_;  // of names that begin with an ASCII letter, by their first two bytes
  Trigrams may_begin_;                           // how these begin: says no to most words
  std::vector<Name> unspaced_;                   // of scripts without spaces between words
};

}  // namespace tollgate::pii
