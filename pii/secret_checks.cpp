#include "pii/secret_checks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "pii/unit.h"

namespace tollgate::pii {
namespace {

// Anywhere in a value, lower case; four letters at least, because random text holds shorter words.
constexpr auto kInside = std::to_array<std::string_view>({
    "example", "xxxx",        "****",     "your_",     "your-",        "yourpass", "yourkey", "yourapi", "yoursecret",
    "your ",   "placeholder", "changeme", "change_me", "change-me",    "changeit", "dummy",   "sample",  "redacted",
    "insert_", "insert-",     "replace_", "replace-",  "replaceme",    "fixme",    "${",      "{{",      "$(",
    "<",       "...",         "%s",       "\u2026",    "\u2022\u2022", "xx-xx",    "fake",    "_here",   "-here",
});

// A whole value, lower case. Sorted.
constexpr auto kWhole = std::to_array<std::string_view>({
    "12345678", "123456789", "1234567890", "abc123",   "abcd1234", "changeme",  "default",   "disabled",  "enabled",
    "false",    "foobar",    "hidden",     "letmein",  "masked",   "none",      "null",      "p4ssw0rd",  "pass",
    "pass123",  "passw0rd",  "passwd",     "passwo",   "password", "password1", "pw",        "pwd",       "required",
    "string",   "test",      "test123",    "test1234", "token",    "true",      "unchanged", "undefined", "user",
});
static_assert(std::ranges::is_sorted(kWhole));

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
  return out;
}

std::uint32_t crc32(std::string_view data) {  // ISO 3309, as in zip and PNG
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : data) {
    crc ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

int base64_value(char c) {
  if (is_upper(c)) return c - 'A';
  if (is_lower(c)) return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

int hex_value(char c) { return is_digit(c) ? c - '0' : is_hex(c) ? to_lower(c) - 'a' + 10 : -1; }

// The longest piece without punctuation.
std::string_view longest_piece(std::string_view value) {
  std::string_view best;
  for (std::size_t at = 0; at < value.size();) {
    std::size_t end = at;
    while (end < value.size() && is_alnum(value[end])) ++end;
    if (end - at > best.size()) best = value.substr(at, end - at);
    at = end + 1;
  }
  return best;
}

}  // namespace

double entropy(std::string_view text) {
  std::array<std::size_t, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double out = 0;
  for (const std::size_t n : counts) {
    if (n == 0) continue;
    const double p = static_cast<double>(n) / static_cast<double>(text.size());
    out -= p * std::log2(p);
  }
  return out;
}

bool is_placeholder(std::string_view value) {
  const std::string text = lower(value);
  if (std::ranges::binary_search(kWhole, text)) return true;
  return std::ranges::any_of(kInside, [&](std::string_view w) { return text.find(w) != std::string::npos; });
}

bool crc32_suffix_valid(std::string_view key, std::size_t prefix) {
  constexpr std::size_t kSuffix = 6;
  static constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  if (key.size() < prefix + kSuffix) return false;
  std::uint32_t crc = crc32(key.substr(prefix, key.size() - prefix - kSuffix));
  for (std::size_t i = 0; i < kSuffix; ++i, crc /= 62)
    if (key[key.size() - 1 - i] != kBase62[crc % 62]) return false;
  return true;
}

std::optional<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xFFU));
  }
  return out;
}

std::optional<std::string> decode_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

bool is_jose_header(std::string_view base64url) {
  const auto json = decode_base64(base64url);
  return json && json->starts_with('{') && json->ends_with('}') && json->find("\"alg\"") != std::string::npos;
}

bool looks_random(std::string_view value, std::size_t shortest) {
  constexpr std::size_t kShortestPiece = 10;
  constexpr double kEntropy = 3.0;
  if (value.size() < shortest || is_placeholder(value) || entropy(value) < kEntropy) return false;
  const auto piece = longest_piece(value);
  return piece.size() >= std::min(kShortestPiece, shortest) && std::ranges::any_of(piece, is_digit) &&
         std::ranges::any_of(piece, is_alpha);
}

bool looks_like_password(std::string_view value) {
  constexpr std::size_t kShortest = 6;
  constexpr double kEntropy = 2.0;
  if (value.size() < kShortest || is_placeholder(value) || entropy(value) < kEntropy) return false;
  static constexpr std::string_view kCode = "$%{<@&*/\\.(";  // a variable, a path, a mask, an expression
  if (kCode.find(value.front()) != std::string_view::npos) return false;
  const auto has = [&](auto is) { return std::ranges::any_of(value, is); };
  // What stands in names and paths of code is no sign that a person chose.
  const auto is_sign = [](char c) {
    return !is_alnum(c) && static_cast<unsigned char>(c) > ' ' &&
           std::string_view("_-./:\\").find(c) == std::string_view::npos;
  };
  return has(is_alpha) && (has(is_digit) || has(is_sign));
}

}  // namespace tollgate::pii
