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

// What the words left of a place say.
struct LeftWords {
  Hint hint = Hint::none;
  std::size_t read_to = 0;  // no word that begins behind it is left to be read
  bool beyond_ascii = false;
};

// The same for values of one text that mostly begin at the same few places: what stands before those is read once.
class Hints {
 public:
  Hint around(std::string_view text, std::size_t start, std::size_t end);
  void clear() { size_ = next_ = ground_start_ = ground_end_ = 0; }  // for another text
  // From `start` to `end` stands ASCII without letters: all that begins there has the same words before it.
  void share(std::string_view text, std::size_t start, std::size_t end);

 private:
  struct Known {
    std::size_t start;
    Hint before;
  };
  Hint before(std::string_view text, std::size_t start);
  Hint before_ground(std::string_view text, std::size_t start);

  std::array<Known, 4> known_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;  // the one to be overwritten
  std::size_t ground_start_ = 0;
  std::size_t ground_end_ = 0;  // as the start: there is none
  bool ground_read_ = false;
  LeftWords left_;  // of the ground
};

}  // namespace tollgate::pii
