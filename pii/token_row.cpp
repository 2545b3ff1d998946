#include "pii/token_row.h"

#include <algorithm>
#include <bit>

namespace tollgate::pii {
namespace {

constexpr std::size_t kMostCharacters = TokenRow::kMostCharacters;
constexpr std::size_t kPrefixLetters = 5;  // "MORGA 657054", "DE 123456789"

// Where the run of letters and digits around `at` starts. npos: it began below `floor`, where the cluster before has
// looked at it, or it is longer than any identifier (base64, a hash).
std::size_t run_start(std::string_view text, std::size_t at, std::size_t floor) {
  std::size_t plain = 0;  // the usual case of a long run needs no decoding
  while (plain <= kMostCharacters && plain < at - floor && is_alnum(text[at - 1 - plain])) ++plain;
  if (plain > kMostCharacters) return std::string_view::npos;
  for (std::size_t steps = 0; at > floor; ++steps) {
    const Unit unit = unit_before(text, at);
    if (!is_alnum(unit.c) && unit.c != kInvisible) break;
    if (steps == kMostCharacters) return std::string_view::npos;
    at -= unit.length;
  }
  return at == floor && floor > 0 && is_alnum(char_before(text, floor)) ? std::string_view::npos : at;
}

// The next function where every byte is a character.
std::size_t plain_row_start(std::string_view text, const Cluster& cluster, std::size_t floor) {
  const std::uint64_t alnum = cluster.before.letters() | cluster.before.digit;
  const auto goes_on = [&](std::size_t at) { return at == floor && floor > 0 && is_alnum(char_before(text, floor)); };
  const auto own = std::min<std::size_t>(static_cast<std::size_t>(std::countl_one(alnum)), cluster.start - floor);
  const std::size_t start = cluster.start - own;
  if (own > kMostCharacters || goes_on(start)) return std::string_view::npos;
  if (start <= floor + 1 || !is_row_separator(text[start - 1])) return start;
  const std::size_t end = start - 1;
  const auto more = std::min<std::size_t>(static_cast<std::size_t>(std::countl_one(alnum << (own + 1))), end - floor);
  return more > kPrefixLetters || goes_on(end - more) ? start : end - more;
}

enum class Role : std::uint8_t { ends, separator, alnum, special };  // special: of several bytes, perhaps

constexpr auto kRoles = [] {
  std::array<Role, 256> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char c = static_cast<char>(i);
    const bool special = i >= 0x80 || c == '\0' || is_one_of(c, "\\%&*<");
    out[i] = special ? Role::special : is_alnum(c) ? Role::alnum : is_row_separator(c) ? Role::separator : Role::ends;
  }
  return out;
}();

// The next function where every byte is a character. False: one is not.
bool read_plain_row(std::string_view text, std::size_t at, TokenRow& out) {
  char gap = '\0';
  std::size_t group = 0;
  for (; at < text.size(); ++at) {
    if (const std::size_t end = out.push_plain(text, at, gap); end != at) {
      if (out.size == kMostCharacters && end < text.size() && is_alnum(text[end])) return true;
      at = end;
      if (at == text.size()) break;
      gap = '\0';
    }
    const char c = text.data()[at];
    const Role role = kRoles[static_cast<unsigned char>(c)];
    if (role == Role::special) return false;
    if (out.size > group) out.add_group(group);
    group = out.size;
    if (gap != '\0' || role == Role::ends || out.group_count == TokenRow::kMostGroups) return true;
    gap = c;
  }
  if (out.size > group) out.add_group(group);
  return true;
}

}  // namespace

std::size_t TokenRow::push_plain(std::string_view text, std::size_t at, char gap) {
  // In registers: the stores of characters could change the members.
  std::uint32_t new_digits = digits;
  std::uint32_t new_lower = lower;
  std::size_t count = size;
  for (; at < text.size() && count < kMostCharacters; ++at, ++count) {
    const char c = text.data()[at];
    const std::uint32_t bit = 1U << count;
    if (is_digit(c)) {
      new_digits |= bit;
    } else if (is_lower(c)) {
      new_lower |= bit;
    } else if (!is_upper(c)) {
      break;
    }
    characters.data()[count] = to_upper(c);
    gaps.data()[count] = '\0';
    places.data()[count] = {at, at + 1};
  }
  if (count > size && gap != '\0') {
    gaps[size] = gap;
    if (gap == ' ') spaces |= 1U << size;
  }
  digits = new_digits;
  lower = new_lower;
  size = count;
  return at;
}

// The same, with a few letters before it and one separator between: "AB 12 34 56 C".
std::size_t row_start(std::string_view text, const Cluster& cluster, std::size_t floor) {
  if (cluster.before.plain()) return plain_row_start(text, cluster, floor);
  const std::size_t at = cluster.start;
  const std::size_t start = run_start(text, at, floor);
  if (start == std::string_view::npos || start <= floor) return start;
  const Unit gap = unit_before(text, start);
  if (!is_row_separator(gap.c) || start - gap.length <= floor) return start;
  const std::size_t end = start - gap.length;
  const std::size_t before = run_start(text, end, floor);
  return before != std::string_view::npos && end - before <= kPrefixLetters ? before : start;
}

void read_row(std::string_view text, std::size_t at, TokenRow& out) {
  out.plain = read_plain_row(text, at, out);
  if (out.plain) return;
  out.size = out.group_count = 0;
  out.digits = out.lower = out.spaces = 0;
  char gap = '\0';
  std::size_t group = 0;  // where the group under way begins
  while (at < text.size()) {
    const Unit unit = unit_at(text, at);
    const std::size_t start = at;
    at += unit.length;
    if (unit.c == kInvisible) continue;
    if (is_alnum(unit.c)) {
      if (out.size == kMostCharacters) return;  // the group goes on: it is none
      out.push(unit.c, gap, {start, at});
      gap = '\0';
      continue;
    }
    if (out.size > group) out.add_group(group);
    group = out.size;
    if (gap != '\0' || !is_row_separator(unit.c) || out.group_count == TokenRow::kMostGroups) return;
    gap = unit.c;
  }
  if (out.size > group) out.add_group(group);
}

}  // namespace tollgate::pii
