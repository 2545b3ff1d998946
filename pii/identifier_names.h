#pragma once
// Which identifiers' names stand near a value: "NHS no.", "Steuer-ID", "주민등록번호". One look at the words around it
// answers for all identifiers at once.
#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::pii {

// Immutable after construction; thread-safe.
class IdentifierNames {
 public:
  static constexpr std::size_t kMostLists = 128;
  using Set = std::bitset<kMostLists>;  // a bit per list

  // A list of names as in identifier_table.cpp; the same list has the same number.
  std::size_t add(std::string_view list);

  // Whose names stand in the ninety bytes before `start` or the thirty after `end`.
  Set around(std::string_view text, std::size_t start, std::size_t end) const;

 private:
  struct Name {
    std::string_view text;
    std::uint8_t list = 0;
    std::uint8_t third = 0;  // the kind of its third character
    bool any_third = false;  // ... of which it has none
  };
  static constexpr std::size_t kTrigrams = 32UL * 32 * 32;
  void match_words(std::string_view window, Set& out) const;
  void match_at(std::string_view window, std::size_t at, Set& out) const;
  void match_unspaced(std::string_view window, Set& out) const;

  std::vector<std::string_view> lists_;
  std::array<std::vector<Name>, 256> by_start_;  // of names that begin with an ASCII letter, by their first two bytes
  std::bitset<kTrigrams> may_begin_;             // how these begin: says no to most words
  std::vector<Name> unspaced_;                   // of scripts without spaces between words
};

}  // namespace tollgate::pii
