#include "local_backend/tool_calls.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace tollgate::local_backend {
namespace {

constexpr std::size_t kMaxCallBytes = 1U << 20U;
constexpr std::string_view kBlanks = " \t\r\n";

// As the chat templates that ship with these models write a call of the conversation so far.
constexpr ToolSyntax kSyntaxes[] = {
    {"Hermes, Qwen", "<tool_call>", "<tool_call>", "</tool_call>", "\n", "arguments"},
    {"Mistral", "[TOOL_CALLS]", "[TOOL_CALLS]", "", "[", "arguments"},
    {"Llama 3", "\"parameters\"", "", "", "", "parameters"},
};
constexpr std::string_view kNewMistral = "[ARGS]";  // calls that are no JSON objects

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

Json text_value(std::string_view text) {
  Json out;
  out.kind = Json::Kind::string;
  out.string = text;
  return out;
}

void add_member(Json& object, std::string_view key, Json value) {
  object.kind = Json::Kind::object;
  object.keys.emplace_back(key);
  object.items.push_back(std::move(value));
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<ToolCall> call_of(const Json& value, const ToolReading& reading) {
  const Json* name = value.find("name");
  const Json* arguments = value.find(reading.syntax->arguments);
  if (name == nullptr || arguments == nullptr || !arguments->is(Json::Kind::object)) return std::nullopt;
  if (std::ranges::find(reading.names, name->string) == reading.names.end()) return std::nullopt;
  return ToolCall{.id = {}, .name = name->string, .arguments = json_text(*arguments)};
}

// An object, or a list of them; empty where it is anything else.
std::vector<ToolCall> calls_in(std::string_view body, const ToolReading& reading) {
  std::vector<ToolCall> out;
  try {
    const Json value = parse_json(body, "the call");
    const std::vector<Json> one = {value};
    for (const Json& item : value.is(Json::Kind::array) ? value.items : one) {
      auto call = call_of(item, reading);
      if (!call) return {};
      out.push_back(*std::move(call));
    }
  } catch (const std::runtime_error&) {
    return {};
  }
  return out;
}

// The longest end of `text` that `mark` begins with.
std::size_t begun(std::string_view text, std::string_view mark) {
  std::size_t length = std::min(text.size(), mark.size() - 1);
  while (!text.ends_with(mark.substr(0, length))) --length;
  return length;
}

}  // namespace

const ToolSyntax* tool_syntax(std::string_view source) {
  if (!has(source, "tools") || has(source, kNewMistral)) return nullptr;
  const auto* found =
      std::ranges::find_if(kSyntaxes, [source](const ToolSyntax& syntax) { return has(source, syntax.evidence); });
  return found == std::end(kSyntaxes) ? nullptr : found;
}

Json tool_list(const std::vector<Tool>& tools) {
  Json list;
  list.kind = Json::Kind::array;
  for (const Tool& tool : tools) {
    Json function;
    add_member(function, "name", text_value(tool.name));
    if (!tool.description.empty()) add_member(function, "description", text_value(tool.description));
    add_member(function, "parameters",
               parse_json(tool.schema.empty() ? R"({"type":"object","properties":{}})" : tool.schema,
                          "the parameters of the tool " + tool.name));
    Json& entry = list.items.emplace_back();
    add_member(entry, "type", text_value("function"));
    add_member(entry, "function", std::move(function));
  }
  return list;
}

ToolCallReader::ToolCallReader(std::shared_ptr<const ToolReading> reading)
    : reading_(std::move(reading)), inside_(reading_ && reading_->forced) {}

void ToolCallReader::feed(std::string_view piece, Found& out) {
  if (!reading_) {
    out.text += piece;
    return;
  }
  held_ += piece;
  do {
    if (!inside_) read_text(out);
  } while (inside_ && !satisfied() && read_call(out));
}

void ToolCallReader::finish(Found& out) {
  if (!reading_) return;
  if (!inside_) {
    if (!satisfied()) show(held_, out);
  } else if (!satisfied()) {
    take(held_, "", out);
  }
  held_.clear();
  if (calls_ == 0) out.text += std::exchange(blanks_, {});
}

// Shows what is certainly no call, and goes inside where one begins.
void ToolCallReader::read_text(Found& out) {
  const std::string_view open = reading_->syntax->open;
  if (open.empty()) {
    const auto first = held_.find_first_not_of(kBlanks);
    if (!spoken_ && first == std::string::npos) return;
    inside_ = !spoken_ && held_[first] == '{';
    if (!inside_) show(std::exchange(held_, {}), out);
    return;
  }
  const auto at = held_.find(open);
  inside_ = at != std::string::npos;
  const std::size_t certain = inside_ ? at : held_.size() - begun(held_, open);
  show(std::string_view(held_).substr(0, certain), out);
  held_.erase(0, inside_ ? certain + open.size() : certain);
}

// True when a call has ended, so that what follows it is to be read.
bool ToolCallReader::read_call(Found& out) {
  const std::string_view close = reading_->syntax->close;
  const auto end = close.empty() || reading_->forced ? std::string::npos : held_.find(close);
  if (end == std::string::npos) {
    if (held_.size() <= kMaxCallBytes || reading_->forced) return false;
    inside_ = false;  // no call is that long
    show(reading_->syntax->open, out);
    show(std::exchange(held_, {}), out);
    return false;
  }
  take(std::string_view(held_).substr(0, end), close, out);
  held_.erase(0, end + close.size());
  inside_ = false;
  return true;
}

void ToolCallReader::show(std::string_view text, Found& out) {
  blanks_ += text;
  const auto last = blanks_.find_last_not_of(kBlanks);
  if (last == std::string::npos) return;
  out.text.append(blanks_, 0, last + 1);
  blanks_.erase(0, last + 1);
  spoken_ = true;
}

void ToolCallReader::take(std::string_view body, std::string_view close, Found& out) {
  auto calls = calls_in(trimmed(body), *reading_);
  if (calls.empty()) {
    if (reading_->forced) return;
    show(reading_->syntax->open, out);
    show(body, out);
    return show(close, out);
  }
  if (!reading_->parallel) calls.resize(1);
  blanks_.clear();
  calls_ += static_cast<int>(calls.size());
  std::ranges::move(calls, std::back_inserter(out.calls));
}

}  // namespace tollgate::local_backend
