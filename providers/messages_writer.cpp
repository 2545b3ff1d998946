#include "providers/messages_writer.h"

#include <algorithm>
#include <utility>

#include "providers/chat_writer.h"
#include "providers/json_reader.h"
#include "providers/json_writer.h"

namespace tollgate::providers {
namespace {

using K = Event::Kind;
using Type = MessageBlock::Type;

void append_frame(std::string& out, std::string_view type, std::string_view members) {
  out.append("event: ").append(type).append("\ndata: {\"type\":\"").append(type).append("\"");
  out.append(members).append("}\n\n");
}

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

struct DeltaForm {
  std::string_view type;
  std::string_view member;
};

DeltaForm delta_form(K kind) {
  switch (kind) {
    case K::text:
    case K::refusal:
      return {"text_delta", "text"};
    case K::reasoning:
      return {"thinking_delta", "thinking"};
    case K::arguments:
      return {"input_json_delta", "partial_json"};
    case K::signature:
      return {"signature_delta", "signature"};
    default:
      return {};
  }
}

// A block as it stands in a body; in a stream it begins without its content.
std::string block_json(const MessageBlock& block, bool empty) {
  JsonWriter out;
  out.begin_object();
  const std::string_view text = empty ? std::string_view() : block.text;
  if (block.type == Type::text) {
    out.string("type", "text");
    out.string("text", text);
  } else if (block.type == Type::thinking) {
    out.string("type", "thinking");
    out.string("thinking", text);
    out.string("signature", empty ? std::string_view() : block.signature);
  } else if (block.type == Type::redacted) {
    out.string("type", "redacted_thinking");
    out.string("data", block.text);
  } else {
    out.string("type", "tool_use");
    out.string("id", block.id);
    out.string("name", block.name);
    out.raw("input", empty ? "{}" : arguments_object(block.text));
    // As Google's own endpoints have it; clients send back what they got.
    if (!block.signature.empty())
      out.raw("extra_content", R"({"google":{"thought_signature":)" + quoted(block.signature) + "}}");
  }
  out.end_object();
  return out.take();
}

MessageBlock block_of(Type type, std::uint32_t number, std::string text = {}) {
  MessageBlock block;
  block.type = type;
  block.number = number;
  block.text = std::move(text);
  return block;
}

MessageBlock call_of(const Event& event, const BlockForm& form, const std::string& id) {
  MessageBlock block = block_of(Type::call, event.block);
  block.id = event.id.empty() ? std::string(form.call_id_prefix()) + id + "_" + std::to_string(event.block) : event.id;
  block.name = event.text;
  return block;
}

Type type_of(K kind) { return kind == K::reasoning ? Type::thinking : Type::text; }

bool is_text(K kind) { return kind == K::text || kind == K::refusal || kind == K::reasoning; }

// input_tokens is without what caches served and took; ours includes both.
std::string usage_json(const Usage& usage) {
  const std::int64_t cached = std::max<std::int64_t>(usage.cached_input, 0);
  const std::int64_t written = std::max<std::int64_t>(usage.cache_write, 0);
  JsonWriter out;
  out.begin_object();
  out.number("input_tokens", std::max<std::int64_t>(usage.input - cached - written, 0));
  out.number("cache_creation_input_tokens", written);
  out.number("cache_read_input_tokens", cached);
  out.number("output_tokens", std::max<std::int64_t>(usage.output, 0));
  if (usage.reasoning > 0) {
    out.begin_object("output_tokens_details");
    out.number("thinking_tokens", usage.reasoning);
    out.end_object();
  }
  out.end_object();
  return out.take();
}

// "stop_reason":...,"stop_sequence":...
std::string reason_members(const MessageEnd& end) {
  const std::string_view word = end.word();
  std::string out = "\"stop_reason\":\"" + std::string(word) + "\",\"stop_sequence\":";
  return out += word == "stop_sequence" ? quoted(end.stop_sequence()) : "null";
}

}  // namespace

// --- the end ---

void MessageEnd::note(const Event& event) {
  if (event.kind == K::usage) usage_ = merged(usage_, event.usage);
  if (event.kind != K::finish) return;
  reason_ = event.text;
  stop_sequence_ = event.id;
}

std::string_view MessageEnd::word() const {
  if (called_ && reason_ != "length" && reason_ != "content_filter") return "tool_use";
  if (reason_ == "stop" && !stop_sequence_.empty()) return "stop_sequence";
  if (reason_ == "content_filter" || refused_) return "refusal";
  return reason_ == "length" ? "max_tokens" : "end_turn";
}

// --- Anthropic's form ---

void MessagesForm::begin(std::string& out) const {
  std::string members = ",\"message\":{\"id\":" + quoted(head_.id) + R"(,"type":"message","role":"assistant","model":)";
  members += quoted(head_.model) + R"(,"content":[],"stop_reason":null,"stop_sequence":null,"usage":)";
  members += R"({"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}})";
  append_frame(out, "message_start", members);
}

void MessagesForm::open(std::uint32_t index, const MessageBlock& block, std::string& out) const {
  append_frame(out, "content_block_start",
               ",\"index\":" + std::to_string(index) + ",\"content_block\":" + block_json(block, true));
}

void MessagesForm::piece(std::uint32_t index, K kind, std::string_view text, std::string& out) const {
  const DeltaForm form = delta_form(kind);
  if (form.type.empty()) return;
  std::string members = ",\"index\":" + std::to_string(index);
  members.append(",\"delta\":{\"type\":\"").append(form.type).append("\",\"").append(form.member).append("\":");
  append_json_string(members, text);
  append_frame(out, "content_block_delta", members + "}");
}

void MessagesForm::close(std::uint32_t index, std::string& out) const {
  append_frame(out, "content_block_stop", ",\"index\":" + std::to_string(index));
}

void MessagesForm::end(const MessageEnd& end, std::string& out) const {
  append_frame(out, "message_delta", ",\"delta\":{" + reason_members(end) + "},\"usage\":" + usage_json(end.usage()));
  append_frame(out, "message_stop", {});
}

void MessagesForm::body(const std::vector<MessageBlock>& blocks, const MessageEnd& end, std::string& out) const {
  out += "{\"id\":" + quoted(head_.id) + R"(,"type":"message","role":"assistant","model":)" + quoted(head_.model);
  out += ",\"content\":[";
  const char* separator = "";
  for (const MessageBlock& block : blocks) {
    out += std::exchange(separator, ",");
    out += block_json(block, false);
  }
  out += "]," + reason_members(end) + ",\"usage\":" + usage_json(end.usage()) + "}";
}

// --- streams ---

void MessageStream::begin(std::string& out) {
  if (!std::exchange(begun_, true)) form_.begin(out);
}

void MessageStream::open(MessageBlock block, std::string& out) {
  begin(out);
  close(out);
  form_.open(index_, block, out);
  open_ = std::move(block);
}

void MessageStream::close(std::string& out) {
  if (!open_) return;
  form_.close(index_, out);
  open_.reset();
  ++index_;
}

void MessageStream::write_waiting(std::string& out) {
  for (MessageBlock& block : std::exchange(waiting_, {})) {
    const std::string arguments = std::exchange(block.text, {});
    open(std::move(block), out);
    if (!arguments.empty()) form_.piece(index_, K::arguments, arguments, out);
  }
}

void MessageStream::call(MessageBlock block, std::string& out) {
  end_.called();
  const bool busy = open_ && open_->type == Type::call;
  if (!busy) return open(std::move(block), out);
  const auto same = [&](const MessageBlock& other) { return other.number == block.number; };
  if (same(*open_) || std::any_of(waiting_.begin(), waiting_.end(), same)) return;
  waiting_.push_back(std::move(block));
}

void MessageStream::arguments(const Event& event, std::string& out) {
  if (open_ && open_->type == Type::call && open_->number == event.block)
    return form_.piece(index_, K::arguments, event.text, out);
  for (MessageBlock& block : waiting_)
    if (block.number == event.block) block.text += event.text;
}

// The signature ends its block; where the reasoning itself is withheld, it is all there is.
void MessageStream::sign(const Event& event, std::string& out) {
  if (!open_ || open_->type != Type::thinking) {
    write_waiting(out);
    open(block_of(Type::thinking, event.block), out);
  }
  form_.piece(index_, K::signature, event.text, out);
  close(out);
}

void MessageStream::text(const Event& event, std::string& out) {
  if (event.choice != 0 || event.text.empty()) return;
  if (event.kind == K::arguments) return arguments(event, out);
  if (!is_text(event.kind)) return;
  if (event.kind == K::refusal) end_.refused();
  const Type type = type_of(event.kind);
  if (!open_ || open_->type != type || open_->number != event.block) {
    write_waiting(out);
    open(block_of(type, event.block), out);
  }
  form_.piece(index_, event.kind, event.text, out);
}

void MessageStream::event(const Event& event, const std::vector<Event>& beside, std::string& out) {
  if (event.choice != 0) return;
  if (event.kind == K::start) {
    begin(out);
  } else if (event.kind == K::tool_call) {
    MessageBlock block = call_of(event, form_, id_);
    for (const Event& other : beside)
      if (other.kind == K::call_signature && other.block == event.block) block.signature = other.text;
    call(std::move(block), out);
  } else if (event.kind == K::redacted) {
    write_waiting(out);
    open(block_of(Type::redacted, event.block, event.text), out);
    close(out);
  } else if (event.kind == K::signature) {
    sign(event, out);
  } else {
    end_.note(event);
    text(event, out);
  }
}

void MessageStream::events(const std::vector<Event>& events, std::string& out) {
  for (const Event& one : events) event(one, events, out);
}

void MessageStream::end(std::string& out) {
  begin(out);
  write_waiting(out);
  close(out);
  form_.end(end_, out);
}

// --- whole bodies ---

MessageBlock& MessageBody::last(Type type, std::uint32_t number) {
  const bool goes_on = !blocks_.empty() && blocks_.back().type == type && blocks_.back().number == number;
  if (!goes_on) blocks_.push_back(block_of(type, number));
  return blocks_.back();
}

MessageBlock* MessageBody::call(std::uint32_t number) {
  const auto at = std::find_if(blocks_.begin(), blocks_.end(), [number](const MessageBlock& block) {
    return block.type == Type::call && block.number == number;
  });
  return at == blocks_.end() ? nullptr : &*at;
}

void MessageBody::text(const Event& event) {
  if (event.choice != 0 || event.text.empty()) return;
  if (event.kind == K::arguments) {
    if (MessageBlock* block = call(event.block)) block->text += event.text;
  } else if (is_text(event.kind)) {
    if (event.kind == K::refusal) end_.refused();
    last(type_of(event.kind), event.block).text += event.text;
  }
}

void MessageBody::event(const Event& event) {
  if (event.choice != 0) return;
  if (event.kind == K::tool_call) {
    end_.called();
    if (call(event.block) == nullptr) blocks_.push_back(call_of(event, form_, id_));
  } else if (event.kind == K::call_signature) {
    if (MessageBlock* block = call(event.block)) block->signature = event.text;
  } else if (event.kind == K::redacted) {
    blocks_.push_back(block_of(Type::redacted, event.block, event.text));
  } else if (event.kind == K::signature) {
    last(Type::thinking, event.block).signature = event.text;
  } else {
    end_.note(event);
    text(event);
  }
}

void MessageBody::events(const std::vector<Event>& events) {
  for (const Event& one : events) event(one);
}

}  // namespace tollgate::providers
