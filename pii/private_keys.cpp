// Private keys in PEM (RFC 7468), OpenSSH's and PGP's armour: from the header to the footer, however long.
#include "pii/secrets.h"
#include "pii/unit.h"

namespace tollgate::pii {
namespace {

constexpr std::string_view kPemEnd = "-----END ";
constexpr std::string_view kPrivate = "PRIVATE KEY-----";
constexpr std::string_view kPrivateBlock = "PRIVATE KEY BLOCK-----";
constexpr std::size_t kLongestLine = 80;

// The end of "... RSA PRIVATE KEY-----" on the line that starts at `start`, or 0 where it is another kind.
std::size_t label_end(std::string_view text, std::size_t start) {
  const auto whole = text.substr(start, kLongestLine);
  const auto line = whole.substr(0, whole.find_first_of("\r\n\\"));
  for (const auto label : {kPrivate, kPrivateBlock})
    if (const auto at = line.find(label); at != std::string_view::npos) return start + at + label.size();
  return 0;
}

bool is_body(char c) {
  return is_alnum(c) || is_space(c) || c == '+' || c == '/' || c == '=' || c == '\\' || c == ':' || c == ',' ||
         c == '-';
}

}  // namespace

// Without a footer, to the end of what can be a body.
std::size_t detect_private_key(std::string_view text, std::size_t start, Findings& out) {
  std::size_t end = label_end(text, start);
  if (end == 0) return start;
  for (; end < text.size() && is_body(text[end]); ++end) {
    if (text[end] != '-' || !text.substr(end).starts_with(kPemEnd)) continue;
    if (const std::size_t footer = label_end(text, end); footer != 0) end = footer;
    break;
  }
  out.push_back({EntityType::private_key, start, end, 1.0});
  return end;
}

}  // namespace tollgate::pii
