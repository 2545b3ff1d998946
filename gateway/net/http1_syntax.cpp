#include "gateway/net/http1_syntax.h"

#include <algorithm>
#include <charconv>

#include "gateway/net/http1.h"

namespace tollgate::net {

namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace

bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

bool is_token(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); }

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<FieldView> read_field(std::string_view line, std::string_view& fault) {
  if (!line.empty() && (line.front() == ' ' || line.front() == '\t')) {
    fault = "a folded header line (RFC 9112 section 5.2 forbids it)";
    return std::nullopt;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    fault = "a header line without a valid name";
    return std::nullopt;
  }
  const auto value = line.substr(colon + 1);
  if (!std::all_of(value.begin(), value.end(), is_field_char)) {
    fault = "a control character in a header value";
    return std::nullopt;
  }
  return FieldView{line.substr(0, colon), trim(value)};
}

std::optional<std::uint64_t> read_length(std::string_view value) {
  constexpr std::size_t kMaxDigits = 19;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (value.empty() || value.size() > kMaxDigits || !std::all_of(value.begin(), value.end(), digit))
    return std::nullopt;
  std::uint64_t length = 0;
  std::from_chars(value.data(), value.data() + value.size(), length);
  return length;
}

bool list_has(std::string_view value, std::string_view member) {
  while (!value.empty()) {
    const auto comma = value.find(',');
    if (iequals(trim(value.substr(0, comma)), member)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace tollgate::net
