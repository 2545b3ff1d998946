#pragma once
// What a JSON text may look like, as a grammar over bytes: rules that call each other, like a program's functions. Made
// from a JSON Schema. Pure logic.
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tollgate::local_backend {

// A rule is a graph from its start to its end; following edges consumes bytes, calls another rule, or does nothing.
struct Grammar {
  struct Edge {
    enum class Kind : std::uint8_t { bytes, call, jump } kind = Kind::jump;
    std::uint8_t low = 0;  // bytes: one in this range
    std::uint8_t high = 0;
    int rule = 0;  // call
    int target = 0;
  };
  struct Rule {
    int start = 0;
    int end = 0;
  };
  std::vector<std::vector<Edge>> nodes;
  std::vector<Rule> rules;  // the first is the whole text
};

struct SchemaError {
  std::string message;  // safe to show; names the place by its JSON pointer
};

// Any JSON object.
std::variant<Grammar, SchemaError> json_object_grammar();

// Texts that satisfy the schema; not all of them: properties come in the order of the schema, and where some are named,
// no others. White space is bounded. A keyword that is not implemented is an error, never ignored.
std::variant<Grammar, SchemaError> schema_grammar(std::string_view schema);

// One call of one of these: {"name": NAME, "ARGUMENTS": what the schema says}. `arguments`: that member's name.
struct CallForm {
  std::string name;
  std::string schema;  // {}: any object
};
std::variant<Grammar, SchemaError> call_grammar(const std::vector<CallForm>& forms, std::string_view arguments);

}  // namespace tollgate::local_backend
