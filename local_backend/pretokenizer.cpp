#include "local_backend/pretokenizer.h"

#include <stdexcept>

#include "local_backend/unicode.h"

namespace tollgate::local_backend {

constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

// Each member function tries one alternative of the pattern at a position and returns where the match ends, or the
// position itself when it does not match. The pattern takes the first alternative that matches.
class Llama3Scanner {
 public:
  explicit Llama3Scanner(std::string_view text) : text_(text) {}

  std::size_t word_end(std::size_t at) const {
    for (const auto alternative : {&Llama3Scanner::contraction, &Llama3Scanner::letters, &Llama3Scanner::numbers,
                                   &Llama3Scanner::punctuation, &Llama3Scanner::spaces}) {
      const std::size_t end = (this->*alternative)(at);
      if (end > at) return end;
    }
    return at + decode_utf8(text_, at).length;
  }

 private:
  static bool is_newline(char32_t c) { return c == '\r' || c == '\n'; }
  static bool is_other(char32_t c) { return !is_space(c) && !is_letter(c) && !is_number(c); }

  // Where the run of characters of one class that starts at `at` ends.
  template <class Class>
  std::size_t run_end(std::size_t at, Class in_class) const {
    while (at < text_.size()) {
      const Decoded d = decode_utf8(text_, at);
      if (!in_class(d.code_point)) break;
      at += d.length;
    }
    return at;
  }

  // The letter at `at`, folded for (?i); 0 where there is none. U+017F folds to s.
  char32_t folded(std::size_t at, std::size_t& length) const {
    if (at >= text_.size()) return 0;
    const Decoded d = decode_utf8(text_, at);
    length = d.length;
    if (d.code_point == 0x17F) return 's';
    return d.code_point >= 'A' && d.code_point <= 'Z' ? d.code_point + 32 : d.code_point;
  }

  std::size_t contraction(std::size_t at) const {
    if (text_[at] != '\'') return at;
    std::size_t n1 = 0;
    std::size_t n2 = 0;
    const char32_t a = folded(at + 1, n1);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return at + 1 + n1;
    const char32_t b = folded(at + 1 + n1, n2);
    const bool two = (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l');
    return two ? at + 1 + n1 + n2 : at;
  }

  std::size_t letters(std::size_t at) const {
    const Decoded d = decode_utf8(text_, at);
    std::size_t start = at;
    if (!is_newline(d.code_point) && !is_letter(d.code_point) && !is_number(d.code_point)) start += d.length;
    const std::size_t end = run_end(start, is_letter);
    return end > start ? end : at;  // the leading character belongs to the word only when a letter follows
  }

  std::size_t numbers(std::size_t at) const {
    std::size_t end = at;
    for (int i = 0; i < 3 && end < text_.size(); ++i) {
      const Decoded d = decode_utf8(text_, end);
      if (!is_number(d.code_point)) break;
      end += d.length;
    }
    return end;
  }

  std::size_t punctuation(std::size_t at) const {
    const std::size_t start = text_[at] == ' ' ? at + 1 : at;
    const std::size_t end = run_end(start, is_other);
    return end > start ? run_end(end, is_newline) : at;
  }

  // The last three alternatives: up to the last newline of the run; else all of it at the end of the text; else all but
  // the last character, which goes to the next word.
  std::size_t spaces(std::size_t at) const {
    std::size_t end = at;
    std::size_t before_last = at;
    std::size_t after_newline = at;
    while (end < text_.size()) {
      const Decoded d = decode_utf8(text_, end);
      if (!is_space(d.code_point)) break;
      before_last = end;
      end += d.length;
      if (is_newline(d.code_point)) after_newline = end;
    }
    if (after_newline > at) return after_newline;
    return end == text_.size() || before_last == at ? end : before_last;
  }

  std::string_view text_;
};

class Llama3Pretokenizer : public Pretokenizer {
 public:
  bool split(std::string_view text, const Sink& sink) const override {
    const Llama3Scanner scanner(text);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = scanner.word_end(at);
      sink(text.substr(at, end - at));
      at = end;
    }
    return true;
  }
};

}  // namespace

std::unique_ptr<Pretokenizer> make_pretokenizer(const std::string& pattern) {
  if (pattern == kLlama3Pattern) return std::make_unique<Llama3Pretokenizer>();
  auto generic = make_pcre2_pretokenizer(pattern);
  if (generic == nullptr) {
    throw std::runtime_error("the pre-tokenizer pattern " + pattern + " needs PCRE2, which this build has not");
  }
  return generic;
}

}  // namespace tollgate::local_backend
