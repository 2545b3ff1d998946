#include "providers/responses_writer.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "providers/chat_writer.h"
#include "providers/json_reader.h"
#include "providers/responses_reading.h"

namespace tollgate::providers {
namespace {

using K = Event::Kind;

void append_string(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_string(out, text);
}

void append_number(std::string& out, std::string_view name, std::size_t value) {
  out += ",\"";
  out += name;
  out += "\":" + std::to_string(value);
}

// A call whose arguments are one whole object gets no more of them.
bool is_whole(std::string_view arguments) {
  JsonReader in(arguments);
  if (in.peek() != JsonReader::Kind::object) return false;
  in.skip();
  return in.at_end();
}

bool is_cut(std::string_view finish_reason) { return finish_reason == "length" || finish_reason == "content_filter"; }

// Where in the stream an item's own event belongs.
class ItemPlace {
 public:
  ItemPlace(const OutputItem& item, std::size_t at) : item_(item), at_(at) {}
  void append(std::string& out) const {
    append_string(out, "item_id", item_.id);
    append_number(out, "output_index", at_);
  }
  // Of the part under way: the last.
  void append_with_part(std::string& out) const {
    append(out);
    const bool reasoning = item_.type == OutputItem::Type::reasoning;
    append_number(out, reasoning ? "summary_index" : "content_index", item_.parts.size() - 1);
  }

 private:
  const OutputItem& item_;
  std::size_t at_;
};

// The names of the events of one kind of part.
struct PartEvents {
  std::string_view added, delta, done, part_done;
};
PartEvents events_of(const OutputItem& item, bool refusal) {
  if (item.type == OutputItem::Type::reasoning)
    return {"response.reasoning_summary_part.added", "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done", "response.reasoning_summary_part.done"};
  if (refusal)
    return {"response.content_part.added", "response.refusal.delta", "response.refusal.done",
            "response.content_part.done"};
  return {"response.content_part.added", "response.output_text.delta", "response.output_text.done",
          "response.content_part.done"};
}

bool has_logprobs(const OutputItem& item, bool refusal) { return item.type == OutputItem::Type::message && !refusal; }

}  // namespace

// --- events ---

template <class Members>
void ResponsesWriter::emit(std::string_view type, std::string& out, const Members& members) {
  if (!stream_) return;
  out += "event: ";
  out += type;
  out += "\ndata: {\"type\":\"";
  out += type;
  out += "\",\"sequence_number\":" + std::to_string(sequence_++);
  members();
  out += "}\n\n";
}

void ResponsesWriter::emit_response(std::string_view type, const ResponseState& state, std::string& out) {
  emit(type, out, [&] {
    out += ",\"response\":";
    append_response(out, head_, state);
  });
}

void ResponsesWriter::begin(std::string& out) {
  if (std::exchange(begun_, true)) return;
  emit_response("response.created", state("in_progress"), out);
  emit_response("response.in_progress", state("in_progress"), out);
}

void ResponsesWriter::take_over(std::string id, std::uint64_t sequence) {
  begun_ = true;
  head_.id = std::move(id);
  sequence_ = sequence;
}

void ResponsesWriter::event(const Event& event, std::string& out) {
  if (event.choice != 0 || event.kind == K::opaque) return;
  begin(out);
  switch (event.kind) {
    case K::text:
    case K::refusal:
    case K::reasoning:
      return text(event, out);
    case K::signature:
    case K::redacted:
      return sign(event, out);
    case K::tool_call:
      return begin_call(event, out);
    case K::arguments:
      return arguments(event, out);
    case K::call_signature:
      return sign_call(event, out);
    case K::finish:
      finish_reason_ = event.text;
      return end_all(out);
    case K::usage:
      usage_ = event.usage;
      return;
    default:
      return;
  }
}

// --- items ---

std::size_t ResponsesWriter::open(Type type, std::string& out) {
  end_text(Status::completed, out);
  const std::size_t at = items_.size();
  OutputItem& item = items_.emplace_back();
  item.type = type;
  item.id = id_prefix(type);
  item.id += '_';
  item.id += std::string_view(head_.id).substr(head_.id.find('_') + 1);
  item.id += "_" + std::to_string(at);
  return at;
}

void ResponsesWriter::announce(std::size_t at, std::string& out) {
  emit("response.output_item.added", out, [&] {
    append_number(out, "output_index", at);
    out += ",\"item\":";
    append_item(out, items_[at]);
  });
}

void ResponsesWriter::end_item(std::size_t at, Status status, std::string& out) {
  items_[at].status = status;
  emit("response.output_item.done", out, [&] {
    append_number(out, "output_index", at);
    out += ",\"item\":";
    append_item(out, items_[at]);
  });
}

void ResponsesWriter::end_all(std::string& out) {
  end_text(is_cut(finish_reason_) ? Status::incomplete : Status::completed, out);
  for (const auto& [block, at] : calls_)
    if (items_[at].status == Status::in_progress) end_call(at, out);
}

// --- texts ---

void ResponsesWriter::text(const Event& event, std::string& out) {
  const bool reasoning = event.kind == K::reasoning;
  const bool refusal = event.kind == K::refusal;
  const Type type = reasoning ? Type::reasoning : Type::message;
  const bool goes_on =
      text_item_ && items_[*text_item_].type == type && (!reasoning || reasoning_block_ == event.block);
  if (!goes_on) {
    const std::size_t at = open(type, out);
    text_item_ = at;
    reasoning_block_ = event.block;
    announce(at, out);
  }
  const std::size_t at = *text_item_;
  begin_part(at, refusal, out);
  items_[at].parts.back().text += event.text;
  emit(events_of(items_[at], refusal).delta, out, [&] {
    ItemPlace(items_[at], at).append_with_part(out);
    append_string(out, "delta", event.text);
    if (has_logprobs(items_[at], refusal)) out += R"(,"logprobs":[])";
  });
}

void ResponsesWriter::begin_part(std::size_t at, bool refusal, std::string& out) {
  OutputItem& item = items_[at];
  if (!item.parts.empty() && item.parts.back().refusal == refusal) return;
  if (!item.parts.empty()) end_part(at, out);
  item.parts.push_back({refusal, {}});
  emit(events_of(item, refusal).added, out, [&] {
    ItemPlace(item, at).append_with_part(out);
    out += ",\"part\":";
    append_part(out, item, item.parts.back());
  });
}

void ResponsesWriter::end_part(std::size_t at, std::string& out) {
  const OutputItem& item = items_[at];
  const OutputItem::Part& part = item.parts.back();
  const PartEvents names = events_of(item, part.refusal);
  emit(names.done, out, [&] {
    ItemPlace(item, at).append_with_part(out);
    append_string(out, part.refusal ? "refusal" : "text", part.text);
    if (has_logprobs(item, part.refusal)) out += R"(,"logprobs":[])";
  });
  emit(names.part_done, out, [&] {
    ItemPlace(item, at).append_with_part(out);
    out += ",\"part\":";
    append_part(out, item, part);
  });
}

void ResponsesWriter::end_text(Status status, std::string& out) {
  if (!text_item_) return;
  const std::size_t at = *std::exchange(text_item_, std::nullopt);
  if (!items_[at].parts.empty()) end_part(at, out);
  end_item(at, status, out);
}

// --- what a provider wants back ---

// Its text is the item's summary, so that it is scanned like any other text when it comes back.
void ResponsesWriter::sign(const Event& event, std::string& out) {
  const bool redacted = event.kind == K::redacted;
  std::string encrypted(redacted ? kRedactedReasoning : kSignedReasoning);
  encrypted += event.text;
  const bool of_open = text_item_ && items_[*text_item_].type == Type::reasoning && reasoning_block_ == event.block;
  if (redacted || !of_open) return carry(std::move(encrypted), out);
  items_[*text_item_].encrypted = std::move(encrypted);
  end_text(Status::completed, out);
}

// An item with nothing to read.
void ResponsesWriter::carry(std::string encrypted, std::string& out) {
  const std::size_t at = open(Type::reasoning, out);
  items_[at].encrypted = std::move(encrypted);
  announce(at, out);
  end_item(at, Status::completed, out);
}

// The signature follows its call.
void ResponsesWriter::sign_call(const Event& event, std::string& out) {
  const auto call = calls_.find(event.block);
  if (call == calls_.end()) return;
  OutputItem& item = items_[call->second];
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.'; };
  if (!std::all_of(item.call_id.begin(), item.call_id.end(), plain)) return;
  const std::string proof = std::string(kSignedCall) + event.text + ":" + item.call_id;
  if (item.status != Status::in_progress) return carry(proof, out);
  item.encrypted = proof;
}

// --- calls ---

void ResponsesWriter::begin_call(const Event& event, std::string& out) {
  end_complete_calls(out);
  const auto before = calls_.find(event.block);
  if (before != calls_.end() && items_[before->second].status == Status::in_progress) end_call(before->second, out);
  const bool custom = head_.custom_tools.contains(event.text);
  const std::size_t at = open(custom ? Type::custom_tool_call : Type::function_call, out);
  items_[at].call_id = event.id;
  items_[at].name = event.text;
  calls_[event.block] = at;
  announce(at, out);
}

void ResponsesWriter::arguments(const Event& event, std::string& out) {
  const auto call = calls_.find(event.block);
  if (call == calls_.end()) return;
  if (items_[call->second].status != Status::in_progress) return;
  say_arguments(call->second, event.text, out);
}

void ResponsesWriter::say_arguments(std::size_t at, std::string_view piece, std::string& out) {
  OutputItem& item = items_[at];
  item.arguments += piece;
  if (item.type != Type::function_call) return;  // a custom tool's input is known once its JSON is whole
  emit("response.function_call_arguments.delta", out, [&] {
    ItemPlace(item, at).append(out);
    append_string(out, "delta", piece);
  });
}

void ResponsesWriter::end_complete_calls(std::string& out) {
  for (const auto& [block, at] : calls_)
    if (items_[at].status == Status::in_progress && is_whole(items_[at].arguments)) end_call(at, out);
}

void ResponsesWriter::end_call(std::size_t at, std::string& out) {
  OutputItem& item = items_[at];
  const ItemPlace place(item, at);
  const bool custom = item.type == Type::custom_tool_call;
  if (item.arguments.empty()) say_arguments(at, "{}", out);  // SDKs parse the arguments of every call
  const bool whole = is_whole(item.arguments);
  const std::string said = custom ? custom_input(item.arguments) : item.arguments;
  if (custom)
    emit("response.custom_tool_call_input.delta", out, [&] {
      place.append(out);
      append_string(out, "delta", said);
    });
  emit(custom ? "response.custom_tool_call_input.done" : "response.function_call_arguments.done", out, [&] {
    place.append(out);
    if (!custom) append_string(out, "name", item.name);
    append_string(out, custom ? "input" : "arguments", said);
  });
  end_item(at, is_cut(finish_reason_) && !whole ? Status::incomplete : Status::completed, out);
  if (!items_[at].encrypted.empty()) carry(items_[at].encrypted, out);
}

// --- ends ---

ResponseState ResponsesWriter::state(std::string_view status) const {
  ResponseState out;
  out.status = status;
  out.output = &items_;
  out.usage = usage_;
  return out;
}

void ResponsesWriter::finish(std::string& out) {
  begin(out);
  end_all(out);
  const bool cut = is_cut(finish_reason_);
  ResponseState end = state(cut ? "incomplete" : "completed");
  if (cut) end.incomplete_reason = finish_reason_ == "length" ? "max_output_tokens" : "content_filter";
  if (!stream_) return append_response(out, head_, end);
  emit_response("response." + std::string(end.status), end, out);
}

void ResponsesWriter::fail(const Error& error, std::string& out) {
  begin(out);
  emit("error", out, [&] {
    // {"error":{...}} without its braces
    const std::string body = encode_error_body(error);
    out += "," + body.substr(1, body.size() - 2);
  });
  for (OutputItem& item : items_)
    if (item.status == Status::in_progress) item.status = Status::incomplete;
  ResponseState end = state("failed");
  end.error = &error;
  emit_response("response.failed", end, out);
}

}  // namespace tollgate::providers
