#include "providers/answer_events.h"

#include <utility>

#include "providers/provider_fault.h"

namespace tollgate::providers {
namespace {

constexpr std::size_t kMaxBody = 32 * 1024 * 1024;

}  // namespace

bool is_event_stream(std::string_view content_type) {
  constexpr std::string_view kType = "text/event-stream";
  return net::iequals(content_type.substr(0, kType.size()), kType);
}

Event& AnswerEvents::add(Event::Kind kind, Batch& batch) const {
  Event& event = batch.events.emplace_back();
  event.kind = kind;
  event.choice = choice_;
  return event;
}

void AnswerEvents::start(Batch& batch) { add(Event::Kind::start, batch); }

void AnswerEvents::text(std::string piece, Batch& batch) {
  if (!piece.empty()) add(Event::Kind::text, batch).text = std::move(piece);
}

void AnswerEvents::reasoning(std::string piece, Batch& batch) {
  if (piece.empty()) return;
  Event& event = add(Event::Kind::reasoning, batch);
  event.text = std::move(piece);
  event.block = reasoning_blocks_;
}

void AnswerEvents::redacted(std::string data, Batch& batch) {
  if (data.empty()) return;
  Event& event = add(Event::Kind::redacted, batch);
  event.text = std::move(data);
  event.block = reasoning_blocks_++;
}

void AnswerEvents::begin_call(std::uint32_t number, std::string id, const std::string& name, Batch& batch) {
  if (!context_.answer_tool.empty() && name == context_.answer_tool) {
    answer_ = number;
    return;
  }
  const auto [at, fresh] = calls_.try_emplace(number, calls());
  if (!fresh) return;
  Event& event = add(Event::Kind::tool_call, batch);
  event.block = at->second;
  event.id = std::move(id);
  const auto renamed = context_.tool_names.find(name);
  event.text = renamed == context_.tool_names.end() ? name : renamed->second;
}

void AnswerEvents::arguments(std::uint32_t number, std::string piece, Batch& batch) {
  if (answer_ == number) return text(std::move(piece), batch);
  const auto call = calls_.find(number);
  if (call == calls_.end() || piece.empty()) return;
  Event& event = add(Event::Kind::arguments, batch);
  event.text = std::move(piece);
  event.block = call->second;
}

void AnswerEvents::sign_call(std::uint32_t number, std::string signature, Batch& batch) {
  const auto call = calls_.find(number);
  if (call == calls_.end() || signature.empty()) return;
  Event& event = add(Event::Kind::call_signature, batch);
  event.text = std::move(signature);
  event.block = call->second;
}

void AnswerEvents::end_block(Batch& batch) {
  if (signature_.empty()) return;
  Event& event = add(Event::Kind::signature, batch);
  event.text = std::exchange(signature_, {});
  event.block = reasoning_blocks_++;
}

void AnswerEvents::finish(std::string_view reason, Batch& batch, std::string stop_sequence) {
  if (std::exchange(finished_, true)) return;
  end_block(batch);
  if (reason == "tool_calls" && calls_.empty()) reason = "stop";  // the only call was the answer's text
  if (reason == "stop" && !calls_.empty()) reason = "tool_calls";
  Event& event = add(Event::Kind::finish, batch);
  event.text = reason;
  event.id = std::move(stop_sequence);
}

Result<std::optional<Batch>> WholeBodyDecoder::next() {
  if (body_.size() > kMaxBody) return upstream_too_long();
  return std::optional<Batch>();
}

Result<std::optional<Batch>> WholeBodyDecoder::end() {
  if (std::exchange(decoded_, true)) return std::optional<Batch>();
  TG_TRY(Batch batch, decode(body_));
  batch.events.emplace_back().kind = Event::Kind::done;
  return std::optional(std::move(batch));
}

}  // namespace tollgate::providers
