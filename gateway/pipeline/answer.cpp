#include "gateway/pipeline/answer.h"

#include <algorithm>
#include <utility>

namespace tollgate::pipeline {

using providers::Batch;
using providers::Event;

namespace {

// Batches that came together leave together, up to one TLS record.
constexpr std::size_t kJoin = 12 * 1024;

bool carries_text(Event::Kind kind) {
  return kind == Event::Kind::text || kind == Event::Kind::refusal || kind == Event::Kind::reasoning ||
         kind == Event::Kind::arguments;
}

// A text of kind `held` is complete once `next` comes in its choice: another block begins, or the choice ends.
bool ends_text(const Event& next, Event::Kind held) {
  if (next.repeats) return true;
  switch (next.kind) {
    case Event::Kind::finish:
    case Event::Kind::tool_call:
    case Event::Kind::signature:
    case Event::Kind::redacted:
    case Event::Kind::block_end:
      return true;
    case Event::Kind::text:
    case Event::Kind::refusal:
    case Event::Kind::reasoning:
      return next.kind != held;
    default:
      return false;
  }
}

// The text ends in its own batch, so what the restorer holds back belongs to this event.
bool ends_here(const Batch& batch, std::size_t at) {
  const Event& text = batch.events[at];
  for (std::size_t i = at + 1; i < batch.events.size(); ++i) {
    const Event& next = batch.events[i];
    if (next.choice != text.choice) continue;
    if (next.kind == text.kind && next.block == text.block) return false;  // it goes on
    if (ends_text(next, text.kind)) return true;
  }
  return false;
}

}  // namespace

Answer::Answer(server::Exchange& exchange, providers::EncoderOptions options, const pii::RestoreMap& restore)
    : exchange_(exchange),
      stream_(options.stream),
      encoder_(providers::front_end(options.call->api).encoder(std::move(options))),
      map_(restore) {}

std::int64_t Answer::restored() const {
  std::int64_t total = restored_;
  for (const auto& field : fields_) total += field.restorer.restored();
  return total;
}

pii::StreamRestorer& Answer::restorer_for(const Event& event) {
  for (auto& field : fields_)
    if (field.choice == event.choice && field.block == event.block && field.kind == event.kind) return field.restorer;
  // Arguments are JSON text: a value with a quote in it must stay inside its string.
  const auto mode = event.kind == Event::Kind::arguments ? pii::RestoreMode::json : pii::RestoreMode::text;
  fields_.push_back({event.choice, event.block, event.kind, pii::StreamRestorer(map_, mode)});
  return fields_.back().restorer;
}

void Answer::restore_text(Event& event, bool whole, std::vector<bool>& changed, std::size_t at) {
  std::string text;
  auto& restorer = restorer_for(event);
  restorer.feed(event.text, text);
  if (whole) restorer.finish(text);
  if (text == event.text) return;
  event.text = std::move(text);
  changed[at] = true;
}

// What was held back and is certain now that `next` has come; everything, where nothing will come.
void Answer::flush(const Event* next) {
  for (auto& field : fields_) {
    if (!field.restorer.holding()) continue;
    if (next != nullptr && (field.choice != next->choice || !ends_text(*next, field.kind))) continue;
    std::string text;
    field.restorer.finish(text);
    encoder_->write_text(field.choice, field.block, field.kind, text, out_);
  }
}

// A text that is whole in itself.
void Answer::restore_whole(Event& event, std::vector<bool>& changed, std::size_t at) {
  const auto mode = event.kind == Event::Kind::arguments ? pii::RestoreMode::json : pii::RestoreMode::text;
  pii::StreamRestorer restorer(map_, mode);
  std::string text;
  restorer.feed(event.text, text);
  restorer.finish(text);
  restored_ += restorer.restored();
  changed[at] = text != event.text;
  event.text = std::move(text);
}

void Answer::restore(Batch& batch, std::vector<bool>& changed) {
  changed.assign(batch.events.size(), false);
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    Event& event = batch.events[i];
    const bool whole = event.kind == Event::Kind::annotation || event.repeats;
    if (whole) restore_whole(event, changed, i);
    if (!batch.whole_body) flush(&event);
    if (!whole && carries_text(event.kind)) restore_text(event, batch.whole_body || ends_here(batch, i), changed, i);
  }
}

net::Task<Status> Answer::send(const server::HeaderLines& headers) {
  const std::string bytes = std::exchange(out_, {});
  if (exchange_.started()) co_return co_await exchange_.write(bytes);
  co_return co_await exchange_.start_stream(200, headers, bytes);
}

net::Task<Status> Answer::write(Batch batch, Follow follow, const server::HeaderLines& headers) {
  for (const auto& event : batch.events)
    if (carries_text(event.kind) && !event.repeats) text_bytes_ += event.text.size();
  std::vector<bool> changed;
  if (!map_.empty()) restore(batch, changed);
  encoder_->write(batch, changed, out_);
  if (!stream_) co_return Status();
  if (!exchange_.started() && !batch.has_content()) co_return Status();
  if (exchange_.started() && out_.empty()) co_return Status();
  if (exchange_.started() && follow == Follow::more_at_hand && out_.size() < kJoin) co_return Status();
  co_return co_await send(headers);
}

net::Task<Status> Answer::finish(server::HeaderLines headers, server::HeaderLines trailers) {
  flush(nullptr);
  encoder_->finish(out_);
  if (!stream_) co_return co_await exchange_.respond(200, std::move(headers), out_);
  if (!exchange_.started()) TG_CO_CHECK(co_await send(headers));
  co_return co_await exchange_.end_stream(out_, std::move(trailers));
}

net::Task<Status> Answer::fail(const Error& error) {
  encoder_->fail(error, out_);
  server::HeaderLines none;
  co_return co_await exchange_.end_stream(out_, std::move(none));
}

}  // namespace tollgate::pipeline
