#pragma once
// What a tokenizer does to text before it is cut: the normalizer of tokenizer.json, and the part of its Metaspace and
// ByteLevel that changes text. Text is valid UTF-8 before and after.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::local_backend {

struct TextStep {
  enum class Kind : std::uint8_t {
    replace,  // each `from` by `to`
    prepend,  // `to`, unless the text is empty or begins with `from` (when that is not empty)
    squeeze,  // no spaces at the ends (nor `to` at the last), one where there were several: SentencePiece's
              // remove_extra_whitespaces
    nfc,      // Unicode's canonical composition
  };
  Kind kind = Kind::nfc;
  std::string from;
  std::string to;
  bool only_first = false;  // prepend: only where the segment begins the whole text
};

// Immutable after construction; thread-safe.
class TextSteps {
 public:
  TextSteps() = default;
  explicit TextSteps(std::vector<TextStep> steps) : steps_(std::move(steps)) {}

  bool empty() const { return steps_.empty(); }
  std::string apply(std::string text, bool first) const;
  // No text of n bytes becomes fewer than n / shrink() bytes; 0 where there is no such bound.
  std::size_t shrink() const;

 private:
  std::vector<TextStep> steps_;
};

// False where this build has no utf8proc: then nothing but ASCII can be normalised, and loading refuses.
bool has_nfc();
std::string nfc(const std::string& text);

}  // namespace tollgate::local_backend
