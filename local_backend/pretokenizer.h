#pragma once
// Cuts text into the words that BPE works inside. A pattern is known by its exact string: the common ones have scanners
// written by hand, any other goes through PCRE2 where the build has it, and is refused by name where it has not.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::local_backend {

extern const std::string_view kLlama3Pattern;
extern const std::string_view kQwen2Pattern;
extern const std::string_view kGpt2Pattern;  // also what ByteLevel with use_regex means

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

// One after the other: each cuts what the one before left. REQUIRES: not empty
std::unique_ptr<Pretokenizer> chain(std::vector<std::unique_ptr<Pretokenizer>> parts);

// A word begins with each `mark` (Metaspace with split).
std::unique_ptr<Pretokenizer> make_mark_pretokenizer(std::string mark);

}  // namespace tollgate::local_backend
