// A schema either is refused or gives a grammar, and every text that the grammar lets end is JSON. The input: a schema,
// a zero byte, and what steers the text.
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "local_backend/json_automaton.h"
#include "local_backend/json_document.h"
#include "local_backend/json_grammar.h"

namespace lb = tollgate::local_backend;

namespace {

// Two members of one name are left to the model.
bool is_json(const std::string& text) {
  try {
    (void)lb::parse_json(text, "text");
    return true;
  } catch (const std::runtime_error& error) {
    return std::string_view(error.what()).find("key") != std::string_view::npos;
  }
}

void write_something(lb::JsonAutomaton& automaton, std::string_view choices) {
  std::string text;
  int state = lb::JsonAutomaton::kStart;
  for (const char choice : choices.substr(0, 256)) {
    int next = lb::JsonAutomaton::kDead;
    char byte = choice;
    for (int i = 0; i < 256 && next == lb::JsonAutomaton::kDead; ++i, ++byte) {
      next = automaton.advance(state, std::string_view(&byte, 1));
      if (next != lb::JsonAutomaton::kDead) text += byte;
    }
    if (next == lb::JsonAutomaton::kDead) break;
    state = next;
    if (automaton.accepts(state) && !is_json(text)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), input.size());
  auto grammar = lb::schema_grammar(input.substr(0, end));
  if (auto* error = std::get_if<lb::SchemaError>(&grammar)) {
    if (error->message.empty()) std::abort();
    return 0;
  }
  const lb::TokenOrder no_tokens;
  lb::JsonAutomaton automaton(std::get<lb::Grammar>(std::move(grammar)), no_tokens);
  if (automaton.usable()) write_something(automaton, input.substr(std::min(end + 1, input.size())));
  return 0;
}
