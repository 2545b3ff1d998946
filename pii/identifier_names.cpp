#include "pii/identifier_names.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "pii/byte_classes.h"
#include "pii/unit.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kBefore = 90;  // bytes
constexpr std::size_t kAfter = 32;

// A capital after a small letter begins a word: nhsNumber is "nhs number".
bool splits(std::string_view window, std::size_t at) {
  return at > 0 && at < window.size() && is_upper(window[at]) && is_lower(window[at - 1]);
}

// Whether `name` stands at `at`, where a word begins. A short one must be the whole word; a long one may go on, as in
// compounds.
bool stands_at(std::string_view window, std::size_t at, std::string_view name) {
  constexpr std::size_t kShort = 5;
  const std::size_t start = at;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (at > start && name[i] == ' ' && splits(window, at)) continue;
    const bool joined = at == start || name[i - 1] == ' ' || !splits(window, at);
    if (at == window.size() || to_lower(window[at]) != name[i] || !joined) return false;
    ++at;
  }
  return name.size() > kShort || at == window.size() || splits(window, at) || !in_word(window[at]);
}

// Small letters by themselves; 27 digits; 28 what is not ASCII; 0 the rest.
constexpr auto kKinds = [] {
  std::array<std::uint8_t, 256> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char c = static_cast<char>(i);
    if (is_alpha(c)) out[i] = static_cast<std::uint8_t>(to_lower(c) - 'a' + 1);
    if (is_digit(c)) out[i] = 27;
    if (i >= 0x80) out[i] = 28;
  }
  return out;
}();
constexpr std::size_t kKindCount = 29;

std::size_t kind_at(std::string_view text, std::size_t at) {
  return at < text.size() ? kKinds[static_cast<unsigned char>(text[at])] : 0;
}

std::size_t trigram(std::size_t first, std::size_t second, std::size_t third) {
  return (first * 32 + second) * 32 + third;
}

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
      name.third = static_cast<std::uint8_t>(kind_at(name.text, 2));
      by_start_[bucket(name.text[0], name.text[1])].push_back(name);
      for (std::size_t third = 0; third < kKindCount; ++third)
        if (name.any_third || third == name.third)
          may_begin_.set(trigram(kind_at(name.text, 0), kind_at(name.text, 1), third));
    } else {
      unspaced_.push_back(name);
    }
    rest.remove_prefix(std::min(bar + 1, rest.size()));
  }
  return number;
}

IdentifierNames::Set IdentifierNames::around(std::string_view text, std::size_t start, std::size_t end) const {
  const std::size_t from = start > kBefore ? start - kBefore : 0;
  Set out;
  match_words(text.substr(from, start - from), out);
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
      if (may_begin_[trigram(kind_at(window, at), kind_at(window, at + 1), kind_at(window, at + 2))])
        match_at(window, at, out);
    }
    word_before = words >> 63U;
    lower_before = classes.lower >> 63U;
    high |= classes.high != 0;
  }
  if (high) match_unspaced(window, out);
}

void IdentifierNames::match_at(std::string_view window, std::size_t at, Set& out) const {
  if (at + 1 == window.size()) return;
  const std::size_t third = kind_at(window, at + 2);
  for (const auto& name : by_start_[bucket(window[at], window[at + 1])])
    if ((name.any_third || name.third == third) && stands_at(window, at, name.text)) out.set(name.list);
}

void IdentifierNames::match_unspaced(std::string_view window, Set& out) const {
  for (const auto& name : unspaced_)
    if (window.find(name.text) != std::string_view::npos) out.set(name.list);
}

}  // namespace tollgate::pii
