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

std::string delta_frame(std::uint32_t index, std::string_view type, std::string_view member, std::string_view text) {
  std::string members = ",\"index\":" + std::to_string(index);
  members.append(",\"delta\":{\"type\":\"").append(type).append("\",\"").append(member).append("\":");
  append_json_string(members, text);
  std::string out;
  append_frame(out, "content_block_delta", members + "}");
  return out;
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

MessageBlock call_of(const Event& event, const MessageHead& head) {
  MessageBlock block = block_of(Type::call, event.block);
  block.id = event.id.empty() ? "toolu_" + head.id + "_" + std::to_string(event.block) : event.id;
  block.name = event.text;
  return block;
}

Type type_of(K kind) { return kind == K::reasoning ? Type::thinking : Type::text; }

bool is_text(K kind) { return kind == K::text || kind == K::refusal || kind == K::reasoning; }

}  // namespace

std::string message_delta_frame(std::uint32_t index, K kind, std::string_view text) {
  const DeltaForm form = delta_form(kind);
  return form.type.empty() ? std::string() : delta_frame(index, form.type, form.member, text);
}

// --- the end ---

void MessageEnd::note(const Event& event) {
  if (event.kind == K::usage) usage_ = merged(usage_, event.usage);
  if (event.kind != K::finish) return;
  reason_ = event.text;
  stop_sequence_ = event.id;
}

std::string MessageEnd::reason() const {
  std::string_view word = "end_turn";
  if (reason_ == "length") word = "max_tokens";
  if (reason_ == "content_filter" || refused_) word = "refusal";
  if (reason_ == "stop" && !stop_sequence_.empty()) word = "stop_sequence";
  if (called_ && reason_ != "length" && reason_ != "content_filter") word = "tool_use";
  std::string out = "\"stop_reason\":\"" + std::string(word) + "\",\"stop_sequence\":";
  return out += word == "stop_sequence" ? quoted(stop_sequence_) : "null";
}

// input_tokens is without what caches served and took; ours includes both.
std::string MessageEnd::usage() const {
  const std::int64_t cached = std::max<std::int64_t>(usage_.cached_input, 0);
  const std::int64_t written = std::max<std::int64_t>(usage_.cache_write, 0);
  JsonWriter out;
  out.begin_object();
  out.number("input_tokens", std::max<std::int64_t>(usage_.input - cached - written, 0));
  out.number("cache_creation_input_tokens", written);
  out.number("cache_read_input_tokens", cached);
  out.number("output_tokens", std::max<std::int64_t>(usage_.output, 0));
  if (usage_.reasoning > 0) {
    out.begin_object("output_tokens_details");
    out.number("thinking_tokens", usage_.reasoning);
    out.end_object();
  }
  out.end_object();
  return out.take();
}

// --- streams ---

void MessageStream::begin(std::string& out) {
  if (std::exchange(begun_, true)) return;
  std::string members = ",\"message\":{\"id\":" + quoted(head_.id) + R"(,"type":"message","role":"assistant","model":)";
  members += quoted(head_.model) + R"(,"content":[],"stop_reason":null,"stop_sequence":null,"usage":)";
  members += R"({"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}})";
  append_frame(out, "message_start", members);
}

void MessageStream::open(MessageBlock block, std::string& out) {
  begin(out);
  close(out);
  append_frame(out, "content_block_start",
               ",\"index\":" + std::to_string(index_) + ",\"content_block\":" + block_json(block, true));
  open_ = std::move(block);
}

void MessageStream::close(std::string& out) {
  if (!open_) return;
  append_frame(out, "content_block_stop", ",\"index\":" + std::to_string(index_));
  open_.reset();
  ++index_;
}

void MessageStream::write_waiting(std::string& out) {
  for (MessageBlock& block : std::exchange(waiting_, {})) {
    const std::string arguments = std::exchange(block.text, {});
    open(std::move(block), out);
    if (!arguments.empty()) out += message_delta_frame(index_, K::arguments, arguments);
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
  if (open_ && open_->type == Type::call && open_->number == event.block) {
    out += message_delta_frame(index_, K::arguments, event.text);
    return;
  }
  for (MessageBlock& block : waiting_)
    if (block.number == event.block) block.text += event.text;
}

// The signature ends its block; where the reasoning itself is withheld, it is all there is.
void MessageStream::sign(const Event& event, std::string& out) {
  if (!open_ || open_->type != Type::thinking) {
    write_waiting(out);
    open(block_of(Type::thinking, event.block), out);
  }
  out += message_delta_frame(index_, K::signature, event.text);
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
  out += message_delta_frame(index_, event.kind, event.text);
}

void MessageStream::event(const Event& event, const std::vector<Event>& beside, std::string& out) {
  if (event.choice != 0) return;
  if (event.kind == K::start) {
    begin(out);
  } else if (event.kind == K::tool_call) {
    MessageBlock block = call_of(event, head_);
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
  append_frame(out, "message_delta", ",\"delta\":{" + end_.reason() + "},\"usage\":" + end_.usage());
  append_frame(out, "message_stop", {});
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
    if (call(event.block) == nullptr) blocks_.push_back(call_of(event, head_));
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

void MessageBody::write(std::string& out) const {
  out += "{\"id\":" + quoted(head_.id) + R"(,"type":"message","role":"assistant","model":)" + quoted(head_.model);
  out += ",\"content\":[";
  const char* separator = "";
  for (const MessageBlock& block : blocks_) {
    out += std::exchange(separator, ",");
    out += block_json(block, false);
  }
  out += "]," + end_.reason() + ",\"usage\":" + end_.usage() + "}";
}

}  // namespace tollgate::providers
