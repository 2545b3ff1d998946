#include "providers/responses_object.h"

#include <algorithm>
#include <array>
#include <utility>

#include "providers/chat_writer.h"
#include "providers/json_reader.h"
#include "providers/responses_reading.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;
using Type = OutputItem::Type;

// A member that an answer repeats, and what it says where the request says nothing: what the API's reference gives as
// the default, or null where that is the provider's to know.
struct Repeated {
  std::string_view name;
  std::string_view otherwise;
};
constexpr Repeated kRepeated[] = {{"instructions", "null"},
                                  {"max_output_tokens", "null"},
                                  {"max_tool_calls", "null"},
                                  {"metadata", "{}"},
                                  {"parallel_tool_calls", "true"},
                                  {"prompt_cache_key", "null"},
                                  {"reasoning", R"({"effort":null,"summary":null})"},
                                  {"safety_identifier", "null"},
                                  {"temperature", "null"},
                                  {"text", R"({"format":{"type":"text"}})"},
                                  {"tool_choice", R"("auto")"},
                                  {"tools", "[]"},
                                  {"top_logprobs", "0"},
                                  {"top_p", "null"},
                                  {"truncation", R"("disabled")"},
                                  {"user", "null"}};

// Nothing is kept and nothing runs later, whatever was asked for.
constexpr std::string_view kConstant = R"(,"background":false,"previous_response_id":null,"store":false)";

// An accepted request: every member is what the reference says, or null.
class AskedReader {
 public:
  explicit AskedReader(std::string_view body) : body_(body) {}

  // By the position in kRepeated; empty: not said.
  std::array<std::string_view, std::size(kRepeated)> run(std::set<std::string>& custom_tools) {
    JsonReader in(body_);
    if (in.peek() == Kind::object) in.enter_object();
    while (in.next_member()) {
      const std::size_t at = position(in.key());
      const bool tools = in.key() == "tools";
      const std::string_view value = in.view(in.skip());
      if (at < values_.size() && value != "null") values_[at] = value;
      if (tools) read_tools(value, custom_tools);
    }
    return values_;
  }

 private:
  static std::size_t position(std::string_view name) {
    std::size_t at = 0;
    while (at < std::size(kRepeated) && kRepeated[at].name != name) ++at;
    return at;
  }

  static void read_tools(std::string_view json, std::set<std::string>& custom_tools) {
    JsonReader in(json);
    if (in.peek() != Kind::array) return;
    in.enter_array();
    while (in.next_element()) {
      std::string type;
      std::string name;
      if (in.peek() == Kind::object) in.enter_object();
      while (in.next_member()) {
        std::string* field = in.key() == "type" ? &type : in.key() == "name" ? &name : nullptr;
        if (field != nullptr && in.peek() == Kind::string)
          *field = in.decode(in.string());
        else
          in.skip();
      }
      if (type == "custom") custom_tools.insert(std::move(name));
    }
  }

  std::string_view body_;
  std::array<std::string_view, std::size(kRepeated)> values_;
};

void append_usage(std::string& out, const Usage& usage) {
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  out += R"({"input_tokens":)" + number(usage.input);
  out += R"(,"input_tokens_details":{"cached_tokens":)" + number(usage.cached_input);
  out += R"(,"cache_write_tokens":)" + number(usage.cache_write);
  out += R"(},"output_tokens":)" + number(usage.output);
  out += R"(,"output_tokens_details":{"reasoning_tokens":)" + number(usage.reasoning);
  out += R"(},"total_tokens":)" + number(usage.input + usage.output) + "}";
}

std::string_view word(OutputItem::Status status) {
  static constexpr std::string_view kWords[] = {"in_progress", "completed", "incomplete"};
  return kWords[static_cast<std::size_t>(status)];
}

std::string_view word(Type type) {
  static constexpr std::string_view kWords[] = {"message", "reasoning", "function_call", "custom_tool_call"};
  return kWords[static_cast<std::size_t>(type)];
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_string(out, text);
}

void append_parts(std::string& out, std::string_view name, const OutputItem& item) {
  out += ",\"";
  out += name;
  out += "\":[";
  const char* separator = "";
  for (const OutputItem::Part& part : item.parts) {
    out += std::exchange(separator, ",");
    append_part(out, item, part);
  }
  out += ']';
}

// The words of api.openai.com's `error` of a response.
std::string_view failure_code(const Error& error) {
  if (error.kind == ErrorKind::rate_limited) return "rate_limit_exceeded";
  return error.kind == ErrorKind::invalid_request ? "invalid_prompt" : "server_error";
}

}  // namespace

ResponseHead::ResponseHead(const EncoderOptions& options)
    : id(options.id), created(options.created), model(options.model), asked(kConstant) {
  const auto values = AskedReader(options.call ? std::string_view(*options.call->body) : "{}").run(custom_tools);
  for (std::size_t i = 0; i < values.size(); ++i) {
    asked += ",\"";
    asked += kRepeated[i].name;
    asked += "\":";
    asked += values[i].empty() ? kRepeated[i].otherwise : values[i];
  }
  // Between tokens only, as strings hold none: in a stream they would end the event.
  std::replace_if(asked.begin(), asked.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

std::string_view id_prefix(Type type) {
  static constexpr std::string_view kPrefixes[] = {"msg", "rs", "fc", "ctc"};
  return kPrefixes[static_cast<std::size_t>(type)];
}

std::string custom_input(std::string_view arguments) {
  std::optional<std::string> input;
  JsonReader in(arguments);
  if (in.peek() == Kind::object) in.enter_object();
  while (in.next_member()) {
    if (in.key() == kCustomInput && in.peek() == Kind::string)
      input = in.decode(in.string());
    else
      in.skip();
  }
  return input && in.at_end() ? *std::move(input) : std::string(arguments);
}

void append_part(std::string& out, const OutputItem& item, const OutputItem::Part& part) {
  if (item.type == Type::reasoning)
    out += R"({"type":"summary_text")";
  else
    out += part.refusal ? R"({"type":"refusal")" : R"({"type":"output_text","annotations":[],"logprobs":[])";
  append_member(out, part.refusal ? "refusal" : "text", part.text);
  out += '}';
}

void append_item(std::string& out, const OutputItem& item) {
  out += "{\"id\":";
  append_json_string(out, item.id);
  append_member(out, "type", word(item.type));
  if (item.type == Type::reasoning) {
    append_parts(out, "summary", item);
    if (!item.encrypted.empty()) append_member(out, "encrypted_content", item.encrypted);
  } else {
    append_member(out, "status", word(item.status));
  }
  if (item.type == Type::message) {
    out += R"(,"role":"assistant")";
    append_parts(out, "content", item);
  } else if (item.type != Type::reasoning) {
    const bool custom = item.type == Type::custom_tool_call;
    append_member(out, "call_id", item.call_id);
    append_member(out, "name", item.name);
    append_member(out, custom ? "input" : "arguments", custom ? custom_input(item.arguments) : item.arguments);
  }
  out += '}';
}

void append_response(std::string& out, const ResponseHead& head, const ResponseState& state) {
  out += "{\"id\":";
  append_json_string(out, head.id);
  out += R"(,"object":"response","created_at":)" + std::to_string(head.created);
  append_member(out, "status", state.status);
  out += ",\"error\":";
  if (state.error == nullptr) {
    out += "null";
  } else {
    out += "{\"code\":";
    append_json_string(out, failure_code(*state.error));
    append_member(out, "message", state.error->message);
    out += '}';
  }
  out += ",\"incomplete_details\":";
  if (state.incomplete_reason.empty()) {
    out += "null";
  } else {
    out += "{\"reason\":";
    append_json_string(out, state.incomplete_reason);
    out += '}';
  }
  append_member(out, "model", head.model);
  out += head.asked;
  out += ",\"output\":[";
  const char* separator = "";
  for (const OutputItem& item : *state.output) {
    out += std::exchange(separator, ",");
    append_item(out, item);
  }
  out += "],\"usage\":";
  if (state.usage.known())
    append_usage(out, state.usage);
  else
    out += "null";
  out += '}';
}

}  // namespace tollgate::providers
