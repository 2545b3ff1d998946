#include "local_backend/jinja_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "local_backend/unicode.h"

namespace tollgate::local_backend::jinja {
namespace {

// Python's str.isspace().
bool is_blank(char32_t c) { return is_space(c) || (c >= 0x1c && c <= 0x1f); }

// The start of the character that ends at `end`. REQUIRES: 0 < end <= s.size()
std::size_t last_character(std::string_view s, std::size_t end) {
  constexpr std::size_t kLongest = 4;
  std::size_t at = end - 1;
  while (at > 0 && end - at < kLongest && (static_cast<unsigned char>(s[at]) & 0xC0U) == 0x80U) --at;
  return at;
}

}  // namespace

std::string trimmed(const std::string& s, bool left, bool right, const std::string& what) {
  const std::string_view text(s);
  const auto goes = [&](std::size_t at, std::size_t length) {
    if (!what.empty()) return what.find(text.substr(at, length)) != std::string::npos;
    const Decoded c = decode_utf8(text, at);
    return c.valid && c.length == length && is_blank(c.code_point);
  };
  std::size_t first = 0;
  std::size_t last = s.size();
  for (std::size_t length = 0; left && first < last; first += length) {
    length = decode_utf8(text, first).length;
    if (!goes(first, length)) break;
  }
  for (std::size_t at = 0; right && last > first; last = at) {
    at = last_character(text, last);
    if (at < first || !goes(at, last - at)) break;
  }
  return s.substr(first, last - first);
}

std::size_t find_blank(std::string_view s) {
  for (std::size_t at = 0; at < s.size();) {
    const Decoded c = decode_utf8(s, at);
    if (c.valid && is_blank(c.code_point)) return at;
    at += c.length;
  }
  return std::string_view::npos;
}

std::vector<std::string> character_list(const std::string& s) {
  std::vector<std::string> out;
  for (const char c : s) {
    const auto b = static_cast<unsigned char>(c);
    const bool goes_on = (b & 0xC0U) == 0x80U || b == 0xFFU;
    if (goes_on && !out.empty()) {
      out.back() += c;
    } else {
      out.emplace_back(1, c);
    }
  }
  return out;
}

// The shortest digits that read back as the same number; an exponent below 1e-4 and from 1e16 on.
std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  const double magnitude = std::fabs(value);
  const bool scientific = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16);
  std::array<char, 400> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 scientific ? std::chars_format::scientific : std::chars_format::fixed);
  std::string out(buffer.data(), end.ptr);
  if (!scientific && out.find('.') == std::string::npos) out += ".0";
  return out;
}

std::string titled(const std::string& s) {
  std::string out = with_case(s, false);
  bool inside = false;
  for (char& c : out) {
    const bool letter = c >= 'a' && c <= 'z';
    if (letter && !inside) c = static_cast<char>(c - 32);
    inside = letter || static_cast<unsigned char>(c) >= 0x80;
  }
  return out;
}

std::string replaced(const std::string& s, const std::string& from, const std::string& to) {
  std::string out;
  std::size_t start = 0;
  for (std::size_t at = s.find(from); at != std::string::npos && !from.empty(); at = s.find(from, start)) {
    out.append(s, start, at - start).append(to);
    start = at + from.size();
  }
  return out.append(s, start);
}

std::string with_case(std::string s, bool upper) {
  for (char& c : s) {
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return s;
}

std::int64_t characters(const std::string& s) {
  return std::count_if(s.begin(), s.end(), [](char c) {
    const auto b = static_cast<unsigned char>(c);
    return (b & 0xC0U) != 0x80U && b != 0xFFU;
  });
}

void quote_json(const std::string& text, std::string& out) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    const std::size_t known = std::string_view("\"\\\n\r\t\b\f").find(c);
    if (known != std::string_view::npos) {
      out += '\\';
      out += std::string_view("\"\\nrtbf")[known];
    } else if (b < 0x20) {
      out += "\\u00";
      out += kHex[b >> 4U];
      out += kHex[b & 15U];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace tollgate::local_backend::jinja
