#include <algorithm>
#include <array>
#include <initializer_list>
#include <stdexcept>

#include "local_backend/jinja_syntax.h"

namespace tollgate::local_backend::jinja {
namespace {

constexpr std::array<std::string_view, 5> kFilters = {"trim", "length", "upper", "lower", "tojson"};
constexpr std::array<std::string_view, 10> kTests = {"defined",  "undefined", "none",   "string", "mapping",
                                                     "iterable", "sequence",  "number", "true",   "false"};
constexpr std::array<std::string_view, 14> kKeywords = {"and", "or",  "not",  "in",    "is",     "if",     "else",
                                                        "for", "set", "elif", "endif", "endfor", "filter", "call"};

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

class Parser {
 public:
  explicit Parser(std::string_view source) : tokens_(lex(source)) {}

  Block run() {
    Block root = block({});
    if (peek().kind != Token::Kind::end) syntax_error(peek().line, "unexpected tag \"" + peek(1).text + "\"");
    return root;
  }

 private:
  // Counts nesting; template code is not trusted with our stack.
  class Depth {
   public:
    explicit Depth(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxDepth) syntax_error(parser_.peek().line, "nested too deeply");
    }
    ~Depth() { --parser_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    Parser& parser_;
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

  // Statements up to the end or to a block tag that begins with one of `closers` (which is left to the caller).
  Block block(std::initializer_list<std::string_view> closers) {
    const Depth depth(*this);
    Block out;
    while (peek().kind != Token::Kind::end) {
      if (peek().kind == Token::Kind::open_block && peek(1).kind == Token::Kind::name) {
        const std::string& word = peek(1).text;
        if (std::find(closers.begin(), closers.end(), word) != closers.end()) break;
      }
      out.statements.push_back(statement());
    }
    return out;
  }

  Statement statement() {
    Statement out;
    out.line = peek().line;
    const Token first = take();
    if (first.kind == Token::Kind::text) {
      out.text = first.text;
    } else if (first.kind == Token::Kind::open_print) {
      out.kind = Statement::Kind::print;
      out.expressions.push_back(expression());
      expect(Token::Kind::close_print, "'}}'");
    } else {
      tag(out);
    }
    return out;
  }

  void tag(Statement& out) {
    const Token word = take();
    if (word.kind == Token::Kind::name && word.text == "if") return branch(out);
    if (word.kind == Token::Kind::name && word.text == "for") return loop(out);
    if (word.kind == Token::Kind::name && word.text == "set") return assign(out);
    syntax_error(word.line, "the tag \"" + word.text + "\" is not supported");
  }

  void close_block() { expect(Token::Kind::close_block, "'%}'"); }

  void branch(Statement& out) {
    out.kind = Statement::Kind::branch;
    out.expressions.push_back(expression());
    close_block();
    out.blocks.push_back(block({"elif", "else", "endif"}));
    while (true) {
      expect(Token::Kind::open_block, "'{% endif %}'");
      const Token word = take();
      if (word.text == "elif") {
        out.expressions.push_back(expression());
        close_block();
        out.blocks.push_back(block({"elif", "else", "endif"}));
      } else if (word.text == "else") {
        close_block();
        out.blocks.push_back(block({"endif"}));
        expect(Token::Kind::open_block, "'{% endif %}'");
        ++at_;
        return close_block();
      } else {
        return close_block();
      }
    }
  }

  void loop(Statement& out) {
    out.kind = Statement::Kind::loop;
    out.text = variable();
    if (is_op(",")) syntax_error(peek().line, "unpacking in for is not supported");
    if (!accept_name("in")) syntax_error(peek().line, "expected 'in'");
    out.expressions.push_back(or_expression());  // not a conditional: "for x in y if z" filters
    if (is_name("if")) syntax_error(peek().line, "a filter in for is not supported");
    if (is_name("recursive")) syntax_error(peek().line, "recursive loops are not supported");
    close_block();
    out.blocks.push_back(block({"endfor", "else"}));
    expect(Token::Kind::open_block, "'{% endfor %}'");
    if (is_name("else")) syntax_error(peek().line, "else of a loop is not supported");
    ++at_;
    close_block();
  }

  void assign(Statement& out) {
    out.kind = Statement::Kind::assign;
    out.text = variable();
    if (is_op(".")) syntax_error(peek().line, "setting an attribute (namespace) is not supported");
    if (!accept_op("=")) syntax_error(peek().line, "a set block is not supported");
    out.expressions.push_back(expression());
    close_block();
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
    while (is_op("*") || is_op("%")) {
      const Token op = take();
      left = binary(op.text, std::move(left), unary(), op.line);
    }
    if (is_op("/") || is_op("//") || is_op("**")) {
      syntax_error(peek().line, "the operator " + peek().text + " is not supported");
    }
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
      const int line = peek().line;
      if (accept_op("|")) {
        const std::string name = peek().text;
        if (take().kind != Token::Kind::name || !one_of(kFilters, name)) {
          syntax_error(line, "the filter \"" + name + "\" is not supported");
        }
        if (is_op("(")) syntax_error(line, "arguments of the filter \"" + name + "\" are not supported");
        value = make(Expression::Kind::filter, name, children_of(std::move(value)), line);
      } else if (accept_name("is")) {
        const bool negated = accept_name("not");
        const std::string name = peek().text;
        if (take().kind != Token::Kind::name || !one_of(kTests, name)) {
          syntax_error(line, "the test \"" + name + "\" is not supported");
        }
        value = make(Expression::Kind::test, name, children_of(std::move(value)), line);
        if (negated) value = make(Expression::Kind::negate, {}, children_of(std::move(value)), line);
      } else {
        return value;
      }
    }
  }

  Expression postfix(Expression value) {
    for (int count = 0;; ++count) {
      if (count > kMaxDepth) syntax_error(peek().line, "nested too deeply");
      const int line = peek().line;
      if (accept_op(".")) {
        if (peek().kind != Token::Kind::name) syntax_error(line, "expected an attribute");
        value = make(Expression::Kind::attribute, take().text, children_of(std::move(value)), line);
        if (is_op("(")) syntax_error(line, "the method \"" + value.name + "\" is not supported");
      } else if (accept_op("[")) {
        value = subscript(std::move(value), line);
      } else if (is_op("(")) {
        syntax_error(line, "this call is not supported");
      } else {
        return value;
      }
    }
  }

  Expression subscript(Expression value, int line) {
    Expression first;
    if (!is_op(":")) first = expression();
    if (accept_op("]")) {
      return make(Expression::Kind::index, {}, children_of(std::move(value), std::move(first)), line);
    }
    expect_op(":");
    Expression last;
    if (!is_op("]") && !is_op(":")) last = expression();
    if (is_op(":")) syntax_error(line, "a slice with a step is not supported");
    expect_op("]");
    return make(Expression::Kind::slice, {}, children_of(std::move(value), std::move(first), std::move(last)), line);
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
    } else if (token.kind == Token::Kind::name) {
      return named(token);
    } else if (token.kind == Token::Kind::op && token.text == "(") {
      out = expression();
      if (is_op(",")) syntax_error(token.line, "tuples are not supported");
      expect_op(")");
    } else if (token.kind == Token::Kind::op && token.text == "[") {
      out.kind = Expression::Kind::list;
      while (!accept_op("]")) {
        out.children.push_back(expression());
        if (!is_op("]")) expect_op(",");
      }
    } else if (token.kind == Token::Kind::op && token.text == "{") {
      syntax_error(token.line, "map literals are not supported");
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
    } else if (is_op("(")) {
      if (token.text != "raise_exception") {
        syntax_error(token.line, "the function \"" + token.text + "\" is not supported");
      }
      ++at_;
      out = make(Expression::Kind::call, token.text, children_of(expression()), token.line);
      expect_op(")");
    } else {
      out = make(Expression::Kind::name, token.text, {}, token.line);
    }
    return out;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Block parse(std::string_view source) { return Parser(source).run(); }

}  // namespace tollgate::local_backend::jinja
