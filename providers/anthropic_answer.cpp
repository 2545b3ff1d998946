// Anthropic Messages answers and refusals for callers of other APIs (Anthropic API reference: messages, streaming,
// errors). `messages_event` reads the format.
#include <utility>

#include "providers/answer_events.h"
#include "providers/anthropic.h"
#include "providers/chat_usage.h"
#include "providers/error_words.h"
#include "providers/messages_event.h"
#include "providers/sse.h"

namespace tollgate::providers {
namespace {

constexpr std::size_t kMaxFrame = 1024 * 1024;

// The HTTP status that goes with an error's type; the type alone is known inside a stream.
int status_of(std::string_view type) {
  static constexpr std::pair<std::string_view, int> kStatuses[] = {
      {"invalid_request_error", 400}, {"authentication_error", 401}, {"billing_error", 402},
      {"permission_error", 403},      {"not_found_error", 404},      {"request_too_large", 413},
      {"rate_limit_error", 429},      {"timeout_error", 504},        {"overloaded_error", 529}};
  for (const auto& [name, status] : kStatuses)
    if (type == name) return status;
  return 500;
}

// An account without credit is answered with 400, though the request is fine.
bool out_of_credit(int status, std::string_view message) {
  return status == 402 || (status == 400 && message.find("credit balance") != std::string_view::npos);
}

Error fault(int status, std::string message) {
  ProviderWords words;
  if (out_of_credit(status, message)) {
    words.code = "insufficient_quota";
    return provider_fault(429, std::move(words));
  }
  words.message = std::move(message);
  return provider_fault(status, std::move(words));
}

// From events as callers of the same API get them, to those every API can write: without frames, calls counted by
// themselves, the proof of a reasoning block at its end.
class Translator {
 public:
  explicit Translator(AnswerContext context) : context_(std::move(context)), events_(context_) {}
  Translator(const Translator&) = delete;
  Translator& operator=(const Translator&) = delete;

  Batch translate(Batch said) {
    Batch out;
    out.served_model = std::move(said.served_model);
    out.unknown = std::move(said.unknown);
    if (said.whole_body) start(out);
    for (Event& event : said.events) put(std::move(event), out);
    content_ = content_ || out.has_content();
    return out;
  }

  bool finished() const { return events_.finished(); }

 private:
  using K = Event::Kind;

  void start(Batch& out) {
    if (!std::exchange(started_, true)) events_.start(out);
  }

  // Blocks that nobody asked for, such as a server's own tool calls, make no event.
  void put(Event event, Batch& out) {
    switch (event.kind) {
      case K::text:
        return events_.text(std::move(event.text), out);
      case K::reasoning:
        return events_.reasoning(std::move(event.text), out);
      case K::signature:
        return events_.signature(event.text);
      case K::redacted:
        return events_.redacted(std::move(event.text), out);
      case K::tool_call:
        return events_.begin_call(event.block, std::move(event.id), event.text, out);
      case K::arguments:
        return events_.arguments(event.block, std::move(event.text), out);
      case K::block_end:
        return events_.end_block(out);
      default:
        return put_frame(std::move(event), out);
    }
  }

  // What concerns the answer as a whole.
  void put_frame(Event event, Batch& out) {
    if (event.kind == K::start) start(out);
    if (event.kind == K::usage) put_usage(event.usage, out);
    if (event.kind == K::finish) events_.finish(event.text, out, std::move(event.id));
    if (event.kind == K::opaque && content_) out.events.emplace_back();  // the provider is alive
    if (event.kind != K::done) return;
    events_.finish("stop", out);
    out.events.push_back(std::move(event));
  }

  void put_usage(const Usage& told, Batch& out) {
    usage_ = merged(usage_, told);
    if (!events_.finished()) {
      if (usage_.input >= 0) out.events.push_back(prompt_usage(usage_));
      return;
    }
    if (!usage_.known()) return;
    Event& event = out.events.emplace_back();
    event.kind = K::usage;
    event.usage = usage_;
  }

  AnswerContext context_;
  AnswerEvents events_;
  Usage usage_;
  bool started_ = false;
  bool content_ = false;
};

class MessageDecoder final : public WholeBodyDecoder {
 public:
  explicit MessageDecoder(AnswerContext context) : translator_(std::move(context)) {}

 private:
  Result<Batch> decode(const std::string& body) override {
    TG_TRY(Batch said, decode_messages_response(body));
    Batch batch = translator_.translate(std::move(said));
    batch.events.pop_back();  // its end, which comes of itself here
    return batch;
  }

  Translator translator_;
};

class StreamDecoder final : public AnswerDecoder {
 public:
  explicit StreamDecoder(AnswerContext context) : translator_(std::move(context)), parser_(kMaxFrame) {}

  std::string& input() override { return parser_.input(); }

  Result<std::optional<Batch>> next() override { return take(false); }

  Result<std::optional<Batch>> end() override {
    TG_TRY(auto batch, take(true));
    if (!batch && !translator_.finished()) return upstream_cut();
    return std::move(batch);
  }

 private:
  Result<std::optional<Batch>> take(bool at_end) {
    while (true) {
      TG_TRY(const auto frame, at_end ? parser_.last() : parser_.next());
      if (!frame) return std::optional<Batch>();
      TG_TRY(Batch said, decode_messages_event(std::string(frame->data), frame->data, 0));
      Batch batch = translator_.translate(std::move(said));
      if (!batch.events.empty() || !batch.unknown.empty()) return std::optional(std::move(batch));
    }
  }

  Translator translator_;
  SseParser parser_;
};

}  // namespace

std::string_view finish_word(std::string_view stop_reason) {
  if (stop_reason == "tool_use") return "tool_calls";
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded") return "length";
  if (stop_reason == "refusal") return "content_filter";
  return "stop";  // end_turn, stop_sequence, pause_turn
}

Error anthropic_fault(ProviderWords words) { return fault(status_of(words.type), std::move(words.message)); }

std::unique_ptr<AnswerDecoder> anthropic_decoder(AnswerContext context, std::string_view content_type) {
  if (is_event_stream(content_type)) return std::make_unique<StreamDecoder>(std::move(context));
  return std::make_unique<MessageDecoder>(std::move(context));
}

Error decode_anthropic_error(const ErrorAnswer& answer) {
  Error error = fault(answer.status, read_error_body(answer.body).words.message);
  error.retry_after = retry_hint(answer.retry_after_ms, answer.retry_after, answer.date);
  return error;
}

}  // namespace tollgate::providers
