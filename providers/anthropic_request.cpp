// Chat request -> Anthropic Messages request (Anthropic API reference, messages/create, version 2023-06-01).
#include <algorithm>
#include <utility>

#include "providers/anthropic.h"
#include "providers/claude.h"
#include "providers/conversation.h"
#include "providers/json_writer.h"
#include "providers/request_plan.h"
#include "providers/wire_names.h"

namespace tollgate::providers {
namespace {

using Part = CanonicalPart;
using Kind = CanonicalPart::Kind;
using Mode = ToolChoice::Mode;

constexpr NameRule kToolNames{"_-", 128, false};
constexpr NameRule kCallIds{"_-", 64, false};
constexpr std::string_view kImages[] = {"image/jpeg", "image/png", "image/gif", "image/webp"};
constexpr std::size_t kMaxUser = 256;

class Writer {
 public:
  Writer(CanonicalRequest request, const DialectTarget& target)
      : request_(std::move(request)),
        target_(target),
        plan_(plan_claude(request_, claude_version(target.model), target.default_max_tokens)),
        tools_(plan_tools(request_, plan_.native_format)),
        names_(kToolNames),
        ids_(kCallIds) {}

  Result<DialectCall> run() {
    TG_CHECK(one_choice_only(request_));
    // The API drops reasoning from earlier turns itself, and takes none where it is not asked to think.
    TG_TRY(const auto conversation, converse(request_, plan_.thinks() ? Replay::signed_reasoning : Replay::none));
    out_.begin_object();
    if (target_.body_version.empty())
      out_.string("model", target_.model);
    else
      out_.string("anthropic_version", target_.body_version);
    out_.number("max_tokens", plan_.max_tokens);
    write_system(conversation.system);
    TG_CHECK(write_messages(conversation.turns));
    write_tools();
    write_parameters();
    out_.end_object();
    return finish();
  }

 private:
  // --- content ---

  void cache(CacheMark mark) {
    if (mark == CacheMark::none) return;
    out_.begin_object("cache_control");
    out_.string("type", "ephemeral");
    if (mark == CacheMark::one_hour) out_.string("ttl", "1h");
    out_.end_object();
  }

  void text_block(std::string_view text, CacheMark mark) {
    out_.begin_object();
    out_.string("type", "text");
    out_.string("text", text);
    cache(mark);
    out_.end_object();
  }

  void write_system(const std::vector<Part>& parts) {
    const bool json = request_.response_format.kind == ResponseFormat::Kind::json_object;
    if (json) note_lossy(request_.lossy, "response_format");
    if (parts.empty() && !json) return;
    out_.begin_array("system");
    for (const Part& part : parts) text_block(part.text, part.cache);
    if (json) text_block(kAnswerWithJson, CacheMark::none);
    out_.end_array();
  }

  Status write_messages(const std::vector<Turn>& turns) {
    out_.begin_array("messages");
    for (const Turn& turn : turns) {
      out_.begin_object();
      out_.string("role", turn.assistant ? "assistant" : "user");
      out_.begin_array("content");
      for (const Part& part : turn.parts) TG_CHECK(write_part(part));
      out_.end_array();
      out_.end_object();
    }
    out_.end_array();
    return {};
  }

  Status write_part(const Part& part) {
    switch (part.kind) {
      case Kind::image:
        return write_image(part);
      case Kind::file:
        return write_document(part);
      case Kind::tool_call:
        return write_call(part);
      case Kind::tool_result:
        return write_result(part);
      case Kind::reasoning:
        return write_thinking(part);
      case Kind::audio:
        return cannot_carry("audio");
      case Kind::unknown:
        return cannot_carry("content of type '" + part.name.substr(0, 64) + "'");
      default:
        text_block(part.text, part.cache);
        return {};
    }
  }

  // {"type":"base64","media_type":...,"data":...} or {"type":"url","url":...}
  void source(const Part& part) {
    out_.begin_object("source");
    out_.string("type", part.url.empty() ? "base64" : "url");
    if (part.url.empty()) {
      out_.string("media_type", part.media_type);
      out_.string("data", part.data);
    } else {
      out_.string("url", part.url);
    }
    out_.end_object();
  }

  static bool good_source(const Part& part) { return part.url.empty() || part.url.starts_with("https://"); }

  Status write_image(const Part& part) {
    const bool known = std::find(std::begin(kImages), std::end(kImages), part.media_type) != std::end(kImages);
    if (!good_source(part) || (part.url.empty() && !known))
      return cannot_carry("an image other than JPEG, PNG, GIF or WebP, as a data: or https: URL");
    if (part.detail == "low" || part.detail == "high") note_lossy(request_.lossy, "messages.content.image_url.detail");
    out_.begin_object();
    out_.string("type", "image");
    source(part);
    cache(part.cache);
    out_.end_object();
    return {};
  }

  Status write_document(const Part& part) {
    const bool here = !part.data.empty() && part.media_type == "application/pdf";
    if (!here && (part.url.empty() || !good_source(part)))
      return cannot_carry("a file other than a PDF in 'file_data'");
    out_.begin_object();
    out_.string("type", "document");
    source(part);
    if (!part.name.empty()) out_.string("title", part.name);
    cache(part.cache);
    out_.end_object();
    return {};
  }

  Status write_call(const Part& part) {
    out_.begin_object();
    out_.string("type", "tool_use");
    out_.string("id", ids_.wire(part.id));
    out_.string("name", names_.wire(part.name));
    out_.raw("input", part.text);
    cache(part.cache);
    out_.end_object();
    return {};
  }

  Status write_result(const Part& part) {
    out_.begin_object();
    out_.string("type", "tool_result");
    out_.string("tool_use_id", ids_.wire(part.id));
    out_.begin_array("content");
    for (const Part& inner : part.content)
      if (inner.kind != Kind::text || !inner.text.empty()) TG_CHECK(write_plain_part(inner));
    out_.end_array();
    if (part.failed) out_.boolean("is_error", true);
    cache(part.cache);
    out_.end_object();
    return {};
  }

  // The mark of a result's part stands on the result.
  Status write_plain_part(Part part) {
    part.cache = CacheMark::none;
    return write_part(part);
  }

  Status write_thinking(const Part& part) {
    out_.begin_object();
    if (part.data.empty()) {
      out_.string("type", "thinking");
      out_.string("thinking", part.text);
      out_.string("signature", part.signature);
    } else {
      out_.string("type", "redacted_thinking");
      out_.string("data", part.data);
    }
    out_.end_object();
    return {};
  }

  // --- tools ---

  void write_tools() {
    if (tools_.tools.empty()) return;
    out_.begin_array("tools");
    for (const CanonicalTool& tool : tools_.tools) write_tool(tool);
    out_.end_array();
    write_tool_choice();
  }

  void write_tool(const CanonicalTool& tool) {
    out_.begin_object();
    out_.string("name", names_.wire(tool.name));
    if (!tool.description.empty()) out_.string("description", tool.description);
    out_.raw("input_schema", object_schema(tool.schema));
    if (tool.strict && plan_.strict_tools) out_.boolean("strict", true);
    if (tool.strict && !plan_.strict_tools) note_lossy(request_.lossy, "tools.function.strict");
    cache(tool.cache);
    out_.end_object();
  }

  static std::string_view type_of(Mode mode) {
    switch (mode) {
      case Mode::none:
        return "none";
      case Mode::required:
        return "any";
      case Mode::function:
        return "tool";
      default:
        return "auto";
    }
  }

  void write_tool_choice() {
    const ToolChoice& choice = tools_.choice;
    const bool one_at_a_time = request_.parallel_tool_calls == false;
    if (choice.mode == Mode::unset && !one_at_a_time) return;
    out_.begin_object("tool_choice");
    out_.string("type", type_of(choice.mode));
    if (choice.mode == Mode::function) out_.string("name", names_.wire(choice.function));
    if (one_at_a_time && choice.mode != Mode::none) out_.boolean("disable_parallel_tool_use", true);
    out_.end_object();
  }

  // --- parameters ---

  void write_parameters() {
    if (plan_.temperature) out_.number("temperature", *plan_.temperature);
    if (plan_.top_p) out_.number("top_p", *plan_.top_p);
    if (plan_.top_k) out_.number("top_k", *plan_.top_k);
    write_stop();
    write_thinking_mode();
    write_output_config();
    if (!request_.user.empty() && request_.user.size() <= kMaxUser) {
      out_.begin_object("metadata");
      out_.string("user_id", request_.user);
      out_.end_object();
    }
    if (target_.stream) out_.boolean("stream", true);
  }

  void write_stop() {
    const auto stops = sendable_stops(request_);
    if (stops.empty()) return;
    out_.begin_array("stop_sequences");
    for (const auto& stop : stops) out_.string(stop);
    out_.end_array();
  }

  void write_thinking_mode() {
    if (!plan_.thinks()) return;
    out_.begin_object("thinking");
    out_.string("type", plan_.budget ? "enabled" : "adaptive");
    if (plan_.budget) out_.number("budget_tokens", *plan_.budget);
    out_.end_object();
  }

  void write_output_config() {
    if (plan_.effort.empty() && !plan_.native_format) return;
    out_.begin_object("output_config");
    if (!plan_.effort.empty()) out_.string("effort", plan_.effort);
    if (plan_.native_format) {
      out_.begin_object("format");
      out_.string("type", "json_schema");
      out_.raw("schema", request_.response_format.schema);
      out_.end_object();
    }
    out_.end_object();
  }

  DialectCall finish() {
    note_unsendable_parameters(request_);
    DialectCall call;
    call.path = "/messages";
    call.headers = {{"content-type", "application/json"},
                    {"accept", target_.stream ? "text/event-stream" : "application/json"},
                    {"anthropic-version", "2023-06-01"}};
    call.body = out_.take();
    call.lossy = std::move(request_.lossy);
    call.answer.stream = target_.stream;
    if (!tools_.answer_tool.empty()) call.answer.answer_tool = names_.wire(tools_.answer_tool);
    call.answer.tool_names = names_.renamed();
    return call;
  }

  CanonicalRequest request_;
  const DialectTarget& target_;
  ClaudePlan plan_;
  ToolPlan tools_;
  WireNames names_;
  WireNames ids_;
  JsonWriter out_;
};

}  // namespace

Result<DialectCall> encode_anthropic_request(CanonicalRequest request, const DialectTarget& target) {
  return Writer(std::move(request), target).run();
}

}  // namespace tollgate::providers
