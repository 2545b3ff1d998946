#pragma once
// Text as the detectors see it: one ASCII character per unit, whatever it was written as, with exact offsets back.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::pii {

// What a unit is when no ASCII character stands for it.
inline constexpr char kInvisible = '\0';  // zero-width, soft hyphen, direction mark, combining mark: not there
inline constexpr char kLetter = '\x80';   // a letter of an alphabetic script, such as é
inline constexpr char kOther = '\x81';    // anything else: CJK, emoji, symbols

// One character of the text: the ASCII character it stands for, and how many bytes spell it.
struct Unit {
  char c = kOther;
  std::uint8_t length = 1;
};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_alpha(char c) { return is_upper(c) || is_lower(c); }
constexpr bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
constexpr bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
// A byte of a word: a letter or digit, or part of a character beyond ASCII.
constexpr bool in_word(char c) { return is_alnum(c) || static_cast<unsigned char>(c) >= 0x80; }
constexpr bool is_one_of(char c, std::string_view few) {
  for (const char other : few)
    if (c == other) return true;
  return false;
}
constexpr char to_lower(char c) { return is_upper(c) ? static_cast<char>(c + 32) : c; }
constexpr char to_upper(char c) { return is_lower(c) ? static_cast<char>(c - 32) : c; }

// The character a code point stands for: digits of every script, full-width and mathematical letters, Cyrillic and
// Greek look-alikes, Unicode spaces and hyphens.
char fold_code_point(std::uint32_t code_point);

// The unit that starts at `pos`: raw UTF-8, or one escape of JSON (\u0040, \n), URLs (%40) or HTML (&#64;), because
// tool-call arguments are JSON inside JSON. Marks of bold and its like (** and <b>) are invisible.
// REQUIRES: pos < text.size(). Broken UTF-8 is kOther, one byte each.
Unit decode_unit(std::string_view text, std::size_t pos);
inline Unit unit_at(std::string_view text, std::size_t pos) {
  const char c = text[pos];
  if (static_cast<signed char>(c) > 0 && c != '\\' && c != '%' && c != '&' && c != '*' && c != '<') return {c, 1};
  return decode_unit(text, pos);
}
// The unit that ends at `pos`. REQUIRES: 0 < pos <= text.size(), and pos is a unit boundary.
Unit decode_unit_before(std::string_view text, std::size_t pos);
inline Unit unit_before(std::string_view text, std::size_t pos) {
  constexpr std::size_t kLongestEscape = 12;
  const char c = text[pos - 1];
  // No byte at which an escape of that length would begin, and no other unit of several bytes ends here.
  if (pos >= kLongestEscape && static_cast<signed char>(c) > 0 && c != ';' && c != '*' && c != '>' && c != '\\' &&
      text[pos - 2] != '\\' && text[pos - 3] != '%' && text[pos - 6] != '\\' && text[pos - 12] != '\\')
    return {c, 1};
  return decode_unit_before(text, pos);
}
// The start of the unit that `pos` lies in.
std::size_t unit_start(std::string_view text, std::size_t pos);

// The visible neighbour outside [start, end), past what is invisible; kOther where the text ends.
char visible_before(std::string_view text, std::size_t start);
char visible_after(std::string_view text, std::size_t end);
inline char char_before(std::string_view text, std::size_t start) {
  const Unit unit = start > 0 ? unit_before(text, start) : Unit{};
  return unit.c != kInvisible ? unit.c : visible_before(text, start);
}
inline char char_after(std::string_view text, std::size_t end) {
  const Unit unit = end < text.size() ? unit_at(text, end) : Unit{};
  return unit.c != kInvisible ? unit.c : visible_after(text, end);
}

// A piece of text in folded form.
struct Folded {
  struct Place {
    std::size_t start = 0;  // bytes of the original
    std::size_t end = 0;
  };
  std::string text;           // one character per visible unit
  std::vector<Place> places;  // where each one is

  void clear() {
    text.clear();
    places.clear();
  }
  void push(char c, Place place) {
    text.push_back(c);
    places.push_back(place);
  }
  std::size_t size() const { return text.size(); }
};

}  // namespace tollgate::pii
