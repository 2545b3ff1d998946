// The way back to a client of the Responses API: frames of the same API are edited in place, everything else is written
// here.
#include "providers/responses_encoder.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "providers/frame_edits.h"
#include "providers/json_reader.h"
#include "providers/responses_replay.h"
#include "providers/responses_writer.h"

namespace tollgate::providers {
namespace {

// The last frame that held a piece of a text: what was held back of it goes out in a copy.
struct Pattern {
  Event::Kind kind;
  std::uint32_t block;
  std::string frame;
  Span text;
  std::optional<Span> sequence;
  std::optional<Span> logprobs;
};

std::string escaped(std::string_view text) {
  std::string out;
  append_json_escaped(out, text);
  return out;
}

bool is_piece(const Event& event) {
  using K = Event::Kind;
  const bool text =
      event.kind == K::text || event.kind == K::refusal || event.kind == K::reasoning || event.kind == K::arguments;
  return text && event.span && !event.repeats;
}

std::string_view at(const Batch& batch, Span span) {
  return std::string_view(batch.frame).substr(span.offset, span.length);
}

}  // namespace

struct ResponsesEncoder::Impl {
  explicit Impl(const EncoderOptions& given)
      : stream(given.stream), strip_logprobs(given.strip_logprobs), writer(ResponseHead(given), given.stream) {}

  std::vector<Edit> edits(const Batch& batch, const std::vector<bool>& changed) const;
  void note(const Batch& batch);
  void frame(const Batch& batch, const std::vector<bool>& changed, std::string& out);
  void other_form(const Batch& batch, const std::vector<bool>& changed, std::string& out);
  void inject(std::uint32_t block, Event::Kind kind, std::string_view text, std::string& out);

  bool stream;
  bool strip_logprobs;
  ResponsesWriter writer;
  std::vector<Pattern> patterns;
  std::string id;              // the provider's, without quotes
  std::uint64_t next = 0;      // the sequence number of the next event to the client
  std::uint64_t injected = 0;  // events of ours between the provider's
  bool in_place = false;
  bool ended = false;
};

std::vector<Edit> ResponsesEncoder::Impl::edits(const Batch& batch, const std::vector<bool>& changed) const {
  std::vector<Edit> out;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    const Event& event = batch.events[i];
    if (!event.span) continue;
    if (event.kind == Event::Kind::logprobs) {
      if (strip_logprobs) out.push_back({*event.span, "[]"});
    } else if (i < changed.size() && changed[i]) {
      out.push_back(text_edit(event));
    }
  }
  return out;
}

// Keeps what events of ours need to look like the provider's.
void ResponsesEncoder::Impl::note(const Batch& batch) {
  if (batch.id_value && batch.id_value->length > 2)
    id = at(batch, *batch.id_value).substr(1, batch.id_value->length - 2);
  const auto piece = std::find_if(batch.events.begin(), batch.events.end(), is_piece);
  if (piece == batch.events.end()) return;
  auto known = std::find_if(patterns.begin(), patterns.end(),
                            [&](const Pattern& p) { return p.kind == piece->kind && p.block == piece->block; });
  if (known == patterns.end()) known = patterns.insert(patterns.end(), Pattern());
  known->kind = piece->kind;
  known->block = piece->block;
  known->frame = batch.frame;
  known->text = *piece->span;
  known->sequence = batch.sequence_value;
  known->logprobs.reset();
  for (const Event& event : batch.events)
    if (event.kind == Event::Kind::logprobs) known->logprobs = event.span;
}

void ResponsesEncoder::Impl::frame(const Batch& batch, const std::vector<bool>& changed, std::string& out) {
  in_place = true;
  note(batch);
  auto changes = edits(batch, changed);
  if (batch.sequence_value) {
    const auto number = at(batch, *batch.sequence_value);
    std::uint64_t value = 0;
    std::from_chars(number.data(), number.data() + number.size(), value);
    next = value + injected + 1;
    if (injected > 0) changes.push_back({*batch.sequence_value, std::to_string(value + injected)});
  }
  append_frame(out, batch.frame, std::move(changes));
}

// A whole body where events are wanted, or the reverse.
void ResponsesEncoder::Impl::other_form(const Batch& batch, const std::vector<bool>& changed, std::string& out) {
  const std::string frame = splice(batch.frame, edits(batch, changed));
  if (stream)
    replay_response(frame, out);
  else if (batch.events.back().kind == Event::Kind::done)
    out += response_of_event(frame);
}

void ResponsesEncoder::Impl::inject(std::uint32_t block, Event::Kind kind, std::string_view text, std::string& out) {
  const auto pattern = std::find_if(patterns.begin(), patterns.end(),
                                    [&](const Pattern& p) { return p.kind == kind && p.block == block; });
  if (pattern == patterns.end()) return;
  std::vector<Edit> changes{{pattern->text, escaped(text)}};
  if (pattern->sequence) changes.push_back({*pattern->sequence, std::to_string(next)});
  if (pattern->logprobs) changes.push_back({*pattern->logprobs, "[]"});
  out += splice(pattern->frame, std::move(changes));
  ++next;
  ++injected;
}

ResponsesEncoder::ResponsesEncoder(const EncoderOptions& options) : impl_(std::make_unique<Impl>(options)) {}
ResponsesEncoder::~ResponsesEncoder() = default;
ResponsesEncoder::ResponsesEncoder(ResponsesEncoder&&) noexcept = default;

void ResponsesEncoder::write(const Batch& batch, const std::vector<bool>& changed, std::string& out) {
  if (impl_->ended) return;
  if (batch.frame.empty()) {
    for (const Event& event : batch.events) impl_->writer.event(event, out);
    return;
  }
  if (batch.whole_body != impl_->stream)
    impl_->frame(batch, changed, out);
  else
    impl_->other_form(batch, changed, out);
  impl_->ended = !batch.events.empty() && batch.events.back().kind == Event::Kind::done;
}

void ResponsesEncoder::write_text(std::uint32_t choice, std::uint32_t block, Event::Kind kind, std::string_view text,
                                  std::string& out) {
  if (impl_->ended || text.empty()) return;
  if (impl_->in_place) return impl_->inject(block, kind, text, out);
  Event event;
  event.kind = kind;
  event.choice = choice;
  event.block = block;
  event.text = text;
  impl_->writer.event(event, out);
}

void ResponsesEncoder::finish(std::string& out) {
  if (!std::exchange(impl_->ended, true)) impl_->writer.finish(out);
}

void ResponsesEncoder::fail(const Error& error, std::string& out) {
  if (std::exchange(impl_->ended, true) || !impl_->stream) return;
  if (impl_->in_place) impl_->writer.take_over(impl_->id, impl_->next);
  Error own = error;
  own.upstream_body.clear();  // may hold line ends, which would end the event
  impl_->writer.fail(own, out);
}

}  // namespace tollgate::providers
