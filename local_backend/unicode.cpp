#include "local_backend/unicode.h"

#include <algorithm>
#include <iterator>

namespace tollgate::local_backend {
namespace {

struct CodePointRange {
  char32_t first;
  char32_t last;
};

#include "local_backend/unicode_tables.inc"

template <std::size_t N>
bool contains(const CodePointRange (&table)[N], char32_t c) {
  const auto* range = std::upper_bound(std::begin(table), std::end(table), c,
                                       [](char32_t value, const CodePointRange& r) { return value < r.first; });
  return range != std::begin(table) && c <= std::prev(range)->last;
}

// What may follow the first byte of a sequence (Unicode 15, table 3-7): how many bytes, and the second byte's range.
struct Lead {
  std::size_t length;
  unsigned char low;
  unsigned char high;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte >= 0xC2 && byte <= 0xDF) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

bool is_letter(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return contains(kLetters, c);
}

bool is_number(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  return contains(kNumbers, c);
}

bool is_word(char32_t c) { return contains(kWords, c); }

bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

Decoded decode_utf8(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  const Lead lead = lead_of(first);
  if (lead.length == 0) return {};
  if (lead.length == 1) return {first, 1, true, false};
  char32_t c = first & (0xFFU >> (lead.length + 1));
  for (std::size_t i = 1; i < lead.length; ++i) {
    if (at + i >= text.size()) return {0xFFFD, i, false, true};
    const auto byte = static_cast<unsigned char>(text[at + i]);
    const unsigned char low = i == 1 ? lead.low : 0x80;
    const unsigned char high = i == 1 ? lead.high : 0xBF;
    if (byte < low || byte > high) return {0xFFFD, i, false, false};
    c = (c << 6U) | (byte & 0x3FU);
  }
  return {c, lead.length, true, false};
}

std::string to_valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Decoded d = decode_utf8(text, at);
    if (d.valid) {
      out.append(text.substr(at, d.length));
    } else {
      out.append("\xEF\xBF\xBD");
    }
    at += d.length;
  }
  return out;
}

}  // namespace tollgate::local_backend
