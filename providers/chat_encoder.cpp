// The way back to an OpenAI client: frames of the same dialect are edited in place, everything else is written here.
#include <utility>

#include "providers/chat_encoder.h"
#include "providers/chat_writer.h"
#include "providers/frame_edits.h"

namespace tollgate::providers {
namespace {

constexpr std::string_view kDone = "data: [DONE]\n\n";

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

struct ChatEncoder::Impl {
  Impl(EncoderOptions given, std::unique_ptr<AnswerWriter> new_form)
      : options(std::move(given)),
        head{quoted(options.id), std::to_string(options.created), quoted(options.model)},
        writer(std::move(new_form)) {}

  void note_head(const Batch& batch);
  void note(std::string& token, const Batch& batch, const std::optional<Span>& span);
  std::vector<Edit> edits(const Batch& batch, const std::vector<bool>& changed) const;
  void frame(const Batch& batch, const std::vector<bool>& changed, std::string& out);
  void events(const Batch& batch, std::string& out);
  void text(std::uint32_t choice, std::uint32_t block, Event::Kind kind, std::string_view piece, std::string& out);

  EncoderOptions options;
  CompletionHead head;
  std::unique_ptr<AnswerWriter> writer;
  bool in_place = false;  // frames went out in place: choices are open, the provider writes usage
  bool ended = false;     // the end marker, the whole body or an error went out
};

// Chunks written here must look like the provider's own. Azure's filter chunks carry empty values: not those.
void ChatEncoder::Impl::note(std::string& token, const Batch& batch, const std::optional<Span>& span) {
  if (!span) return;
  const auto value = std::string_view(batch.frame).substr(span->offset, span->length);
  if (value != token && value != "\"\"" && value != "0" && value != "null") token = value;
}

void ChatEncoder::Impl::note_head(const Batch& batch) {
  note(head.id, batch, batch.id_value);
  note(head.created, batch, batch.created_value);
  note(head.model, batch, batch.model_value);
}

std::vector<Edit> ChatEncoder::Impl::edits(const Batch& batch, const std::vector<bool>& changed) const {
  std::vector<Edit> out;
  if (batch.usage_member && options.stream && !options.include_usage) out.push_back({*batch.usage_member, {}});
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    const Event& event = batch.events[i];
    if (!event.span) continue;
    if (event.kind == Event::Kind::logprobs) {
      if (options.strip_logprobs) out.push_back({*event.span, "null"});
    } else if (i < changed.size() && changed[i]) {
      out.push_back(text_edit(event));
    }
  }
  return out;
}

void ChatEncoder::Impl::frame(const Batch& batch, const std::vector<bool>& changed, std::string& out) {
  in_place = true;
  if (batch.usage_only && !options.include_usage) return;
  append_frame(out, batch.frame, edits(batch, changed));
  const bool marker = !batch.events.empty() && batch.events.back().kind == Event::Kind::done;
  ended = ended || marker;
}

void ChatEncoder::Impl::events(const Batch& batch, std::string& out) {
  for (const Event& event : batch.events) {
    if (event.kind == Event::Kind::logprobs && options.strip_logprobs) continue;
    writer->event(head, event, out);
  }
}

void ChatEncoder::Impl::text(std::uint32_t choice, std::uint32_t block, Event::Kind kind, std::string_view piece,
                             std::string& out) {
  if (in_place || !options.stream) return writer->text(head, choice, block, kind, piece, out);
  Event event;
  event.kind = kind;
  event.choice = choice;
  event.block = block;
  event.text = piece;
  writer->event(head, event, out);
}

namespace {

std::unique_ptr<AnswerWriter> chat_writer(const EncoderOptions& options) {
  if (options.stream) return std::make_unique<ChunkWriter>(options.include_usage);
  return std::make_unique<BodyWriter>();
}

}  // namespace

ChatEncoder::ChatEncoder(EncoderOptions options) : ChatEncoder(options, chat_writer(options)) {}
ChatEncoder::ChatEncoder(EncoderOptions options, std::unique_ptr<AnswerWriter> writer)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(writer))) {}
ChatEncoder::~ChatEncoder() = default;
ChatEncoder::ChatEncoder(ChatEncoder&&) noexcept = default;

void ChatEncoder::write(const Batch& batch, const std::vector<bool>& changed, std::string& out) {
  if (impl_->ended) return;
  impl_->note_head(batch);
  const bool same_form = batch.whole_body != impl_->options.stream;
  if (!batch.frame.empty() && same_form)
    impl_->frame(batch, changed, out);
  else
    impl_->events(batch, out);
}

void ChatEncoder::write_text(std::uint32_t choice, std::uint32_t block, Event::Kind kind, std::string_view text,
                             std::string& out) {
  if (!impl_->ended && !text.empty()) impl_->text(choice, block, kind, text, out);
}

void ChatEncoder::finish(std::string& out) {
  if (std::exchange(impl_->ended, true)) return;
  if (!impl_->in_place) impl_->writer->end(impl_->head, out);
  if (impl_->options.stream) out += kDone;
}

void ChatEncoder::fail(const Error& error, std::string& out) {
  if (std::exchange(impl_->ended, true) || !impl_->options.stream) return;
  Error own = error;
  own.upstream_body.clear();  // may hold line ends, which would end the event
  out += "data: " + encode_error_body(own) + "\n\n";
}

}  // namespace tollgate::providers
