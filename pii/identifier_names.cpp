#include "pii/identifier_names.h"

#include <algorithm>
#include <stdexcept>

#include "pii/unit.h"

namespace tollgate::pii {
namespace {

constexpr std::size_t kBefore = 90;  // bytes
constexpr std::size_t kAfter = 32;

// What a list has of letters that have two cases outside ASCII is rare enough to be written in both.
struct Window {
  std::array<char, 2 * (kBefore + kAfter)> bytes{};
  std::size_t size = 0;
  bool ascii = true;

  // In small letters, with a space where a capital follows one (nhsNumber).
  void append(std::string_view text) {
    char* to = bytes.data() + size;
    bool small = false;
    unsigned all = 0;
    for (const char c : text) {
      const bool capital = is_upper(c);
      if (capital && small) *to++ = ' ';
      small = is_lower(c);
      all |= static_cast<unsigned char>(c);
      *to++ = capital ? static_cast<char>(c + 32) : c;
    }
    *to++ = '\n';
    ascii = ascii && all < 0x80;
    size = static_cast<std::size_t>(to - bytes.data());
  }
  std::string_view view() const { return {bytes.data(), size}; }
};

// A short name must be the whole word; a long one may go on, as in compounds.
bool stands_at(std::string_view window, std::size_t at, std::string_view name) {
  constexpr std::size_t kShort = 5;
  if (!window.substr(at).starts_with(name)) return false;
  const std::size_t end = at + name.size();
  return name.size() > kShort || end == window.size() || !in_word(window[end]);
}

// in_word(), as a table: it is asked of a hundred bytes around every candidate.
constexpr auto kInWord = [] {
  std::array<bool, 256> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = in_word(static_cast<char>(i));
  return out;
}();

// Cheap, and says no to nearly all.
bool may_follow(std::string_view window, std::size_t at, char head) {
  return head == '\0' || (at < window.size() && window[at] == head);
}

}  // namespace

std::size_t IdentifierNames::bucket(std::string_view word) {
  return (static_cast<unsigned char>(word[0]) * 7U + static_cast<unsigned char>(word[1]) * 31U) & 255U;
}

std::size_t IdentifierNames::add(std::string_view list) {
  const auto known = std::find(lists_.begin(), lists_.end(), list);
  if (known != lists_.end()) return static_cast<std::size_t>(known - lists_.begin());
  if (lists_.size() == kMostLists) throw std::length_error("more lists of names than IdentifierNames holds");
  const auto number = static_cast<std::uint8_t>(lists_.size());
  lists_.push_back(list);
  for (std::string_view rest = list; !rest.empty();) {
    const auto bar = std::min(rest.find('|'), rest.size());
    Name name{rest.substr(0, bar), number};
    name.text.copy(name.head.data(), name.head.size());
    if (is_alpha(name.text[0]))
      by_start_[bucket(name.text)].push_back(name);
    else
      unspaced_.push_back(name);
    rest.remove_prefix(std::min(bar + 1, rest.size()));
  }
  return number;
}

IdentifierNames::Set IdentifierNames::around(std::string_view text, std::size_t start, std::size_t end) const {
  const std::size_t from = start > kBefore ? start - kBefore : 0;
  Window window;
  window.append(text.substr(from, start - from));
  window.append(text.substr(end, kAfter));
  Set out;
  match_words(window.view(), out);
  if (!window.ascii) match_unspaced(window.view(), out);
  return out;
}

void IdentifierNames::match_words(std::string_view window, Set& out) const {
  bool inside = false;  // a word
  for (std::size_t at = 0; at + 1 < window.size(); ++at) {
    const bool begins = !inside && is_lower(window[at]);
    inside = kInWord[static_cast<unsigned char>(window[at])];
    if (!begins) continue;
    for (const auto& name : by_start_[bucket(window.substr(at))])
      if (window[at + 1] == name.head[1] && may_follow(window, at + 2, name.head[2]) &&
          stands_at(window, at, name.text))
        out.set(name.list);
  }
}

void IdentifierNames::match_unspaced(std::string_view window, Set& out) const {
  for (const auto& name : unspaced_)
    if (window.find(name.text) != std::string_view::npos) out.set(name.list);
}

}  // namespace tollgate::pii
