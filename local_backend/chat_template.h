#pragma once
// From messages to the ids of a prompt: the model's own template, rendered and encoded so that only the template can
// produce special tokens.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "local_backend/api.h"
#include "local_backend/jinja.h"
#include "local_backend/template_source.h"
#include "local_backend/tokenizer.h"
#include "local_backend/tool_calls.h"

namespace tollgate::local_backend {

struct PromptError {
  std::string message;  // safe to show
};

// Seconds since 1970: what templates show as the date.
using TemplateClock = std::function<std::int64_t()>;
std::int64_t system_seconds();

// Immutable; thread-safe. Keeps a reference to the tokenizer.
class ChatTemplate {
 public:
  // Throws std::runtime_error when the template is not valid.
  ChatTemplate(const TemplateSource& source, const Tokenizer& tokenizer, std::string begin_token, std::string end_token,
               TemplateClock clock = system_seconds);

  // The prompt up to where the model's answer begins. `tools`: a list of functions as OpenAI describes them, or null.
  // `begun`: what the answer begins with; may hold special tokens.
  std::variant<std::vector<int>, PromptError> prompt(const std::vector<Message>& messages, const Json* tools = nullptr,
                                                     std::string_view begun = {}) const;
  // How the model calls tools; null: it is told of none.
  const ToolSyntax* tools() const { return tools_; }
  const std::string& origin() const { return origin_; }

 private:
  JinjaValue guarded(const Json& json) const;
  JinjaValue call_value(const ToolCall& call, const std::string& id) const;
  JinjaValue conversation(const std::vector<Message>& messages) const;

  JinjaTemplate standard_;
  std::optional<JinjaTemplate> with_tools_;
  std::string origin_;
  const Tokenizer& tokenizer_;
  std::string begin_token_;
  std::string end_token_;
  TemplateClock clock_;
  const ToolSyntax* tools_;
};

}  // namespace tollgate::local_backend
