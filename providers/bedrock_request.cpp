// Chat request -> Bedrock Converse request (Amazon Bedrock API reference, Converse and ConverseStream).
#include <algorithm>
#include <utility>

#include "providers/bedrock.h"
#include "providers/bedrock_content.h"
#include "providers/claude.h"
#include "providers/event_stream.h"
#include "providers/identity/url_text.h"
#include "providers/request_plan.h"

namespace tollgate::providers {
namespace {

using Part = CanonicalPart;
using Kind = CanonicalPart::Kind;
using Mode = ToolChoice::Mode;

constexpr NameRule kToolNames{"_-", 64, false};
constexpr std::size_t kMaxUser = 256;

// What goes into additionalModelRequestFields depends on whose model it is. An ARN does not tell.
enum class Family : std::uint8_t { claude, nova, open_weights, other };

Family family_of(std::string_view model) {
  const auto is = [model](std::string_view name) { return model.find(name) != std::string_view::npos; };
  if (is("claude")) return Family::claude;
  if (is("nova")) return Family::nova;
  return is("gpt-oss") || is("deepseek") ? Family::open_weights : Family::other;
}

std::string_view word_of(ReasoningEffort effort) {
  if (effort == ReasoningEffort::minimal || effort == ReasoningEffort::low) return "low";
  return effort == ReasoningEffort::medium ? "medium" : "high";
}

// What stands in for plan_claude where the model is not Claude.
ClaudePlan plan_other(CanonicalRequest& request, std::int64_t default_max_tokens) {
  ClaudePlan plan;
  plan.max_tokens = request.max_tokens.value_or(default_max_tokens);
  plan.temperature = request.temperature;
  plan.top_p = request.top_p;
  plan.top_k = request.top_k;
  if (plan.temperature > 1.0) {
    plan.temperature = 1.0;
    note_lossy(request.lossy, "temperature");
  }
  return plan;
}

class Writer {
 public:
  Writer(CanonicalRequest request, const DialectTarget& target)
      : request_(std::move(request)),
        target_(target),
        family_(family_of(target.model)),
        plan_(family_ == Family::claude ? plan_claude(request_, claude_version(target.model), target.default_max_tokens)
                                        : plan_other(request_, target.default_max_tokens)),
        tools_(plan_tools(request_, plan_.native_format)),
        names_(kToolNames) {}

  Result<DialectCall> run() {
    TG_CHECK(one_choice_only(request_));
    const bool calls = has_calls();
    TG_TRY(const auto conversation, converse(request_, plan_.thinks() ? Replay::signed_reasoning : Replay::none));
    out_.begin_object();
    ConverseContent content(out_, names_, request_.lossy);
    TG_CHECK(content.write_messages(conversation.turns));
    write_system(conversation.system);
    write_inference_config();
    write_tool_config(calls);
    write_output_config();
    write_model_fields();
    write_metadata();
    out_.end_object();
    return finish();
  }

 private:
  bool has_calls() const {
    return std::any_of(request_.messages.begin(), request_.messages.end(), [](const CanonicalMessage& message) {
      return std::any_of(message.parts.begin(), message.parts.end(),
                         [](const Part& part) { return part.kind == Kind::tool_call; });
    });
  }

  void write_system(const std::vector<Part>& parts) {
    const bool json = request_.response_format.kind == ResponseFormat::Kind::json_object;
    if (json) note_lossy(request_.lossy, "response_format");
    if (parts.empty() && !json) return;
    out_.begin_array("system");
    for (const Part& part : parts) {
      text_block(part.text);
      write_cache_point(out_, part.cache);
    }
    if (json) text_block(kAnswerWithJson);
    out_.end_array();
  }

  void text_block(std::string_view text) {
    out_.begin_object();
    out_.string("text", text);
    out_.end_object();
  }

  void write_inference_config() {
    out_.begin_object("inferenceConfig");
    out_.number("maxTokens", plan_.max_tokens);
    if (plan_.temperature) out_.number("temperature", *plan_.temperature);
    if (plan_.top_p) out_.number("topP", *plan_.top_p);
    const auto stops = sendable_stops(request_);
    if (!stops.empty()) {
      out_.begin_array("stopSequences");
      for (const auto& stop : stops) out_.string(stop);
      out_.end_array();
    }
    out_.end_object();
  }

  // --- tools ---

  // "None" can only be said by leaving the tools out, which calls in the messages forbid.
  void write_tool_config(bool calls) {
    const bool none = tools_.choice.mode == Mode::none;
    if (tools_.tools.empty() || (none && !calls)) return;
    if (none && !request_.tools.empty()) note_lossy(request_.lossy, "tool_choice");
    out_.begin_object("toolConfig");
    out_.begin_array("tools");
    for (const CanonicalTool& tool : tools_.tools) {
      write_tool(tool);
      write_cache_point(out_, tool.cache);
    }
    out_.end_array();
    if (!one_at_a_time()) write_tool_choice();
    out_.end_object();
  }

  void write_tool(const CanonicalTool& tool) {
    out_.begin_object();
    out_.begin_object("toolSpec");
    out_.string("name", names_.wire(tool.name));
    if (!tool.description.empty()) out_.string("description", tool.description);
    out_.begin_object("inputSchema");
    out_.raw("json", object_schema(tool.schema));
    out_.end_object();
    if (tool.strict && plan_.strict_tools) out_.boolean("strict", true);
    if (tool.strict && !plan_.strict_tools) note_lossy(request_.lossy, "tools.function.strict");
    out_.end_object();
    out_.end_object();
  }

  void write_tool_choice() {
    const Mode mode = tools_.choice.mode;
    if (mode == Mode::unset || mode == Mode::none) return;
    out_.begin_object("toolChoice");
    out_.begin_object(mode == Mode::function ? "tool" : mode == Mode::required ? "any" : "auto");
    if (mode == Mode::function) out_.string("name", names_.wire(tools_.choice.function));
    out_.end_object();
    out_.end_object();
  }

  // Only Claude can be told to make one call at a time, and only in its own words.
  bool one_at_a_time() const {
    return request_.parallel_tool_calls == false && family_ == Family::claude && !tools_.tools.empty() &&
           tools_.choice.mode != Mode::none;
  }

  void write_claude_tool_choice() {
    const Mode mode = tools_.choice.mode;
    out_.begin_object("tool_choice");
    out_.string("type", mode == Mode::function ? "tool" : mode == Mode::required ? "any" : "auto");
    if (mode == Mode::function) out_.string("name", names_.wire(tools_.choice.function));
    out_.boolean("disable_parallel_tool_use", true);
    out_.end_object();
  }

  // --- what only some models take ---

  // The schema is JSON inside a string here.
  void write_output_config() {
    if (plan_.effort.empty() && !plan_.native_format) return;
    out_.begin_object("outputConfig");
    if (plan_.native_format) {
      out_.begin_object("textFormat");
      out_.string("type", "json_schema");
      out_.begin_object("structure");
      out_.begin_object("jsonSchema");
      out_.string("schema", request_.response_format.schema);
      if (!request_.response_format.name.empty()) out_.string("name", request_.response_format.name);
      out_.end_object();
      out_.end_object();
      out_.end_object();
    }
    if (!plan_.effort.empty()) out_.string("effort", plan_.effort);
    out_.end_object();
  }

  void write_model_fields() {
    if (request_.parallel_tool_calls == false && family_ != Family::claude && !request_.tools.empty())
      note_lossy(request_.lossy, "parallel_tool_calls");
    JsonWriter body;
    std::swap(body, out_);
    out_.begin_object();
    write_family_fields();
    out_.end_object();
    std::swap(body, out_);
    const std::string fields = body.take();
    if (fields != "{}") out_.raw("additionalModelRequestFields", fields);
  }

  void write_family_fields() {
    if (family_ == Family::claude) return write_claude_fields();
    const ReasoningEffort effort = request_.reasoning_effort;
    const bool reasons = effort != ReasoningEffort::unset && effort != ReasoningEffort::none;
    const bool nova_2 = target_.model.find("nova-2") != std::string::npos;
    if (reasons && nova_2) {
      out_.begin_object("reasoningConfig");
      out_.string("type", "enabled");
      out_.string("maxReasoningEffort", word_of(effort));
      out_.end_object();
    } else if (reasons && family_ == Family::open_weights) {
      out_.string("reasoning_effort", word_of(effort));
    } else if (reasons) {
      note_lossy(request_.lossy, "reasoning_effort");
    }
    if (!plan_.top_k) return;
    if (family_ != Family::nova) return note_lossy(request_.lossy, "top_k");
    out_.begin_object("inferenceConfig");
    out_.number("topK", *plan_.top_k);
    out_.end_object();
  }

  void write_claude_fields() {
    if (plan_.thinks()) {
      out_.begin_object("thinking");
      out_.string("type", plan_.budget ? "enabled" : "adaptive");
      if (plan_.budget) out_.number("budget_tokens", *plan_.budget);
      out_.end_object();
    }
    if (plan_.top_k) out_.number("top_k", *plan_.top_k);
    if (one_at_a_time()) write_claude_tool_choice();
  }

  void write_metadata() {
    const auto good = [](unsigned char c) {
      return std::isalnum(c) != 0 ||
             std::string_view(" :_@$#=/+,-.").find(static_cast<char>(c)) != std::string_view::npos;
    };
    const std::string& user = request_.user;
    if (user.empty() || user.size() > kMaxUser || !std::all_of(user.begin(), user.end(), good)) return;
    out_.begin_object("requestMetadata");
    out_.string("user", user);
    out_.end_object();
  }

  DialectCall finish() {
    note_unsendable_parameters(request_);
    DialectCall call;
    call.path = converse_path(target_.model, target_.stream);
    call.headers = {{"content-type", "application/json"},
                    {"accept", std::string(target_.stream ? kEventStream : "application/json")}};
    call.body = out_.take();
    call.lossy = std::move(request_.lossy);
    call.answer.stream = target_.stream;
    if (!tools_.answer_tool.empty()) call.answer.answer_tool = names_.wire(tools_.answer_tool);
    call.answer.tool_names = names_.renamed();
    return call;
  }

  CanonicalRequest request_;
  const DialectTarget& target_;
  Family family_;
  ClaudePlan plan_;
  ToolPlan tools_;
  WireNames names_;
  JsonWriter out_;
};

}  // namespace

std::string converse_path(std::string_view model, bool stream) {
  return "/model/" + url_encode(model) + (stream ? "/converse-stream" : "/converse");
}

Result<DialectCall> encode_converse_request(CanonicalRequest request, const DialectTarget& target) {
  return Writer(std::move(request), target).run();
}

}  // namespace tollgate::providers
