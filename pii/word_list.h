#pragma once
// Finds the words and phrases of a list in text: names of people, projects, customers. Without regard to case, to
// accents of Latin letters, or to what stands between the words of a phrase.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tollgate::pii {

// Small letters, no accents, one space for each run of spaces and punctuation: what two spellings of an entry share.
std::string fold_words(std::string_view text);

// Immutable; thread-safe. The first letters of each word of the text, folded, are looked up in a filter, so that text
// without such words costs a few cycles a word, however long the list is. Words are runs of letters and digits: scripts
// that put nothing between words are not looked into.
class WordList {
 public:
  struct Match {
    std::size_t start = 0;  // bytes
    std::size_t end = 0;
  };
  static constexpr std::size_t kLongestEntry = 256;  // bytes, folded

  WordList() = default;
  explicit WordList(const std::vector<std::string>& entries);  // those that hold no word are passed over

  bool empty() const { return by_first_word_.empty(); }
  // In order of position, not overlapping; of several entries at one place the longest.
  void find(std::string_view text, std::vector<Match>& out) const;

 private:
  bool may_start(std::uint64_t key) const;
  // Both go on from `at` for a few dozen bytes, or to the end of a match, and return where to go on.
  std::size_t find_in_block(std::string_view text, std::size_t at, std::uint64_t words, bool& inside,
                            std::vector<Match>& out) const;
  std::size_t find_by_letter(std::string_view text, std::size_t at, bool& inside, std::vector<Match>& out) const;
  std::size_t match_at(std::string_view text, std::size_t at) const;  // its end; `at` where none matches

  std::vector<std::uint64_t> filter_;
  std::unordered_map<std::string, std::vector<std::string>> by_first_word_;  // entries folded, the longest first
};

}  // namespace tollgate::pii
