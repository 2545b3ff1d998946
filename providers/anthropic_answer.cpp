// Anthropic Messages answers and refusals (Anthropic API reference: messages, streaming, errors).
#include <algorithm>
#include <utility>

#include "providers/answer_events.h"
#include "providers/anthropic.h"
#include "providers/chat_usage.h"
#include "providers/json_reader.h"
#include "providers/provider_fault.h"
#include "providers/sse.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

constexpr std::size_t kMaxFrame = 1024 * 1024;
constexpr std::uint32_t kMaxBlocks = 4096;

// A content block, or a delta of one: their members do not overlap.
struct Block {
  std::string type;
  std::string text;
  std::string thinking;
  std::string signature;
  std::string data;
  std::string id;
  std::string name;
  std::string input;  // JSON text
  std::string partial_json;
  std::string stop_reason;    // of a message's delta
  std::string stop_sequence;  // likewise
};

// What one event of a stream, a whole message or an error body says, flat.
struct Said {
  std::string type;
  std::uint32_t index = 0;
  Block block;                 // content_block or delta
  std::vector<Block> content;  // of a whole message
  std::string stop_reason;
  std::string stop_sequence;
  std::string model;
  Usage usage;
  std::string error_type;
  std::string error_message;
};

class SaidReader {
 public:
  explicit SaidReader(std::string_view json) : in_(json) {}

  std::optional<Said> run() {
    if (in_.peek() != Kind::object) return std::nullopt;
    members();
    if (!in_.at_end()) return std::nullopt;
    return std::move(said_);
  }

 private:
  void text(std::string& out) {
    if (in_.peek() != Kind::string) return skip();
    out = in_.decode(in_.string());
  }
  void skip() { in_.skip(); }
  template <class Member>
  void object(Member&& member) {
    if (in_.peek() != Kind::object) return skip();
    in_.enter_object();
    while (in_.next_member()) member(in_.key());
  }

  // An event, or the message in `message`: the same names mean the same.
  void members() {
    object([this](std::string_view key) {
      if (key == "type") return text(said_.type.empty() ? said_.type : ignored_);
      if (key == "index") return index();
      if (key == "content_block" || key == "delta") return block(said_.block);
      if (key == "message" && in_.peek() == Kind::object) return nested_message();
      if (key == "content") return content();
      if (key == "stop_reason") return text(said_.stop_reason);
      if (key == "stop_sequence") return text(said_.stop_sequence);
      if (key == "model") return text(said_.model);
      if (key == "usage") return usage();
      if (key == "error") return error();
      skip();
    });
  }

  // Its `type` is not the event's.
  void nested_message() {
    const std::string type = std::exchange(said_.type, "message");
    members();
    said_.type = type;
  }

  void index() {
    const auto value = read_count(in_);
    said_.index = value < 0 || value > kMaxBlocks ? kMaxBlocks : static_cast<std::uint32_t>(value);
  }

  void block(Block& out) {
    object([&](std::string_view key) {
      static constexpr std::pair<std::string_view, std::string Block::*> kTexts[] = {
          {"type", &Block::type},
          {"text", &Block::text},
          {"thinking", &Block::thinking},
          {"signature", &Block::signature},
          {"data", &Block::data},
          {"id", &Block::id},
          {"name", &Block::name},
          {"partial_json", &Block::partial_json},
          {"stop_reason", &Block::stop_reason},
          {"stop_sequence", &Block::stop_sequence}};
      for (const auto& [name, field] : kTexts)
        if (key == name) return text(out.*field);
      const bool input = key == "input";
      const Span span = in_.skip();
      if (input) out.input = in_.view(span);
    });
  }

  void content() {
    if (in_.peek() != Kind::array) return skip();
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
    said_.usage = read_message_usage(in_);
  }

  void error() {
    object([this](std::string_view key) {
      if (key == "type") return text(said_.error_type);
      if (key == "message") return text(said_.error_message);
      skip();
    });
  }

  JsonReader in_;
  Said said_;
  std::string ignored_;
};

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

// Blocks -> events, for both kinds of answers.
class Translator {
 public:
  explicit Translator(AnswerContext context) : context_(std::move(context)), events_(context_) {}
  Translator(const Translator&) = delete;
  Translator& operator=(const Translator&) = delete;

  void open(std::uint32_t number, Block block, Batch& batch) {
    if (block.type == "redacted_thinking") return events_.redacted(std::move(block.data), batch);
    if (block.type == "tool_use") {
      events_.begin_call(number, std::move(block.id), block.name, batch);
      if (block.input != "{}") events_.arguments(number, std::move(block.input), batch);
      return;
    }
    piece(number, std::move(block), batch);
  }

  // Of a block, or all of one. Kinds that nobody asked for, such as a server's own tool calls, make no event.
  void piece(std::uint32_t number, Block block, Batch& batch) {
    const std::string& type = block.type;
    if (type == "text" || type == "text_delta") events_.text(std::move(block.text), batch);
    if (type == "thinking" || type == "thinking_delta") events_.reasoning(std::move(block.thinking), batch);
    if (type == "thinking" || type == "signature_delta") events_.signature(block.signature);
    if (type == "input_json_delta") events_.arguments(number, std::move(block.partial_json), batch);
  }

  void close(Batch& batch) { events_.end_block(batch); }
  void start(Batch& batch) { events_.start(batch); }

  void finish(std::string_view stop_reason, std::string stop_sequence, const Usage& usage, Batch& batch) {
    events_.finish(finish_word(stop_reason), batch, std::move(stop_sequence));
    if (!usage.known()) return;
    Event& event = batch.events.emplace_back();
    event.kind = Event::Kind::usage;
    event.usage = usage;
  }

  bool finished() const { return events_.finished(); }

 private:
  AnswerContext context_;
  AnswerEvents events_;
};

class MessageDecoder final : public WholeBodyDecoder {
 public:
  explicit MessageDecoder(AnswerContext context) : translator_(std::move(context)) {}

 private:
  Result<Batch> decode(const std::string& body) override {
    auto said = valid_utf8(body) ? SaidReader(body).run() : std::nullopt;
    if (!said) return upstream_garbage();
    if (said->type == "error") return anthropic_fault(said->error_type, std::move(said->error_message));
    if (said->type != "message") return upstream_garbage();
    Batch batch;
    batch.served_model = std::move(said->model);
    translator_.start(batch);
    for (std::size_t i = 0; i < said->content.size(); ++i) {
      translator_.open(static_cast<std::uint32_t>(i), std::move(said->content[i]), batch);
      translator_.close(batch);
    }
    translator_.finish(said->stop_reason, std::move(said->stop_sequence), merged({}, said->usage), batch);
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
      TG_TRY(auto batch, decode(frame->data));
      if (!batch.events.empty()) return std::optional(std::move(batch));
    }
  }

  Result<Batch> decode(std::string_view data) {
    auto said = valid_utf8(data) ? SaidReader(data).run() : std::nullopt;
    if (!said || said->index >= kMaxBlocks) return upstream_garbage();
    if (said->type == "error") return anthropic_fault(said->error_type, std::move(said->error_message));
    Batch batch;
    if (said->type == "message_start") said->usage.output = -1;  // a beginning: an answer that breaks off has more
    usage_ = merged(usage_, said->usage);
    if (said->type == "message_start") {
      batch.served_model = std::move(said->model);
      translator_.start(batch);
      if (usage_.input >= 0) batch.events.push_back(prompt_usage(usage_));
    } else if (said->type == "content_block_start") {
      translator_.open(said->index, std::move(said->block), batch);
    } else if (said->type == "content_block_delta") {
      translator_.piece(said->index, std::move(said->block), batch);
    } else if (said->type == "content_block_stop") {
      translator_.close(batch);
    } else if (said->type == "message_delta" && !said->block.stop_reason.empty()) {
      translator_.finish(said->block.stop_reason, std::move(said->block.stop_sequence), usage_, batch);
    } else if (said->type == "message_stop") {
      if (!translator_.finished()) translator_.finish("end_turn", {}, usage_, batch);
      batch.events.emplace_back().kind = Event::Kind::done;
    } else if (said->type == "ping" && content_) {
      batch.events.emplace_back();  // opaque: nobody sees it, but the provider is alive
    }
    content_ = content_ || batch.has_content();
    return batch;
  }

  Translator translator_;
  SseParser parser_;
  Usage usage_;
  bool content_ = false;
};

}  // namespace

std::string_view finish_word(std::string_view stop_reason) {
  if (stop_reason == "tool_use") return "tool_calls";
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded") return "length";
  if (stop_reason == "refusal") return "content_filter";
  return "stop";  // end_turn, stop_sequence, pause_turn
}

Error anthropic_fault(std::string_view type, std::string message) { return fault(status_of(type), std::move(message)); }

std::unique_ptr<AnswerDecoder> anthropic_decoder(AnswerContext context, std::string_view content_type) {
  if (is_event_stream(content_type)) return std::make_unique<StreamDecoder>(std::move(context));
  return std::make_unique<MessageDecoder>(std::move(context));
}

Error decode_anthropic_error(const ErrorAnswer& answer) {
  auto said = valid_utf8(answer.body) ? SaidReader(answer.body).run() : std::nullopt;
  Error error = fault(answer.status, said ? std::move(said->error_message) : std::string());
  error.retry_after = retry_hint(answer.retry_after_ms, answer.retry_after, answer.date);
  return error;
}

}  // namespace tollgate::providers
