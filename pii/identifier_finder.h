#pragma once
// Looks for national identifiers around a cluster of digits. The likelihood is the odds of the look
// (identifier_table.cpp) times what speaks for it: a check digit that one random string in n passes, separators where
// they belong, its name near by; and what speaks against: the name of something else, more of the same row on either
// side.
#include <array>
#include <string_view>
#include <vector>

#include "pii/detect.h"
#include "pii/entity.h"
#include "pii/identifier.h"
#include "pii/identifier_names.h"

namespace tollgate::pii {

// Letters and digits in capitals, and the separators between them.
struct TokenRow {
  static constexpr std::size_t kMostCharacters = 26;
  static constexpr std::size_t kMostGroups = 12;
  struct Group {
    std::size_t at = 0;
    std::size_t length = 0;
  };
  std::array<char, kMostCharacters> characters;  // without separators
  std::array<Folded::Place, kMostCharacters> places;
  std::array<char, kMostCharacters> gaps;  // before each character: the separator, or '\0'
  std::array<Group, kMostGroups> groups;   // what stands between separators
  std::size_t size = 0;
  std::size_t group_count = 0;
  std::uint32_t digits = 0;  // a bit per character that is one

  void push(char c, char gap, Folded::Place place);
  void add_group(std::size_t at);  // of the characters from there on
  // The same for `count` characters from `first` on.
  std::uint32_t digits_of(std::size_t first, std::size_t count) const {
    return (digits >> first) & ((1U << count) - 1U);
  }
};

// Immutable; thread-safe.
class IdentifierFinder {
 public:
  IdentifierFinder();

  // Everything that begins in [floor, end of the cluster).
  void detect(std::string_view text, const Cluster& cluster, std::size_t floor, const TypeSet& types,
              Findings& out) const;

 private:
  static constexpr std::size_t kLongest = 20;

  // One look, ready to be compared.
  struct Shape {
    const Identifier* row = nullptr;
    std::size_t names = 0;                    // of IdentifierNames
    double odds = 0;                          // where its check holds
    double best_odds = 0;                     // ... and its separators are the ones in use
    std::uint32_t bars = 0;                   // a bit per place with a separator before it
    std::array<char, kLongest> literals{};    // '\0' where any will do
    std::array<char, kLongest> separators{};  // the one in use
    bool has_literals = false;
  };
  // What its places must be: a bit for each that must be a digit, or a letter.
  struct Places {
    std::uint32_t digits = 0;
    std::uint32_t letters = 0;
  };
  struct Candidate;
  class Surroundings;

  void compile(const Identifier& row, std::string_view shape);
  bool is_no_length(std::string_view text, const Cluster& cluster) const;
  void try_shapes(const Surroundings& around, Candidate& candidate, const TypeSet& types, Findings& out) const;
  void weigh(const Shape& shape, const Surroundings& around, const Candidate& candidate, const TypeSet& types,
             Findings& out) const;

  IdentifierNames names_;
  // In the table's order.
  struct Shapes {
    std::vector<Shape> all;
    std::vector<Places> places;    // of each of them: most candidates are told apart by nothing else
    std::vector<Shape> of_digits;  // those of them that need no letter: most candidates have none
  };
  std::array<Shapes, kLongest + 1> by_length_;
};

}  // namespace tollgate::pii
