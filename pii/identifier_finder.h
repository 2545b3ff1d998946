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
#include "pii/telling_words.h"
#include "pii/token_row.h"

namespace tollgate::pii {

// Immutable; thread-safe.
class IdentifierFinder {
 public:
  IdentifierFinder();

  // Everything that begins in [floor, end of the cluster). `words`: of the text.
  void detect(std::string_view text, const Cluster& cluster, std::size_t floor, const TypeSet& types,
              TellingWords& words, Findings& out) const;
  const IdentifierNames& names() const { return names_; }

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
    bool fit(std::uint32_t own_digits, std::uint32_t own_letters) const {
      return ((digits & own_letters) | (letters & own_digits)) == 0;
    }
  };
  struct Candidate;
  // The same shapes again, so that it takes a look or two to know that none could become likely.
  struct Bound {
    struct Look {
      double odds = 0;
      std::uint32_t bars = 0;
      Places places;
    };
    std::vector<Look> by_odds;  // the likeliest first
    std::vector<Look> barred;   // those with separators, where the odds may be higher
    std::uint32_t bars = 0;     // of any of them
    double most = 0;            // of `by_odds`

    void add(const Shape& shape, const Places& places);
    // Whether one could of these odds: says no to most.
    bool may_allow(std::uint32_t gaps, double least) const {
      return most >= least || (gaps != 0 && (gaps & ~bars) == 0);
    }
    // Whether one fits whose odds are at least these, or whose separators stand where the candidate's do.
    bool allows(const Candidate& candidate, double least) const;
  };
  class Surroundings;

  void compile(const Identifier& row, std::string_view shape);
  bool is_no_length(std::string_view text, const Cluster& cluster) const;
  void try_groups(const Surroundings& around, std::size_t first, bool named, const TypeSet& types,
                  const TellingWords& words, Findings& out) const;
  void try_shapes(const Surroundings& around, Candidate& candidate, const TypeSet& types, Findings& out) const;
  void weigh(const Shape& shape, const Surroundings& around, const Candidate& candidate, const TypeSet& types,
             Findings& out) const;

  IdentifierNames names_;
  // In the table's order.
  struct Shapes {
    std::vector<Shape> all;
    std::vector<Places> places;    // of each of them: most candidates are told apart by nothing else
    std::vector<Shape> of_digits;  // those of them that need no letter: most candidates have none
    Bound bound;
    Bound bound_of_digits;
  };
  std::array<Shapes, kLongest + 1> by_length_;
  std::size_t shortest_ = kLongest;
};

}  // namespace tollgate::pii
