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

// Another block begins, or the text of the last one is complete.
bool ends_block(Event::Kind kind) {
  return kind == Event::Kind::finish || kind == Event::Kind::tool_call || kind == Event::Kind::signature;
}

// The choice ends in the same batch, so what the restorer holds back belongs to this event.
bool ends_here(const Batch& batch, std::uint32_t choice) {
  return std::any_of(batch.events.begin(), batch.events.end(), [choice](const Event& event) {
    return event.kind == Event::Kind::finish && event.choice == choice;
  });
}

}  // namespace

Answer::Answer(server::Exchange& exchange, providers::EncoderOptions options, const pii::RestoreMap& restore)
    : exchange_(exchange),
      stream_(options.stream),
      encoder_(providers::front_end(options.call->api).encoder(std::move(options))),
      map_(restore) {}

std::int64_t Answer::restored() const {
  std::int64_t total = 0;
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

// What was held back for a choice is certain once another of its blocks begins or the choice ends.
void Answer::flush(std::uint32_t choice) {
  for (auto& field : fields_) {
    if (field.choice != choice || !field.restorer.holding()) continue;
    std::string text;
    field.restorer.finish(text);
    encoder_->write_text(field.choice, field.block, field.kind, text, out_);
  }
}

void Answer::restore(Batch& batch, std::vector<bool>& changed) {
  changed.assign(batch.events.size(), false);
  const bool whole = batch.whole_body;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    Event& event = batch.events[i];
    if (carries_text(event.kind))
      restore_text(event, whole || ends_here(batch, event.choice), changed, i);
    else if (!whole && ends_block(event.kind))
      flush(event.choice);
  }
}

net::Task<Status> Answer::send(const server::HeaderLines& headers) {
  const std::string bytes = std::exchange(out_, {});
  if (exchange_.started()) co_return co_await exchange_.write(bytes);
  co_return co_await exchange_.start_stream(200, headers, bytes);
}

net::Task<Status> Answer::write(Batch batch, Follow follow, const server::HeaderLines& headers) {
  for (const auto& event : batch.events)
    if (carries_text(event.kind)) text_bytes_ += event.text.size();
  std::vector<bool> changed;
  if (!map_.empty()) restore(batch, changed);
  encoder_->write(batch, changed, out_);
  if (!stream_) co_return Status();
  if (!exchange_.started() && !batch.has_content()) co_return Status();
  if (exchange_.started() && out_.empty()) co_return Status();
  if (exchange_.started() && follow == Follow::more_at_hand && out_.size() < kJoin) co_return Status();
  co_return co_await send(headers);
}

net::Task<Status> Answer::finish(server::HeaderLines headers) {
  for (std::size_t i = 0; i < fields_.size(); ++i) flush(fields_[i].choice);
  encoder_->finish(out_);
  if (!stream_) co_return co_await exchange_.respond(200, std::move(headers), out_);
  if (!exchange_.started()) TG_CO_CHECK(co_await send(headers));
  co_return co_await exchange_.end_stream(out_);
}

net::Task<Status> Answer::fail(const Error& error) {
  encoder_->fail(error, out_);
  co_return co_await exchange_.end_stream(out_);
}

}  // namespace tollgate::pipeline
