#include "gateway/net/percent.h"

#include <algorithm>

#include "gateway/net/http1_syntax.h"

namespace tollgate::net {

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  while (!text.empty()) {
    int c = static_cast<unsigned char>(text.front());
    if (c == '%') {
      const int high = text.size() < 3 ? -1 : hex_value(text[1]);
      const int low = text.size() < 3 ? -1 : hex_value(text[2]);
      c = high < 0 || low < 0 ? -1 : high * 16 + low;
      if (c < 0x20 || c == 0x7f) return std::nullopt;
      text.remove_prefix(2);
    }
    decoded += static_cast<char>(c);
    text.remove_prefix(1);
  }
  return decoded;
}

std::string_view query_value(std::string_view target, std::string_view name) {
  target.remove_prefix(std::min(target.find('?'), target.size()));
  while (!target.empty()) {
    target.remove_prefix(1);  // '?' or '&'
    const std::string_view pair = target.substr(0, target.find('&'));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return pair.substr(name.size() + 1);
    target.remove_prefix(pair.size());
  }
  return {};
}

}  // namespace tollgate::net
