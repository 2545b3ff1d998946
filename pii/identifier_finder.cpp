#include "pii/identifier_finder.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "pii/checks.h"
#include "pii/context.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kFewestDigits = 6;  // where no letters touch them
constexpr double kLeast = 0.05;           // less likely than this is not worth telling
constexpr double kLeastOdds = kLeast / (1 - kLeast);
constexpr double kRounding = 1.001;  // above what products of the factors below lose

// What a circumstance does to the odds.
namespace factor {
constexpr double kNamed = 5000;       // its name stands by
constexpr double kOtherName = 0.05;   // the name of something else does
constexpr double kOwnSeparator = 20;  // for each separator that is the one in use
constexpr double kAnySeparator = 5;   // ... that is at its place
constexpr double kMostSeparators = 2000;
constexpr double kOddSeparators = 0.05;
constexpr double kPartOfRow = 0.05;  // picked out of a longer row
constexpr double kGlued = 0.1;
constexpr double kSmallLetters = 0.01;  // "qty 679722" is a word and a number
constexpr double kHome = 5;             // the department named its countries, and this is one
constexpr double kAmount = 0.02;        // 130 692 544 is more often an amount
constexpr double kTelephone = 0.05;     // 221 395 1837 is more often a telephone number
}  // namespace factor

// The odds that one separator after the other brings.
double separator_odds(const TokenRow& row, std::size_t first, std::uint32_t bars, const char* own, std::size_t length) {
  double out = 1;
  for (std::size_t i = 1; i < length; ++i)
    if ((bars >> i) & 1U) out *= row.gaps[first + i] == own[i] ? factor::kOwnSeparator : factor::kAnySeparator;
  return std::min(out, factor::kMostSeparators);
}

// The characters that a look names, '\0' where any will do, at their places.
bool has_literals(std::string_view characters, std::span<const char> literals) {
  return std::equal(characters.begin(), characters.end(), literals.begin(),
                    [](char c, char literal) { return literal == '\0' || c == literal; });
}

// Whether the group belongs to a row with the one before it: digits on both sides of what also separates the
// candidate's own, or of anything but a space.
bool hangs_on(const TokenRow& row, std::size_t group, char own) {
  if (group == 0 || group >= row.group_count) return false;
  const std::size_t at = row.groups[group].at;
  return (row.gaps[at] != ' ' || own == ' ') && is_digit(row.characters[at]) && is_digit(row.characters[at - 1]);
}

}  // namespace

// Some groups of a row, as one string.
struct IdentifierFinder::Candidate {
  std::string_view characters;
  std::size_t first = 0;  // of the row's characters
  std::size_t first_group = 0;
  std::size_t last_group = 0;
  std::uint32_t digits = 0;
  std::uint32_t gaps = 0;
  // The rest is looked at where some shape fits.
  std::size_t start = 0;  // bytes of the text
  std::size_t end = 0;
  double others = 1;  // what else digits in these groups are
  bool part_of_row = false;
  bool glued = false;
  bool small_letters = false;
  bool may_be_named = true;  // some identifier's name stands by
  double at_most = 1;        // what all circumstances but the separators do to the odds, were it named

  void look(const Surroundings& around);
  // Whether its odds could be worth telling. Where nothing could raise them far enough, nobody needs to check it.
  bool may_be(const Shape& shape, const TypeSet& types) const {
    const double most = gaps == shape.bars ? shape.best_odds
                        : gaps != 0        ? shape.odds * factor::kOddSeparators
                                           : shape.odds;
    return most * at_most >= kLeastOdds && types.test(static_cast<std::size_t>(shape.row->type));
  }
  bool has_gaps_at(std::initializer_list<unsigned> places) const {
    std::uint32_t bits = 0;
    for (const unsigned place : places) bits |= 1U << place;
    return gaps == bits;
  }
  double other_explanations(const TokenRow& row) const {
    const char gap = row.gaps[first + 3];
    if (characters.size() == 9 && has_gaps_at({3, 6}) && gap != '-') return factor::kAmount;
    if (characters.size() == 10 && has_gaps_at({3, 6}) && nanp_valid(characters)) return factor::kTelephone;
    return 1;
  }
};

// What stands around a cluster, read when it is asked for.
class IdentifierFinder::Surroundings {
 public:
  Surroundings(std::string_view text, const Cluster& cluster, const TokenRow& row, const IdentifierNames& names)
      : text_(text), cluster_(cluster), row_(row), names_(names) {}

  const TokenRow& row() const { return row_; }
  // A part of something longer: a variable's name, base64.
  bool glued(std::size_t start, std::size_t end) const {
    static constexpr std::string_view kGlue = "_+=/";
    return (start > 0 && is_one_of(text_[start - 1], kGlue)) || (end < text_.size() && is_one_of(text_[end], kGlue));
  }
  bool named(std::size_t list, std::size_t start, std::size_t end) const {
    if (!before_.names || before_.at != start) before_ = {names_.before(text_, start), start};
    if (before_.names->test(list)) return true;
    if (!after_.names || after_.at != end) after_ = {names_.after(text_, end), end};
    return after_.names->test(list);
  }
  // Words beside a number.
  bool spaced_small_letters(std::size_t start, std::size_t end) const {
    const auto spelled = text_.substr(start, end - start);
    return std::ranges::any_of(spelled, is_lower) && spelled.find(' ') != std::string_view::npos;
  }
  bool named_otherwise(std::size_t start, std::size_t end) const {
    return cluster_.hints.around(text_, start, end) == Hint::other;
  }

 private:
  std::string_view text_;
  const Cluster& cluster_;
  const TokenRow& row_;
  const IdentifierNames& names_;
  struct Near {  // candidates share where they start, and others where they end
    std::optional<IdentifierNames::Set> names;
    std::size_t at = 0;
  };
  mutable Near before_;
  mutable Near after_;
};

void IdentifierFinder::Candidate::look(const Surroundings& around) {
  const TokenRow& row = around.row();
  start = row.groups[first_group].start;
  end = row.groups[last_group].end;
  const char own = last_group > first_group ? row.gaps[row.groups[last_group].at] : '\0';
  others = other_explanations(row);
  part_of_row = hangs_on(row, first_group, own) || hangs_on(row, last_group + 1, own);
  glued = around.glued(start, end);
  small_letters = around.spaced_small_letters(start, end);
  at_most = factor::kHome * (may_be_named ? factor::kNamed : 1) * kRounding * others *
            (part_of_row ? factor::kPartOfRow : 1) * (glued ? factor::kGlued : 1) *
            (small_letters ? factor::kSmallLetters : 1);
}

IdentifierFinder::IdentifierFinder() {
  for (const auto& row : identifiers()) {
    const auto brace = row.shape.find('{');
    if (brace == std::string_view::npos) {
      compile(row, row.shape);
      continue;
    }
    std::size_t shortest = 0;
    std::size_t longest = 0;  // "d{8,17}"
    const char* const end = row.shape.data() + row.shape.size();
    const auto comma = std::from_chars(row.shape.data() + brace + 1, end, shortest);
    std::from_chars(comma.ptr + 1, end, longest);
    for (std::size_t n = shortest; n <= longest; ++n) compile(row, std::string(n, row.shape[0]));
  }
}

void IdentifierFinder::compile(const Identifier& row, std::string_view shape) {
  Shape out;
  out.row = &row;
  out.names = names_.add(row.words);
  Places places;
  std::size_t place = 0;
  for (const char c : shape) {
    const std::uint32_t bit = 1U << place;
    if (is_row_separator(c)) {
      out.bars |= bit;
      out.separators[place] = c;
      continue;
    }
    if (c == 'd' || is_digit(c)) places.digits |= bit;
    if (c == 'a' || is_upper(c)) places.letters |= bit;
    if (is_upper(c) || is_digit(c)) {
      out.literals[place] = c;
      out.has_literals = true;
    }
    ++place;
  }
  out.odds = row.odds * row.one_in;
  out.best_odds =
      out.odds * std::min(std::pow(factor::kOwnSeparator, std::popcount(out.bars)), factor::kMostSeparators);
  Shapes& shapes = by_length_.at(place);
  shortest_ = std::min(shortest_, place);
  shapes.all.push_back(out);
  shapes.places.push_back(places);
  shapes.bound.add(out, places);
  if (places.letters != 0) return;
  shapes.of_digits.push_back(out);
  shapes.bound_of_digits.add(out, places);
}

void IdentifierFinder::Bound::add(const Shape& shape, const Places& places) {
  const Look look{shape.odds, shape.bars, places};
  const auto less_likely = [](const Look& a, const Look& b) { return a.odds > b.odds; };
  by_odds.insert(std::ranges::upper_bound(by_odds, look, less_likely), look);
  if (shape.bars != 0) barred.push_back(look);
  bars |= shape.bars;
  most = std::max(most, shape.odds);
}

bool IdentifierFinder::Bound::allows(const Candidate& candidate, double least) const {
  const std::uint32_t letters = ~candidate.digits & ((1U << candidate.characters.size()) - 1U);
  for (const Look& look : by_odds) {
    if (look.odds < least) break;
    if (look.places.fit(candidate.digits, letters)) return true;
  }
  return candidate.gaps != 0 && (candidate.gaps & ~bars) == 0 && std::ranges::any_of(barred, [&](const Look& look) {
           return look.bars == candidate.gaps && look.places.fit(candidate.digits, letters);
         });
}

// Digits with nothing beside them that could belong to the same row, of a length that none of digits alone has.
bool IdentifierFinder::is_no_length(std::string_view text, const Cluster& cluster) const {
  static constexpr std::string_view kEnds = ",:\"'=()[]{}|!?#$\n\r\t";
  if (!cluster.plain() || cluster.groups.size() != 1) return false;
  if (cluster.start > 0 && !is_one_of(text[cluster.start - 1], kEnds)) return false;
  if (cluster.end < text.size() && !is_one_of(text[cluster.end], kEnds)) return false;
  return cluster.digits.size() > kLongest || by_length_[cluster.digits.size()].of_digits.empty();
}

void IdentifierFinder::detect(std::string_view text, const Cluster& cluster, std::size_t floor, const TypeSet& types,
                              TellingWords& words, Findings& out) const {
  if (is_no_length(text, cluster)) return;
  const bool touched = is_alnum(char_before(text, cluster.start)) || is_alnum(char_after(text, cluster.end));
  if (cluster.digits.size() < kFewestDigits && !touched) return;
  const std::size_t start = row_start(text, cluster, floor);
  if (start == std::string_view::npos) return;
  TokenRow row;
  read_row(text, start, row);
  const Surroundings around(text, cluster, row, names_);
  if (row.group_count == 0 || row.size < shortest_) return;
  const bool named = !row.plain || words.name_near(row.groups[0].start, row.end);
  for (std::size_t first = 0; first < row.group_count; ++first) {
    if (row.groups[first].start >= cluster.end || row.size - row.groups[first].at < shortest_) break;
    try_groups(around, first, named, types, words, out);
  }
}

// All candidates that begin with this group.
void IdentifierFinder::try_groups(const Surroundings& around, std::size_t first, bool named, const TypeSet& types,
                                  const TellingWords& words, Findings& out) const {
  const TokenRow& row = around.row();
  Candidate candidate;
  candidate.first = row.groups[first].at;
  candidate.first_group = first;
  candidate.may_be_named = named || words.cuts_name(row.groups[first].start);
  // The odds below which no shape could become likely enough, whatever else there is to be looked at.
  constexpr double kOwn = kLeastOdds / (factor::kHome * kRounding);
  const double alone = candidate.may_be_named ? kOwn / factor::kNamed : kOwn;
  const double small = alone / factor::kSmallLetters;
  const std::array<double, 4> least{alone, alone / factor::kOddSeparators, small, small / factor::kOddSeparators};
  std::uint32_t gaps = 0;
  const std::uint32_t lower = row.plain ? row.lower >> candidate.first : 0;
  const std::uint32_t spaces = (row.spaces >> candidate.first) & ~1U;
  for (std::size_t last = first; last < row.group_count; ++last) {
    const TokenRow::Group& group = row.groups.data()[last];
    const std::size_t length = group.at + group.length - candidate.first;
    if (length > kLongest) break;
    if (last > first) gaps |= 1U << (group.at - candidate.first);
    if (length < shortest_) continue;
    const std::uint32_t all = (1U << length) - 1U;
    const std::uint32_t digits = row.digits_of(candidate.first, length);
    if (digits == 0) continue;
    const Shapes& shapes = by_length_.data()[length];
    const Bound& bound = digits == all ? shapes.bound_of_digits : shapes.bound;
    const bool spaced = (lower & all) != 0 && (spaces & all) != 0;
    const double enough = least.data()[(spaced ? 2U : 0U) + (gaps != 0 ? 1U : 0U)];
    if (!bound.may_allow(gaps, enough)) continue;
    candidate.characters = {row.characters.data() + candidate.first, length};
    candidate.digits = digits;
    candidate.gaps = gaps;
    if (!bound.allows(candidate, enough)) continue;
    candidate.last_group = last;
    try_shapes(around, candidate, types, out);
  }
}

void IdentifierFinder::try_shapes(const Surroundings& around, Candidate& candidate, const TypeSet& types,
                                  Findings& out) const {
  const std::size_t length = candidate.characters.size();
  const Shapes& shapes = by_length_[length];
  const std::uint32_t letters = ~candidate.digits & ((1U << length) - 1U);
  if (letters == 0) {
    candidate.look(around);
    for (const auto& shape : shapes.of_digits)
      if (candidate.may_be(shape, types)) weigh(shape, around, candidate, types, out);
    return;
  }
  bool looked = false;
  const Shape* shape = shapes.all.data();
  for (const Places& places : shapes.places) {
    const Shape& here = *shape++;
    if (!places.fit(candidate.digits, letters)) continue;
    if (!looked) candidate.look(around);
    looked = true;
    if (candidate.may_be(here, types)) weigh(here, around, candidate, types, out);
  }
}

void IdentifierFinder::weigh(const Shape& shape, const Surroundings& around, const Candidate& candidate,
                             const TypeSet& types, Findings& out) const {
  const Identifier& kind = *shape.row;
  const std::size_t length = candidate.characters.size();
  if (shape.has_literals && !has_literals(candidate.characters, shape.literals)) return;
  if (kind.valid != nullptr && !kind.valid(candidate.characters)) return;

  Reason why;
  why.rule = static_cast<std::uint16_t>(&kind - identifiers().data() + 1);
  why.add(Term::check, kind.valid != nullptr);
  double odds = shape.odds;
  const auto count = [&](Term term, bool holds, double factor) {
    if (!holds) return;
    odds *= factor;
    why.add(term);
  };
  count(Term::competing, candidate.others != 1, candidate.others);
  count(Term::country, !types.all() && !entity(kind.type).country.empty(), factor::kHome);
  if (candidate.gaps == shape.bars)
    count(Term::separators, shape.bars != 0,
          separator_odds(around.row(), candidate.first, shape.bars, shape.separators.data(), length));
  else
    count(Term::odd_grouping, candidate.gaps != 0, factor::kOddSeparators);
  count(Term::part_of_row, candidate.part_of_row, factor::kPartOfRow);
  count(Term::glued, candidate.glued, factor::kGlued);
  count(Term::competing, candidate.small_letters, factor::kSmallLetters);
  if (odds * factor::kNamed < kLeastOdds) return;
  if (candidate.may_be_named && around.named(shape.names, candidate.start, candidate.end))
    count(Term::named, true, factor::kNamed);
  else
    count(Term::other_name, odds >= kLeastOdds && around.named_otherwise(candidate.start, candidate.end),
          factor::kOtherName);
  if (odds >= kLeastOdds) out.push_back({kind.type, candidate.start, candidate.end, odds / (1 + odds), 0, why});
}

}  // namespace tollgate::pii
