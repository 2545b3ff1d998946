#include "pii/unit.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "pii/byte_classes.h"

namespace tollgate::pii {
namespace {

// Code point of the digit zero of each decimal script (Unicode general category Nd), sorted; nine more follow each.
constexpr auto kZeros = std::to_array<std::uint32_t>(
    {0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66,  0x0CE6,  0x0D66,
     0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0,  0x1A80,  0x1A90,
     0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xAA50, 0x104A0, 0x11066, 0x1FBF0});

// Letters that look like an ASCII one, sorted by code point.
constexpr auto kLookAlikes = std::to_array<std::pair<std::uint32_t, char>>({
    {0x0391, 'A'}, {0x0392, 'B'}, {0x0395, 'E'}, {0x0396, 'Z'}, {0x0397, 'H'}, {0x0399, 'I'}, {0x039A, 'K'},
    {0x039C, 'M'}, {0x039D, 'N'}, {0x039F, 'O'}, {0x03A1, 'P'}, {0x03A4, 'T'}, {0x03A5, 'Y'}, {0x03A7, 'X'},
    {0x03B1, 'a'}, {0x03B9, 'i'}, {0x03BD, 'v'}, {0x03BF, 'o'}, {0x03C1, 'p'}, {0x03F2, 'c'}, {0x03F3, 'j'},
    {0x0405, 'S'}, {0x0406, 'I'}, {0x0408, 'J'}, {0x0410, 'A'}, {0x0412, 'B'}, {0x0415, 'E'}, {0x041A, 'K'},
    {0x041C, 'M'}, {0x041D, 'H'}, {0x041E, 'O'}, {0x0420, 'P'}, {0x0421, 'C'}, {0x0422, 'T'}, {0x0423, 'Y'},
    {0x0425, 'X'}, {0x0430, 'a'}, {0x0435, 'e'}, {0x043E, 'o'}, {0x0440, 'p'}, {0x0441, 'c'}, {0x0443, 'y'},
    {0x0445, 'x'}, {0x0455, 's'}, {0x0456, 'i'}, {0x0458, 'j'}, {0x0475, 'v'}, {0x04AE, 'Y'}, {0x04BB, 'h'},
    {0x04C0, 'I'}, {0x04CF, 'l'}, {0x0501, 'd'}, {0x050C, 'G'}, {0x051A, 'Q'}, {0x051B, 'q'}, {0x051C, 'W'},
    {0x051D, 'w'}, {0x0570, 'h'},
});

constexpr bool in(std::uint32_t cp, std::uint32_t first, std::uint32_t last) { return cp >= first && cp <= last; }

bool is_invisible(std::uint32_t cp) {
  return cp == 0x00AD || in(cp, 0x0300, 0x036F) || cp == 0x061C || cp == 0x115F || cp == 0x1160 ||
         in(cp, 0x180B, 0x180F) || in(cp, 0x200B, 0x200F) || in(cp, 0x202A, 0x202E) || in(cp, 0x2060, 0x206F) ||
         cp == 0x20E3 || in(cp, 0xFE00, 0xFE0F) || cp == 0xFEFF || in(cp, 0xE0000, 0xE0FFF);
}

bool is_unicode_space(std::uint32_t cp) {
  return cp == 0x00A0 || cp == 0x1680 || in(cp, 0x2000, 0x200A) || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

bool is_unicode_hyphen(std::uint32_t cp) {
  return in(cp, 0x2010, 0x2015) || cp == 0x2043 || cp == 0x2212 || cp == 0xFE58 || cp == 0xFE63;
}

bool is_other_alphabet(std::uint32_t cp) {
  return in(cp, 0x00C0, 0x02AF) || in(cp, 0x0370, 0x058F) || in(cp, 0x1E00, 0x1FFF);
}

std::optional<char> fold_digit(std::uint32_t cp) {
  const auto next = std::upper_bound(kZeros.begin(), kZeros.end(), cp);
  if (next != kZeros.begin() && cp - *(next - 1) < 10) return static_cast<char>('0' + (cp - *(next - 1)));
  if (in(cp, 0x1D7CE, 0x1D7FF)) return static_cast<char>('0' + (cp - 0x1D7CE) % 10);  // mathematical
  if (in(cp, 0x2460, 0x2468)) return static_cast<char>('1' + (cp - 0x2460));          // circled 1-9
  if (in(cp, 0x2776, 0x277E)) return static_cast<char>('1' + (cp - 0x2776));          // negative circled
  if (in(cp, 0x2780, 0x2788)) return static_cast<char>('1' + (cp - 0x2780));          // sans-serif circled
  if (cp == 0x24EA || cp == 0x24FF) return '0';
  return std::nullopt;
}

std::optional<char> fold_letter(std::uint32_t cp) {
  if (in(cp, 0x24B6, 0x24CF)) return static_cast<char>('A' + (cp - 0x24B6));  // circled
  if (in(cp, 0x24D0, 0x24E9)) return static_cast<char>('a' + (cp - 0x24D0));
  if (in(cp, 0x1D400, 0x1D6A3)) {  // mathematical alphabets: 26 capitals, then 26 small letters
    const auto i = (cp - 0x1D400) % 52;
    return static_cast<char>(i < 26 ? 'A' + i : 'a' + (i - 26));
  }
  const auto it = std::lower_bound(kLookAlikes.begin(), kLookAlikes.end(), cp,
                                   [](const auto& entry, std::uint32_t value) { return entry.first < value; });
  if (it != kLookAlikes.end() && it->first == cp) return it->second;
  return std::nullopt;
}

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;  // 0 = not valid UTF-8
};

CodePoint decode_utf8(std::string_view text, std::size_t pos) {
  const auto lead = static_cast<unsigned char>(text[pos]);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || pos + length > text.size()) return {};
  std::uint32_t value = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[pos + i]);
    if ((byte & 0xC0U) != 0x80U) return {};
    value = (value << 6U) | (byte & 0x3FU);
  }
  return {value, length};
}

std::uint32_t hex_value(char c) { return static_cast<std::uint32_t>(is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10); }

// `count` hex digits at `pos`, or nothing.
std::optional<std::uint32_t> read_hex(std::string_view text, std::size_t pos, std::size_t count) {
  if (pos + count > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_hex(text[pos + i])) return std::nullopt;
    value = value * 16 + hex_value(text[pos + i]);
  }
  return value;
}

// Whether the backslashes from `pos` on lead to an escape: JSON in a string of JSON doubles them at every level.
bool escapes_an_escape(std::string_view text, std::size_t pos) {
  constexpr std::size_t kMost = 8;  // of three levels
  static constexpr std::string_view kEscaped = "nrt\"/";
  std::size_t end = pos;
  while (end < text.size() && end - pos < kMost && text[end] == '\\') ++end;
  if (end == text.size()) return false;
  return is_one_of(text[end], kEscaped) || (text[end] == 'u' && read_hex(text, end + 1, 4));
}

Unit decode_json_escape(std::string_view text, std::size_t pos) {
  if (pos + 1 >= text.size()) return {'\\', 1};
  switch (text[pos + 1]) {
    case '\\':
      return {escapes_an_escape(text, pos) ? kInvisible : '\\', 1};
    case 'n':
    case 'r':
      return {'\n', 2};
    case 't':
      return {'\t', 2};
    case '"':
    case '/':
      return {text[pos + 1], 2};
    case 'u':
      break;
    default:
      return {'\\', 1};
  }
  const auto high = read_hex(text, pos + 2, 4);
  if (!high) return {'\\', 1};
  if (!in(*high, 0xD800, 0xDBFF)) return {fold_code_point(*high), 6};
  const bool pair = pos + 8 <= text.size() && text[pos + 6] == '\\' && text[pos + 7] == 'u';
  const auto low = pair ? read_hex(text, pos + 8, 4) : std::nullopt;
  if (!low || !in(*low, 0xDC00, 0xDFFF)) return {kOther, 6};
  return {fold_code_point(0x10000 + ((*high - 0xD800) << 10U) + (*low - 0xDC00)), 12};
}

Unit decode_percent(std::string_view text, std::size_t pos) {
  constexpr std::size_t kEscape = 3;
  std::array<char, 4> bytes{};
  std::size_t size = 0;
  for (std::size_t at = pos; size < bytes.size() && at < text.size() && text[at] == '%'; at += kEscape) {
    const auto value = read_hex(text, at + 1, 2);
    if (!value) break;
    bytes[size++] = static_cast<char>(*value);
    if (*value < 0x80) break;  // it is one by itself, or ends what is none
  }
  if (size == 0) return {'%', 1};
  const auto cp = decode_utf8({bytes.data(), size}, 0);
  if (cp.length == 0) return {kOther, kEscape};
  return {fold_code_point(cp.value), static_cast<std::uint8_t>(kEscape * cp.length)};
}

constexpr std::size_t kLongestEntity = 9;  // "&#x1D7CE;" and its like

// What the names of HTML stand for that may be inside a number.
std::optional<char> named_entity(std::string_view name) {
  static constexpr auto kNames = std::to_array<std::pair<std::string_view, char>>({{"nbsp", ' '},
                                                                                   {"ensp", ' '},
                                                                                   {"emsp", ' '},
                                                                                   {"thinsp", ' '},
                                                                                   {"period", '.'},
                                                                                   {"hyphen", '-'},
                                                                                   {"dash", '-'},
                                                                                   {"ndash", '-'},
                                                                                   {"shy", kInvisible},
                                                                                   {"zwnj", kInvisible},
                                                                                   {"zwj", kInvisible}});
  const auto* found = std::ranges::find(kNames, name, [](const auto& entry) { return entry.first; });
  if (found == kNames.end()) return std::nullopt;
  return found->second;
}

Unit decode_entity(std::string_view text, std::size_t pos) {
  const auto end = text.substr(pos, kLongestEntity).find(';');
  if (end == std::string_view::npos || end < 3) return {'&', 1};
  const auto body = text.substr(pos + 1, end - 1);
  const auto length = static_cast<std::uint8_t>(end + 1);
  if (body[0] != '#') {
    const auto named = named_entity(body);
    return named ? Unit{*named, length} : Unit{'&', 1};
  }
  if (body.size() > 2 && to_lower(body[1]) == 'x') {
    const auto value = read_hex(body, 2, body.size() - 2);
    return value ? Unit{fold_code_point(*value), length} : Unit{'&', 1};
  }
  std::uint32_t value = 0;
  for (const char c : body.substr(1)) {
    if (!is_digit(c)) return {'&', 1};
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return {fold_code_point(value), length};
}

// Tags that change how text looks, not what it says.
Unit decode_tag(std::string_view text, std::size_t pos) {
  constexpr std::size_t kLongestTag = 9;  // </strong>
  static constexpr auto kTags = std::to_array<std::string_view>({"b", "i", "u", "s", "em", "strong", "mark", "wbr"});
  const auto end = text.substr(pos, kLongestTag).find('>');
  if (end == std::string_view::npos) return {'<', 1};
  auto name = text.substr(pos + 1, end - 1);
  if (name.starts_with('/')) name.remove_prefix(1);
  if (name.ends_with('/')) name.remove_suffix(1);
  if (std::ranges::find(kTags, name) == kTags.end()) return {'<', 1};
  return {kInvisible, static_cast<std::uint8_t>(end + 1)};
}

Unit decode_star(std::string_view text, std::size_t pos) {
  return text.substr(pos).starts_with("**") ? Unit{kInvisible, 2} : Unit{'*', 1};
}

}  // namespace

char fold_code_point(std::uint32_t cp) {
  if (cp == 0) return '\x01';  // a NUL is a control character, not something invisible
  if (cp < 0x80) return static_cast<char>(cp);
  if (in(cp, 0x3001, 0xA61F) || in(cp, 0xAC00, 0xD7FF)) return kOther;  // CJK and Hangul: nothing of them is folded
  if (in(cp, 0xFF01, 0xFF5E)) return static_cast<char>(cp - 0xFEE0);    // full-width ASCII
  if (const auto digit = fold_digit(cp)) return *digit;
  if (is_invisible(cp)) return kInvisible;
  if (is_unicode_space(cp)) return ' ';
  if (is_unicode_hyphen(cp)) return '-';
  if (cp == 0x0085 || cp == 0x2028 || cp == 0x2029) return '\n';
  if (cp == 0x2024) return '.';
  if (cp == 0xFE6B) return '@';
  if (const auto letter = fold_letter(cp)) return *letter;
  return is_other_alphabet(cp) ? kLetter : kOther;
}

Unit decode_unit(std::string_view text, std::size_t pos) {
  switch (text[pos]) {
    case '\\':
      return decode_json_escape(text, pos);
    case '%':
      return decode_percent(text, pos);
    case '&':
      return decode_entity(text, pos);
    case '<':
      return decode_tag(text, pos);
    case '*':
      return decode_star(text, pos);
    default:
      break;
  }
  const auto cp = decode_utf8(text, pos);
  if (cp.length == 0) return {kOther, 1};
  return {fold_code_point(cp.value), static_cast<std::uint8_t>(cp.length)};
}

Unit decode_unit_before(std::string_view text, std::size_t pos) {
  const auto spelled = [&](std::size_t length) { return decode_unit(text, pos - length).length == length; };
  if (static_cast<unsigned char>(text[pos - 1]) >= 0x80) {
    for (std::size_t length = 2; length <= std::min<std::size_t>(4, pos); ++length)
      if (spelled(length)) return decode_unit(text, pos - length);
    return {kOther, 1};
  }
  if (text[pos - 1] == ';') {
    for (std::size_t length = 4; length <= std::min(kLongestEntity, pos); ++length)
      if (text[pos - length] == '&' && spelled(length)) return decode_unit(text, pos - length);
    return {';', 1};
  }
  if (text[pos - 1] == '*') return pos > 1 && text[pos - 2] == '*' ? Unit{kInvisible, 2} : Unit{'*', 1};
  if (text[pos - 1] == '>') {
    for (std::size_t length = 3; length <= std::min<std::size_t>(9, pos); ++length)
      if (text[pos - length] == '<' && spelled(length)) return decode_unit(text, pos - length);
    return {'>', 1};
  }
  if (text[pos - 1] == '\\') return spelled(1) ? decode_unit(text, pos - 1) : Unit{'\\', 1};
  for (const std::size_t length : {12U, 9U, 6U, 3U, 2U}) {
    if (pos < length) continue;
    const char first = text[pos - length];
    if ((first == '\\' || first == '%') && spelled(length)) return decode_unit(text, pos - length);
  }
  return {text[pos - 1], 1};
}

std::size_t unit_start(std::string_view text, std::size_t pos) {
  constexpr std::size_t kLongestBefore = 11;  // of a unit, without its last byte
  if (pos >= kLongestBefore && !classify(text, pos - kLongestBefore, kLongestBefore).marked) return pos;
  for (std::size_t back = std::min(kLongestBefore, pos); back > 0; --back) {
    const char c = text[pos - back];
    if ((c == '\\' || c == '%' || c == '&') && decode_unit(text, pos - back).length > back) return pos - back;
  }
  return pos;
}

char visible_before(std::string_view text, std::size_t start) {
  for (int i = 0; i < 8 && start > 0; ++i) {
    const Unit unit = unit_before(text, start);
    if (unit.c != kInvisible) return unit.c;
    start -= unit.length;
  }
  return kOther;
}

char visible_after(std::string_view text, std::size_t end) {
  for (int i = 0; i < 8 && end < text.size(); ++i) {
    const Unit unit = unit_at(text, end);
    if (unit.c != kInvisible) return unit.c;
    end += unit.length;
  }
  return kOther;
}

}  // namespace tollgate::pii
