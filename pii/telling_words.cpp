#include "pii/telling_words.h"

#include <bit>

namespace tollgate::pii {

// Words of the windows that are read around a value begin where words of the whole text do, but for one at the window's
// start, which may be the rest of a word; and they end there, but for one at its end.

TellingWords::TellingWords(std::string_view text, const IdentifierNames& names)
    : text_(text), names_(&names), hint_starts_(&hint_starts()), name_starts_(&names.starts()) {}

bool TellingWords::hint_before(std::size_t start) {
  if (start == 0) return false;
  if (text_[start - 1] == '_' || (start < text_.size() && cuts_word(start))) return true;
  const std::size_t from = start - std::min(start, kHintReach);
  if (cuts_hint(start)) return true;
  read(from, start);
  return any_mark(from, start, [](const Mark& mark) { return mark.hint; });
}

bool TellingWords::name_near(std::size_t start, std::size_t end) {
  const std::size_t from = start - std::min(start, IdentifierNames::kBefore);
  // Where it ends in the middle of a word depends on where the value ends.
  const std::size_t to = std::min(text_.size(), end + IdentifierNames::kAfter);
  const std::size_t first_cut = std::min(to, start + IdentifierNames::kAfter - IdentifierNames::kLongestWhole);
  read(from, to);
  return any_mark(from, to, [&](Mark& mark) {
    if (!mark.looked) mark.name = names_->begun_at(text_, mark.first);
    mark.looked = true;
    return mark.name == IdentifierNames::Begun::whole ||
           (mark.name == IdentifierNames::Begun::part && mark.last >= first_cut);
  });
}

template <typename Says>
bool TellingWords::any_mark(std::size_t from, std::size_t to, Says says) {
  // In order but for those of one block.
  for (auto mark = marks_.rbegin(); mark != marks_.rend() && mark->last + kMostClassified >= from; ++mark)
    if (mark->first < to && mark->last >= from && says(*mark)) return true;
  return false;
}

// What was read before stays known where it touches, but for a text that is full of such words.
void TellingWords::read(std::size_t from, std::size_t to) {
  constexpr std::size_t kMostMarks = 256;  // more than all windows around one value hold
  if (from > read_to_ || from < read_from_ || marks_.size() > kMostMarks) {
    marks_.clear();
    read_from_ = read_to_ = from;
  }
  while (read_to_ < to) read_block();
}

void TellingWords::read_block() {
  const std::size_t count = std::min(kMostClassified, text_.size() - read_to_);
  const ByteClasses classes = classify(text_, read_to_, count);
  const char before = read_to_ > 0 ? text_[read_to_ - 1] : ' ';
  const std::uint64_t in_name = is_alpha(before) || static_cast<unsigned char>(before) >= 0x80 ? 1 : 0;
  const std::uint64_t lower = is_lower(before) ? 1 : 0;
  const std::uint64_t continued = (classes.in_name() << 1U) | in_name;
  const std::uint64_t split = classes.upper & ((classes.lower << 1U) | lower);
  for (std::uint64_t begins = (classes.letters() & ~continued) | split; begins != 0; begins &= begins - 1) {
    const std::size_t at = read_to_ + static_cast<std::size_t>(std::countr_zero(begins));
    const std::size_t start = trigram_at(text_, at);
    if ((*hint_starts_)[start] || (*name_starts_)[start]) add_word(at, start);
  }
  if (classes.high != 0) {
    const auto first = read_to_ + static_cast<std::size_t>(std::countr_zero(classes.high));
    const auto last = read_to_ + static_cast<std::size_t>(63 - std::countl_zero(classes.high));
    marks_.push_back({first, last, true, true, IdentifierNames::Begun::whole});
  }
  read_to_ += count;
}

void TellingWords::add_word(std::size_t at, std::size_t start) {
  Mark mark{at, at};
  mark.hint = (*hint_starts_)[start] && begins_hint(text_, at);
  mark.looked = !(*name_starts_)[start];
  if (mark.hint || !mark.looked) marks_.push_back(mark);
}

}  // namespace tollgate::pii
