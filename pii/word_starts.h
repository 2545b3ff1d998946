#pragma once
// How words begin: by their first three bytes, nearly all that are in no list are told from those that are.
#include <array>
#include <bitset>
#include <cstddef>
#include <string_view>

#include "pii/unit.h"

namespace tollgate::pii {

// Of the low five bits of three bytes, which are the same in capitals; bytes past the end are 0. Signs and digits look
// like some letter there, so a set of these says yes a little too often.
constexpr std::size_t trigram(unsigned first, unsigned second, unsigned third) {
  return (first & 31U) | ((second & 31U) << 5U) | ((third & 31U) << 10U);
}
inline std::size_t trigram_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text.data()[at + i]); };
  const std::size_t left = text.size() - at;
  if (left > 2) return trigram(byte(0), byte(1), byte(2));
  return trigram(left > 0 ? byte(0) : 0U, left > 1 ? byte(1) : 0U, 0);
}
inline constexpr auto kInWord = [] {
  std::array<bool, 256> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = in_word(static_cast<char>(i));
  return out;
}();

using Trigrams = std::bitset<32UL * 32 * 32>;

// Adds the start of `word`, of two bytes or more. `any_third`: whatever its third byte is.
inline void add_start(Trigrams& out, std::string_view word, bool any_third) {
  for (unsigned third = 0; third < 32; ++third)
    if (any_third || third == (static_cast<unsigned char>(word[2]) & 31U))
      out.set(trigram(static_cast<unsigned char>(word[0]), static_cast<unsigned char>(word[1]), third));
}

}  // namespace tollgate::pii
