#include "local_backend/jinja_text.h"

#include <algorithm>
#include <string_view>

namespace tollgate::local_backend::jinja {
namespace {

bool is_strip_space(char c) { return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f); }

}  // namespace

std::string trimmed(const std::string& s) {
  std::size_t first = 0;
  std::size_t last = s.size();
  while (first < last && is_strip_space(s[first])) ++first;
  while (last > first && is_strip_space(s[last - 1])) --last;
  return s.substr(first, last - first);
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
