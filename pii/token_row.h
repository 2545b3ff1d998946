#pragma once
// What a national identifier may be a part of: letters and digits around a cluster of digits.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pii/detect.h"
#include "pii/unit.h"

namespace tollgate::pii {

// What may stand between the groups of an identifier.
constexpr bool is_row_separator(char c) { return c == ' ' || c == '-' || c == '.' || c == '/'; }

// Letters and digits in capitals, and the separators between them.
struct TokenRow {
  static constexpr std::size_t kMostCharacters = 26;
  static constexpr std::size_t kMostGroups = 12;
  struct Group {
    std::size_t at;  // in `characters`
    std::size_t length;
    std::size_t start;  // bytes of the text
    std::size_t end;
  };
  std::array<char, 2 * 32> characters;       // without separators; room for copies of one length
  std::array<char, kMostCharacters> gaps{};  // before each character: the separator, or '\0'
  // What stands between separators. Not set before it is used: a row is read for every other number.
  std::array<Group, kMostGroups> groups;
  std::size_t size = 0;
  std::size_t group_count = 0;
  std::size_t end = 0;       // of the last character, in bytes of the text
  std::uint32_t digits = 0;  // a bit per character that is one
  std::uint32_t lower = 0;   // a bit per character that was a small letter
  std::uint32_t spaces = 0;  // a bit per character with a space before it
  bool plain = false;        // every byte of it is a character

  // A character that ends at that byte of the text.
  void push(char c, std::size_t behind) {
    if (is_digit(c)) digits |= 1U << size;
    if (is_lower(c)) lower |= 1U << size;
    characters[size++] = to_upper(c);
    end = behind;
  }
  // What stands before the next character.
  void push_gap(char gap) {
    gaps[size] = gap;
    if (gap == ' ') spaces |= 1U << size;
  }
  // Of the characters from `at` on, which begin at that byte of the text.
  void add_group(std::size_t at, std::size_t start) { groups[group_count++] = {at, size - at, start, end}; }
  // Which of `count` characters from `first` on are digits.
  std::uint32_t digits_of(std::size_t first, std::size_t count) const {
    return (digits >> first) & ((1U << count) - 1U);
  }
};

// Where the row around a cluster begins, not below `floor`. npos: it began below that, where the cluster before has
// looked at it, or it is longer than any identifier (base64, a hash).
std::size_t row_start(std::string_view text, const Cluster& cluster, std::size_t floor);

// Reads the row that begins at `at` into an empty one.
void read_row(std::string_view text, std::size_t at, TokenRow& out);

}  // namespace tollgate::pii
