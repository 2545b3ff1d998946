#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

#include "local_backend/jinja_syntax.h"

namespace tollgate::local_backend::jinja {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {
    // keep_trailing_newline is off: one newline at the end of the template is not part of it.
    if (source_.ends_with('\n')) source_.remove_suffix(1);
  }

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      text();
      if (at_ >= source_.size()) break;
      const char kind = source_[at_ + 1];
      if (kind == '#') {
        comment();
      } else {
        tag(kind == '{');
      }
    }
    push(Token::Kind::end);
    return std::move(tokens_);
  }

 private:
  void push(Token::Kind kind, std::string text = {}, std::int64_t integer = 0) {
    tokens_.push_back({kind, std::move(text), integer, 0, line_});
  }

  void advance_to(std::size_t end) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    at_ = end;
  }

  std::size_t next_tag(std::size_t from) const {
    for (std::size_t i = from; i + 1 < source_.size(); ++i) {
      if (source_[i] == '{' && (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#')) return i;
    }
    return source_.size();
  }

  // Text up to the next tag. `{%-` strips all whitespace before it; without a sign lstrip_blocks strips blanks between
  // the start of the line and a block or comment tag.
  void text() {
    const std::size_t end = next_tag(at_);
    std::string_view piece = source_.substr(at_, end - at_);
    if (strip_next_) {
      while (!piece.empty() && is_blank(piece.front())) piece.remove_prefix(1);
    } else if (drop_newline_ && piece.starts_with('\n')) {
      piece.remove_prefix(1);
    }
    if (end < source_.size()) {
      const char sign = end + 2 < source_.size() ? source_[end + 2] : '\0';
      if (sign == '-') {
        while (!piece.empty() && is_blank(piece.back())) piece.remove_suffix(1);
      } else if (sign != '+' && source_[end + 1] != '{') {
        strip_line_start(piece, end);
      }
    }
    if (!piece.empty()) push(Token::Kind::text, std::string(piece));
    strip_next_ = drop_newline_ = false;
    advance_to(end);
  }

  void strip_line_start(std::string_view& piece, std::size_t end) const {
    std::size_t blanks = 0;
    while (blanks < end && source_[end - blanks - 1] != '\n' && is_blank(source_[end - blanks - 1])) ++blanks;
    const bool reaches_line_start = blanks == end || source_[end - blanks - 1] == '\n';
    if (reaches_line_start) piece.remove_suffix(std::min(blanks, piece.size()));
  }

  void comment() {
    const std::size_t close = source_.find("#}", at_ + 2);
    if (close == std::string_view::npos) syntax_error(line_, "a comment is not closed");
    strip_next_ = source_[close - 1] == '-' && close - 1 >= at_ + 2;
    drop_newline_ = true;
    advance_to(close + 2);
  }

  void tag(bool print) {
    push(print ? Token::Kind::open_print : Token::Kind::open_block);
    advance_to(at_ + 2);
    if (at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+')) ++at_;
    const std::string_view close = print ? "}}" : "%}";
    int brackets = 0;  // "}}" may also close two map literals
    while (true) {
      while (at_ < source_.size() && is_blank(source_[at_])) advance_to(at_ + 1);
      if (at_ >= source_.size()) syntax_error(line_, "a tag is not closed");
      const bool minus = source_[at_] == '-' && source_.substr(at_ + 1).starts_with(close);
      const bool plus = source_[at_] == '+' && !print && source_.substr(at_ + 1).starts_with(close);
      if (brackets == 0 && (minus || plus || source_.substr(at_).starts_with(close))) {
        push(print ? Token::Kind::close_print : Token::Kind::close_block);
        at_ += (minus || plus ? 1U : 0U) + 2;
        strip_next_ = minus;
        drop_newline_ = !print && !plus;
        return;
      }
      token(brackets);
    }
  }

  void token(int& brackets) {
    const char c = source_[at_];
    if (is_name_start(c)) return name();
    if (is_digit(c)) return number();
    if (c == '\'' || c == '"') return string(c);
    static constexpr std::array<std::string_view, 6> kLong = {"==", "!=", "<=", ">=", "//", "**"};
    for (const std::string_view op : kLong) {
      if (source_.substr(at_).starts_with(op)) {
        push(Token::Kind::op, std::string(op));
        at_ += op.size();
        return;
      }
    }
    if (std::string_view("+-*/%~<>=|.,:()[]{}").find(c) == std::string_view::npos) {
      syntax_error(line_, std::string("unexpected character '") + c + "'");
    }
    if (c == '(' || c == '[' || c == '{') ++brackets;
    if ((c == ')' || c == ']' || c == '}') && brackets > 0) --brackets;
    push(Token::Kind::op, std::string(1, c));
    ++at_;
  }

  void name() {
    const std::size_t start = at_;
    while (at_ < source_.size() && (is_name_start(source_[at_]) || is_digit(source_[at_]))) ++at_;
    push(Token::Kind::name, std::string(source_.substr(start, at_ - start)));
  }

  bool digit_at(std::size_t at) const { return at < source_.size() && is_digit(source_[at]); }

  // 12, 1.5, 2e-7
  void number() {
    const std::size_t start = at_;
    while (digit_at(at_)) ++at_;
    const std::size_t whole = at_;
    if (source_.substr(at_).starts_with('.') && digit_at(at_ + 1)) ++at_;
    while (digit_at(at_)) ++at_;
    if (at_ < source_.size() && (source_[at_] == 'e' || source_[at_] == 'E')) {
      const std::size_t sign = at_ + 1 < source_.size() && (source_[at_ + 1] == '-' || source_[at_ + 1] == '+') ? 1 : 0;
      if (digit_at(at_ + 1 + sign)) at_ += 1 + sign;
      while (digit_at(at_)) ++at_;
    }
    if (at_ > whole) return push_float(start);
    std::int64_t value = 0;
    const auto read = std::from_chars(source_.data() + start, source_.data() + at_, value);
    if (read.ec != std::errc() || value > 1'000'000'000) syntax_error(line_, "a number is too large");
    push(Token::Kind::integer, {}, value);
  }

  void push_float(std::size_t start) {
    double value = 0;
    const auto read = std::from_chars(source_.data() + start, source_.data() + at_, value);
    if (read.ec != std::errc()) syntax_error(line_, "a number is too large");
    push(Token::Kind::number);
    tokens_.back().number = value;
  }

  void string(char quote) {
    std::string value;
    std::size_t i = at_ + 1;
    for (;; ++i) {
      if (i >= source_.size()) syntax_error(line_, "a string is not closed");
      if (source_[i] == quote) break;
      if (source_[i] == '\\' && i + 1 < source_.size()) {
        ++i;
        value.push_back(escaped(source_[i]));
      } else {
        value.push_back(source_[i]);
      }
    }
    push(Token::Kind::string, std::move(value));
    advance_to(i + 1);
  }

  char escaped(char c) const {
    switch (c) {
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case '\\':
      case '\'':
      case '"':
        return c;
      default:
        syntax_error(line_, std::string("the escape \\") + c + " is not supported");
    }
  }

  std::string_view source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool strip_next_ = false;    // after -%}: all whitespace
  bool drop_newline_ = false;  // after %}: one newline (trim_blocks)
  std::vector<Token> tokens_;
};

}  // namespace

void syntax_error(int line, const std::string& what) {
  throw std::runtime_error("line " + std::to_string(line) + ": " + what);
}

std::vector<Token> lex(std::string_view source) {
  if (source.size() > kMaxSource) syntax_error(1, "the template is too long");
  return Lexer(source).run();
}

}  // namespace tollgate::local_backend::jinja
