// Generated text -> events (Open Inference Protocol, text generation extension; Triton's generate extension; Text
// Generation Inference's /generate and /generate_stream).
#include <utility>

#include "providers/answer_events.h"
#include "providers/chat_usage.h"
#include "providers/generate.h"
#include "providers/json_reader.h"
#include "providers/known_names.h"
#include "providers/provider_fault.h"
#include "providers/sse.h"
#include "providers/unknown.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

constexpr std::size_t kMaxFrame = 1024 * 1024;

// An event, or a whole answer.
struct Said {
  std::optional<std::string> text;   // text_output; TGI: generated_text, whole
  std::optional<std::string> piece;  // TGI: of one token
  std::string model;
  std::string finish;
  bool failed = false;
  std::int64_t input = -1;
  std::int64_t output = -1;
  std::vector<Unknown> unknown;
};

class SaidReader {
 public:
  explicit SaidReader(std::string_view json) : in_(json) {}

  // TGI wraps its answer into a list of one.
  std::optional<Said> run() {
    const bool listed = in_.peek() == Kind::array;
    if (listed) in_.enter_array();
    if (listed && !in_.next_element()) return std::nullopt;
    if (in_.peek() != Kind::object) return std::nullopt;
    walk_object(in_, [this](std::string_view key) { member(key); });
    if (listed && in_.next_element()) return std::nullopt;
    if (!in_.at_end()) return std::nullopt;
    return std::move(said_);
  }

 private:
  void text(std::optional<std::string>& out) {
    if (in_.peek() == Kind::string)
      read_text(in_, out.emplace());
    else
      unread();
  }
  void unread(Names known = {}) { skip_member(in_, known, said_.unknown); }

  void member(std::string_view key) {
    if (key == "text_output" || key == "generated_text") return text(said_.text);
    if (key == "model_name") return read_text(in_, said_.model);
    if (key == "details") return walk_object(in_, [this](std::string_view inner) { detail(inner); });
    if (key == "token") return token();
    if (key == "error") return error();
    unread(known::kGenerate);
  }

  void detail(std::string_view key) {
    if (key == "finish_reason") return read_text(in_, said_.finish);
    if (key == "generated_tokens")
      said_.output = read_count(in_);
    else if (key == "input_length")
      said_.input = read_count(in_);
    else if (key == "prefill" && in_.peek() == Kind::array)
      count_prompt();
    else
      unread(known::kGenerateDetails);
  }

  // The tokens of the prompt, where the server lists them.
  void count_prompt() {
    std::int64_t tokens = 0;
    in_.enter_array();
    for (; in_.next_element(); ++tokens) in_.skip();
    if (tokens > 0) said_.input = tokens;
  }

  // Special tokens, such as the end of the text, are not part of it.
  void token() {
    std::optional<std::string> piece;
    bool special = false;
    walk_object(in_, [&](std::string_view key) {
      if (key == "text") return text(piece);
      if (key == "special" && in_.peek() == Kind::boolean)
        special = in_.boolean();
      else
        unread();
    });
    if (!special) said_.piece = std::move(piece);
  }

  void error() {
    if (in_.null()) return;
    said_.failed = true;
    in_.skip();
  }

  JsonReader in_;
  Said said_;
};

// The server's words stay inside: by now they speak about itself.
Error failed() {
  return Error{.kind = ErrorKind::upstream_error,
               .message = "The provider failed in the middle of its answer.",
               .code = "upstream_error"};
}

Result<Said> read_said(std::string_view json) {
  if (!valid_utf8(json)) return upstream_garbage();
  auto said = SaidReader(json).run();
  if (!said) return upstream_garbage();
  if (said->failed) return failed();
  return *std::move(said);
}

void put_usage(const Said& said, Batch& batch) {
  if (said.input < 0 && said.output < 0) return;
  Event& event = batch.events.emplace_back();
  event.kind = Event::Kind::usage;
  event.usage.input = said.input;
  event.usage.output = said.output;
}

std::string_view finish_reason(std::string_view word) { return word == "length" ? "length" : "stop"; }

class BodyDecoder final : public WholeBodyDecoder {
 public:
  explicit BodyDecoder(AnswerContext context) : context_(std::move(context)), events_(context_) {}

 private:
  Result<Batch> decode(const std::string& body) override {
    TG_TRY(Said said, read_said(body));
    if (!said.text) return upstream_garbage();
    Batch batch;
    batch.served_model = std::move(said.model);
    batch.unknown = std::move(said.unknown);
    events_.start(batch);
    events_.text(*std::move(said.text), batch);
    events_.finish(finish_reason(said.finish), batch);
    put_usage(said, batch);
    return batch;
  }

  AnswerContext context_;
  AnswerEvents events_;
};

class StreamDecoder final : public AnswerDecoder {
 public:
  explicit StreamDecoder(AnswerContext context) : context_(std::move(context)), events_(context_), parser_(kMaxFrame) {}

  std::string& input() override { return parser_.input(); }

  Result<std::optional<Batch>> next() override {
    while (true) {
      TG_TRY(const auto frame, parser_.next());
      if (!frame) return std::optional<Batch>();
      TG_TRY(auto batch, decode(frame->data));
      if (!batch.events.empty() || !batch.unknown.empty()) return std::optional(std::move(batch));
    }
  }

  // There is no end marker but the end of the body, and Triton's backends do not say why they end.
  Result<std::optional<Batch>> end() override {
    TG_TRY(auto batch, next());
    if (batch) return std::move(batch);
    TG_TRY(const auto frame, parser_.last());
    if (frame) {
      TG_TRY(auto last, decode(frame->data));
      if (!last.events.empty() || !last.unknown.empty()) return std::optional(std::move(last));
    }
    // TGI always says why it ended.
    if (!said_something_ || (by_tokens_ && finish_.empty())) return upstream_cut();
    if (std::exchange(ended_, true)) return std::optional<Batch>();
    Batch last;
    events_.finish(finish_reason(finish_), last);
    last.events.emplace_back().kind = Event::Kind::done;
    return std::optional(std::move(last));
  }

 private:
  Result<Batch> decode(std::string_view data) {
    Batch batch;
    if (data.starts_with("[DONE]")) return batch;
    TG_TRY(Said said, read_said(data));
    batch.unknown = std::move(said.unknown);
    if (!said.text && !said.piece && said.finish.empty()) return batch;
    batch.served_model = std::move(said.model);
    if (!std::exchange(said_something_, true)) events_.start(batch);
    events_.text(piece_of(said), batch);
    put_usage(said, batch);
    if (!said.finish.empty()) finish_ = std::move(said.finish);
    return batch;
  }

  // TGI repeats the whole text in its last event, which was told token by token.
  std::string piece_of(Said& said) {
    by_tokens_ = by_tokens_ || said.piece.has_value();
    if (by_tokens_) return std::move(said.piece).value_or("");
    if (!said.text) return {};
    if (!context_.cumulative) return *std::move(said.text);
    std::string piece = said.text->substr(std::min(told_, said.text->size()));
    told_ += piece.size();
    return piece;
  }

  AnswerContext context_;
  AnswerEvents events_;
  SseParser parser_;
  std::string finish_;    // as the server says it: by the schema in every event, so the last one counts
  std::size_t told_ = 0;  // bytes of a text that is repeated from its beginning
  bool by_tokens_ = false;
  bool said_something_ = false;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<AnswerDecoder> generate_decoder(AnswerContext context, std::string_view content_type) {
  if (is_event_stream(content_type)) return std::make_unique<StreamDecoder>(std::move(context));
  return std::make_unique<BodyDecoder>(std::move(context));
}

}  // namespace tollgate::providers
