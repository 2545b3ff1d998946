#pragma once
// Cuts text into the words that BPE works inside. A pattern is known by its exact string: the common one has a scanner
// written by hand, any other goes through PCRE2 where the build has it, and is refused by name where it has not.
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tollgate::local_backend {

extern const std::string_view kLlama3Pattern;

class Pretokenizer {
 public:
  using Sink = std::function<void(std::string_view word)>;
  virtual ~Pretokenizer() = default;
  // Every byte of `text` (valid UTF-8) comes out once, in order; text the pattern does not match is a word too.
  // False when a limit of the regex engine was hit. Thread-safe.
  virtual bool split(std::string_view text, const Sink& sink) const = 0;
};

// Throws std::runtime_error naming the pattern when it is not supported.
std::unique_ptr<Pretokenizer> make_pretokenizer(const std::string& pattern);

// Always the regex engine; nullptr in a build without PCRE2. What the scanner is tested against.
std::unique_ptr<Pretokenizer> make_pcre2_pretokenizer(const std::string& pattern);

}  // namespace tollgate::local_backend
