// Anthropic's own frames are edited in place; what comes from elsewhere is written here.
#include "providers/messages_encoder.h"

#include <utility>

#include "providers/frame_edits.h"
#include "providers/messages_writer.h"

namespace tollgate::providers {
namespace {

bool is_last(const Batch& batch) { return !batch.events.empty() && batch.events.back().kind == Event::Kind::done; }

}  // namespace

struct MessagesEncoder::Impl {
  explicit Impl(EncoderOptions given)
      : options(std::move(given)),
        head{options.id, options.model},
        form(head),
        stream(form, head.id),
        body(form, head.id) {}

  void frame(const Batch& batch, const std::vector<bool>& changed, std::string& out);

  EncoderOptions options;
  MessageHead head;
  MessagesForm form;
  MessageStream stream;
  MessageBody body;
  bool in_place = false;  // a provider's frames went out: it numbers the blocks
  bool ended = false;     // the end, the whole body or an error went out
};

void MessagesEncoder::Impl::frame(const Batch& batch, const std::vector<bool>& changed, std::string& out) {
  in_place = true;
  std::vector<Edit> edits;
  for (std::size_t i = 0; i < batch.events.size() && i < changed.size(); ++i)
    if (changed[i] && batch.events[i].span) edits.push_back(edit_of(batch.frame, batch.events[i]));
  append_frame(out, batch.frame, std::move(edits));
  ended = ended || is_last(batch);
}

MessagesEncoder::MessagesEncoder(EncoderOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
MessagesEncoder::~MessagesEncoder() = default;
MessagesEncoder::MessagesEncoder(MessagesEncoder&&) noexcept = default;

void MessagesEncoder::write(const Batch& batch, const std::vector<bool>& changed, std::string& out) {
  if (impl_->ended) return;
  const bool same_form = batch.whole_body != impl_->options.stream;
  if (!batch.frame.empty() && same_form) return impl_->frame(batch, changed, out);
  if (impl_->options.stream)
    impl_->stream.events(batch.events, out);
  else
    impl_->body.events(batch.events);
}

void MessagesEncoder::write_text(std::uint32_t choice, std::uint32_t block, Event::Kind kind, std::string_view text,
                                 std::string& out) {
  if (impl_->ended || text.empty()) return;
  if (impl_->options.stream && impl_->in_place) {
    impl_->form.piece(block, kind, text, out);
    return;
  }
  Event event;
  event.kind = kind;
  event.choice = choice;
  event.block = block;
  event.text = text;
  if (impl_->options.stream)
    impl_->stream.text(event, out);
  else
    impl_->body.text(event);
}

void MessagesEncoder::finish(std::string& out) {
  if (std::exchange(impl_->ended, true)) return;
  if (!impl_->options.stream) return impl_->body.write(out);
  if (impl_->in_place)
    out += "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
  else
    impl_->stream.end(out);
}

void MessagesEncoder::fail(const Error& error, std::string& out) {
  if (std::exchange(impl_->ended, true) || !impl_->options.stream) return;
  Error own = error;
  own.upstream_body.clear();  // may hold line ends, which would end the event
  out += "event: error\ndata: " + encode_messages_error(own, impl_->options.request_id) + "\n\n";
}

void CountEncoder::write(const Batch& batch, const std::vector<bool>&, std::string& out) {
  for (const Event& event : batch.events)
    if (event.kind == Event::Kind::usage) tokens_ = event.usage.input;
  if (batch.frame.empty() || std::exchange(written_, true)) return;
  out += batch.frame;
}

void CountEncoder::finish(std::string& out) {
  if (!std::exchange(written_, true)) out += "{\"" + std::string(member_) + "\":" + std::to_string(tokens_) + "}";
}

}  // namespace tollgate::providers
