// Cards, social security numbers and IPv4 addresses: what is made of groups of digits.
#include <algorithm>
#include <array>

#include "pii/arithmetic.h"
#include "pii/checks.h"
#include "pii/context.h"
#include "pii/detect.h"

namespace tollgate::pii {
namespace {

// All gaps of [first, last] are the same single character out of `allowed`, or there is none.
bool uniform_gaps(const Cluster& cluster, std::size_t first, std::size_t last, std::string_view allowed) {
  if (first == last) return true;
  const char own = cluster.groups[first].separator;
  if (!is_one_of(own, allowed)) return false;
  for (std::size_t i = first + 1; i < last; ++i)
    if (cluster.groups[i].separator != own) return false;
  return true;
}

// An ASCII letter or digit right beside: the digits are part of something else. Letters of other scripts are not: they
// write no space ("номер4111", "카드4111").
bool glued(std::string_view text, std::size_t start, std::size_t end) {
  const char before = start > 0 ? unit_before(text, start).c : ' ';
  const bool raw_before = start > 0 && static_cast<unsigned char>(text[start - 1]) < 0x80;
  const char after = end < text.size() ? unit_at(text, end).c : ' ';
  const bool raw_after = end < text.size() && static_cast<unsigned char>(text[end]) < 0x80;
  return (raw_before && is_alnum(before)) || (raw_after && is_alnum(after));
}

// The fraction of a decimal number, or the start of one.
bool decimal_point_beside(std::string_view text, std::size_t start, std::size_t end) {
  const auto digit = [&](std::size_t i) { return i < text.size() && is_digit(text[i]); };
  const bool before = start >= 2 && text[start - 1] == '.' && digit(start - 2);
  return before || (end < text.size() && text[end] == '.' && digit(end + 1));
}

void note_hint(Reason& why, Hint hint, Hint own) {
  why.add(Term::named, hint == own);
  why.add(Term::other_name, hint == Hint::other);
}

enum class Grouping : std::uint8_t { plain, printed, odd };

// One run; or as cards are printed, three groups or more of four to six digits (the last may be shorter); or odd.
Grouping grouping(const Cluster& cluster, std::size_t first, std::size_t last) {
  if (first == last) return Grouping::plain;
  for (std::size_t i = first; i < last; ++i)
    if (cluster.groups[i].length < 4 || cluster.groups[i].length > 6) return Grouping::odd;
  return last - first >= 2 && uniform_gaps(cluster, first, last, " -") ? Grouping::printed : Grouping::odd;
}

double card_score(std::string_view text, const Cluster& cluster, std::size_t first, std::size_t last, Grouping grouping,
                  std::size_t digits, Hint hint) {
  const std::size_t start = cluster.start_of(first);
  const std::size_t end = cluster.end_of(last);
  const bool beside = glued(text, start, end);
  const bool odd = grouping == Grouping::odd;
  if (hint == Hint::card) return beside || odd ? 0.8 : 1.0;
  if (odd || beside || decimal_point_beside(text, start, end)) return 0.3;
  if (grouping == Grouping::printed) return 0.98;
  if (hint == Hint::other) return 0.3;
  // A bare run of 12, 13, 17 or 18 digits is more often an article or order number that passes by chance.
  return digits == 16 || digits == 15 || digits == 14 || digits == 19 ? 0.8 : 0.4;
}

// A sign that ends a number, or a space with a letter behind it.
bool ends_number(char next, char next_but_one) {
  static constexpr std::string_view kEnds = ",;:\"'=$";
  return is_one_of(next, kEnds) || (next == ' ' && is_alpha(next_but_one));
}

}  // namespace

std::size_t ordinary_number_end(std::string_view text, std::size_t pos) {
  constexpr std::size_t kMost = 5;  // identifiers have six
  if (!is_digit(text[pos]) && (pos == 0 || !is_digit(text[pos - 1]))) return 0;
  const auto at = [&](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
  std::size_t end = pos;
  while (end - pos <= kMost && is_digit(at(end))) ++end;
  if (end - pos > kMost || !ends_number(at(end), at(end + 1))) return 0;  // as most that are looked at closer
  std::size_t start = pos;
  while (start > 0 && pos - start <= kMost && is_digit(text[start - 1])) --start;
  const std::size_t digits = end - start;
  const bool year = digits == 4 && (text[start] == '1' || text[start] == '2');
  if (digits == 0 || digits > kMost || year || start < 2) return 0;
  if (!ends_number(text[start - 1], text[start - 2])) return 0;
  // Inside an escape, such as \u0040 or &#x40;, digits are not what they seem.
  constexpr std::size_t kEscape = 5;
  const auto before = text.substr(start - std::min(start, kEscape), std::min(start, kEscape));
  return std::ranges::none_of(before, [](char c) { return c == '\\' || c == '&'; }) ? end : 0;
}

std::size_t timestamp_end(std::string_view text, std::size_t pos) {
  static constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";  // ISO 8601-1 §5.4.2.1; RFC 3339 §5.6 has the space
  constexpr std::uint64_t kDigitsOfForm = [] {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < kForm.size(); ++i) out |= std::uint64_t{kForm[i] == 'd'} << i;
    return out;
  }();
  constexpr std::size_t kMostOfSecond = 9;
  if (text.size() - pos < kForm.size() || text[pos + 4] != '-' || text[pos + 13] != ':') return 0;
  if (classify(text, pos, kForm.size()).digit != kDigitsOfForm) return 0;
  for (const std::size_t sign : {4U, 7U, 10U, 13U, 16U})
    if (text[pos + sign] != kForm[sign] && !(sign == 10 && text[pos + sign] == ' ')) return 0;
  const auto stamp = text.substr(pos);
  if (!date_exists(number_at(stamp, 0, 4), number_at(stamp, 5, 2), number_at(stamp, 8, 2))) return 0;
  if (pos > 0 && (in_word(text[pos - 1]) || is_one_of(text[pos - 1], "-./()*"))) return 0;
  std::size_t end = pos + kForm.size();
  if (end + 1 < text.size() && (text[end] == '.' || text[end] == ',') && is_digit(text[end + 1])) {
    const std::size_t most = std::min(text.size(), end + 1 + kMostOfSecond);
    for (++end; end < most && is_digit(text[end]);) ++end;
  }
  const bool more = end < text.size() && (is_digit(text[end]) || text[end] == ':' || text[end] == '.');
  return more ? 0 : end;
}

std::size_t long_run_end(std::string_view text, std::size_t pos, const Run& run) {
  constexpr std::size_t kLongest = 34;    // an IBAN (ISO 13616); with both cases of letters no more than an identifier
  constexpr std::size_t kMostDigits = 7;  // together, which are part of something: eight may be a date
  if (run.end - run.start <= kLongest) return 0;
  std::size_t digits = pos;
  while (digits < text.size() && digits - pos <= kMostDigits && is_digit(text[digits])) ++digits;
  if (digits - pos > kMostDigits || digits == text.size() || !is_alpha(text[digits])) return 0;
  std::size_t end = run.end;
  while (is_digit(text[end - 1])) --end;
  return end;
}

void detect_cards(std::string_view text, const Cluster& cluster, Findings& out) {
  const auto& groups = cluster.groups;
  for (std::size_t first = 0; first < groups.size(); ++first) {
    std::size_t total = 0;
    for (std::size_t last = first; last < groups.size() && (total += groups[last].length) <= 19; ++last) {
      if (total < 12) continue;
      const auto digits = cluster.digits_of(first, last);
      if (!card_issuer_known(digits)) continue;
      const Grouping form = grouping(cluster, first, last);
      const bool whole = first == 0 && last + 1 == groups.size();
      if (form == Grouping::odd && !whole) continue;  // groups picked out of a longer row
      if (!luhn_valid(digits)) continue;
      const Hint hint = cluster.hints.around(text, cluster.start_of(first), cluster.end_of(last));
      const double score = card_score(text, cluster, first, last, form, total, hint);
      Reason why{Term::check};
      note_hint(why, hint, Hint::card);
      why.add(Term::odd_grouping, form == Grouping::odd);
      out.push_back({EntityType::credit_card, cluster.start_of(first), cluster.end_of(last), score, 0, why});
    }
  }
}

void detect_ssn(std::string_view text, const Cluster& cluster, Findings& out) {
  const auto& groups = cluster.groups;
  for (std::size_t i = 0; i + 2 < groups.size(); ++i) {
    if (groups[i].length != 3 || groups[i + 1].length != 2 || groups[i + 2].length != 4) continue;
    if (!uniform_gaps(cluster, i, i + 2, "- .") || !ssn_valid(cluster.digits_of(i, i + 2))) continue;
    const std::size_t start = cluster.start_of(i);
    const std::size_t end = cluster.end_of(i + 2);
    if (glued(text, start, end)) continue;
    const bool dashed = groups[i].separator == '-';
    const bool named = cluster.hints.around(text, start, end) == Hint::ssn;
    Reason why{Term::check, Term::separators};
    why.add(Term::named, named);
    out.push_back({EntityType::us_ssn, start, end, named ? 1.0 : dashed ? 0.85 : 0.65, 0, why});
  }
  // However it is written, nine digits that are called a social security number.
  if (cluster.digits.size() != 9 || !ssn_valid(cluster.digits)) return;
  if (cluster.hints.around(text, cluster.start, cluster.end) == Hint::ssn)
    out.push_back({EntityType::us_ssn, cluster.start, cluster.end, 0.8, 0, {Term::check, Term::named}});
}

namespace {

bool is_octet(const Cluster& cluster, const Group& group) {
  const char* const digits = cluster.digits.data() + group.digits_before;
  if (group.length < 3) return group.length == 1 || digits[0] != '0';
  if (group.length > 3 || digits[0] != '2') return group.length == 3 && digits[0] == '1';
  return digits[1] < '5' || (digits[1] == '5' && digits[2] <= '5');
}

// The end of "/24" where that follows, else `end`.
std::size_t past_prefix_length(const Cluster& cluster, std::size_t last) {
  const auto& groups = cluster.groups;
  if (last + 1 >= groups.size() || groups[last].separator != '/' || groups[last + 1].length > 2)
    return cluster.end_of(last);
  return number_at(cluster.digits_of(last + 1, last + 1), 0, 2) <= 32 ? cluster.end_of(last + 1) : cluster.end_of(last);
}

// "Chrome/99.0.48.15": a product and its version, but not the "//" of a URL; or a version as packages ask for one:
// ^7.9.64.2, ~=1.2.3.4, ==1.2.3.4.
bool is_asked_for_as_version(std::string_view text, std::size_t start) {
  if (start == 0) return false;
  const char before = text[start - 1];
  if (before == '^' || before == '~') return true;
  return start >= 2 &&
         ((before == '/' && is_alnum(text[start - 2])) || (before == '=' && is_one_of(text[start - 2], "=~<>")));
}

}  // namespace

void detect_ipv4(std::string_view text, const Cluster& cluster, Findings& out) {
  const auto& groups = cluster.groups;
  for (std::size_t i = 0; i + 3 < groups.size(); ++i) {
    if (groups[i].separator != '.') continue;
    if (i > 0 && groups[i - 1].separator == '.') continue;  // a part of something longer, such as an object identifier
    if (!uniform_gaps(cluster, i, i + 3, ".")) continue;
    if (i + 4 < groups.size() && groups[i + 3].separator == '.') continue;
    const bool octets = is_octet(cluster, groups[i]) && is_octet(cluster, groups[i + 1]) &&
                        is_octet(cluster, groups[i + 2]) && is_octet(cluster, groups[i + 3]);
    const std::size_t start = cluster.start_of(i);
    const std::size_t end = past_prefix_length(cluster, i + 3);
    if (!octets || glued(text, start, end)) continue;
    const Hint hint = cluster.hints.around(text, start, end);
    const bool version = hint == Hint::other || is_asked_for_as_version(text, start);
    Reason why;
    why.add(Term::named, hint == Hint::ip);
    why.add(Term::other_name, version && hint != Hint::ip);
    out.push_back({EntityType::ip_address, start, end, hint == Hint::ip ? 0.95 : version ? 0.3 : 0.7, 0, why});
  }
}

}  // namespace tollgate::pii
