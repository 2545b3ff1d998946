#include "providers/responses_replay.h"

#include <vector>

#include "providers/json_reader.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

// The value of an object's member as it stands; empty: it has none.
std::string_view member(std::string_view object, std::string_view name) {
  std::string_view out;
  JsonReader in(object);
  if (in.peek() == Kind::object) in.enter_object();
  while (in.next_member()) {
    const bool wanted = in.key() == name;
    const Span value = in.skip();
    if (wanted) out = in.view(value);
  }
  return out;
}

std::vector<std::string_view> elements(std::string_view array) {
  std::vector<std::string_view> out;
  JsonReader in(array);
  if (in.peek() == Kind::array) in.enter_array();
  while (in.next_element()) out.push_back(in.view(in.skip()));
  return out;
}

// The object with one member's value replaced.
std::string with(std::string_view object, std::string_view name, std::string_view value) {
  const std::string_view old = member(object, name);
  std::string out(object);
  if (!old.empty()) out.replace(static_cast<std::size_t>(old.data() - object.data()), old.size(), value);
  return out;
}

class Replay {
 public:
  explicit Replay(std::string& out) : out_(out) {}

  void run(std::string_view body) {
    const std::string begun = with(with(with(body, "status", "\"in_progress\""), "output", "[]"), "usage", "null");
    event("response.created", ",\"response\":" + begun);
    event("response.in_progress", ",\"response\":" + begun);
    for (const std::string_view it : elements(member(body, "output"))) item(it);
    const bool cut = member(body, "status") == "\"incomplete\"";
    event(cut ? "response.incomplete" : "response.completed", ",\"response\":" + std::string(body));
  }

 private:
  void event(std::string_view type, const std::string& members) {
    out_ += "event: ";
    out_ += type;
    out_ += "\ndata: {\"type\":\"";
    out_ += type;
    out_ += "\",\"sequence_number\":" + std::to_string(sequence_++);
    for (const char c : members) out_ += c == '\n' || c == '\r' ? ' ' : c;  // between tokens: they would end the event
    out_ += "}\n\n";
  }

  void item(std::string_view json) {
    const std::string index = ",\"output_index\":" + std::to_string(output_++);
    place_ = index + ",\"item_id\":" + std::string(member(json, "id"));
    const std::string_view type = member(json, "type");
    if (type == "\"message\"")
      message(index, json);
    else if (type == "\"function_call\"")
      call(index, json, "arguments", "response.function_call_arguments");
    else if (type == "\"custom_tool_call\"")
      call(index, json, "input", "response.custom_tool_call_input");
    else
      event("response.output_item.added", index + ",\"item\":" + std::string(json));
    event("response.output_item.done", index + ",\"item\":" + std::string(json));
  }

  void call(const std::string& index, std::string_view json, const std::string& name, const std::string& events) {
    const std::string text(member(json, name));
    event("response.output_item.added", index + ",\"item\":" + with(json, name, "\"\""));
    event(events + ".delta", place_ + ",\"delta\":" + text);
    const std::string called = name == "arguments" ? ",\"name\":" + std::string(member(json, "name")) : "";
    event(events + ".done", place_ + called + ",\"" + name + "\":" + text);
  }

  void message(const std::string& index, std::string_view json) {
    event("response.output_item.added", index + ",\"item\":" + with(json, "content", "[]"));
    std::size_t number = 0;
    for (const std::string_view part : elements(member(json, "content"))) {
      const bool refusal = member(part, "type") == "\"refusal\"";
      const std::string name = refusal ? "refusal" : "text";
      const std::string events = refusal ? "response.refusal" : "response.output_text";
      const std::string at = place_ + ",\"content_index\":" + std::to_string(number++);
      const std::string text(member(part, name));
      const std::string logprobs = refusal ? "" : ",\"logprobs\":[]";
      event("response.content_part.added", at + ",\"part\":" + with(part, name, "\"\""));
      event(events + ".delta", at + ",\"delta\":" + text + logprobs);
      event(events + ".done", at + ",\"" + name + "\":" + text + logprobs);
      event("response.content_part.done", at + ",\"part\":" + std::string(part));
    }
  }

  std::string& out_;
  std::size_t sequence_ = 0;
  std::size_t output_ = 0;
  std::string place_;  // of the item under way
};

}  // namespace

void replay_response(std::string_view body, std::string& out) { Replay(out).run(body); }

std::string_view response_of_event(std::string_view frame) {
  const std::string_view data = frame.substr(frame.find('{'));
  return member(data.substr(0, data.rfind('}') + 1), "response");
}

}  // namespace tollgate::providers
