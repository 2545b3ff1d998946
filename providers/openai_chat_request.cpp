// Any request -> chat request (OpenAI API reference, chat/completions/create).
#include <algorithm>
#include <utility>

#include "providers/conversation.h"
#include "providers/json_writer.h"
#include "providers/native_api.h"
#include "providers/openai_chat.h"
#include "providers/wire_names.h"

namespace tollgate::providers {
namespace {

using Part = CanonicalPart;
using Kind = CanonicalPart::Kind;
using Mode = ToolChoice::Mode;
using History = ChatQuirks::ReasoningHistory;

constexpr NameRule kToolNames{"_-", 64, false};
constexpr std::size_t kMaxStops = 4;

std::string data_url(const Part& part) { return "data:" + part.media_type + ";base64," + part.data; }

std::string_view word(ReasoningEffort effort) {
  constexpr std::string_view kWords[] = {"", "none", "minimal", "low", "medium", "high", "xhigh", "max"};
  return kWords[static_cast<std::size_t>(effort)];
}

bool is_text(const Part& part) { return part.kind == Kind::text; }

class Writer {
 public:
  Writer(CanonicalRequest request, const DialectTarget& target)
      : request_(std::move(request)), target_(target), quirks_(target.quirks), names_(kToolNames) {}

  Result<DialectCall> run() {
    out_.begin_object();
    if (!target_.model.empty()) out_.string("model", target_.model);
    out_.begin_array("messages");
    std::size_t answering = asked_last();
    for (const CanonicalMessage& message : request_.messages) {
      replays_ = quirks_.reasoning_history == History::always ||
                 (quirks_.reasoning_history == History::tool_loop && answering == 0);
      if (answering > 0) --answering;
      TG_CHECK(write_message(message));
    }
    out_.end_array();
    write_tools();
    write_response_format();
    write_parameters();
    if (target_.stream) {
      out_.boolean("stream", true);
      if (quirks_.stream_options) out_.raw("stream_options", R"({"include_usage":true})");
    }
    out_.end_object();
    return finish();
  }

 private:
  // --- messages ---

  // How many messages there are up to the last thing that the user said.
  std::size_t asked_last() const {
    const auto says = [](const CanonicalMessage& message) {
      return message.role == Role::user && std::any_of(message.parts.begin(), message.parts.end(),
                                                       [](const Part& part) { return part.kind != Kind::tool_result; });
    };
    const auto last = std::find_if(request_.messages.rbegin(), request_.messages.rend(), says);
    return static_cast<std::size_t>(request_.messages.rend() - last);
  }

  // Results first, one message each, right after the calls they answer. What a result holds besides text follows in a
  // user's message: a tool's has no place for it.
  Status write_message(const CanonicalMessage& message) {
    std::vector<Part> shown;
    std::vector<Part> rest;
    for (const Part& part : message.parts) {
      note_cache(part);
      if (part.kind == Kind::tool_result)
        write_result(part, shown);
      else
        rest.push_back(part);
    }
    if (!shown.empty()) TG_CHECK(write_turn("user", shown));
    if (rest.empty() && !message.parts.empty()) return {};
    if (message.role == Role::assistant) return write_assistant(rest);
    return write_turn(message.role == Role::system ? "system" : "user", rest);
  }

  void note_cache(const Part& part) {
    if (part.cache != CacheMark::none) note_lossy(request_.lossy, "cache_control");
  }

  void write_result(const Part& result, std::vector<Part>& shown) {
    if (result.failed) note_lossy(request_.lossy, "messages.content.is_error");
    std::string text;
    for (const Part& inner : result.content) {
      if (is_text(inner))
        text += inner.text;
      else
        shown.push_back(inner);
    }
    out_.begin_object();
    out_.string("role", "tool");
    out_.string("tool_call_id", wire_id(result.id));
    out_.string("content", text);
    out_.end_object();
  }

  Status write_turn(std::string_view role, const std::vector<Part>& parts) {
    out_.begin_object();
    out_.string("role", role);
    TG_CHECK(write_content(parts));
    out_.end_object();
    return {};
  }

  Status write_assistant(const std::vector<Part>& parts) {
    std::vector<Part> said;
    std::vector<Part> calls;
    std::string refusal;
    std::string reasoning;
    for (const Part& part : parts) {
      if (part.kind == Kind::tool_call)
        calls.push_back(part);
      else if (part.kind == Kind::refusal)
        refusal += part.text;
      else if (part.kind == Kind::reasoning && replays_)
        reasoning += part.text;
      else if (part.kind == Kind::reasoning)
        note_lossy(request_.lossy, "messages.thinking");
      else
        said.push_back(part);
    }
    if (said.empty() && calls.empty() && refusal.empty()) return {};  // there was nothing but reasoning
    out_.begin_object();
    out_.string("role", "assistant");
    if (said.empty())
      out_.raw("content", "null");
    else
      TG_CHECK(write_content(said));
    if (!refusal.empty()) out_.string("refusal", refusal);
    if (!reasoning.empty()) out_.string(quirks_.short_reasoning_name ? "reasoning" : "reasoning_content", reasoning);
    write_calls(calls);
    out_.end_object();
    return {};
  }

  void write_calls(const std::vector<Part>& calls) {
    if (calls.empty()) return;
    out_.begin_array("tool_calls");
    for (const Part& call : calls) {
      out_.begin_object();
      out_.string("id", wire_id(call.id));
      out_.string("type", "function");
      out_.begin_object("function");
      out_.string("name", names_.wire(call.name));
      if (quirks_.argument_objects)
        out_.raw("arguments", call.text);
      else
        out_.string("arguments", call.text);
      out_.end_object();
      if (quirks_.call_signatures && !call.signature.empty()) write_signature(call.signature);
      out_.end_object();
    }
    out_.end_array();
  }

  std::string wire_id(const std::string& id) const { return quirks_.short_tool_ids ? nine_characters(id) : id; }

  // As Google's own OpenAI endpoint takes it back. To others it is nothing lost: their models cannot read it.
  void write_signature(std::string_view signature) {
    out_.begin_object("extra_content");
    out_.begin_object("google");
    out_.string("thought_signature", signature);
    out_.end_object();
    out_.end_object();
  }

  // One text is a string, which every server takes; anything else is a list.
  Status write_content(const std::vector<Part>& parts) {
    if (parts.size() <= 1 && std::all_of(parts.begin(), parts.end(), is_text)) {
      out_.string("content", parts.empty() ? std::string_view() : parts.front().text);
      return {};
    }
    out_.begin_array("content");
    for (const Part& part : parts) TG_CHECK(write_part(part));
    out_.end_array();
    return {};
  }

  Status write_part(const Part& part) {
    switch (part.kind) {
      case Kind::text:
        out_.begin_object();
        out_.string("type", "text");
        out_.string("text", part.text);
        out_.end_object();
        return {};
      case Kind::image:
        write_image(part);
        return {};
      case Kind::audio:
        write_audio(part);
        return {};
      case Kind::file:
        return write_file(part);
      case Kind::unknown:
        return cannot_carry("content of type '" + part.name.substr(0, 64) + "'");
      default:
        return cannot_carry("a call or a result in this place");
    }
  }

  void write_image(const Part& part) {
    out_.begin_object();
    out_.string("type", "image_url");
    out_.begin_object("image_url");
    out_.string("url", part.url.empty() ? data_url(part) : part.url);
    if (!part.detail.empty()) out_.string("detail", part.detail);
    out_.end_object();
    out_.end_object();
  }

  void write_audio(const Part& part) {
    out_.begin_object();
    out_.string("type", "input_audio");
    out_.begin_object("input_audio");
    out_.string("data", part.data);
    const std::string format = part.media_type.substr(std::min(part.media_type.find('/') + 1, part.media_type.size()));
    out_.string("format", format == "mpeg" ? "mp3" : format);
    out_.end_object();
    out_.end_object();
  }

  Status write_file(const Part& part) {
    if (!part.url.empty()) return cannot_carry("a file by its URL");
    out_.begin_object();
    out_.string("type", "file");
    out_.begin_object("file");
    if (!part.id.empty()) out_.string("file_id", part.id);
    if (!part.data.empty()) {
      out_.string("filename", part.name.empty() ? "document" : part.name);
      out_.string("file_data", data_url(part));
    }
    out_.end_object();
    out_.end_object();
    return {};
  }

  // --- tools ---

  void write_tools() {
    if (request_.tools.empty()) return;
    out_.begin_array("tools");
    for (const CanonicalTool& tool : request_.tools) write_tool(tool);
    out_.end_array();
    write_choice(request_.tool_choice);
    if (request_.parallel_tool_calls) out_.boolean("parallel_tool_calls", *request_.parallel_tool_calls);
  }

  void write_tool(const CanonicalTool& tool) {
    if (tool.cache != CacheMark::none) note_lossy(request_.lossy, "cache_control");
    out_.begin_object();
    out_.string("type", "function");
    out_.begin_object("function");
    out_.string("name", names_.wire(tool.name));
    if (!tool.description.empty()) out_.string("description", tool.description);
    if (!tool.schema.empty()) out_.raw("parameters", tool.schema);
    if (tool.strict) out_.boolean("strict", true);
    out_.end_object();
    out_.end_object();
  }

  void named(std::string_view name) {
    out_.begin_object();
    out_.string("type", "function");
    out_.begin_object("function");
    out_.string("name", names_.wire(std::string(name)));
    out_.end_object();
    out_.end_object();
  }

  void write_choice(const ToolChoice& choice) {
    static constexpr std::string_view kWords[] = {"", "none", "auto", "required"};
    if (choice.mode == Mode::unset && choice.allowed.empty()) return;
    out_.key("tool_choice");
    if (choice.mode == Mode::function) return named(choice.function);
    auto mode = choice.mode == Mode::unset ? "auto" : kWords[static_cast<std::size_t>(choice.mode)];
    if (choice.mode == Mode::required && quirks_.any_for_required) mode = "any";
    if (choice.allowed.empty()) return out_.string(mode);
    out_.begin_object();
    out_.string("type", "allowed_tools");
    out_.begin_object("allowed_tools");
    out_.string("mode", mode);
    out_.begin_array("tools");
    for (const std::string& name : choice.allowed) named(name);
    out_.end_array();
    out_.end_object();
    out_.end_object();
  }

  void write_response_format() {
    const ResponseFormat& format = request_.response_format;
    if (format.kind == ResponseFormat::Kind::text) return;
    out_.begin_object("response_format");
    if (format.kind == ResponseFormat::Kind::json_object) {
      out_.string("type", "json_object");
    } else {
      out_.string("type", "json_schema");
      out_.begin_object("json_schema");
      out_.string("name", format.name.empty() ? "answer" : format.name);
      if (!format.description.empty()) out_.string("description", format.description);
      out_.raw("schema", format.schema.empty() ? "{}" : format.schema);
      if (format.strict) out_.boolean("strict", true);
      out_.end_object();
    }
    out_.end_object();
  }

  // --- parameters ---

  template <class Number>
  void optional(std::string_view name, const std::optional<Number>& value) {
    if (value) out_.number(name, *value);
  }

  void write_parameters() {
    optional(target_.max_completion_tokens ? "max_completion_tokens" : "max_tokens", request_.max_tokens);
    optional("temperature", request_.temperature);
    optional("top_p", request_.top_p);
    optional("frequency_penalty", request_.frequency_penalty);
    optional("presence_penalty", request_.presence_penalty);
    optional(quirks_.random_seed ? "random_seed" : "seed", request_.seed);
    optional("top_logprobs", request_.top_logprobs);
    if (request_.logprobs) out_.boolean("logprobs", true);
    if (request_.n != 1) out_.number("n", request_.n);
    if (!request_.user.empty()) out_.string("user", request_.user);
    if (const auto effort = word(request_.reasoning_effort); !effort.empty()) out_.string("reasoning_effort", effort);
    write_stops();
    if (quirks_.top_k)
      optional("top_k", request_.top_k);
    else if (request_.top_k)
      note_lossy(request_.lossy, "top_k");
    for (const ExtraMember& extra : request_.extras) write_extra(extra);
  }

  // A caller of the same API may know the server better than we do.
  void write_extra(const ExtraMember& extra) {
    if (!target_.same_api || extra.name == "random_seed") return note_lossy(request_.lossy, extra.name);
    out_.raw(extra.name, extra.json);
  }

  void write_stops() {
    if (request_.stop.empty()) return;
    if (request_.stop.size() > kMaxStops) note_lossy(request_.lossy, "stop_sequences");
    out_.begin_array("stop");
    for (std::size_t i = 0; i < std::min(request_.stop.size(), kMaxStops); ++i) out_.string(request_.stop[i]);
    out_.end_array();
  }

  DialectCall finish() {
    DialectCall call;
    call.path =
        operation_path("/chat/completions", target_.deployment_in_path ? target_.model : "", target_.api_version);
    call.headers = {{"content-type", "application/json"},
                    {"accept", target_.stream ? "text/event-stream" : "application/json"}};
    call.body = out_.take();
    call.lossy = std::move(request_.lossy);
    call.answer.stream = target_.stream;
    call.answer.tool_names = names_.renamed();
    return call;
  }

  CanonicalRequest request_;
  const DialectTarget& target_;
  const ChatQuirks& quirks_;
  bool replays_ = false;  // reasoning of the message under way goes back to the server
  WireNames names_;
  JsonWriter out_;
};

}  // namespace

Result<DialectCall> encode_chat_request(CanonicalRequest request, const DialectTarget& target) {
  return Writer(std::move(request), target).run();
}

}  // namespace tollgate::providers
