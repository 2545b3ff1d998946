#include "local_backend/chat_template.h"

#include "local_backend/unicode.h"

namespace tollgate::local_backend {

ChatTemplate::ChatTemplate(std::string_view source, const Tokenizer& tokenizer, std::string begin_token,
                           std::string end_token)
    : template_(source),
      tokenizer_(tokenizer),
      begin_token_(std::move(begin_token)),
      end_token_(std::move(end_token)) {}

std::variant<std::vector<int>, PromptError> ChatTemplate::prompt(const std::vector<Message>& messages) const {
  JinjaValue::List list;
  for (const Message& message : messages) {
    JinjaValue::Map entry;
    entry.emplace_back("role", JinjaValue::of(message.role));
    entry.emplace_back("content", JinjaValue::of(tokenizer_.guard(message.content)));
    list.push_back(JinjaValue::of(std::move(entry)));
  }
  JinjaValue::Map variables;
  variables.emplace_back("messages", JinjaValue::of(std::move(list)));
  variables.emplace_back("add_generation_prompt", JinjaValue::of(true));
  variables.emplace_back("bos_token", JinjaValue::of(begin_token_));
  variables.emplace_back("eos_token", JinjaValue::of(end_token_));
  const JinjaResult rendered = template_.render(variables);
  if (!rendered.ok) {
    return PromptError{"the chat template refused the messages: " + to_valid_utf8(rendered.error.substr(0, 200))};
  }
  auto ids = tokenizer_.encode(rendered.text);
  if (!ids) return PromptError{"the text could not be cut into tokens"};
  return std::move(*ids);
}

}  // namespace tollgate::local_backend
