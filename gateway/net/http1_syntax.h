#pragma once
// Internal: the grammar that requests and responses share (RFC 9110 §5, RFC 9112 §5).
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tollgate::net {

namespace syntax {

enum CharClass : std::uint8_t { kToken = 1, kField = 2 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t c = 0x20; c < classes.size(); ++c) classes[c] = kField;  // VCHAR, SP, obs-text
  classes[0x7f] = 0;
  classes['\t'] = kField;
  for (std::size_t c = '0'; c <= '9'; ++c) classes[c] |= kToken;
  for (std::size_t c = 'a'; c <= 'z'; ++c) classes[c] |= kToken;
  for (std::size_t c = 'A'; c <= 'Z'; ++c) classes[c] |= kToken;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) classes[static_cast<std::uint8_t>(c)] |= kToken;
  return classes;
}

inline constexpr auto kClasses = make_classes();

}  // namespace syntax

// May stand in a method or a field name.
inline bool is_token_char(char c) { return (syntax::kClasses[static_cast<std::uint8_t>(c)] & syntax::kToken) != 0; }
// May stand in a field value: no control character but the tab.
inline bool is_field_char(char c) { return (syntax::kClasses[static_cast<std::uint8_t>(c)] & syntax::kField) != 0; }

inline int hex_value(char c) {  // -1 when it is no hexadecimal digit
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_token(std::string_view text);  // not empty
std::string_view trim(std::string_view text);

struct FieldView {
  std::string_view name;
  std::string_view value;  // without white space around it
};

// One field line without its CRLF. `fault` gets the reason when it is not one.
std::optional<FieldView> read_field(std::string_view line, std::string_view& fault);

// Digits only, at most 19 of them, so that it always fits.
std::optional<std::uint64_t> read_length(std::string_view value);

// The comma-separated list `value` has this member, in any case.
bool list_has(std::string_view value, std::string_view member);

// Takes the next line, without its CRLF, off the front of `head`, every line of which ends in CRLF.
inline std::string_view take_line(std::string_view& head) {
  const auto end = head.find('\n');
  const auto line = head.substr(0, end - 1);
  head.remove_prefix(end + 1);
  return line;
}

}  // namespace tollgate::net
