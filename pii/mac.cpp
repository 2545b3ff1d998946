// Hardware addresses: 00:1A:2B:3C:4D:5E, with dashes, or Cisco's 001a.2b3c.4d5e (IEEE 802).
#include <algorithm>
#include <array>

#include "pii/detect.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kPairs = 17;  // 00:1A:2B:3C:4D:5E
constexpr std::size_t kQuads = 14;  // 001a.2b3c.4d5e
constexpr std::size_t kMaxBack = 40;
constexpr std::size_t kMaxForward = 96;  // units: spaced out, each character may have a space before it
constexpr std::size_t kMaxSpaces = 2;

bool is_separator(char c) { return c == ':' || c == '-' || c == '.'; }
bool belongs(char c) { return is_hex(c) || is_separator(c) || is_space(c) || c == kInvisible; }

std::size_t neighbourhood_start(std::string_view text, std::size_t pos) {
  for (std::size_t i = 0; i < kMaxBack && pos > 0; ++i) {
    const Unit unit = unit_before(text, pos);
    if (!belongs(unit.c)) break;
    pos -= unit.length;
  }
  return pos;
}

struct Neighbourhood {
  std::array<char, kMaxForward> chars;
  std::array<Folded::Place, kMaxForward> places;
  std::size_t size = 0;
  void push(char c, Folded::Place place) {
    chars[size] = c;
    places[size++] = place;
  }
};

// What belongs to addresses from `pos` on, without spaces. Returns where that ends.
std::size_t read_neighbourhood(std::string_view text, std::size_t pos, Neighbourhood& out) {
  std::size_t spaces = 0;
  for (std::size_t i = 0; i < kMaxForward && pos < text.size(); ++i) {
    const Unit unit = unit_at(text, pos);
    if (!belongs(unit.c)) break;
    spaces = is_space(unit.c) ? spaces + 1 : unit.c == kInvisible ? spaces : 0;
    if (spaces > kMaxSpaces) break;
    if (!is_space(unit.c) && unit.c != kInvisible) out.push(unit.c, {pos, pos + unit.length});
    pos += unit.length;
  }
  return pos;
}

// Groups of `group` hex digits with one and the same separator between them.
bool has_form(std::string_view text, std::size_t group, std::string_view separators) {
  const char separator = text[group];
  if (separators.find(separator) == std::string_view::npos) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (i % (group + 1) == group ? text[i] != separator : !is_hex(text[i])) return false;
  return true;
}

// Nobody's: all zeros, and what is sent to everybody.
bool is_reserved(std::string_view text) {
  const auto only = [&](char digit) {
    return std::ranges::all_of(text, [&](char c) { return is_separator(c) || to_upper(c) == digit; });
  };
  return only('0') || only('F');
}

// A longer row, such as the fingerprint of a certificate, is something else; a digit may be stuck to the front. "MAC: "
// and the "- " of a list end in a separator of ours and a space.
bool stands_alone(std::string_view text, const Neighbourhood& folded, std::size_t i, std::size_t length) {
  const char before = char_before(text, folded.places[i].start);
  if (i > 0 && is_separator(folded.chars[i - 1]) && before != ' ' && before != '\t') return false;
  const char after = char_after(text, folded.places[i + length - 1].end);
  const bool ends = !is_alnum(after) && after != ':' && after != '-';
  return !is_alpha(before) && ends && (folded.chars[i + 2] == ':' || !is_digit(before));
}

double score_of(std::string_view address) {
  const bool colons = address[2] == ':';
  return colons || std::ranges::any_of(address, is_alpha) ? 0.85 : 0.4;  // 12-34-56-78-90-12 may be any number
}

}  // namespace

bool maybe_mac(std::string_view text, std::size_t pos) {
  const auto at = [&](std::size_t i) { return pos + i < text.size() ? text[pos + i] : '\n'; };
  // Spelled in other scripts or with escapes: who knows.
  const auto odd = [](char c) { return static_cast<unsigned char>(c) >= 0x80 || c == '\\' || c == '%' || c == '&'; };
  const char separator = at(1);
  const std::size_t group = separator == '.' ? 4 : 2;
  const std::size_t length = separator == '.' ? kQuads : kPairs;
  // `pos` is the last digit of the first group, or of the second where spaces stand in the first.
  for (std::size_t i = 2; i + 2 * group < length; ++i) {
    const char c = at(i);
    if (odd(c) || is_space(c) || c == '*' || c == '<') return true;
    if (i % (group + 1) == 1 ? c != separator : !is_hex(c)) return false;
  }
  return true;
}

std::size_t detect_mac(std::string_view text, std::size_t pos, Findings& out) {
  Neighbourhood folded;
  const std::size_t end = read_neighbourhood(text, neighbourhood_start(text, pos), folded);
  const std::string_view all(folded.chars.data(), folded.size);
  for (std::size_t i = 0; i + kQuads <= all.size(); ++i) {
    const bool pairs = i + kPairs <= all.size() && has_form(all.substr(i, kPairs), 2, ":-");
    if (!pairs && !has_form(all.substr(i, kQuads), 4, ".")) continue;
    const std::size_t length = pairs ? kPairs : kQuads;
    const auto address = all.substr(i, length);
    if (is_reserved(address) || !stands_alone(text, folded, i, length)) continue;
    out.push_back(
        {EntityType::mac_address, folded.places[i].start, folded.places[i + length - 1].end, score_of(address)});
    i += length - 1;
  }
  return std::max(end, pos + 1);
}

}  // namespace tollgate::pii
