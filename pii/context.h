#pragma once
// What the words around a value say it is.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tollgate::pii {

enum class Hint : std::uint8_t {
  none,
  card,
  ssn,
  phone,
  contact,  // a word that goes with a phone number and with other things: message, contact
  ip,
  birth,
  other,  // a word that says it is something else: order, version, ISBN
};

// The nearest word before `start` that says something, within a line and a few words. Then, where that says nothing,
// the word right after `end`: "416 60 039 office".
Hint hint_around(std::string_view text, std::size_t start, std::size_t end);

}  // namespace tollgate::pii
