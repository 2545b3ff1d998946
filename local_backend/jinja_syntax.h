#pragma once
// The syntax tree of a template, and the lexer's tokens. Private to the jinja_*.cpp files.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "local_backend/jinja.h"
#include "local_backend/jinja_builtins.h"

namespace tollgate::local_backend::jinja {

inline constexpr int kMaxDepth = 100;  // nested blocks, and nested expressions
inline constexpr std::size_t kMaxSource = 1U << 20U;

struct Token {
  enum class Kind : std::uint8_t {
    text,
    open_print,
    close_print,
    open_block,
    close_block,
    name,
    string,
    integer,
    number,
    op,
    end
  };
  Kind kind = Kind::end;
  std::string text;  // text, name, operator; for a string its value
  std::int64_t integer = 0;
  double number = 0;
  int line = 1;
};

// Text tokens have whitespace control applied. Throws std::runtime_error("line N: ...").
std::vector<Token> lex(std::string_view source);

struct Expression {
  enum class Kind : std::uint8_t {
    literal,      // value
    name,         // name
    list,         // children
    map,          // children: key, value, key, value ...
    attribute,    // children[0] . name
    index,        // children[0] [ children[1] ]
    slice,        // children[0] [ children[1] : children[2] : children[3] ], undefined literals where left out
    call,         // name ( children ): a function
    macro,        // name ( children ): a macro of the template
    method,       // children[0] . name ( children from 1 on )
    filter,       // children[0] | name ( children from 1 on )
    test,         // children[0] is name ( children from 1 on )
    negate,       // not children[0]
    minus,        // - children[0]
    binary,       // children[0] name children[1]
    conditional,  // children[0] if children[1] else children[2]
  };
  Kind kind = Kind::literal;
  std::string name;
  JinjaValue value;
  Builtin builtin = nullptr;  // call, method, filter, test
  std::vector<Expression> children;
  std::vector<std::string> keywords;  // of the last children, where they are named arguments
  int line = 1;
};

inline Expression make(Expression::Kind kind, std::string name, std::vector<Expression> children, int line) {
  Expression e;
  e.kind = kind;
  e.name = std::move(name);
  e.children = std::move(children);
  e.line = line;
  return e;
}

struct Statement;
struct Block {
  std::vector<Statement> statements;
};

struct Statement {
  enum class Kind : std::uint8_t { text, print, branch, loop, assign, assign_block, macro, block, stop, next };
  Kind kind = Kind::text;
  std::string text;                // text: itself; assign: the variable; macro: its name
  std::string member;              // assign: of a namespace; empty: the variable itself
  std::vector<std::string> names;  // loop: its variables; macro: its parameters
  // print, assign: one; loop: the list and, where there is one, the condition; branch: one for each block but a last
  // `else`; macro: the defaults of its last parameters
  std::vector<Expression> expressions;
  std::vector<Block> blocks;  // branch: one for each arm; loop: the body and, where there is one, `else`; else the body
  int line = 1;
};

// Throws std::runtime_error("line N: ...").
Block parse(std::string_view source);

[[noreturn]] void syntax_error(int line, const std::string& what);

}  // namespace tollgate::local_backend::jinja
