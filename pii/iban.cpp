// IBANs: country, check digits, and the length that the country prescribes.
#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "pii/byte_classes.h"
#include "pii/checks.h"
#include "pii/detect.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kBack = 16;    // units before the digits: two letters, check digits, bank code, separators
constexpr std::size_t kCluster = 7;  // digits that are looked at together (scanner.cpp)
constexpr std::size_t kMaxGap = 2;   // separators between two characters

constexpr bool is_gap(char c) { return is_space(c) || c == '-' || c == '.' || c == '*'; }

using Characters = std::array<char, 34>;  // the longest that ISO 13616 allows

// What a byte is in an IBAN where it stands by itself: a separator, what may be a part of a longer unit, what ends it,
// or the bits of a digit or letter.
constexpr std::uint8_t kDigit = 1;
constexpr std::uint8_t kUpper = 2;
constexpr std::uint8_t kLower = 4;
constexpr std::uint8_t kGap = 8;
constexpr std::uint8_t kUnit = 16;
constexpr auto kRoles = [] {
  std::array<std::uint8_t, 256> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char c = static_cast<char>(i);
    const bool marked = i >= 0x80 || c == '\0' || is_one_of(c, "\\%&*<");
    out[i] = marked ? kUnit : is_digit(c) ? kDigit : is_upper(c) ? kUpper : is_lower(c) ? kLower : is_gap(c) ? kGap : 0;
  }
  return out;
}();

// The usual case of the next function: bytes that all stand by themselves. Nothing: one does not, in `special`.
std::optional<std::size_t> read_plain(std::string_view text, std::size_t pos, std::size_t length, Characters& out,
                                      bool& special) {
  std::size_t size = 0;
  unsigned seen = 0;
  std::size_t gap = 0;
  const auto role_at = [&](std::size_t at) { return kRoles[static_cast<unsigned char>(text.data()[at])]; };
  for (; pos < text.size() && size < length; ++pos) {
    const std::uint8_t role = role_at(pos);
    if ((role & (kDigit | kUpper | kLower)) != 0) {
      seen |= role;
      out.data()[size++] = role == kLower ? to_upper(text.data()[pos]) : text.data()[pos];
      gap = 0;
    } else if (role != kGap || ++gap > kMaxGap) {
      special = role == kUnit;
      return std::nullopt;
    }
  }
  if (size < length || (seen & (kUpper | kLower)) == (kUpper | kLower)) return std::nullopt;
  const std::uint8_t behind = pos < text.size() ? role_at(pos) : 0;
  special = behind == kUnit;
  if ((behind & (kUnit | kDigit | kUpper | kLower)) != 0) return std::nullopt;
  return pos;
}

// Reads exactly `length` letters and digits, of one case, from `pos`. Returns the end, or nothing.
std::optional<std::size_t> read(std::string_view text, std::size_t pos, std::size_t length, Characters& out) {
  bool special = false;
  const auto plain = read_plain(text, pos, length, out, special);
  if (!special) return plain;
  std::size_t size = 0;
  bool upper = false;
  bool lower = false;
  std::size_t gap = 0;
  while (pos < text.size() && size < length) {
    const Unit unit = unit_at(text, pos);
    pos += unit.length;
    if (unit.c == kInvisible) continue;
    if (is_alnum(unit.c)) {
      upper |= is_upper(unit.c);
      lower |= is_lower(unit.c);
      out[size++] = to_upper(unit.c);
      gap = 0;
    } else if (!is_gap(unit.c) || ++gap > kMaxGap) {
      return std::nullopt;
    }
  }
  if (size < length || (upper && lower)) return std::nullopt;
  if (pos < text.size() && is_alnum(unit_at(text, pos).c)) return std::nullopt;
  return pos;
}

// What stands before the digits and the first two of them, folded, as far as an IBAN may have begun there.
struct Head {
  struct Visible {
    char c = kOther;
    std::size_t start = 0;  // bytes of the original
  };
  std::array<Visible, kBack + 2> units;
  std::size_t size = 0;
  void push(Visible unit) { units[size++] = unit; }
};

Head read_head(std::string_view text, const Cluster& cluster) {
  Head head;
  for (std::size_t pos = cluster.start; head.size < kBack && pos > 0;) {
    const Unit unit = unit_before(text, pos);
    if (unit.c != kInvisible && !is_alnum(unit.c) && !is_gap(unit.c)) break;
    pos -= unit.length;
    if (unit.c != kInvisible) head.push({unit.c, pos});
  }
  std::reverse(head.units.begin(), head.units.begin() + static_cast<std::ptrdiff_t>(head.size));
  // The check digits may be the first two of the cluster, or, where a bank code of letters follows, stand before it.
  for (std::size_t i = 0; i < 2 && i < cluster.chars.size(); ++i)
    head.push({cluster.chars[i], cluster.start_of_char(i)});
  return head;
}

// Tries an IBAN that begins at `start` with the letters of its country.
void try_at(std::string_view text, std::size_t start, char first, char second, Findings& out) {
  const bool ascii_before = start > 0 && static_cast<unsigned char>(text[start - 1]) < 0x80;
  if (ascii_before && is_alnum(unit_before(text, start).c)) return;
  const std::size_t length = iban_length(to_upper(first), to_upper(second));
  if (length == 0) return;
  Characters iban;
  const auto end = read(text, start, length, iban);
  if (end && iban_valid({iban.data(), length}))
    out.push_back({EntityType::iban_code, start, *end, 1.0, 0, {Term::check}});
}

// Unit by unit: escapes and other scripts.
void detect_folded(std::string_view text, const Cluster& cluster, Findings& out) {
  const Head head = read_head(text, cluster);
  for (std::size_t i = 0; i + 4 <= head.size; ++i) {
    const auto* s = &head.units[i];
    if (is_alpha(s[0].c) && is_alpha(s[1].c) && is_digit(s[2].c) && is_digit(s[3].c))
      try_at(text, s[0].start, s[0].c, s[1].c, out);
  }
}

// Where an IBAN may go on from `from` to the cluster: letters, digits and separators.
bool reaches(std::string_view text, std::size_t from, std::size_t cluster) {
  return std::ranges::all_of(text.substr(from, cluster - from), [](char c) { return is_alnum(c) || is_gap(c); });
}

}  // namespace

void detect_iban_in_run(std::string_view text, std::size_t start, std::size_t end, Findings& out) {
  const auto run = text.substr(start, end - start);
  if (!is_alpha(run[0]) || !is_alpha(run[1]) || !is_digit(run[2]) || !is_digit(run[3])) return;
  if (run.size() != iban_length(to_upper(run[0]), to_upper(run[1]))) return;
  std::size_t digits = 0;
  for (std::size_t i = 2; i < run.size(); ++i) {
    digits = is_digit(run[i]) ? digits + 1 : 0;
    if (digits == kCluster && i + 1 <= kBack + kCluster) return;  // the cluster tells
  }
  try_at(text, start, run[0], run[1], out);
}

void detect_iban(std::string_view text, const Cluster& cluster, Findings& out) {
  constexpr std::size_t kLongestEscape = 12;
  if (!cluster.plain()) return detect_folded(text, cluster, out);
  const ByteClasses& before = cluster.before;
  if (((before.high | before.marked) >> (kMostClassified - kBack - kLongestEscape)) != 0)
    return detect_folded(text, cluster, out);
  // The check digits may be the first two of the cluster.
  const std::uint64_t second = cluster.chars.size() > 1 && is_digit(cluster.chars[1]) ? 1 : 0;
  const std::uint64_t letters = before.letters();
  const std::uint64_t third_place = (before.digit >> 2U) | (std::uint64_t{1} << 62U) | (second << 63U);
  const std::uint64_t fourth_place = (before.digit >> 3U) | (std::uint64_t{1} << 61U) | (second << 62U);
  constexpr std::uint64_t kWithin = ~std::uint64_t{0} << (kMostClassified - kBack);
  std::uint64_t heads = letters & (letters >> 1U) & third_place & fourth_place & kWithin;
  for (; heads != 0; heads &= heads - 1) {
    const std::size_t at = cluster.start - kMostClassified + static_cast<std::size_t>(std::countr_zero(heads));
    if (reaches(text, at, cluster.start)) try_at(text, at, text[at], text[at + 1], out);
  }
}

}  // namespace tollgate::pii
