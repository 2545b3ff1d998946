// Transcripts on their way back (OpenAI API reference, audio/createTranscription): whole, as JSON or plain text, or as
// a stream of events, transcript.text.delta and the like.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "providers/chat_usage.h"
#include "providers/error_words.h"
#include "providers/json_writer.h"
#include "providers/known_names.h"
#include "providers/relay.h"
#include "providers/sse.h"
#include "providers/unknown.h"

namespace tollgate::providers {
namespace {

using Kind = JsonReader::Kind;

struct TranscriptEvent {
  std::string type;
  std::optional<JsonString> delta;
  std::optional<JsonString> text;
  std::optional<Span> logprobs;
  std::optional<Usage> usage;
  std::optional<ProviderWords> error;
  std::vector<Unknown> unknown;
};

void read_failure(JsonReader& reader, TranscriptEvent& event) {
  if (!reader.null()) read_error(reader, event.error.emplace());
}

TranscriptEvent read_event(JsonReader& reader) {
  TranscriptEvent event;
  walk_object(reader, [&](std::string_view key) {
    const bool string = reader.peek() == Kind::string;
    if (key == "delta" && string)
      event.delta = reader.string();
    else if (key == "text" && string)
      event.text = reader.string();
    else if (key == "logprobs" && reader.peek() == Kind::array)
      event.logprobs = reader.skip();
    else if (key == "usage" && reader.peek() == Kind::object)
      event.usage = read_relayed_usage(reader);
    else if (key == "type")
      read_text(reader, event.type);
    else if (key == "error")
      read_failure(reader, event);
    else
      skip_member(reader, known::kRelayed, event.unknown);
  });
  if (!event.error) note_unless(known::kTranscriptEvents, Unknown::What::event, event.type, event.unknown);
  return event;
}

Event text_event(const JsonReader& reader, const JsonString& string, Event::Kind kind) {
  Event event;
  event.kind = kind;
  event.text = reader.decode(string);
  event.span = string.inside;
  return event;
}

// What an event says in terms of all APIs. The last one has the whole text once more; a segment, of a transcript that
// tells speakers apart, has its own.
Batch said(const JsonReader& reader, const TranscriptEvent& event) {
  Batch batch;
  batch.unknown = event.unknown;
  const bool last = event.type == "transcript.text.done";
  if (event.delta) batch.events.push_back(text_event(reader, *event.delta, Event::Kind::text));
  if (event.text) {
    batch.events.push_back(text_event(reader, *event.text, last ? Event::Kind::text : Event::Kind::annotation));
    batch.events.back().repeats = last;
  }
  if (event.logprobs) {
    Event& tokens = batch.events.emplace_back();
    tokens.kind = Event::Kind::logprobs;
    tokens.span = event.logprobs;
  }
  if (!last) return batch;
  Event& told = batch.events.emplace_back();
  told.kind = Event::Kind::usage;
  told.usage = event.usage.value_or(Usage{.input = 0, .output = 0});
  batch.events.emplace_back().kind = Event::Kind::done;
  return batch;
}

class TranscriptEncoder final : public ClientEncoder {
 public:
  void write(const Batch& batch, const std::vector<bool>& changed, std::string& out) override {
    write_relayed(batch, changed, out);
  }
  void write_text(std::uint32_t, std::uint32_t, Event::Kind, std::string_view text, std::string& out) override {
    if (text.empty()) return;
    JsonWriter json;
    json.begin_object();
    json.string("type", "transcript.text.delta");
    json.string("delta", text);
    json.end_object();
    out += "data: " + json.take() + "\n\n";
  }
  void finish(std::string&) override {}
  void fail(const Error& error, std::string& out) override {
    Error own = error;
    own.upstream_body.clear();  // may hold line ends, which would end the event
    out += "data: " + encode_error_body(own) + "\n\n";
  }
};

}  // namespace

std::int64_t read_milliseconds(JsonReader& reader) {
  constexpr double kMost = 1e9;  // seconds: beyond is a provider's mistake, and must not overflow a bill
  if (reader.peek() != Kind::number) {
    reader.skip();
    return 0;
  }
  const auto text = reader.view(reader.skip());
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || !(seconds >= 0 && seconds <= kMost)) return 0;
  return std::llround(seconds * 1000);
}

// {"input_tokens","output_tokens"} (images, transcripts), {"prompt_tokens","total_tokens"} or {"total_tokens"}
// (rerank), {"type":"duration","seconds":9} (transcripts by models that are billed by it).
Usage read_relayed_usage(JsonReader& reader) {
  Usage usage;
  std::int64_t total = -1;
  walk_object(reader, [&](std::string_view key) {
    if (key == "input_tokens" || key == "prompt_tokens")
      usage.input = read_count(reader);
    else if (key == "output_tokens" || key == "completion_tokens")
      usage.output = read_count(reader);
    else if (key == "total_tokens")
      total = read_count(reader);
    else if (key == "seconds")
      usage.audio_ms = read_milliseconds(reader);
    else
      reader.skip();
  });
  usage.output = std::max<std::int64_t>(usage.output, 0);
  if (usage.input < 0) usage.input = std::max<std::int64_t>(total, 0);
  return usage;
}

Result<Batch> decode_transcript(std::string body) {
  if (body.starts_with('{')) return decode_relayed_json(std::move(body));
  if (!valid_utf8(body)) return upstream_garbage();
  TG_TRY(Batch batch, decode_relayed_bytes(std::move(body)));
  batch.content_type = "text/plain; charset=utf-8";
  Event& text = batch.events.emplace_back();
  text.kind = Event::Kind::text;
  text.text = batch.frame;
  text.span = Span{0, static_cast<std::uint32_t>(batch.frame.size())};
  return batch;
}

Result<Batch> decode_transcript_event(std::string frame, std::string_view data, std::size_t data_offset) {
  if (data_offset == SseFrame::kNoOffset) {
    OneLineFrame one = on_one_line("", data);
    return decode_transcript_event(std::move(one.bytes), data, one.data_offset);
  }
  const auto json = std::string_view(frame).substr(data_offset, data.size());
  if (json == "[DONE]") {
    Batch batch;
    batch.events.emplace_back().kind = Event::Kind::done;
    batch.frame = std::move(frame);
    return batch;
  }
  JsonReader reader(json, static_cast<std::uint32_t>(data_offset));
  if (!valid_utf8(json) || reader.peek() != Kind::object) return upstream_garbage();
  const TranscriptEvent event = read_event(reader);
  if (!reader.at_end()) return upstream_garbage();
  if (event.error) return fault_inside(*event.error);
  Batch batch = said(reader, event);
  batch.frame = std::move(frame);
  return batch;
}

std::unique_ptr<ClientEncoder> transcript_encoder(EncoderOptions /*options*/) {
  return std::make_unique<TranscriptEncoder>();
}

}  // namespace tollgate::providers
