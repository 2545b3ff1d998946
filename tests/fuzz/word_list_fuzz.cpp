// The first line is an entry, the rest is text, any bytes: matches lie in the text, in order, and each is an entry.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "pii/word_list.h"

namespace {

using tollgate::pii::fold_words;
using tollgate::pii::WordList;

void check(bool good) {
  if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::string entry(all.substr(0, all.find('\n')));
  const std::string_view text = all.substr(entry.size());
  const WordList list({entry, "anna berger"});
  std::vector<WordList::Match> matches;
  list.find(text, matches);
  std::size_t at = 0;
  for (const auto& [start, end] : matches) {
    check(start >= at && start < end && end <= text.size());
    const std::string found = fold_words(text.substr(start, end - start));
    check(found == fold_words(entry) || found == "anna berger");
    at = end;
  }
  return 0;
}
