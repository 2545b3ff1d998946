// Tokens to a tree of statements.
#include <initializer_list>

#include "local_backend/jinja_expression_parser.h"

namespace tollgate::local_backend::jinja {
namespace {

class Parser : ExpressionParser {
 public:
  explicit Parser(std::string_view source) : ExpressionParser(source) {}

  Block run() {
    Block root = block({});
    if (peek().kind != Token::Kind::end) syntax_error(peek().line, "unexpected tag \"" + peek(1).text + "\"");
    return root;
  }

 private:
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
    const std::string name = word.kind == Token::Kind::name ? word.text : std::string();
    if (name == "if") return branch(out);
    if (name == "for") return loop(out);
    if (name == "set") return assign(out);
    if (name == "macro") return macro(out);
    if (name == "generation") return generation(out);
    if ((name == "break" || name == "continue") && loops_ > 0) {
      out.kind = name == "break" ? Statement::Kind::stop : Statement::Kind::next;
      return close_block();
    }
    syntax_error(word.line, "the tag \"" + word.text + "\" is not supported here");
  }

  // The end tag that block() stopped at.
  void end_tag(const char* name) {
    expect(Token::Kind::open_block, name);
    if (!accept_name(name)) syntax_error(peek().line, std::string("expected ") + name);
    close_block();
  }

  void generation(Statement& out) {  // marks what a model is trained on; here its body alone counts
    out.kind = Statement::Kind::block;
    close_block();
    out.blocks.push_back(block({"endgeneration"}));
    end_tag("endgeneration");
  }

  void macro(Statement& out) {
    out.kind = Statement::Kind::macro;
    out.text = variable();
    expect_op("(");
    while (!accept_op(")")) {
      out.names.push_back(variable());
      if (accept_op("=")) {
        out.expressions.push_back(expression());
      } else if (!out.expressions.empty()) {
        syntax_error(peek().line, "a parameter without a default follows one that has a default");
      }
      if (!is_op(")")) expect_op(",");
    }
    close_block();
    macros_.insert(out.text);
    const int loops = std::exchange(loops_, 0);
    out.blocks.push_back(block({"endmacro"}));
    loops_ = loops;
    end_tag("endmacro");
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
    do {
      out.names.push_back(variable());
    } while (accept_op(","));
    if (!accept_name("in")) syntax_error(peek().line, "expected 'in'");
    out.expressions.push_back(or_expression());  // not a conditional: "for x in y if z" filters
    if (accept_name("if")) out.expressions.push_back(expression());
    if (is_name("recursive")) syntax_error(peek().line, "recursive loops are not supported");
    close_block();
    ++loops_;
    out.blocks.push_back(block({"endfor", "else"}));
    --loops_;
    if (is_name("else", 1)) {
      at_ += 2;
      close_block();
      out.blocks.push_back(block({"endfor"}));
    }
    end_tag("endfor");
  }

  void assign(Statement& out) {
    out.kind = Statement::Kind::assign;
    out.text = variable();
    if (accept_op(".")) out.member = variable();
    if (accept_op("=")) {
      out.expressions.push_back(tuple_or_expression());
      return close_block();
    }
    if (is_op(",")) syntax_error(peek().line, "unpacking in set is not supported");
    if (is_op("|")) syntax_error(peek().line, "a filter of a set block is not supported");
    out.kind = Statement::Kind::assign_block;
    close_block();
    out.blocks.push_back(block({"endset"}));
    end_tag("endset");
  }

  int loops_ = 0;  // around what is parsed
};

}  // namespace

Block parse(std::string_view source) { return Parser(source).run(); }

}  // namespace tollgate::local_backend::jinja
