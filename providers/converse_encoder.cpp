// The way back to a client of Converse: Bedrock's own messages are edited in place, everything else is written here
// (Amazon Bedrock API reference: Converse, ConverseStream).
#include <algorithm>
#include <utility>

#include "providers/chat_writer.h"
#include "providers/converse_call.h"
#include "providers/event_stream.h"
#include "providers/frame_edits.h"
#include "providers/json_writer.h"
#include "providers/messages_writer.h"

namespace tollgate::providers {
namespace {

using K = Event::Kind;
using Type = MessageBlock::Type;

// Clients look for it; what it was the gateway's own figures tell.
constexpr std::string_view kMetrics = R"({"latencyMs":0})";

std::string_view stop_reason(const MessageEnd& end) {
  return end.word() == "refusal" ? "content_filtered" : end.word();
}

// inputTokens is without what caches served and took, totalTokens is with them; ours includes both.
void write_usage(const Usage& usage, JsonWriter& out) {
  const std::int64_t input = std::max<std::int64_t>(usage.input, 0);
  const std::int64_t output = std::max<std::int64_t>(usage.output, 0);
  const std::int64_t cached = std::max<std::int64_t>(usage.cached_input, 0);
  const std::int64_t written = std::max<std::int64_t>(usage.cache_write, 0);
  out.begin_object("usage");
  out.number("inputTokens", std::max<std::int64_t>(input - cached - written, 0));
  out.number("outputTokens", output);
  out.number("totalTokens", input + output);
  if (cached > 0) out.number("cacheReadInputTokens", cached);
  if (written > 0) out.number("cacheWriteInputTokens", written);
  out.end_object();
}

// The field holds bytes.
std::string_view sealed(const MessageBlock& block) { return is_base64(block.text) ? std::string_view(block.text) : ""; }

void write_call(const MessageBlock& block, JsonWriter& out) {
  out.begin_object("toolUse");
  out.string("toolUseId", block.id);
  out.string("name", block.name);
}

void write_block(const MessageBlock& block, JsonWriter& out) {
  out.begin_object();
  if (block.type == Type::text) {
    out.string("text", block.text);
  } else if (block.type == Type::call) {
    write_call(block, out);
    out.raw("input", arguments_object(block.text));
    out.end_object();
  } else {
    out.begin_object("reasoningContent");
    if (block.type == Type::redacted) {
      out.string("redactedContent", sealed(block));
    } else {
      out.begin_object("reasoningText");
      out.string("text", block.text);
      if (!block.signature.empty()) out.string("signature", block.signature);
      out.end_object();
    }
    out.end_object();
  }
  out.end_object();
}

// A message of the stream whose payload is an object: begin, add members, end.
class MessageWriter {
 public:
  explicit MessageWriter(std::string_view type) : type_(type) { json.begin_object(); }
  MessageWriter(std::string_view type, std::uint32_t index) : MessageWriter(type) {
    json.number("contentBlockIndex", std::int64_t{index});
  }
  void end(std::string& out) {
    json.end_object();
    out += encode_event_message("event", type_, json.take());
  }
  JsonWriter json;

 private:
  std::string_view type_;
};

// {"delta":{MEMBER:TEXT}}, inside the object `around` where one is named.
void write_delta(std::uint32_t index, std::string_view around, std::string_view member, std::string_view text,
                 std::string& out) {
  MessageWriter message("contentBlockDelta", index);
  message.json.begin_object("delta");
  if (!around.empty()) message.json.begin_object(around);
  message.json.string(member, text);
  if (!around.empty()) message.json.end_object();
  message.json.end_object();
  message.end(out);
}

class ConverseForm final : public BlockForm {
 public:
  std::string_view call_id_prefix() const override { return "tooluse_"; }

  void begin(std::string& out) const override {
    MessageWriter message("messageStart");
    message.json.string("role", "assistant");
    message.end(out);
  }

  // Text and reasoning begin with their first piece.
  void open(std::uint32_t index, const MessageBlock& block, std::string& out) const override {
    if (block.type == Type::redacted) write_delta(index, "reasoningContent", "redactedContent", sealed(block), out);
    if (block.type != Type::call) return;
    MessageWriter message("contentBlockStart", index);
    message.json.begin_object("start");
    write_call(block, message.json);
    message.json.end_object();
    message.json.end_object();
    message.end(out);
  }

  void piece(std::uint32_t index, K kind, std::string_view text, std::string& out) const override {
    if (kind == K::text || kind == K::refusal) write_delta(index, "", "text", text, out);
    if (kind == K::reasoning) write_delta(index, "reasoningContent", "text", text, out);
    if (kind == K::signature) write_delta(index, "reasoningContent", "signature", text, out);
    if (kind == K::arguments) write_delta(index, "toolUse", "input", text, out);
  }

  void close(std::uint32_t index, std::string& out) const override {
    MessageWriter("contentBlockStop", index).end(out);
  }

  void end(const MessageEnd& end, std::string& out) const override {
    MessageWriter stop("messageStop");
    stop.json.string("stopReason", stop_reason(end));
    stop.end(out);
    MessageWriter metadata("metadata");
    write_usage(end.usage(), metadata.json);
    metadata.json.raw("metrics", kMetrics);
    metadata.end(out);
  }

  void body(const std::vector<MessageBlock>& blocks, const MessageEnd& end, std::string& out) const override {
    JsonWriter json;
    json.begin_object();
    json.begin_object("output");
    json.begin_object("message");
    json.string("role", "assistant");
    json.begin_array("content");
    for (const MessageBlock& block : blocks) write_block(block, json);
    json.end_array();
    json.end_object();
    json.end_object();
    json.string("stopReason", stop_reason(end));
    write_usage(end.usage(), json);
    json.raw("metrics", kMetrics);
    json.end_object();
    out += json.take();
  }
};

// Only these may come in a stream.
std::string_view exception_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::rate_limited:
      return "throttlingException";
    case ErrorKind::overloaded:
      return "serviceUnavailableException";
    case ErrorKind::invalid_request:
      return "validationException";
    case ErrorKind::upstream_error:
    case ErrorKind::upstream_timeout:
      return "modelStreamErrorException";
    default:
      return "internalServerException";
  }
}

class ConverseEncoder final : public ClientEncoder {
 public:
  explicit ConverseEncoder(EncoderOptions options)
      : options_(std::move(options)), stream_(form_, options_.id), body_(form_, options_.id) {}

  void write(const Batch& batch, const std::vector<bool>& changed, std::string& out) override {
    if (ended_) return;
    const bool same_form = batch.whole_body != options_.stream;
    if (!batch.frame.empty() && same_form) return frame(batch, changed, out);
    if (options_.stream)
      stream_.events(batch.events, out);
    else
      body_.events(batch.events);
  }

  void write_text(std::uint32_t choice, std::uint32_t block, K kind, std::string_view text, std::string& out) override {
    if (ended_ || text.empty()) return;
    if (options_.stream && in_place_) return form_.piece(block, kind, text, out);
    Event event;
    event.kind = kind;
    event.choice = choice;
    event.block = block;
    event.text = text;
    if (options_.stream)
      stream_.text(event, out);
    else
      body_.text(event);
  }

  void finish(std::string& out) override {
    if (std::exchange(ended_, true) || in_place_) return;
    if (options_.stream)
      stream_.end(out);
    else
      body_.write(out);
  }

  void fail(const Error& error, std::string& out) override {
    if (std::exchange(ended_, true) || !options_.stream) return;
    out +=
        encode_event_message("exception", exception_of(error.kind), encode_converse_error(error, options_.request_id));
  }

 private:
  void frame(const Batch& batch, const std::vector<bool>& changed, std::string& out) {
    in_place_ = true;
    std::vector<Edit> edits;
    for (std::size_t i = 0; i < batch.events.size() && i < changed.size(); ++i)
      if (changed[i] && batch.events[i].span) edits.push_back(edit_of(batch.frame, batch.events[i]));
    if (edits.empty() || batch.whole_body) return append_frame(out, batch.frame, std::move(edits));
    const std::string_view payload = read_event_message(batch.frame).payload;
    for (Edit& edit : edits) edit.span.offset -= static_cast<std::uint32_t>(payload.data() - batch.frame.data());
    out += with_payload(batch.frame, splice(payload, std::move(edits)));
  }

  EncoderOptions options_;
  ConverseForm form_;
  MessageStream stream_;
  MessageBody body_;
  bool in_place_ = false;  // a provider's frames went out: it numbers the blocks and says the end itself
  bool ended_ = false;
};

struct Name {
  ErrorKind kind;
  std::string_view type;
};
constexpr Name kNames[] = {{ErrorKind::unauthenticated, "UnrecognizedClientException"},
                           {ErrorKind::permission_denied, "AccessDeniedException"},
                           {ErrorKind::budget_exceeded, "ServiceQuotaExceededException"},
                           {ErrorKind::not_found, "ResourceNotFoundException"},
                           {ErrorKind::rate_limited, "ThrottlingException"},
                           {ErrorKind::request_timeout, "ModelTimeoutException"},
                           {ErrorKind::upstream_timeout, "ModelTimeoutException"},
                           {ErrorKind::overloaded, "ServiceUnavailableException"},
                           {ErrorKind::upstream_error, "ModelErrorException"},
                           {ErrorKind::internal, "InternalServerException"}};

}  // namespace

std::unique_ptr<ClientEncoder> converse_encoder(EncoderOptions options) {
  return std::make_unique<ConverseEncoder>(std::move(options));
}

std::string encode_converse_error(const Error& error, std::string_view /*request_id*/) {
  JsonWriter out;
  out.begin_object();
  out.string("message", error.message);
  out.end_object();
  return out.take();
}

std::string_view converse_error_type(const Error& error) {
  for (const auto& [kind, type] : kNames)
    if (kind == error.kind) return type;
  return "ValidationException";
}

}  // namespace tollgate::providers
