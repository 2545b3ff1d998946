#pragma once
// What the words around a value say it is.
#include <array>
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

// The same for values of one text that mostly begin at the same few places: what stands before those is read once.
class Hints {
 public:
  Hint around(std::string_view text, std::size_t start, std::size_t end);
  void clear() { size_ = next_ = 0; }  // for another text

 private:
  struct Known {
    std::size_t start;
    Hint before;
  };
  std::array<Known, 4> known_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;  // the one to be overwritten
};

}  // namespace tollgate::pii
