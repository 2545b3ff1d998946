#pragma once
// Whether any word near a number says anything: nearly always none does, and then nobody has to look closer. What
// stands between two values near together is read once for both.
#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "pii/byte_classes.h"
#include "pii/context.h"
#include "pii/identifier_names.h"
#include "pii/word_starts.h"

namespace tollgate::pii {

// Of one text, from its start to its end. Not thread-safe.
class TellingWords {
 public:
  // Both must outlive it.
  TellingWords(std::string_view text, const IdentifierNames& names);

  // False: hint_around() finds nothing before `start`.
  bool hint_before(std::size_t start);
  // The same where that is known of a place that only digits and signs divide from `start`.
  bool cuts_hint(std::size_t start) const {
    const std::size_t from = start - std::min(start, kHintReach);
    return cuts_word(from) && (*hint_starts_)[trigram_at(text_, from)] && begins_hint(text_, from);
  }
  // Both false: names.before() and after() are empty for every value that begins at or behind `start` and ends at or
  // before `end`. The first is asked once for all of them, the second where each begins. REQUIRES: neither side of such
  // a value touches a letter or digit.
  bool name_near(std::size_t start, std::size_t end);
  bool cuts_name(std::size_t start) const {
    const std::size_t from = start - std::min(start, IdentifierNames::kBefore);
    return cuts_word(from) && (*name_starts_)[trigram_at(text_, from)] &&
           names_->begun_at(text_, from) == IdentifierNames::Begun::whole;
  }

 private:
  // A word that says something, or bytes beyond ASCII, which may.
  struct Mark {
    std::size_t first = 0;
    std::size_t last = 0;
    bool hint = false;
    bool looked = false;  // for names: only where somebody asks
    IdentifierNames::Begun name = IdentifierNames::Begun::none;
  };
  void read(std::size_t from, std::size_t to);
  void read_block();
  void add_word(std::size_t at, std::size_t start);  // `start`: its trigram
  template <typename Says>
  bool any_mark(std::size_t from, std::size_t to, Says says);
  // Whether a window that begins there begins with the rest of a word.
  bool cuts_word(std::size_t at) const {
    return at > 0 && kInWord[static_cast<unsigned char>(text_.data()[at])] &&
           kInWord[static_cast<unsigned char>(text_.data()[at - 1])];
  }

  std::string_view text_;
  const IdentifierNames* names_;
  const Trigrams* hint_starts_;
  const Trigrams* name_starts_;
  std::size_t read_from_ = 0;
  std::size_t read_to_ = 0;
  std::vector<Mark> marks_;  // of what was read, in order
};

}  // namespace tollgate::pii
