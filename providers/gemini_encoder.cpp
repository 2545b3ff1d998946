// The way back to a client of generateContent: Google's own frames are edited in place, everything else is written here
// (Gemini API reference, GenerateContentResponse). A call has to come whole, so it waits until its arguments are there.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "providers/chat_writer.h"
#include "providers/frame_edits.h"
#include "providers/gemini_call.h"
#include "providers/json_writer.h"

namespace tollgate::providers {
namespace {

using K = Event::Kind;

struct AnswerPart {
  enum class Type : std::uint8_t { text, thought, call };
  Type type = Type::text;
  std::string text = {};  // call: the arguments
  std::string id = {};
  std::string name = {};
  std::string signature = {};
};

struct Choice {
  std::vector<AnswerPart> parts;              // not yet written
  std::map<std::uint32_t, AnswerPart> calls;  // by block: under way
  std::string reason;                         // in OpenAI's words
  bool refused = false;
};

std::string_view finish_word(const Choice& choice) {
  if (choice.reason == "length") return "MAX_TOKENS";
  return choice.reason == "content_filter" || choice.refused ? "SAFETY" : "STOP";
}

void write_part(const AnswerPart& part, JsonWriter& out) {
  using Type = AnswerPart::Type;
  out.begin_object();
  if (part.type == Type::call) {
    out.begin_object("functionCall");
    out.string("id", part.id);
    out.string("name", part.name);
    out.raw("args", arguments_object(part.text));
    out.end_object();
  } else {
    out.string("text", part.text);
    if (part.type == Type::thought) out.boolean("thought", true);
  }
  if (!part.signature.empty()) out.string("thoughtSignature", part.signature);
  out.end_object();
}

// totalTokenCount counts thoughts, candidatesTokenCount does not.
void write_usage(const Usage& usage, JsonWriter& out) {
  const std::int64_t input = std::max<std::int64_t>(usage.input, 0);
  const std::int64_t output = std::max<std::int64_t>(usage.output, 0);
  const std::int64_t thoughts = std::clamp<std::int64_t>(usage.reasoning, 0, output);
  out.begin_object("usageMetadata");
  out.number("promptTokenCount", input);
  out.number("candidatesTokenCount", output - thoughts);
  out.number("totalTokenCount", input + output);
  if (usage.cached_input > 0) out.number("cachedContentTokenCount", usage.cached_input);
  if (thoughts > 0) out.number("thoughtsTokenCount", thoughts);
  out.end_object();
}

class GeminiEncoder final : public ClientEncoder {
 public:
  explicit GeminiEncoder(EncoderOptions options) : options_(std::move(options)) {}

  void write(const Batch& batch, const std::vector<bool>& changed, std::string& out) override {
    if (ended_) return;
    const bool same_form = batch.whole_body != options_.stream;
    if (!batch.frame.empty() && same_form) return frame(batch, changed, out);
    for (const Event& event : batch.events) this->event(event);
    if (options_.stream) drain(out);
  }

  void write_text(std::uint32_t choice, std::uint32_t block, K kind, std::string_view text, std::string& out) override {
    if (ended_ || text.empty()) return;
    Event event;
    event.kind = kind;
    event.choice = choice;
    event.block = block;
    event.text = text;
    this->event(event);
    if (options_.stream) drain(out);
  }

  void finish(std::string& out) override {
    if (std::exchange(ended_, true) || in_place_) return;
    choices_.try_emplace(0);
    for (auto& [index, choice] : choices_) complete_calls(choice);
    append(answer(true), out);
  }

  void fail(const Error& error, std::string& out) override {
    if (std::exchange(ended_, true) || !options_.stream) return;
    append(encode_gemini_error(error, options_.request_id), out);
  }

 private:
  void frame(const Batch& batch, const std::vector<bool>& changed, std::string& out) {
    in_place_ = true;
    std::vector<Edit> edits;
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
      const Event& event = batch.events[i];
      if (!event.span) continue;
      if (event.kind == K::logprobs && options_.strip_logprobs)
        edits.push_back({*event.span, "null"});
      else if (i < changed.size() && changed[i])
        edits.push_back(edit_of(batch.frame, event));
    }
    append_frame(out, batch.frame, std::move(edits));
  }

  void append(const std::string& json, std::string& out) const {
    out += options_.stream ? "data: " + json + "\n\n" : json;
  }

  // --- events ---

  void event(const Event& event) {
    if (event.kind == K::usage) usage_ = merged(usage_, event.usage);
    if (!Batch::is_content(event.kind) || event.kind == K::done) return;
    Choice& choice = choices_[event.choice];
    switch (event.kind) {
      case K::text:
      case K::refusal:
        choice.refused = choice.refused || event.kind == K::refusal;
        return text(AnswerPart::Type::text, event.text, choice);
      case K::reasoning:
        return text(AnswerPart::Type::thought, event.text, choice);
      case K::signature:
        return sign(event.text, choice);
      case K::redacted:
        return sign(std::string(kSealedThought) + event.text, choice);
      case K::tool_call:
        return begin_call(event, choice);
      case K::arguments:
        choice.calls[event.block].text += event.text;
        return;
      case K::call_signature:
        if (is_base64(event.text)) choice.calls[event.block].signature = event.text;
        return;
      case K::finish:
        choice.reason = event.text;
        return complete_calls(choice);
      default:
        return;
    }
  }

  static void text(AnswerPart::Type type, const std::string& piece, Choice& choice) {
    complete_calls(choice);
    auto& parts = choice.parts;
    if (parts.empty() || parts.back().type != type || !parts.back().signature.empty()) parts.push_back({.type = type});
    parts.back().text += piece;
  }

  // Of the thought before, which may have left already; the reader puts the two together again.
  static void sign(std::string signature, Choice& choice) {
    if (!is_base64(signature)) return;  // the field holds bytes
    const bool sealed = signature.starts_with(kSealedThought);
    const auto type = AnswerPart::Type::thought;
    if (sealed || choice.parts.empty() || choice.parts.back().type != type || !choice.parts.back().signature.empty())
      choice.parts.push_back({.type = type});
    choice.parts.back().signature = std::move(signature);
  }

  void begin_call(const Event& event, Choice& choice) const {
    AnswerPart& call = choice.calls[event.block];
    call.type = AnswerPart::Type::call;
    call.name = event.text;
    call.id = event.id.empty() ? "call_" + options_.id + "_" + std::to_string(event.block) : event.id;
  }

  static void complete_calls(Choice& choice) {
    for (auto& [block, call] : choice.calls)
      if (call.type == AnswerPart::Type::call) choice.parts.push_back(std::move(call));
    choice.calls.clear();
  }

  // --- writing ---

  void drain(std::string& out) {
    const bool any =
        std::any_of(choices_.begin(), choices_.end(), [](const auto& c) { return !c.second.parts.empty(); });
    if (any) append(answer(false), out);
  }

  // What has not been written yet; at the end, why the model stopped and what it cost.
  std::string answer(bool last) {
    JsonWriter out;
    out.begin_object();
    out.begin_array("candidates");
    for (auto& [index, choice] : choices_) {
      if (last || !choice.parts.empty()) write_candidate(index, choice, last, out);
      choice.parts.clear();
    }
    out.end_array();
    if (last && usage_.input >= 0) write_usage(usage_, out);
    out.string("modelVersion", options_.model);
    out.string("responseId", options_.id);
    out.end_object();
    return out.take();
  }

  static void write_candidate(std::uint32_t index, const Choice& choice, bool last, JsonWriter& out) {
    out.begin_object();
    out.begin_object("content");
    out.begin_array("parts");
    for (const AnswerPart& part : choice.parts) write_part(part, out);
    if (choice.parts.empty()) write_part({}, out);  // as Google ends its streams: clients look for a part
    out.end_array();
    out.string("role", "model");
    out.end_object();
    if (last) out.string("finishReason", finish_word(choice));
    out.number("index", std::int64_t{index});
    out.end_object();
  }

  EncoderOptions options_;
  std::map<std::uint32_t, Choice> choices_;
  Usage usage_;
  bool in_place_ = false;  // a provider's frames went out: it says the end itself
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<ClientEncoder> gemini_encoder(EncoderOptions options) {
  return std::make_unique<GeminiEncoder>(std::move(options));
}

}  // namespace tollgate::providers
