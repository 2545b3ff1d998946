// Converse's answers, read where they stand (Amazon Bedrock API reference: Converse, ConverseStream).
#include "providers/converse_event.h"

#include <algorithm>

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
using K = Event::Kind;

constexpr std::int64_t kMaxBlocks = 4096;

class AnswerWalk {
 public:
  AnswerWalk(std::string_view json, std::uint32_t base) : in_(json, base) {}

  // false: it is no such answer.
  bool run() {
    if (in_.peek() != Kind::object) return false;
    walk_object(in_, [this](std::string_view key) { member(key); });
    return in_.at_end();
  }

  // Of a stream's message.
  void conclude(std::string_view type) {
    note_unless(known::kConverseEvents, Unknown::What::event, type, batch_.unknown);
    if (type == "messageStart") add(K::start);
    for (Event& event : batch_.events) event.block = index_;
    if (type == "contentBlockStop") add(K::block_end).block = index_;
    finish();
  }

  // Why it stopped and what it cost come last.
  void finish() {
    if (!stop_reason_.empty()) add(K::finish).text = converse_finish_reason(stop_reason_);
    if (usage_ && usage_->known()) add(K::usage).usage = *usage_;
    if (batch_.events.empty()) add(K::opaque);
  }

  bool has_message() const { return has_message_; }
  Batch& batch() { return batch_; }

 private:
  void skip() { in_.skip(); }
  void unread(Names known = {}, Unknown::What what = Unknown::What::member) {
    skip_member(in_, known, batch_.unknown, what);
  }

  void member(std::string_view key) {
    if (key == "contentBlockIndex") return index();
    if (key == "start" || key == "delta") return block();
    if (key == "output") return output();
    if (key == "stopReason" && in_.peek() == Kind::string) {
      stop_reason_ = in_.decode(in_.string());
      return;
    }
    if (key == "usage" && in_.peek() == Kind::object) {
      usage_ = read_converse_usage(in_);
      return;
    }
    unread(known::kConverse);
  }

  void index() { index_ = static_cast<std::uint32_t>(std::clamp<std::int64_t>(read_count(in_), 0, kMaxBlocks)); }

  void output() {
    walk_object(in_, [this](std::string_view key) {
      if (key != "message" || in_.peek() != Kind::object) return unread();
      has_message_ = true;
      walk_object(in_, [this](std::string_view inner) {
        if (inner != "content" || in_.peek() != Kind::array) return unread(known::kConverse);
        in_.enter_array();
        while (in_.next_element()) whole_block();
      });
    });
  }

  void whole_block() {
    const std::size_t first = batch_.events.size();
    block();
    for (std::size_t i = first; i < batch_.events.size(); ++i) batch_.events[i].block = index_;
    add(K::block_end).block = index_++;
  }

  // A block, its start or a piece of it: a union on the wire.
  void block() {
    walk_object(in_, [this](std::string_view key) {
      if (key == "text") return text(K::text);
      if (key == "toolUse") return call();
      if (key == "reasoningContent") return reasoning();
      if (key == "citation" || key == "citationsContent") return annotations();
      unread(known::kConverseBlock, Unknown::What::block);
    });
  }

  void call() {
    std::optional<std::size_t> named;
    walk_object(in_, [&](std::string_view key) {
      if (key == "input") return arguments();
      if ((key != "toolUseId" && key != "name") || in_.peek() != Kind::string) return unread(known::kConverseCall);
      const bool id = key == "toolUseId";
      if (!named) {
        named = batch_.events.size();
        add(K::tool_call);
      }
      Event& event = batch_.events[*named];
      (id ? event.id : event.text) = in_.decode(in_.string());
    });
  }

  // A piece of JSON text in a stream, an object in a body.
  void arguments() {
    if (in_.peek() == Kind::string) return text(K::arguments);
    if (in_.peek() != Kind::object) return unread();
    const Span span = in_.skip();
    Event& event = add(K::arguments);
    event.text = in_.view(span);
    event.span = span;
  }

  // Pieces stand in reasoningContent itself, a whole block in its reasoningText.
  void reasoning() {
    walk_object(in_, [this](std::string_view key) {
      if (key == "reasoningText") return reasoning();
      if (key == "text") return text(K::reasoning);
      const bool proof_of_it = (key == "signature" || key == "redactedContent") && in_.peek() == Kind::string;
      if (!proof_of_it) return unread();
      const K kind = key == "signature" ? K::signature : K::redacted;
      std::string proof = in_.decode(in_.string());
      add(kind).text = std::move(proof);
    });
  }

  void text(K kind) {
    if (in_.peek() != Kind::string) return unread();
    const JsonString string = in_.string();
    if (string.inside.length == 0) return;
    Event& event = add(kind);
    event.text = in_.decode(string);
    event.span = string.inside;
  }

  // What citations cite, and the text they stand under. Recursive: the reader bounds the depth.
  void annotations() {
    if (in_.peek() == Kind::string) return text(K::annotation);
    if (in_.peek() == Kind::array) {
      in_.enter_array();
      while (in_.next_element()) annotations();
      return;
    }
    walk_object(in_, [this](std::string_view) { annotations(); });
  }

  Event& add(K kind) {
    Event& event = batch_.events.emplace_back();
    event.kind = kind;
    return event;
  }

  JsonReader in_;
  Batch batch_;
  std::uint32_t index_ = 0;
  std::string stop_reason_;
  std::optional<Usage> usage_;
  bool has_message_ = false;
};

}  // namespace

Result<Batch> decode_converse_event(std::string frame, std::string_view /*data*/, std::size_t data_offset) {
  const EventMessage message = read_event_message(frame);
  if (auto error = converse_fault(message)) return *std::move(error);
  if (!valid_utf8(message.payload)) return upstream_garbage();
  AnswerWalk walk(message.payload, static_cast<std::uint32_t>(data_offset));
  if (!walk.run()) return upstream_garbage();
  walk.conclude(message.event_type);
  walk.batch().frame = std::move(frame);
  return std::move(walk.batch());
}

Result<Batch> decode_converse_response(std::string body) {
  AnswerWalk walk(body, 0);
  // A path that does not exist is answered with 200 and a body without a message.
  if (!valid_utf8(body) || !walk.run() || !walk.has_message()) return upstream_garbage();
  walk.finish();
  walk.batch().events.emplace_back().kind = K::done;
  walk.batch().frame = std::move(body);
  walk.batch().whole_body = true;
  return std::move(walk.batch());
}

}  // namespace tollgate::providers
