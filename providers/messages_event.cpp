// Events and bodies of Anthropic's Messages API (Anthropic API reference: messages, streaming): what they say, and
// where. No tree is built; fields nobody here knows stay in the frame.
#include "providers/messages_event.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "providers/anthropic.h"
#include "providers/chat_usage.h"
#include "providers/error_words.h"
#include "providers/json_reader.h"
#include "providers/known_names.h"
#include "providers/messages_blocks.h"
#include "providers/sse.h"
#include "providers/unknown.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;
using K = Event::Kind;

constexpr std::uint32_t kMaxBlocks = 4096;

class MessageWalk {
 public:
  MessageWalk(std::string_view json, std::uint32_t base) : in_(json, base) {}

  Result<Batch> run() {
    if (in_.peek() != Kind::object) return upstream_garbage();
    in_.enter_object();
    while (in_.next_member()) member();
    if (!in_.at_end() || index_ >= kMaxBlocks) return upstream_garbage();
    if (type_ == "error") return anthropic_fault(std::move(error_));
    conclude();
    return std::move(batch_);
  }

  const std::string& type() const { return type_; }

 private:
  // --- top level: of an event, or of a whole message ---

  void member() {
    const auto key = in_.key();
    if (key == "type") return read_text(in_, type_);
    if (key == "index") return index();
    if (key == "content_block" || key == "delta") return block();
    if (key == "message") return message();
    if (key == "error") return static_cast<void>(read_error(in_, error_));
    message_member();
  }

  void message_member() {
    const auto key = in_.key();
    if (key == "content") return content();
    if (key == "id") return token(batch_.id_value);
    if (key == "model") return model();
    if (key == "stop_reason") return read_text(in_, stop_reason_);
    if (key == "stop_sequence") return read_text(in_, stop_sequence_);
    if (key == "usage" && in_.peek() == Kind::object) {
      usage_ = read_message_usage(in_);
      return;
    }
    unread(known::kMessage);
  }

  void message() {
    if (in_.peek() != Kind::object) return unread();
    in_.enter_object();
    while (in_.next_member()) message_member();
  }

  void skip() { in_.skip(); }
  void unread(Names known = {}) { skip_member(in_, known, batch_.unknown); }
  void token(std::optional<Span>& where) { where = in_.skip(); }

  void model() {
    if (in_.peek() != Kind::string) return skip();
    const JsonString name = in_.string();
    batch_.model_value = name.quoted();
    batch_.served_model = in_.decode(name);
  }

  void index() {
    const auto value = read_count(in_);
    index_ = value < 0 || value > kMaxBlocks ? kMaxBlocks : static_cast<std::uint32_t>(value);
  }

  void content() {
    if (in_.peek() != Kind::array) return unread();
    in_.enter_array();
    for (std::uint32_t number = 0; in_.next_element(); ++number) {
      const std::size_t first = batch_.events.size();
      block();
      add(K::block_end);
      for (std::size_t i = first; i < batch_.events.size(); ++i) batch_.events[i].block = number;
      if (number == kMaxBlocks) index_ = kMaxBlocks;
    }
  }

  // --- a content block, or a delta of one: their members do not overlap ---

  void block() {
    if (in_.peek() != Kind::object) return skip();
    Event call;
    std::string type;
    std::string data;
    const std::size_t first = batch_.events.size();
    in_.enter_object();
    while (in_.next_member()) {
      const auto key = in_.key();
      if (key == "type")
        read_text(in_, type);
      else if (key == "id")
        read_text(in_, call.id);
      else if (key == "name")
        read_text(in_, call.text);
      else if (key == "data")
        read_text(in_, data);
      else
        block_member();
    }
    if (!type.empty()) note_unless(known::kMessagesBlocks, Unknown::What::block, type, batch_.unknown);
    if (type == "redacted_thinking" && !data.empty()) add(K::redacted).text = std::move(data);
    if (type != "tool_use") return;
    call.kind = K::tool_call;
    batch_.events.insert(batch_.events.begin() + static_cast<std::ptrdiff_t>(first), std::move(call));
  }

  void block_member() {
    const auto key = in_.key();
    if (key == "text") return string_event(K::text);
    if (key == "thinking") return string_event(K::reasoning);
    if (key == "signature") return string_event(K::signature);
    if (key == "partial_json") return string_event(K::arguments);
    if (key == "input") return input();
    if (key == "stop_reason") return read_text(in_, stop_reason_);
    if (key == "stop_sequence") return read_text(in_, stop_sequence_);
    if (key == "citation" || key == "citations" || key == "content") return annotations();
    unread(known::kMessagesBlock);
  }

  Event& add(K kind) {
    Event& event = batch_.events.emplace_back();
    event.kind = kind;
    return event;
  }

  // Empty strings open a block; they say nothing.
  void string_event(K kind) {
    if (in_.peek() != Kind::string) return unread();
    const JsonString string = in_.string();
    if (string.inside.length == 0) return;
    Event& event = add(kind);
    event.text = in_.decode(string);
    event.span = string.inside;
  }

  // Whole arguments: JSON as it stands. An empty object opens a block whose arguments follow.
  void input() {
    if (in_.peek() != Kind::object) return unread();
    const Span span = in_.skip();
    if (!in_.ok()) return;
    const std::string_view json = in_.view(span);
    if (json.find_first_not_of(" \t\r\n", 1) == json.size() - 1) return;
    Event& event = add(K::arguments);
    event.text = json;
    event.span = span;
  }

  // Texts that a citation cites, and that a provider's own tool found. Recursive: the reader bounds the depth.
  void annotations() {
    if (in_.peek() == Kind::string) return string_event(K::annotation);
    if (in_.peek() == Kind::array) {
      in_.enter_array();
      while (in_.next_element()) annotations();
    } else if (in_.peek() == Kind::object) {
      in_.enter_object();
      while (in_.next_member()) {
        const bool reference = is_reference(in_.key()) && in_.peek() == Kind::string;
        if (reference)
          in_.skip();
        else
          annotations();
      }
    } else {
      in_.skip();
    }
  }

  // --- what it was ---

  void conclude() {
    note_unless(known::kMessagesEvents, Unknown::What::event, type_, batch_.unknown);
    if (type_ != "message")
      for (Event& event : batch_.events) event.block = index_;
    if (type_ == "message_start") {
      add(K::start);
      if (usage_) usage_->output = -1;  // what it tells there is a beginning: an answer that breaks off has more
    }
    if (type_ == "content_block_stop") add(K::block_end).block = index_;
    if (!stop_reason_.empty()) {
      Event& finish = add(K::finish);
      finish.text = finish_word(stop_reason_);
      finish.id = std::move(stop_sequence_);
    }
    if (usage_) add(K::usage).usage = *usage_;
    if (type_ == "message_stop") add(K::done);
    if (batch_.events.empty()) add(type_ == "content_block_start" ? K::start : K::opaque);
  }

  JsonReader in_;
  Batch batch_;
  std::string type_;
  std::uint32_t index_ = 0;
  std::string stop_reason_;
  std::string stop_sequence_;
  std::optional<Usage> usage_;
  ProviderWords error_;
};

// The event's name, for a frame that has to be written anew.
std::string name_in(std::string_view data) {
  std::string name;
  JsonReader in(data);
  walk_object(in, [&](std::string_view key) { key == "type" ? read_text(in, name) : static_cast<void>(in.skip()); });
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::islower(c) || c == '_'; });
  return plain ? name : std::string();
}

}  // namespace

Result<Batch> decode_messages_event(std::string frame, std::string_view data, std::size_t data_offset) {
  if (data_offset == SseFrame::kNoOffset) {
    OneLineFrame one = on_one_line("event: " + name_in(data) + "\n", data);
    return decode_messages_event(std::move(one.bytes), data, one.data_offset);
  }
  const auto json = std::string_view(frame).substr(data_offset, data.size());
  if (!valid_utf8(json)) return upstream_garbage();
  TG_TRY(Batch batch, MessageWalk(json, static_cast<std::uint32_t>(data_offset)).run());
  batch.frame = std::move(frame);
  return batch;
}

Result<Batch> decode_messages_response(std::string body) {
  if (!valid_utf8(body)) return upstream_garbage();
  MessageWalk walk(body, 0);
  TG_TRY(Batch batch, walk.run());
  if (walk.type() != "message") return upstream_garbage();
  batch.events.emplace_back().kind = K::done;
  batch.frame = std::move(body);
  batch.whole_body = true;
  return batch;
}

Result<Batch> decode_count_response(std::string body) {
  Batch batch;
  std::int64_t tokens = -1;
  JsonReader in(body);
  if (in.peek() != Kind::object) return upstream_garbage();
  in.enter_object();
  while (in.next_member()) {
    if (in.key() == "input_tokens" || in.key() == "totalTokens")
      tokens = read_count(in);
    else
      in.skip();
  }
  if (!in.at_end() || tokens < 0 || !valid_utf8(body)) return upstream_garbage();
  Event& usage = batch.events.emplace_back();
  usage.kind = K::usage;
  usage.usage.input = tokens;
  batch.events.emplace_back().kind = K::done;
  batch.frame = std::move(body);
  batch.whole_body = true;
  return batch;
}

Error decode_messages_error(const ErrorAnswer& answer) {
  Error error = decode_anthropic_error(answer);
  error.upstream_status = answer.status;
  const bool callers = error.kind == ErrorKind::invalid_request || error.kind == ErrorKind::not_found ||
                       error.kind == ErrorKind::payload_too_large;
  if (callers && name_in(answer.body) == "error" && valid_utf8(answer.body)) error.upstream_body = answer.body;
  return error;
}

}  // namespace tollgate::providers
