#include "pii/identifier_names.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "pii/byte_classes.h"
#include "pii/unit.h"

namespace tollgate::pii {
namespace {

// A capital after a small letter begins a word: nhsNumber is "nhs number".
bool splits(std::string_view window, std::size_t at) {
  return at > 0 && at < window.size() && is_upper(window[at]) && is_lower(window[at - 1]);
}

// What a name has a space for: "account_number", "steuer-id".
bool joins_words(char c) { return c == '_' || c == '-'; }

// Where `name` ends that begins at `at`, where a word does; 0 = another stands there.
std::size_t end_of_name(std::string_view window, std::size_t at, std::string_view name) {
  const std::size_t start = at;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (at > start && name[i] == ' ' && splits(window, at)) continue;
    const bool joined = at == start || name[i - 1] == ' ' || !splits(window, at);
    if (at == window.size() || !joined) return 0;
    if (to_lower(window[at]) != name[i] && !(name[i] == ' ' && joins_words(window[at]))) return 0;
    ++at;
  }
  return at;
}

// A short name must be the whole word.
bool is_whole(std::string_view window, std::size_t end, std::string_view name) {
  return name.size() > IdentifierNames::kLongestWhole || end == window.size() || splits(window, end) ||
         !in_word(window[end]);
}

bool stands_at(std::string_view window, std::size_t at, std::string_view name) {
  const std::size_t end = end_of_name(window, at, name);
  return end != 0 && is_whole(window, end, name);
}

// The third byte as a name has it: without case; 0 where there is none.
char third_at(std::string_view text, std::size_t at) { return at + 2 < text.size() ? to_lower(text[at + 2]) : '\0'; }

std::size_t bucket(char first, char second) {
  return (static_cast<unsigned char>(to_lower(first)) * 7U + static_cast<unsigned char>(to_lower(second)) * 31U) & 255U;
}

}  // namespace

std::size_t IdentifierNames::add(std::string_view list) {
  const auto known = std::find(lists_.begin(), lists_.end(), list);
  if (known != lists_.end()) return static_cast<std::size_t>(known - lists_.begin());
  if (lists_.size() == kMostLists) throw std::length_error("more lists of names than IdentifierNames holds");
  const auto number = static_cast<std::uint8_t>(lists_.size());
  lists_.push_back(list);
  for (std::string_view rest = list; !rest.empty();) {
    const auto bar = std::min(rest.find('|'), rest.size());
    Name name{rest.substr(0, bar), number};
    if (is_alpha(name.text[0])) {
      // A word of two letters may have anything behind it, were it a capital.
      name.any_third = name.text.size() == 2 || name.text[2] == ' ';
      name.third = third_at(name.text, 0);
      by_start_[bucket(name.text[0], name.text[1])].push_back(name);
      add_start(may_begin_, name.text, name.any_third);
    } else {
      unspaced_.push_back(name);
    }
    rest.remove_prefix(std::min(bar + 1, rest.size()));
  }
  return number;
}

IdentifierNames::Set IdentifierNames::before(std::string_view text, std::size_t start) const {
  const std::size_t from = start > kBefore ? start - kBefore : 0;
  Set out;
  match_words(text.substr(from, start - from), out);
  return out;
}

IdentifierNames::Set IdentifierNames::after(std::string_view text, std::size_t end) const {
  Set out;
  match_words(text.substr(end, kAfter), out);
  return out;
}

void IdentifierNames::match_words(std::string_view window, Set& out) const {
  bool high = false;
  std::uint64_t word_before = 0;  // whether the byte before the block is part of a word, a small letter
  std::uint64_t lower_before = 0;
  for (std::size_t from = 0; from < window.size(); from += kMostClassified) {
    const std::size_t count = std::min(window.size() - from, kMostClassified);
    const ByteClasses classes = classify(window, from, count);
    const std::uint64_t words = classes.in_word();
    const std::uint64_t split = classes.upper & ((classes.lower << 1U) | lower_before);
    std::uint64_t begins = (classes.letters() & ~((words << 1U) | word_before)) | split;
    for (; begins != 0; begins &= begins - 1) {
      const std::size_t at = from + static_cast<std::size_t>(std::countr_zero(begins));
      if (may_begin_[trigram_at(window, at)]) match_at(window, at, out);
    }
    word_before = words >> 63U;
    lower_before = classes.lower >> 63U;
    high |= classes.high != 0;
  }
  if (high) match_unspaced(window, out);
}

void IdentifierNames::match_at(std::string_view window, std::size_t at, Set& out) const {
  if (at + 1 == window.size()) return;
  const char third = third_at(window, at);
  for (const auto& name : by_start_[bucket(window[at], window[at + 1])])
    if ((name.any_third || name.third == third) && stands_at(window, at, name.text)) out.set(name.list);
}

IdentifierNames::Begun IdentifierNames::begun_at(std::string_view text, std::size_t at) const {
  if (at + 1 == text.size()) return Begun::none;
  Begun out = Begun::none;
  const char third = third_at(text, at);
  for (const auto& name : by_start_[bucket(text[at], text[at + 1])]) {
    if (!name.any_third && name.third != third) continue;
    const std::size_t end = end_of_name(text, at, name.text);
    if (end == 0) continue;
    // One that ends in a sign is whole, whatever stands behind it.
    if (is_whole(text, end, name.text) || !in_word(name.text.back())) return Begun::whole;
    out = Begun::part;
  }
  return out;
}

void IdentifierNames::match_unspaced(std::string_view window, Set& out) const {
  for (const auto& name : unspaced_)
    if (window.find(name.text) != std::string_view::npos) out.set(name.list);
}

}  // namespace tollgate::pii
