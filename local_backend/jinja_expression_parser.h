#pragma once
// Tokens to expressions: the part of the parser that statements build on. Private to jinja_parser.cpp.
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "local_backend/jinja_builtins.h"
#include "local_backend/jinja_syntax.h"

namespace tollgate::local_backend::jinja {

inline constexpr std::array<std::string_view, 14> kKeywords = {
    "and", "or", "not", "in", "is", "if", "else", "for", "set", "elif", "endif", "endfor", "filter", "call"};

template <std::size_t N>
bool one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

template <class... E>
std::vector<Expression> children_of(E... e) {
  std::vector<Expression> out;
  (out.push_back(std::move(e)), ...);
  return out;
}

class ExpressionParser {
 protected:
  explicit ExpressionParser(std::string_view source) : tokens_(lex(source)) {}
  ~ExpressionParser() = default;

  // Counts nesting; template code is not trusted with our stack.
  class Depth {
   public:
    explicit Depth(ExpressionParser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxDepth) syntax_error(parser_.peek().line, "nested too deeply");
    }
    ~Depth() { --parser_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    ExpressionParser& parser_;
  };

  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  Token take() { return tokens_[std::min(at_++, tokens_.size() - 1)]; }
  bool is_op(std::string_view op) const { return peek().kind == Token::Kind::op && peek().text == op; }
  bool is_name(std::string_view name, std::size_t ahead = 0) const {
    return peek(ahead).kind == Token::Kind::name && peek(ahead).text == name;
  }
  bool accept_op(std::string_view op) {
    if (!is_op(op)) return false;
    ++at_;
    return true;
  }
  bool accept_name(std::string_view name) {
    if (!is_name(name)) return false;
    ++at_;
    return true;
  }
  void expect_op(std::string_view op) {
    if (!accept_op(op)) syntax_error(peek().line, "expected '" + std::string(op) + "'");
  }
  void expect(Token::Kind kind, const char* what) {
    if (take().kind != kind) syntax_error(peek().line, std::string("expected ") + what);
  }
  std::string variable() {
    if (peek().kind != Token::Kind::name || one_of(kKeywords, peek().text)) {
      syntax_error(peek().line, "expected a variable name");
    }
    return take().text;
  }

  Expression tuple_or_expression() {
    Expression first = expression();
    return is_op(",") ? tuple(std::move(first)) : first;
  }

  // A tuple is a list here: nothing changes either.
  Expression tuple(Expression first) {
    Expression out = make(Expression::Kind::list, {}, children_of(std::move(first)), peek().line);
    while (accept_op(",")) {
      if (!is_op(")") && peek().kind != Token::Kind::close_block) out.children.push_back(expression());
    }
    return out;
  }

  Expression expression() {
    const Depth depth(*this);
    Expression value = or_expression();
    while (is_name("if")) {
      const int line = take().line;
      Expression condition = or_expression();
      Expression otherwise;
      if (accept_name("else")) otherwise = expression();
      value = make(Expression::Kind::conditional, {},
                   children_of(std::move(value), std::move(condition), std::move(otherwise)), line);
    }
    return value;
  }

  Expression binary(const std::string& op, Expression left, Expression right, int line) {
    return make(Expression::Kind::binary, op, children_of(std::move(left), std::move(right)), line);
  }

  Expression or_expression() {
    Expression left = and_expression();
    while (is_name("or")) {
      const int line = take().line;
      left = binary("or", std::move(left), and_expression(), line);
    }
    return left;
  }

  Expression and_expression() {
    Expression left = not_expression();
    while (is_name("and")) {
      const int line = take().line;
      left = binary("and", std::move(left), not_expression(), line);
    }
    return left;
  }

  Expression not_expression() {
    if (!is_name("not")) return comparison();
    const Depth depth(*this);
    const int line = take().line;
    return make(Expression::Kind::negate, {}, children_of(not_expression()), line);
  }

  Expression comparison() {
    Expression left = sum();
    for (int count = 0;; ++count) {
      std::string op;
      const int line = peek().line;
      for (const std::string_view candidate : {"==", "!=", "<=", ">=", "<", ">"}) {
        if (op.empty() && accept_op(candidate)) op = candidate;
      }
      if (op.empty() && accept_name("in")) op = "in";
      if (op.empty() && is_name("not") && is_name("in", 1)) {
        at_ += 2;
        op = "not in";
      }
      if (op.empty()) return left;
      if (count > 0) syntax_error(line, "chained comparisons are not supported");
      left = binary(op, std::move(left), sum(), line);
    }
  }

  Expression sum() {
    Expression left = concatenation();
    while (is_op("+") || is_op("-")) {
      const Token op = take();
      left = binary(op.text, std::move(left), concatenation(), op.line);
    }
    return left;
  }

  Expression concatenation() {
    Expression left = product();
    while (is_op("~")) {
      const int line = take().line;
      left = binary("~", std::move(left), product(), line);
    }
    return left;
  }

  Expression product() {
    Expression left = unary();
    while (is_op("*") || is_op("%") || is_op("/") || is_op("//")) {
      const Token op = take();
      left = binary(op.text, std::move(left), unary(), op.line);
    }
    if (is_op("**")) syntax_error(peek().line, "the operator ** is not supported");
    return left;
  }

  // Filters and tests bind tighter than the binary operators.
  Expression unary() {
    const Depth depth(*this);
    Expression value;
    if (is_op("-")) {
      const int line = take().line;
      value = make(Expression::Kind::minus, {}, children_of(postfix(primary())), line);
    } else {
      value = postfix(primary());
    }
    return filters(std::move(value));
  }

  Expression filters(Expression value) {
    for (int count = 0;; ++count) {
      if (count > kMaxDepth) syntax_error(peek().line, "nested too deeply");
      if (accept_op("|")) {
        value = filter(std::move(value));
      } else if (accept_name("is")) {
        value = test(std::move(value));
      } else {
        return value;
      }
    }
  }

  Expression filter(Expression value) {
    const Token name = take();
    Expression out = make(Expression::Kind::filter, name.text, children_of(std::move(value)), name.line);
    out.builtin = find_filter(name.text);
    if (name.kind != Token::Kind::name || out.builtin == nullptr) {
      syntax_error(name.line, "the filter \"" + name.text + "\" is not supported");
    }
    if (accept_op("(")) arguments(out);
    return out;
  }

  // `is name`, `is name(argument)`, `is name argument`.
  Expression test(Expression value) {
    const bool negated = accept_name("not");
    const Token name = take();
    Expression out = make(Expression::Kind::test, name.text, children_of(std::move(value)), name.line);
    out.builtin = find_test(name.text);
    if (name.kind != Token::Kind::name || out.builtin == nullptr) {
      syntax_error(name.line, "the test \"" + name.text + "\" is not supported");
    }
    const Token::Kind next = peek().kind;
    const bool bare = next == Token::Kind::string || next == Token::Kind::integer || is_op("[") ||
                      (next == Token::Kind::name && !one_of(kKeywords, peek().text));
    if (accept_op("(")) {
      arguments(out);
    } else if (bare) {
      out.children.push_back(postfix(primary()));
    }
    return negated ? make(Expression::Kind::negate, {}, children_of(std::move(out)), name.line) : out;
  }

  // After the opening bracket: positional arguments, then named ones.
  void arguments(Expression& out) {
    const Depth depth(*this);
    while (!accept_op(")")) {
      const bool named = peek().kind == Token::Kind::name && peek(1).kind == Token::Kind::op && peek(1).text == "=";
      if (named) {
        out.keywords.push_back(take().text);
        ++at_;
      } else if (!out.keywords.empty()) {
        syntax_error(peek().line, "a positional argument follows a named one");
      }
      out.children.push_back(expression());
      if (!is_op(")")) expect_op(",");
    }
  }

  Expression postfix(Expression value) {
    for (int count = 0;; ++count) {
      if (count > kMaxDepth) syntax_error(peek().line, "nested too deeply");
      const int line = peek().line;
      if (accept_op(".")) {
        if (peek().kind != Token::Kind::name) syntax_error(line, "expected an attribute");
        value = make(Expression::Kind::attribute, take().text, children_of(std::move(value)), line);
        if (accept_op("(")) method(value);
      } else if (accept_op("[")) {
        value = subscript(std::move(value), line);
      } else if (is_op("(")) {
        syntax_error(line, "this call is not supported");
      } else {
        return value;
      }
    }
  }

  void method(Expression& value) {
    value.kind = Expression::Kind::method;
    value.builtin = find_method(value.name);
    if (value.builtin == nullptr) syntax_error(value.line, "the method \"" + value.name + "\" is not supported");
    arguments(value);
  }

  Expression subscript(Expression value, int line) {
    Expression first;
    if (!is_op(":")) first = expression();
    if (accept_op("]")) {
      return make(Expression::Kind::index, {}, children_of(std::move(value), std::move(first)), line);
    }
    expect_op(":");
    Expression last;
    Expression step;
    if (!is_op("]") && !is_op(":")) last = expression();
    if (accept_op(":") && !is_op("]")) step = expression();
    expect_op("]");
    return make(Expression::Kind::slice, {},
                children_of(std::move(value), std::move(first), std::move(last), std::move(step)), line);
  }

  Expression primary() {
    const Token token = take();
    Expression out;
    out.line = token.line;
    if (token.kind == Token::Kind::string) {
      std::string value = token.text;
      while (peek().kind == Token::Kind::string) value += take().text;  // adjacent literals are one
      out.value = JinjaValue::of(std::move(value));
    } else if (token.kind == Token::Kind::integer) {
      out.value = JinjaValue::of(token.integer);
    } else if (token.kind == Token::Kind::number) {
      out.value = JinjaValue::of(token.number);
    } else if (token.kind == Token::Kind::name) {
      return named(token);
    } else if (token.kind == Token::Kind::op && token.text == "(") {
      out = tuple_or_expression();
      expect_op(")");
    } else if (token.kind == Token::Kind::op && token.text == "[") {
      out.kind = Expression::Kind::list;
      while (!accept_op("]")) {
        out.children.push_back(expression());
        if (!is_op("]")) expect_op(",");
      }
    } else if (token.kind == Token::Kind::op && token.text == "{") {
      out.kind = Expression::Kind::map;
      while (!accept_op("}")) {
        out.children.push_back(expression());
        expect_op(":");
        out.children.push_back(expression());
        if (!is_op("}")) expect_op(",");
      }
    } else {
      syntax_error(token.line, "expected an expression");
    }
    return out;
  }

  Expression named(const Token& token) {
    Expression out;
    out.line = token.line;
    if (one_of(kKeywords, token.text)) syntax_error(token.line, "unexpected \"" + token.text + "\"");
    if (token.text == "true" || token.text == "True") {
      out.value = JinjaValue::of(true);
    } else if (token.text == "false" || token.text == "False") {
      out.value = JinjaValue::of(false);
    } else if (token.text == "none" || token.text == "None") {
      out.value = JinjaValue::none();
    } else if (accept_op("(")) {
      const bool known = macros_.contains(token.text);
      out = make(known ? Expression::Kind::macro : Expression::Kind::call, token.text, {}, token.line);
      out.builtin = find_function(token.text);
      if (!known && out.builtin == nullptr) {
        syntax_error(token.line, "the function \"" + token.text + "\" is not supported");
      }
      arguments(out);
    } else {
      out = make(Expression::Kind::name, token.text, {}, token.line);
    }
    return out;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::set<std::string> macros_;  // defined so far
};

}  // namespace tollgate::local_backend::jinja
