// Telephone numbers: international ones by country and length, national ones by how they are written.
#include <algorithm>
#include <array>
#include <string>

#include "pii/checks.h"
#include "pii/context.h"
#include "pii/detect.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kLongest = 15;  // digits, ITU-T E.164

// What parentheses and a spaced dash need.
bool is_wide_join(std::string_view gap) {
  static constexpr auto kJoins =
      std::to_array<std::string_view>({") ", " (", "-(", ")-", ").", " - ", ")/", " / ", "  "});
  return std::ranges::any_of(kJoins, [&](std::string_view join) {
    return gap.size() == join.size() && gap[0] == join[0] && gap[1] == join[1] && gap.back() == join.back();
  });
}

// Whether what stands behind the group may stand inside a number: one character, or one of the above.
bool joins(const Cluster& cluster, std::size_t group) {
  const char own = cluster.groups[group].separator;
  return own != '\0' ? is_one_of(own, " -./()") : is_wide_join(cluster.gap(group));
}

// Of groups, the last one included.
struct Range {
  std::size_t first = 0;
  std::size_t last = 0;
};

// Digits as they are dialled; no more of them than tell that they are too many.
class Dialled {
 public:
  void append(std::string_view digits) {
    for (const char c : digits.substr(0, digits_.size() - size_)) digits_[size_++] = c;
  }
  void drop_last() { --size_; }
  std::string_view view() const { return {digits_.data(), size_}; }

 private:
  std::array<char, kLongest + 4> digits_;  // "011" and a number, and one more
  std::size_t size_ = 0;
};

// The "(0)" of "+46 (0)8 928 571". REQUIRES: a group before and one behind.
bool is_trunk_zero(const Cluster& cluster, std::size_t group) {
  return cluster.groups[group].length == 1 && cluster.chars[cluster.groups[group].at] == '0' &&
         cluster.gap(group - 1).ends_with('(') && cluster.gap(group).starts_with(')');
}

// Those of groups [first, last], without a trunk zero.
Dialled dialled(const Cluster& cluster, std::size_t first, std::size_t last) {
  Dialled out;
  for (std::size_t i = first; i <= last; ++i)
    if (i == first || i == last || !is_trunk_zero(cluster, i)) out.append(cluster.digits_of(i, i));
  return out;
}

bool raw_alnum_before(std::string_view text, std::size_t start) { return start > 0 && is_alnum(text[start - 1]); }

bool closes_parenthesis(const Cluster& cluster, const Range& run) {
  for (std::size_t i = run.first; i < run.last; ++i) {
    bool opens = false;
    bool closes = false;
    for (const char c : cluster.gap(i)) {
      opens |= c == '(';
      closes |= c == ')';
    }
    if (closes && !opens) return true;
  }
  return false;
}

// Where the number starts when what opens it, "+" or a parenthesis closed inside, is part of it.
std::size_t with_opening(std::string_view text, const Cluster& cluster, const Range& run) {
  std::size_t start = cluster.start_of(run.first);
  for (std::size_t pos = start; pos > 0;) {
    const Unit unit = unit_before(text, pos);
    if (unit.c != '+' && unit.c != kInvisible && !(unit.c == '(' && closes_parenthesis(cluster, run))) break;
    pos -= unit.length;
    if (unit.c != kInvisible) start = pos;
    if (unit.c == '(') break;
  }
  return start;
}

// Where the extension behind a number ends, in the forms that libphonenumber writes and reads: "x123", " ext. 55",
// ", extension 9"; else `end`.
std::size_t past_extension(std::string_view text, std::size_t end) {
  static constexpr auto kNames = std::to_array<std::string_view>({"extension", "extn", "ext", "x"});
  constexpr std::size_t kMostDigits = 7;
  const auto at = [&](std::size_t i) { return i < text.size() ? to_lower(text[i]) : '\0'; };
  std::size_t pos = end;
  if (at(pos) == ',') ++pos;
  if (at(pos) == ' ') ++pos;
  if (at(pos) != 'e' && at(pos) != 'x') return end;
  const auto* name = std::ranges::find_if(kNames, [&](std::string_view n) {
    return std::ranges::all_of(n, [&, i = pos](char c) mutable { return at(i++) == c; });
  });
  if (name == kNames.end()) return end;
  pos += name->size();
  if (name->size() > 1 && (at(pos) == '.' || at(pos) == ':')) ++pos;
  if (name->size() > 1 && at(pos) == ' ') ++pos;
  const std::size_t first = pos;
  while (pos - first <= kMostDigits && is_digit(at(pos))) ++pos;
  return pos > first && pos - first <= kMostDigits && !is_alnum(at(pos)) ? pos : end;
}

bool parenthesis_before(std::string_view text, std::size_t start) { return char_before(text, start) == '('; }

void add_international(std::string_view text, const Cluster& cluster, const Range& run, std::string_view digits,
                       Findings& out) {
  const std::size_t start = with_opening(text, cluster, run);
  const std::size_t end = past_extension(text, cluster.end_of(run.last));
  if (raw_alnum_before(text, start) || (end < text.size() && is_alnum(unit_at(text, end).c))) return;
  const bool round = std::count(digits.begin(), digits.end(), '0') + 2 >= static_cast<std::ptrdiff_t>(digits.size());
  out.push_back({EntityType::phone_number,
                 start,
                 end,
                 round                  ? 0.4
                 : run.last > run.first ? 0.97
                                        : 0.9,
                 0,
                 {Term::check}});
}

// "+": a number of every length that its country has. The longest is meant, unless what follows is a value of its own.
void detect_international(std::string_view text, const Cluster& cluster, Findings& out) {
  bool complete = false;
  Dialled number;
  for (std::size_t last = 0; last < cluster.groups.size(); ++last) {
    if (last > 1 && is_trunk_zero(cluster, last - 1)) number.drop_last();
    number.append(cluster.digits_of(last, last));
    const auto digits = number.view();
    if (digits.size() > kLongest) break;
    if (international_length_ok(digits)) {
      complete = true;
      add_international(text, cluster, {0, last}, digits, out);
    }
    if (last + 1 == cluster.groups.size()) break;
    // A line may break inside a number, but a complete one does not go on in the next line.
    if (!joins(cluster, last) && (complete || cluster.gap(last).find_first_not_of(" \t\r\n") != std::string_view::npos))
      break;
  }
}

bool is_year(std::string_view digits) {
  return digits.size() == 4 && (digits.starts_with("19") || digits.starts_with("20"));
}

// Three groups that read as a date: 2024-05-01, 1.5.2024.
bool is_date(const Cluster& cluster, std::size_t first) {
  if (first + 2 >= cluster.groups.size()) return false;
  const auto digits = [&](std::size_t i) { return cluster.digits_of(first + i, first + i); };
  const auto small = [&](std::size_t i) { return cluster.groups[first + i].length <= 2; };
  return small(1) && ((is_year(digits(0)) && small(2)) || (small(0) && is_year(digits(2))));
}

// 004203/2025: the number of a file and its year.
bool is_file_number(const Cluster& cluster, const Range& run) {
  return run.last == run.first + 1 && cluster.groups[run.first].separator == '/' &&
         is_year(cluster.digits_of(run.last, run.last));
}

// [1] 3-3-4 as in North America.
bool is_nanp(const Cluster& cluster, const Range& run) {
  std::size_t first = run.first;
  const auto& groups = cluster.groups;
  if (run.last - run.first == 3 && cluster.digits_of(first, first) == "1") ++first;
  if (run.last - first != 2) return false;
  return groups[first].length == 3 && groups[first + 1].length == 3 && groups[first + 2].length == 4 &&
         nanp_valid(cluster.digits_of(first, first + 2));
}

// A national number with its trunk prefix 0: "030 901820", "(02) 1234 5678", "01 23 45 67 89".
bool is_trunk(const Cluster& cluster, const Range& run) {
  const auto& lead = cluster.groups[run.first];
  const auto digits = cluster.digits_of(run.first, run.last);
  if (digits[0] != '0' || digits[1] == '0' || lead.length < 2 || lead.length > 5) return false;
  if (lead.length == 5 && digits.size() < 10) return false;  // a postcode and a house number
  const bool dots = lead.separator == '.';
  return digits.size() >= 9 && digits.size() <= 12 && (!dots || run.last - run.first >= 2);
}

// "00" and a country code, or "011" and one.
bool is_dialled_abroad(const Cluster& cluster, const Range& run) {
  if (cluster.groups[run.first].length < 2 || cluster.digits_of(run.first, run.first)[0] != '0') return false;
  const Dialled number = dialled(cluster, run.first, run.last);
  const auto digits = number.view();
  if (digits.starts_with("00")) return international_length_ok(digits.substr(2));
  return digits.starts_with("011") && international_length_ok(digits.substr(3));
}

// (11) 96123-4567: an area in parentheses, then groups as they are dialled.
bool has_area(const Cluster& cluster, const Range& run) {
  const auto& groups = cluster.groups;
  const std::size_t digits = cluster.digits_of(run.first, run.last).size();
  if (run.last - run.first < 2 || digits < 8 || digits > 11 || groups[run.first].length > 4) return false;
  for (std::size_t i = run.first + 1; i <= run.last; ++i)
    if (groups[i].length < 2 || groups[i].length > 5) return false;
  return cluster.gap(run.first).starts_with(')') && groups[run.last].length == 4;
}

// 1800 123 456: free of charge, in a grouping that amounts of money do not have.
bool is_free_phone(const Cluster& cluster, const Range& run) {
  const auto& groups = cluster.groups;
  if (run.last - run.first != 2 || groups[run.first + 1].length != 3) return false;
  const auto first = cluster.digits_of(run.first, run.first);
  return (first == "1800" || first == "1300") && (groups[run.last].length == 3 || groups[run.last].length == 4);
}

// What its form alone says.
double form_score(std::string_view text, const Cluster& cluster, const Range& run) {
  if (run.first == run.last) return 0.2;  // a bare number may be anything
  const bool parenthesis = parenthesis_before(text, cluster.start_of(run.first));
  if (is_dialled_abroad(cluster, run)) return 0.78;  // more than the national number inside it
  if (is_nanp(cluster, run)) return parenthesis || cluster.groups[run.last - 1].separator == '-' ? 0.75 : 0.6;
  if ((parenthesis && has_area(cluster, run)) || is_free_phone(cluster, run)) return 0.6;
  return is_trunk(cluster, run) ? 0.6 : 0.35;
}

double named_score(double form) { return std::min(1.0, std::max(form + 0.35, 0.6)); }

double phone_score(double form, const Range& run, Hint hint) {
  switch (hint) {
    case Hint::phone:
      return named_score(form);
    case Hint::contact:
      return run.first == run.last ? form : form + 0.2;
    case Hint::other:
    case Hint::card:
    case Hint::ssn:
      return form - 0.3;
    default:
      return form;
  }
}

// Letters right before: "is415-555-0132" is a slip of the keyboard, "a1b2-415-555-0132" is an identifier.
bool follows_identifier(std::string_view text, std::size_t start) {
  std::size_t at = start;
  while (at > 0 && is_alpha(text[at - 1])) --at;
  if (at == start) {
    if (text.substr(0, start).ends_with("..")) return true;                               // index ffed1cb..0019196
    const bool clock = start > 1 && text[start - 1] == ':' && is_digit(text[start - 2]);  // 12:33:04.383
    return clock || (start > 0 && is_digit(text[start - 1]));
  }
  return start - at > 12 || (at > 0 && text[at - 1] != ' ');
}

void consider(std::string_view text, const Cluster& cluster, const Range& run, Findings& out) {
  const std::size_t digits = cluster.digits_of(run.first, run.last).size();
  if (digits < 7 || digits > kLongest || is_date(cluster, run.first) || is_file_number(cluster, run)) return;
  const std::size_t start = with_opening(text, cluster, run);
  const std::size_t end = past_extension(text, cluster.end_of(run.last));
  if (follows_identifier(text, start) || (end < text.size() && is_alnum(unit_at(text, end).c))) return;
  const double form = form_score(text, cluster, run);
  // It cannot become surer than what was just found there, such as an international number.
  if (!out.empty() && out.back().start == start && out.back().end == end &&
      out.back().type == EntityType::phone_number && out.back().score >= named_score(form))
    return;
  const Hint hint = cluster.hints.around(text, start, end);
  const double score = phone_score(form, run, hint);
  if (score <= 0.3) return;
  Reason why;
  why.add(Term::named, hint == Hint::phone || hint == Hint::contact);
  why.add(Term::other_name, hint == Hint::other || hint == Hint::card || hint == Hint::ssn);
  why.add(Term::separators, run.last > run.first);
  out.push_back({EntityType::phone_number, start, end, score, 0, why});
}

// A North American number in a longer row: "415-555-0132 416-555-0199". Set off by another separator than its own, so
// that no piece is cut out of a longer number.
bool nanp_in_row(const Cluster& cluster, const Range& three) {
  if (!is_nanp(cluster, three)) return false;
  const auto inner = cluster.gap(three.last - 1);
  const bool before = three.first == 0 || cluster.gap(three.first - 1) != inner;
  const bool after = three.last + 1 == cluster.groups.size() || cluster.gap(three.last) != inner;
  return before && after;
}

// Groups that may all belong to one number.
void consider_row(std::string_view text, const Cluster& cluster, const Range& row, Findings& out) {
  consider(text, cluster, row, out);
  for (std::size_t i = row.first; i + 2 <= row.last && row.last - row.first > 2; ++i)
    if (nanp_in_row(cluster, {i, i + 2})) consider(text, cluster, {i, i + 2}, out);
}

}  // namespace

void detect_phones(std::string_view text, const Cluster& cluster, Findings& out) {
  const auto& groups = cluster.groups;
  if (char_before(text, cluster.start) == '+') detect_international(text, cluster, out);
  Range run;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    run.last = i;
    if (i + 1 < groups.size() && joins(cluster, i)) continue;
    consider_row(text, cluster, run, out);
    run.first = i + 1;
  }
}

}  // namespace tollgate::pii
