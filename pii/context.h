#pragma once
// What the words around a value say it is.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pii/word_starts.h"

namespace tollgate::pii {

class TellingWords;

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

// What tells TellingWords (telling_words.h) that hint_around() would find nothing: how far it looks back, how its words
// begin, and whether one begins at `at`.
inline constexpr std::size_t kHintReach = 64;  // bytes
const Trigrams& hint_starts();
bool begins_hint(std::string_view text, std::size_t at);

// What the words left of a place say.
struct LeftWords {
  Hint hint = Hint::none;
  std::size_t read_to = 0;  // no word that begins behind it is left to be read
  bool beyond_ascii = false;
};

// The same for values of one text that mostly begin at the same few places: what stands before those is read once.
class Hints {
 public:
  // `words`: of this text; it outlives the last use of around().
  void know(TellingWords& words) { words_ = &words; }
  Hint around(std::string_view text, std::size_t start, std::size_t end);
  // For what stands elsewhere.
  void clear() { size_ = next_ = ground_start_ = ground_end_ = after_end_ = 0; }
  // From `start` to `end` stands ASCII without letters: all that begins there has the same words before it.
  void share(std::string_view text, std::size_t start, std::size_t end);

 private:
  struct Known {
    std::size_t start;
    Hint before;
  };
  Hint before(std::string_view text, std::size_t start);
  Hint before_ground(std::string_view text, std::size_t start);

  TellingWords* words_ = nullptr;
  std::size_t after_end_ = 0;  // of the value that was asked about last: what the word behind it says
  Hint after_ = Hint::none;
  std::array<Known, 4> known_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;  // the one to be overwritten
  std::size_t ground_start_ = 0;
  std::size_t ground_end_ = 0;  // as the start: there is none
  bool ground_read_ = false;
  bool quiet_ = false;  // nothing before the ground says anything
  LeftWords left_;      // of the ground, where that is not so
};

}  // namespace tollgate::pii
