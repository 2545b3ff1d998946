#include "local_backend/chat_template.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <stdexcept>

#include "local_backend/json_document.h"
#include "local_backend/unicode.h"

namespace tollgate::local_backend {

std::int64_t system_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

ChatTemplate::ChatTemplate(const TemplateSource& source, const Tokenizer& tokenizer, std::string begin_token,
                           std::string end_token, TemplateClock clock)
    : standard_(source.standard),
      origin_(source.origin),
      tokenizer_(tokenizer),
      begin_token_(std::move(begin_token)),
      end_token_(std::move(end_token)),
      clock_(std::move(clock)),
      tools_(tool_syntax(source.with_tools.empty() ? source.standard : source.with_tools)) {
  if (!source.with_tools.empty()) with_tools_.emplace(source.with_tools);
}

// What a caller wrote, as a value whose texts cannot become special tokens.
JinjaValue ChatTemplate::guarded(const Json& json) const {
  switch (json.kind) {
    case Json::Kind::null:
      return JinjaValue::none();
    case Json::Kind::boolean:
      return JinjaValue::of(json.boolean);
    case Json::Kind::integer:
      return JinjaValue::of(json.integer);
    case Json::Kind::number:
      return JinjaValue::of(json.number);
    case Json::Kind::string:
      return JinjaValue::of(tokenizer_.guard(json.string));
    case Json::Kind::array: {
      JinjaValue::List list;
      for (const Json& item : json.items) list.push_back(guarded(item));
      return JinjaValue::of(std::move(list));
    }
    case Json::Kind::object: {
      JinjaValue::Map map;
      for (std::size_t i = 0; i < json.keys.size(); ++i) {
        map.emplace_back(tokenizer_.guard(json.keys[i]), guarded(json.items[i]));
      }
      return JinjaValue::of(std::move(map));
    }
  }
  return {};
}

// Throws std::runtime_error where a call's arguments are no JSON.
JinjaValue ChatTemplate::call_value(const ToolCall& call, const std::string& id) const {
  JinjaValue::Map function;
  function.emplace_back("name", JinjaValue::of(tokenizer_.guard(call.name)));
  function.emplace_back("arguments", guarded(parse_json(call.arguments, "the arguments of " + call.name)));
  JinjaValue::Map out;
  out.emplace_back("id", JinjaValue::of(id));
  out.emplace_back("type", JinjaValue::of(std::string("function")));
  out.emplace_back("function", JinjaValue::of(std::move(function)));
  return JinjaValue::of(std::move(out));
}

// Calls are numbered in nine digits: Mistral's templates take no other ids, others show none.
JinjaValue ChatTemplate::conversation(const std::vector<Message>& messages) const {
  std::map<std::string, std::pair<std::string, std::string>> calls;  // by the caller's id: ours, and the tool's name
  const auto number = [&calls](const std::string& id, const std::string& name) {
    const std::string digits = std::to_string(calls.size() + 1);
    return calls.try_emplace(id, std::string(9 - std::min<std::size_t>(9, digits.size()), '0') + digits, name)
        .first->second;
  };
  JinjaValue::List list;
  for (const Message& message : messages) {
    JinjaValue::Map entry;
    entry.emplace_back("role", JinjaValue::of(message.role));
    entry.emplace_back("content", JinjaValue::of(tokenizer_.guard(message.content)));
    JinjaValue::List made;
    for (const ToolCall& call : message.tool_calls) made.push_back(call_value(call, number(call.id, call.name).first));
    if (!made.empty()) entry.emplace_back("tool_calls", JinjaValue::of(std::move(made)));
    if (message.role == "tool") {
      const auto& [id, name] = number(message.tool_call_id, "");
      entry.emplace_back("tool_call_id", JinjaValue::of(id));
      entry.emplace_back("name", JinjaValue::of(tokenizer_.guard(name)));
    }
    list.push_back(JinjaValue::of(std::move(entry)));
  }
  return JinjaValue::of(std::move(list));
}

std::variant<std::vector<int>, PromptError> ChatTemplate::prompt(const std::vector<Message>& messages,
                                                                 const Json* tools, std::string_view begun) const {
  JinjaValue::Map variables;
  try {
    variables.emplace_back("messages", conversation(messages));
  } catch (const std::runtime_error& error) {
    return PromptError{error.what()};
  }
  variables.emplace_back("tools", tools == nullptr ? JinjaValue::none() : guarded(*tools));
  variables.emplace_back("add_generation_prompt", JinjaValue::of(true));
  variables.emplace_back("bos_token", JinjaValue::of(begin_token_));
  variables.emplace_back("eos_token", JinjaValue::of(end_token_));
  const JinjaTemplate& chosen = tools != nullptr && with_tools_ ? *with_tools_ : standard_;
  JinjaResult rendered = chosen.render(variables, {}, clock_());
  if (!rendered.ok) {
    return PromptError{"the chat template refused the messages: " + to_valid_utf8(rendered.error.substr(0, 200))};
  }
  auto ids = tokenizer_.encode(rendered.text.append(begun));
  if (!ids) return PromptError{"the text could not be cut into tokens"};
  return std::move(*ids);
}

}  // namespace tollgate::local_backend
