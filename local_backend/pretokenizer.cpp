#include "local_backend/pretokenizer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <stdexcept>

#include "local_backend/unicode.h"

namespace tollgate::local_backend {

constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

namespace {

// Each alternative of a pattern is a member function: it tries at a position and returns where the match ends, or the
// position itself when it does not match. A pattern takes the first alternative that matches.
class Scanner {
 public:
  using Alternative = std::size_t (Scanner::*)(std::size_t) const;
  explicit Scanner(std::string_view text) : text_(text) {}

  std::size_t word_end(std::size_t at, std::span<const Alternative> alternatives) const {
    for (const Alternative alternative : alternatives) {
      const std::size_t end = (this->*alternative)(at);
      if (end > at) return end;
    }
    return at + decode_utf8(text_, at).length;
  }

  // 's 't 're 've 'm 'll 'd
  std::size_t contraction(std::size_t at) const { return contraction_by(at, &Scanner::character); }
  std::size_t folded_contraction(std::size_t at) const { return contraction_by(at, &Scanner::folded); }

  // [^\r\n\p{L}\p{N}]?\p{L}+
  std::size_t letters(std::size_t at) const {
    const Decoded d = decode_utf8(text_, at);
    std::size_t start = at;
    if (!is_newline(d.code_point) && !is_letter(d.code_point) && !is_number(d.code_point)) start += d.length;
    const std::size_t end = run_end(start, is_letter);
    return end > start ? end : at;  // the leading character belongs to the word only when a letter follows
  }

  std::size_t one_number(std::size_t at) const { return run_end(at, is_number, 1); }
  std::size_t three_numbers(std::size_t at) const { return run_end(at, is_number, 3); }

  // " ?" and a run of one class
  std::size_t spaced_letters(std::size_t at) const { return spaced(at, is_letter); }
  std::size_t spaced_numbers(std::size_t at) const { return spaced(at, is_number); }
  std::size_t spaced_others(std::size_t at) const { return spaced(at, is_other); }

  std::size_t others_and_newlines(std::size_t at) const {
    const std::size_t end = spaced(at, is_other);
    return end > at ? run_end(end, is_newline) : at;
  }

  // \s*[\r\n]+ and what follows in `spaces`
  std::size_t lines_and_spaces(std::size_t at) const {
    const Run run = space_run(at);
    return run.after_newline > at ? run.after_newline : spaces(at);
  }

  // \s+(?!\S)|\s+: all of the run at the end of the text; else all but the last character, which goes to the next word.
  std::size_t spaces(std::size_t at) const {
    const Run run = space_run(at);
    return run.end == text_.size() || run.before_last == at ? run.end : run.before_last;
  }

 private:
  static bool is_newline(char32_t c) { return c == '\r' || c == '\n'; }
  static bool is_other(char32_t c) { return !is_space(c) && !is_letter(c) && !is_number(c); }

  // Where the run of characters of one class that starts at `at` ends.
  template <class Class>
  std::size_t run_end(std::size_t at, Class in_class, int most = std::numeric_limits<int>::max()) const {
    for (int i = 0; i < most && at < text_.size(); ++i) {
      const Decoded d = decode_utf8(text_, at);
      if (!in_class(d.code_point)) break;
      at += d.length;
    }
    return at;
  }

  template <class Class>
  std::size_t spaced(std::size_t at, Class in_class) const {
    const std::size_t start = text_[at] == ' ' ? at + 1 : at;
    const std::size_t end = run_end(start, in_class);
    return end > start ? end : at;
  }

  char32_t character(std::size_t at, std::size_t& length) const {
    if (at >= text_.size()) return 0;
    const Decoded d = decode_utf8(text_, at);
    length = d.length;
    return d.code_point;
  }

  // As (?i) compares: U+017F folds to s.
  char32_t folded(std::size_t at, std::size_t& length) const {
    const char32_t c = character(at, length);
    if (c == 0x17F) return 's';
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
  }

  template <class Read>
  std::size_t contraction_by(std::size_t at, Read read) const {
    if (text_[at] != '\'') return at;
    std::size_t n1 = 0;
    std::size_t n2 = 0;
    const char32_t a = (this->*read)(at + 1, n1);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return at + 1 + n1;
    const char32_t b = (this->*read)(at + 1 + n1, n2);
    const bool two = (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l');
    return two ? at + 1 + n1 + n2 : at;
  }

  struct Run {
    std::size_t end;
    std::size_t before_last;    // where its last character begins
    std::size_t after_newline;  // behind its last newline; its begin where there is none
  };
  Run space_run(std::size_t at) const {
    Run run{at, at, at};
    while (run.end < text_.size()) {
      const Decoded d = decode_utf8(text_, run.end);
      if (!is_space(d.code_point)) break;
      run.before_last = run.end;
      run.end += d.length;
      if (is_newline(d.code_point)) run.after_newline = run.end;
    }
    return run;
  }

  std::string_view text_;
};

constexpr std::array<Scanner::Alternative, 5> kLlama3 = {&Scanner::folded_contraction, &Scanner::letters,
                                                         &Scanner::three_numbers, &Scanner::others_and_newlines,
                                                         &Scanner::lines_and_spaces};
constexpr std::array<Scanner::Alternative, 5> kQwen2 = {&Scanner::folded_contraction, &Scanner::letters,
                                                        &Scanner::one_number, &Scanner::others_and_newlines,
                                                        &Scanner::lines_and_spaces};
constexpr std::array<Scanner::Alternative, 5> kGpt2 = {&Scanner::contraction, &Scanner::spaced_letters,
                                                       &Scanner::spaced_numbers, &Scanner::spaced_others,
                                                       &Scanner::spaces};

class ScannerPretokenizer : public Pretokenizer {
 public:
  explicit ScannerPretokenizer(std::span<const Scanner::Alternative> alternatives) : alternatives_(alternatives) {}

  bool split(std::string_view text, const Sink& sink) const override {
    const Scanner scanner(text);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = scanner.word_end(at, alternatives_);
      sink(text.substr(at, end - at));
      at = end;
    }
    return true;
  }

 private:
  std::span<const Scanner::Alternative> alternatives_;
};

class MarkPretokenizer : public Pretokenizer {
 public:
  explicit MarkPretokenizer(std::string mark) : mark_(std::move(mark)) {}

  bool split(std::string_view text, const Sink& sink) const override {
    while (!text.empty()) {
      const std::size_t end = text.find(mark_, 1);
      sink(text.substr(0, end));
      text.remove_prefix(std::min(end, text.size()));
    }
    return true;
  }

 private:
  std::string mark_;
};

class ChainPretokenizer : public Pretokenizer {
 public:
  explicit ChainPretokenizer(std::vector<std::unique_ptr<Pretokenizer>> parts) : parts_(std::move(parts)) {}

  bool split(std::string_view text, const Sink& sink) const override { return split_from(0, text, sink); }

 private:
  bool split_from(std::size_t part, std::string_view text, const Sink& sink) const {
    if (part == parts_.size()) {
      sink(text);
      return true;
    }
    bool good = true;
    const bool cut = parts_[part]->split(text, [&](std::string_view word) {
      if (good) good = split_from(part + 1, word, sink);
    });
    return cut && good;
  }

  std::vector<std::unique_ptr<Pretokenizer>> parts_;
};

}  // namespace

std::unique_ptr<Pretokenizer> make_pretokenizer(const std::string& pattern) {
  if (pattern == kLlama3Pattern) return std::make_unique<ScannerPretokenizer>(kLlama3);
  if (pattern == kQwen2Pattern) return std::make_unique<ScannerPretokenizer>(kQwen2);
  if (pattern == kGpt2Pattern) return std::make_unique<ScannerPretokenizer>(kGpt2);
  auto generic = make_pcre2_pretokenizer(pattern);
  if (generic == nullptr) {
    throw std::runtime_error("the pre-tokenizer pattern " + pattern + " needs PCRE2, which this build has not");
  }
  return generic;
}

std::unique_ptr<Pretokenizer> chain(std::vector<std::unique_ptr<Pretokenizer>> parts) {
  return std::make_unique<ChainPretokenizer>(std::move(parts));
}

std::unique_ptr<Pretokenizer> make_mark_pretokenizer(std::string mark) {
  return std::make_unique<MarkPretokenizer>(std::move(mark));
}

}  // namespace tollgate::local_backend
