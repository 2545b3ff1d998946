// Bedrock Converse answers and refusals (Amazon Bedrock API reference: Converse, ConverseStream, common errors).
#include <algorithm>
#include <utility>

#include "providers/answer_events.h"
#include "providers/aws_fault.h"
#include "providers/bedrock.h"
#include "providers/chat_usage.h"
#include "providers/event_stream.h"
#include "providers/json_reader.h"
#include "providers/known_names.h"
#include "providers/provider_fault.h"
#include "providers/unknown.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

constexpr std::uint32_t kMaxBlocks = 4096;

// A content block, its start or a delta of it: a union on the wire, so at most one kind of member is there.
struct Block {
  std::string text;
  std::string reasoning;
  std::string signature;
  std::string redacted;
  std::string call_id;
  std::string call_name;
  std::string input;  // JSON text, or a piece of it
  bool call = false;
};

// One event, a whole answer or an error body, flat.
struct Said {
  std::uint32_t index = 0;
  Block block;
  std::vector<Block> content;
  bool has_message = false;
  std::string stop_reason;
  std::optional<Usage> usage;
  std::string error_type;
  std::string error_message;
  std::int64_t original_status = 0;
  std::vector<Unknown> unknown;
};

class SaidReader {
 public:
  explicit SaidReader(std::string_view json) : in_(json) {}

  std::optional<Said> run() {
    if (in_.peek() != Kind::object) return std::nullopt;
    object([this](std::string_view key) { member(key); });
    if (!in_.at_end()) return std::nullopt;
    return std::move(said_);
  }

 private:
  void skip() { in_.skip(); }
  void unread(Names known = {}, Unknown::What what = Unknown::What::member) {
    skip_member(in_, known, said_.unknown, what);
  }
  void text(std::string& out) {
    if (in_.peek() != Kind::string) return unread();
    out = in_.decode(in_.string());
  }
  template <class Member>
  void object(Member&& member) {
    if (in_.peek() != Kind::object) return skip();
    in_.enter_object();
    while (in_.next_member()) member(in_.key());
  }

  void member(std::string_view key) {
    if (key == "contentBlockIndex") return index();
    if (key == "start" || key == "delta") return block(said_.block);
    if (key == "output") return output();
    if (key == "stopReason") return text(said_.stop_reason);
    if (key == "usage") return usage();
    if (key == "message" || key == "Message") return text(said_.error_message);
    if (key == "__type" || key == "code") return text(said_.error_type);
    if (key == "originalStatusCode") {
      said_.original_status = read_count(in_);
      return;
    }
    unread(known::kConverse);
  }

  void index() {
    const auto value = read_count(in_);
    said_.index = value < 0 || value > kMaxBlocks ? kMaxBlocks : static_cast<std::uint32_t>(value);
  }

  void block(Block& out) {
    object([&](std::string_view key) {
      if (key == "text") return text(out.text);
      if (key == "toolUse") return call(out);
      return key == "reasoningContent" ? reasoning(out) : unread(known::kConverseBlock, Unknown::What::block);
    });
  }

  void call(Block& out) {
    out.call = true;
    object([&](std::string_view key) {
      if (key == "toolUseId") return text(out.call_id);
      if (key == "name") return text(out.call_name);
      if (key != "input") return unread(known::kConverseCall);
      if (in_.peek() == Kind::string) return text(out.input);
      const Span span = in_.skip();
      out.input = in_.view(span);
    });
  }

  // Pieces stand in reasoningContent itself, a whole block in its reasoningText.
  void reasoning(Block& out) {
    object([&](std::string_view key) {
      if (key == "reasoningText") return reasoning(out);
      if (key == "text") return text(out.reasoning);
      if (key == "signature") return text(out.signature);
      return key == "redactedContent" ? text(out.redacted) : unread();
    });
  }

  void output() {
    object([this](std::string_view key) {
      if (key != "message" || in_.peek() != Kind::object) return unread();
      said_.has_message = true;
      object([this](std::string_view inner) { return inner == "content" ? content() : unread(known::kConverse); });
    });
  }

  void content() {
    if (in_.peek() != Kind::array) return unread();
    in_.enter_array();
    while (in_.next_element()) {
      if (said_.content.size() < kMaxBlocks)
        block(said_.content.emplace_back());
      else
        skip();
    }
  }

  void usage() {
    if (in_.peek() != Kind::object) return skip();
    said_.usage = read_converse_usage(in_);
  }

  JsonReader in_;
  Said said_;
};

std::optional<Said> read_said(std::string_view json) {
  return valid_utf8(json) ? SaidReader(json).run() : std::nullopt;
}

// --- faults ---

bool unknown_model(std::string_view message) {
  return message.find("model identifier is invalid") != std::string_view::npos ||
         message.find("on-demand throughput") != std::string_view::npos;
}

Error fault(std::string_view type, int otherwise, Said said) {
  int status = aws_fault_status(type, otherwise);
  // The model behind Bedrock refused or failed: what it said decides.
  if (status == 424)
    status = said.original_status >= 400 && said.original_status < 500 ? static_cast<int>(said.original_status) : 502;
  ProviderWords words;
  words.message = std::move(said.error_message);
  if (status == 400 && unknown_model(words.message)) {
    status = 404;
    words.message = kModelNotThere;
  }
  return provider_fault(status, std::move(words));
}

// --- answers ---

bool is_malformed(std::string_view stop_reason) {
  return stop_reason == "malformed_tool_use" || stop_reason == "malformed_model_output";
}

void put(AnswerEvents& events, std::uint32_t number, Block block, Batch& batch) {
  events.reasoning(std::move(block.reasoning), batch);
  events.signature(block.signature);
  events.redacted(std::move(block.redacted), batch);
  events.text(std::move(block.text), batch);
  if (!block.call) return;
  if (!block.call_name.empty()) events.begin_call(number, std::move(block.call_id), block.call_name, batch);
  if (block.input != "{}") events.arguments(number, std::move(block.input), batch);
}

void put_usage(const std::optional<Usage>& usage, Batch& batch) {
  if (!usage || !usage->known()) return;
  Event& event = batch.events.emplace_back();
  event.kind = Event::Kind::usage;
  event.usage = *usage;
}

class MessageDecoder final : public WholeBodyDecoder {
 public:
  explicit MessageDecoder(AnswerContext context) : context_(std::move(context)), events_(context_) {}

 private:
  // A path that does not exist is answered with 200 and a body without a message.
  Result<Batch> decode(const std::string& body) override {
    auto said = read_said(body);
    if (!said || !said->has_message) return upstream_garbage();
    if (is_malformed(said->stop_reason)) return upstream_malformed();
    Batch batch;
    batch.unknown = std::move(said->unknown);
    events_.start(batch);
    for (std::size_t i = 0; i < said->content.size(); ++i) {
      put(events_, static_cast<std::uint32_t>(i), std::move(said->content[i]), batch);
      events_.end_block(batch);
    }
    events_.finish(converse_finish_reason(said->stop_reason), batch);
    put_usage(said->usage, batch);
    return batch;
  }

  AnswerContext context_;
  AnswerEvents events_;
};

class StreamDecoder final : public AnswerDecoder {
 public:
  explicit StreamDecoder(AnswerContext context) : context_(std::move(context)), events_(context_) {}

  std::string& input() override { return parser_.input(); }

  Result<std::optional<Batch>> next() override {
    while (true) {
      TG_TRY(const auto message, parser_.next());
      if (!message) return std::optional<Batch>();
      TG_TRY(auto batch, decode(*message));
      if (!batch.events.empty() || !batch.unknown.empty()) return std::optional(std::move(batch));
    }
  }

  // The stream has no end marker but the end of the body.
  Result<std::optional<Batch>> end() override {
    TG_TRY(auto batch, next());
    if (batch) return std::move(batch);
    if (!events_.finished() || !parser_.at_boundary()) return upstream_cut();
    if (std::exchange(ended_, true)) return std::optional<Batch>();
    Batch last;
    last.events.emplace_back().kind = Event::Kind::done;
    return std::optional(std::move(last));
  }

 private:
  Result<Batch> decode(const EventMessage& message) {
    if (auto error = converse_fault(message)) return *std::move(error);
    auto said = read_said(message.payload);
    if (!said || said->index >= kMaxBlocks) return upstream_garbage();
    return event(message.event_type, std::move(*said));
  }

  Result<Batch> event(std::string_view type, Said said) {
    Batch batch;
    batch.unknown = std::move(said.unknown);
    note_unless(known::kConverseEvents, Unknown::What::event, type, batch.unknown);
    if (type == "messageStart") {
      events_.start(batch);
    } else if (type == "contentBlockStart" || type == "contentBlockDelta") {
      put(events_, said.index, std::move(said.block), batch);
    } else if (type == "contentBlockStop") {
      events_.end_block(batch);
    } else if (type == "messageStop") {
      if (is_malformed(said.stop_reason)) return upstream_malformed();
      events_.finish(converse_finish_reason(said.stop_reason), batch);
    } else if (type == "metadata") {
      put_usage(said.usage, batch);
    }
    return batch;
  }

  AnswerContext context_;
  AnswerEvents events_;
  EventStreamParser parser_;
  bool ended_ = false;
};

}  // namespace

std::string_view converse_finish_reason(std::string_view stop_reason) {
  if (stop_reason == "tool_use") return "tool_calls";
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded") return "length";
  if (stop_reason == "guardrail_intervened" || stop_reason == "content_filtered") return "content_filter";
  return "stop";  // end_turn, stop_sequence
}

Usage read_converse_usage(JsonReader& reader) {
  Usage usage;
  std::int64_t input = -1;
  reader.enter_object();
  while (reader.next_member()) {
    const auto key = reader.key();
    if (key == "inputTokens")
      input = read_count(reader);
    else if (key == "outputTokens")
      usage.output = read_count(reader);
    else if (key == "cacheReadInputTokens")
      usage.cached_input = std::max<std::int64_t>(read_count(reader), 0);
    else if (key == "cacheWriteInputTokens")
      usage.cache_write = std::max<std::int64_t>(read_count(reader), 0);
    else
      reader.skip();
  }
  if (input >= 0) usage.input = input + usage.cached_input + usage.cache_write;
  return usage;
}

std::optional<Error> converse_fault(const EventMessage& message) {
  if (message.message_type == "error") {
    Said words;
    words.error_message = message.error_message;
    return fault(message.error_code, 500, std::move(words));
  }
  if (message.message_type != "exception") return std::nullopt;
  return fault(message.exception_type, 500, read_said(message.payload).value_or(Said{}));
}

std::unique_ptr<AnswerDecoder> converse_decoder(AnswerContext context, std::string_view content_type) {
  if (is_aws_event_stream(content_type)) return std::make_unique<StreamDecoder>(std::move(context));
  return std::make_unique<MessageDecoder>(std::move(context));
}

Error decode_bedrock_error(const ErrorAnswer& answer) {
  auto said = read_said(answer.body).value_or(Said{});
  const std::string type(answer.aws_error_type.empty() ? std::string_view(said.error_type) : answer.aws_error_type);
  Error error = fault(type, answer.status, std::move(said));
  error.retry_after = retry_hint(answer.retry_after_ms, answer.retry_after, answer.date);
  return error;
}

}  // namespace tollgate::providers
