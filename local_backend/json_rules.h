#pragma once
// Builds grammars: the parts that every JSON text has (RFC 8259), and what combines them. Internal to local_backend.
#include <string>
#include <string_view>

#include "local_backend/json_grammar.h"

namespace tollgate::local_backend {

// JSON's own rules, which come first in every grammar.
enum JsonRule : int { kRoot, kSpace, kCharacter, kString, kInteger, kNumber, kValue, kObject, kArray, kJsonRules };

// Each member function that takes `from` goes on from that node and returns where it ends.
class GrammarBuilder {
 public:
  GrammarBuilder();

  int node();
  int rule();  // a new one, to be defined
  Grammar::Rule at(int rule) const { return grammar_.rules[static_cast<std::size_t>(rule)]; }
  std::size_t size() const { return grammar_.nodes.size(); }
  Grammar take() { return std::move(grammar_); }

  void jump(int from, int to);
  void byte(int from, int low, int high, int to);
  int any_of(int from, std::string_view bytes);
  int text(int from, std::string_view text);
  int call(int from, int rule);

 private:
  void define_characters();
  void define_escapes(int start, int end);
  void define_numbers();
  void define_values();
  int utf8(int from, int low, int high, int next_low, int next_high, int more);
  int hex(int from, std::string_view first, int more);
  int digits(int from, int most);
  int integer(int from);
  void list(const Grammar::Rule& rule, std::string_view brackets, int first, int last);

  Grammar grammar_;
};

// `"` + escaped + `"`, as it stands in a JSON text.
std::string json_quoted(std::string_view text);

}  // namespace tollgate::local_backend
