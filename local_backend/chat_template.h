#pragma once
// From messages to the ids of a prompt: the model's own template, rendered and encoded so that only the template can
// produce special tokens.
#include <string>
#include <variant>
#include <vector>

#include "local_backend/api.h"
#include "local_backend/jinja.h"
#include "local_backend/tokenizer.h"

namespace tollgate::local_backend {

struct PromptError {
  std::string message;  // safe to show
};

// Immutable; thread-safe. Keeps a reference to the tokenizer.
class ChatTemplate {
 public:
  // Throws std::runtime_error when the template is not valid.
  ChatTemplate(std::string_view source, const Tokenizer& tokenizer, std::string begin_token, std::string end_token);

  // The prompt up to where the model's answer begins.
  std::variant<std::vector<int>, PromptError> prompt(const std::vector<Message>& messages) const;

 private:
  JinjaTemplate template_;
  const Tokenizer& tokenizer_;
  std::string begin_token_;
  std::string end_token_;
};

}  // namespace tollgate::local_backend
