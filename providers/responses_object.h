#pragma once
// The response object (OpenAI API reference, responses/object): what it repeats of the request, its output items, its
// end. Internal to providers/.
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "providers/front_end.h"

namespace tollgate::providers {

// What stays the same in every response object of one answer.
struct ResponseHead {
  explicit ResponseHead(const EncoderOptions& options);

  std::string id;
  std::int64_t created = 0;  // Unix seconds
  std::string model;
  std::string asked;                   // JSON members: what the request said, or the API's default
  std::set<std::string> custom_tools;  // names of the request's tools of type custom
};

// One element of `output`, written as far as it is known.
struct OutputItem {
  enum class Type : std::uint8_t { message, reasoning, function_call, custom_tool_call };
  enum class Status : std::uint8_t { in_progress, completed, incomplete };
  struct Part {
    bool refusal = false;
    std::string text;
  };

  Type type = Type::message;
  Status status = Status::in_progress;
  std::string id;
  std::string call_id;      // of calls, as `name` and `arguments`
  std::string name;         // of the tool
  std::string arguments;    // JSON text; of custom tools too
  std::vector<Part> parts;  // of a message's content; of a reasoning item's summary
  std::string encrypted;    // what the provider wants back; of a call: to be given after it. May be empty
};

// "msg", "rs", "fc" or "ctc".
std::string_view id_prefix(OutputItem::Type type);
// The text that a custom tool was called with. Arguments of another form stand for themselves.
std::string custom_input(std::string_view arguments);

void append_part(std::string& out, const OutputItem& item, const OutputItem::Part& part);
void append_item(std::string& out, const OutputItem& item);

// How an answer stands.
struct ResponseState {
  std::string_view status = "in_progress";  // completed, incomplete or failed at the end
  std::string_view incomplete_reason;       // max_output_tokens or content_filter
  const Error* error = nullptr;
  const std::vector<OutputItem>* output = nullptr;
  Usage usage;
};
void append_response(std::string& out, const ResponseHead& head, const ResponseState& state);

}  // namespace tollgate::providers
