#include "pii/context.h"

#include <algorithm>
#include <array>
#include <bit>

#include "pii/byte_classes.h"
#include "pii/hint_words.h"
#include "pii/telling_words.h"
#include "pii/unit.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kBefore = kHintReach;
static_assert(kBefore <= kMostClassified);
constexpr std::size_t kAfter = 24;
constexpr int kWordsBefore = 8;

bool is_word_byte(char c) { return is_alpha(c) || static_cast<unsigned char>(c) >= 0x80; }

// kHintWords by hash: nearly every word of a text meets an empty slot.
constexpr std::size_t kSlots = 1024;
constexpr std::size_t kLongestWord = 16;
// Of the low five bits of its first and last letter, which are the same in capitals, and its length.
constexpr std::size_t slot_of(std::string_view word) {
  const std::size_t first = static_cast<unsigned char>(word.front()) & 31U;
  const std::size_t last = static_cast<unsigned char>(word.back()) & 31U;
  return (first * 32 + last + word.size() * 141) % kSlots;
}
constexpr auto kBySlot = [] {
  std::array<std::uint8_t, kSlots> out{};  // 1 + the index of a word; 0 = none. What collides has the next free slot.
  for (std::size_t i = 0; i < kHintWords.size(); ++i) {
    std::size_t slot = slot_of(kHintWords[i].text);
    while (out[slot] != 0) slot = (slot + 1) % kSlots;
    out[slot] = static_cast<std::uint8_t>(i + 1);
  }
  return out;
}();
static_assert(kHintWords.size() < 255);
static_assert(std::ranges::all_of(kHintWords, [](const HintWord& word) { return word.text.size() <= kLongestWord; }));

Hint hint_from_slot(std::string_view word, std::size_t slot) {
  for (; kBySlot[slot] != 0; slot = (slot + 1) % kSlots) {
    const auto& entry = kHintWords[kBySlot[slot] - 1U];
    if (entry.text.size() == word.size() &&
        std::equal(word.begin(), word.end(), entry.text.begin(), [](char a, char b) { return to_lower(a) == b; }))
      return entry.hint;
  }
  return Hint::none;
}

inline Hint hint_of(std::string_view word) {
  if (word.empty() || word.size() > kLongestWord) return Hint::none;
  const std::size_t slot = slot_of(word);
  return kBySlot[slot] == 0 ? Hint::none : hint_from_slot(word, slot);
}

// GEB5LT1AQ, 2S281UR: a piece of an identifier, not a word.
bool inside_identifier(std::string_view word, char before, char after) {
  constexpr std::size_t kLongest = 3;
  return word.size() <= kLongest && (is_digit(before) || is_digit(after)) && std::ranges::all_of(word, is_upper);
}

Hint hint_of_unspaced(std::string_view window) {
  const auto* it = std::find_if(kUnspacedHints.begin(), kUnspacedHints.end(),
                                [&](const HintWord& w) { return window.find(w.text) != std::string_view::npos; });
  return it == kUnspacedHints.end() ? Hint::none : it->hint;
}

// Of the words between `from` and `start`, the last first. A capital after a small letter starts a word (phoneNumber).
LeftWords hint_before(std::string_view text, std::size_t from, std::size_t start) {
  const ByteClasses classes = classify(text, from, start - from);
  const std::uint64_t words = classes.in_name();
  const std::uint64_t split = classes.upper & (classes.lower << 1U);
  const std::uint64_t starts = (words & ~(words << 1U)) | split;
  std::uint64_t ends = (words & ~(words >> 1U)) | (split >> 1U);  // the last byte of each
  LeftWords out{Hint::none, from, classes.high != 0};
  for (int i = 0; i < kWordsBefore && ends != 0; ++i) {
    const auto last = static_cast<std::size_t>(63 - std::countl_zero(ends));
    ends ^= std::uint64_t{1} << last;
    const auto first = static_cast<std::size_t>(63 - std::countl_zero(starts & (~std::uint64_t{0} >> (63 - last))));
    if (i + 1 == kWordsBefore) out.read_to = from + first;
    const std::string_view word(text.data() + from + first, last + 1 - first);
    const Hint hint = hint_of(word);
    if (hint == Hint::none) continue;
    const std::size_t behind = from + last + 1;
    if (!inside_identifier(word, first == 0 ? ' ' : text[from + first - 1], behind < text.size() ? text[behind] : ' '))
      return {hint, from + first, classes.high != 0};
  }
  if (classes.high != 0) out.hint = hint_of_unspaced(text.substr(from, start - from));
  return out;
}

Hint hint_after(std::string_view window) {
  if (window.empty() || (window[0] != ' ' && window[0] != '(' && !is_word_byte(window[0]))) return Hint::none;
  std::size_t start = 0;
  while (start < window.size() && (window[start] == ' ' || window[start] == '(')) ++start;
  std::size_t end = start;
  while (end < window.size() && is_word_byte(window[end])) ++end;
  if (end == start) return Hint::none;
  const auto word = window.substr(start, end - start);
  if (word == "office" || word == "home" || word == "work") return Hint::contact;  // a list of someone's numbers
  const Hint hint = hint_of(word);
  return hint == Hint::phone || hint == Hint::birth ? hint : Hint::none;
}

std::size_t window_start(std::size_t start) { return start > kBefore ? start - kBefore : 0; }

LeftWords read_left_of(std::string_view text, std::size_t start) {
  // In "id_536-22-8145" the word is a part of the spelling, not of the sentence.
  if (start > 0 && text[start - 1] == '_')
    while (start > 0 && (is_word_byte(text[start - 1]) || text[start - 1] == '_')) --start;
  return hint_before(text, window_start(start), start);
}

// The word at `at` or what is left of it, as far as a capital that starts another. REQUIRES: something else follows.
std::string_view rest_of_word(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (is_word_byte(text[end]) && !(is_upper(text[end]) && is_lower(text[end - 1]))) ++end;
  return text.substr(at, end - at);
}

}  // namespace

const Trigrams& hint_starts() {
  static const Trigrams kStarts = [] {
    Trigrams out;
    for (const HintWord& word : kHintWords) add_start(out, word.text, word.text.size() == 2);
    return out;
  }();
  return kStarts;
}

bool begins_hint(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && is_word_byte(text[end]) && !(is_upper(text[end]) && is_lower(text[end - 1]))) ++end;
  return hint_of(text.substr(at, end - at)) != Hint::none;
}

Hint hint_around(std::string_view text, std::size_t start, std::size_t end) { return Hints().around(text, start, end); }

void Hints::share(std::string_view text, std::size_t start, std::size_t end) {
  constexpr std::size_t kMostOpening = 3;  // of "+(", which belongs to what it opens
  ground_start_ = start;
  while (ground_start_ > 0 && start - ground_start_ < kMostOpening &&
         (text[ground_start_ - 1] == '+' || text[ground_start_ - 1] == '('))
    --ground_start_;
  ground_end_ = ground_start_ > 0 && text[ground_start_ - 1] == '_' ? ground_start_ : end;
  ground_read_ = false;
}

// A window that begins further right sees the same words, but for one that it cuts.
Hint Hints::before_ground(std::string_view text, std::size_t start) {
  if (!ground_read_) {
    ground_read_ = true;
    quiet_ = words_ != nullptr && !words_->hint_before(ground_start_);
    if (!quiet_) left_ = read_left_of(text, ground_start_);
  }
  if (quiet_ && (start == ground_start_ || !words_->cuts_hint(start))) return Hint::none;
  if (quiet_) return read_left_of(text, start).hint;
  const std::size_t from = window_start(start);
  if (start == ground_start_ || from == 0 || (left_.read_to > from && !left_.beyond_ascii)) return left_.hint;
  if (!left_.beyond_ascii && (!is_word_byte(text[from]) || hint_of(rest_of_word(text, from)) == Hint::none))
    return Hint::none;
  return read_left_of(text, start).hint;
}

Hint Hints::before(std::string_view text, std::size_t start) {
  if (start >= ground_start_ && start < ground_end_) return before_ground(text, start);
  if (words_ != nullptr && !words_->hint_before(start)) return Hint::none;
  const auto* const last = known_.begin() + size_;
  const auto* known = std::find_if(known_.cbegin(), last, [&](const Known& k) { return k.start == start; });
  if (known != last) return known->before;
  Known& fresh = known_[next_];
  fresh = {start, read_left_of(text, start).hint};
  next_ = (next_ + 1) % known_.size();
  size_ = std::min(size_ + 1, known_.size());
  return fresh.before;
}

Hint Hints::around(std::string_view text, std::size_t start, std::size_t end) {
  const Hint left = before(text, start);
  if (left != Hint::none) return left;
  if (after_end_ != end) after_ = hint_after(text.substr(end, kAfter));
  after_end_ = end;
  return after_;
}

}  // namespace tollgate::pii
