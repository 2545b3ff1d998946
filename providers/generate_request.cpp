// Any request -> generate (Open Inference Protocol, text generation extension, as KServe publishes it; Triton's
// generate extension; Text Generation Inference's API).
#include <optional>
#include <utility>

#include "providers/conversation.h"
#include "providers/generate.h"
#include "providers/identity/url_text.h"
#include "providers/json_writer.h"
#include "providers/request_plan.h"

namespace tollgate::providers {
namespace {

using Parameters = GenerateOptions::Parameters;

// How each parameter is called; empty: it is not taken.
struct Names {
  std::string_view cap;
  std::string_view stops;
  std::string_view seed;
  std::string_view top_k;
};
constexpr Names kKserve{"max_tokens", "stop", {}, {}};
constexpr Names kTriton{"max_tokens", "stop", "seed", "top_k"};
constexpr Names kTensors{"max_tokens", "stop_words", "random_seed", "top_k"};
constexpr Names kTgi{"max_new_tokens", "stop", "seed", "top_k"};

// Offered tools are left out and named; what cannot be answered without them is refused.
Status without_tools(CanonicalRequest& request) {
  using Mode = ToolChoice::Mode;
  const Mode mode = request.tool_choice.mode;
  if (!request.tools.empty() && (mode == Mode::required || mode == Mode::function))
    return cannot_carry("a call of a tool");
  if (!request.tools.empty()) note_lossy(request.lossy, "tools");
  return {};
}

void note_what_is_left_out(CanonicalRequest& request, const Names& names) {
  if (names.seed.empty() && request.seed) note_lossy(request.lossy, "seed");
  if (names.top_k.empty() && request.top_k) note_lossy(request.lossy, "top_k");
  if (request.response_format.kind != ResponseFormat::Kind::text) note_lossy(request.lossy, "response_format");
  if (request.reasoning_effort != ReasoningEffort::unset) note_lossy(request.lossy, "reasoning_effort");
  if (!request.user.empty()) note_lossy(request.lossy, "user");
  const auto seed = std::exchange(request.seed, std::nullopt);
  note_unsendable_parameters(request);
  request.seed = seed;
}

class Writer {
 public:
  Writer(CanonicalRequest request, const DialectTarget& target) : request_(std::move(request)), target_(target) {}

  // `object`: what the parameters stand in; null: beside the text.
  Status run(std::string_view text_name, const Names& names, const char* object,
             std::initializer_list<std::pair<std::string_view, bool>> flags) {
    TG_CHECK(one_choice_only(request_));
    TG_CHECK(without_tools(request_));
    TG_TRY(const Prompt prompt, prompt_of(request_, target_.generate.prompt));
    note_what_is_left_out(request_, names);
    out_.string(text_name, prompt.text);
    if (object != nullptr) out_.begin_object(object);
    write_parameters(names, prompt);
    for (const auto& [name, value] : flags) out_.boolean(name, value);
    if (object != nullptr) out_.end_object();
    return {};
  }

  JsonWriter& out() { return out_; }

  DialectCall finish() {
    DialectCall call;
    call.headers = {{"content-type", "application/json"},
                    {"accept", target_.stream ? "text/event-stream" : "application/json"}};
    call.body = out_.take();
    call.lossy = std::move(request_.lossy);
    call.answer.stream = target_.stream;
    call.answer.cumulative = target_.generate.cumulative;
    return call;
  }

 private:
  template <class Number>
  void optional(std::string_view name, const std::optional<Number>& value) {
    if (value && !name.empty()) out_.number(name, *value);
  }

  // The protocol's own default cap is 20 tokens, so that one is always sent.
  void write_parameters(const Names& names, const Prompt& prompt) {
    out_.number(names.cap, request_.max_tokens.value_or(target_.default_max_tokens));
    optional("temperature", request_.temperature);
    optional("top_p", request_.top_p);
    optional(names.top_k, request_.top_k);
    optional(names.seed, request_.seed);
    auto stops = sendable_stops(request_);
    stops.insert(stops.end(), prompt.stops.begin(), prompt.stops.end());
    if (stops.empty()) return;
    out_.begin_array(names.stops);
    for (const std::string& stop : stops) out_.string(stop);
    out_.end_array();
  }

  CanonicalRequest request_;
  const DialectTarget& target_;
  JsonWriter out_;
};

}  // namespace

Result<DialectCall> encode_generate_request(CanonicalRequest request, const DialectTarget& target) {
  Writer writer(std::move(request), target);
  writer.out().begin_object();
  switch (target.generate.parameters) {
    case Parameters::kserve:  // details tell why the text ended
      TG_CHECK(writer.run("text_input", kKserve, "parameters", {{"details", true}}));
      break;
    case Parameters::triton:
      TG_CHECK(writer.run("text_input", kTriton, "parameters", {{"stream", target.stream}}));
      writer.out().boolean("exclude_input_in_output", true);
      break;
    case Parameters::tensors:
      TG_CHECK(writer.run("text_input", kTensors, nullptr, {{"stream", target.stream}}));
      writer.out().boolean("exclude_input_in_output", true);
      break;
  }
  writer.out().end_object();
  DialectCall call = writer.finish();
  call.path = "/v2/models/" + url_encode(target.model);
  if (!target.generate.version.empty()) call.path += "/versions/" + url_encode(target.generate.version);
  call.path += target.stream ? "/generate_stream" : "/generate";
  return call;
}

Result<DialectCall> encode_tgi_request(CanonicalRequest request, const DialectTarget& target) {
  Writer writer(std::move(request), target);
  writer.out().begin_object();
  TG_CHECK(writer.run("inputs", kTgi, "parameters", {{"details", true}, {"return_full_text", false}}));
  if (target.stream) writer.out().boolean("stream", true);
  writer.out().end_object();
  return writer.finish();
}

}  // namespace tollgate::providers
