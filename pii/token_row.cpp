#include "pii/token_row.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "pii/byte_classes.h"

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
  constexpr std::size_t kCopied = 32;  // of every group: how many it has cannot be guessed
  constexpr std::size_t kLastGroup = kMostCharacters + TokenRow::kMostGroups;
  static_assert(kMostCharacters < kCopied && kLastGroup < kMostClassified);
  std::array<char, kMostClassified + kCopied> capitals;
  const std::size_t left = std::min(text.size() - at, kMostClassified);
  const ByteClasses classes = classify(text, at, left);
  const std::uint64_t alnum = classes.letters() | classes.digit;
  const char* const row = text.data() + at;
  for (std::size_t i = 0; i < left; ++i) capitals.data()[i] = to_upper(row[i]);
  bool separated = false;
  for (std::size_t i = 0;;) {
    const auto length = static_cast<std::size_t>(std::countr_one(alnum >> i));
    const std::size_t taken = std::min(length, kMostCharacters - out.size);
    const std::size_t group = out.size;
    std::memcpy(out.characters.data() + group, capitals.data() + i, kCopied);
    const std::uint64_t all = (std::uint64_t{1} << taken) - 1U;
    out.digits |= static_cast<std::uint32_t>((classes.digit >> i) & all) << group;
    out.lower |= static_cast<std::uint32_t>((classes.lower >> i) & all) << group;
    out.size += taken;
    if (taken != 0) out.end = at + i + taken;
    if (taken < length) return true;  // the group goes on: it is none
    if (length != 0) out.add_group(group, at + i);
    if (length != 0) separated = false;
    i += length;
    if (at + i == text.size()) return true;
    const Role role = kRoles[static_cast<unsigned char>(row[i])];
    if (role == Role::special) return false;
    if (separated || role == Role::ends || out.group_count == TokenRow::kMostGroups) return true;
    if (out.size < kMostCharacters) out.push_gap(row[i]);
    separated = true;
    ++i;
  }
}

}  // namespace

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
  out = TokenRow();
  char gap = '\0';
  std::size_t group = 0;  // where the group under way begins
  std::size_t group_start = 0;
  while (at < text.size()) {
    const Unit unit = unit_at(text, at);
    const std::size_t start = at;
    at += unit.length;
    if (unit.c == kInvisible) continue;
    if (is_alnum(unit.c)) {
      if (out.size == kMostCharacters) return;  // the group goes on: it is none
      if (out.size == group) group_start = start;
      if (gap != '\0') out.push_gap(gap);
      out.push(unit.c, at);
      gap = '\0';
      continue;
    }
    if (out.size > group) out.add_group(group, group_start);
    group = out.size;
    if (gap != '\0' || !is_row_separator(unit.c) || out.group_count == TokenRow::kMostGroups) return;
    gap = unit.c;
  }
  if (out.size > group) out.add_group(group, group_start);
}

}  // namespace tollgate::pii
