// Whatever comes in as a call of Converse: it is refused, or its index lies inside it, and every provider's dialect
// refuses the canonical form or writes a body that another parser reads. Whatever comes in as an answer: its spans lie
// where they say, and, written as events, a body is JSON and a stream is read again, message by message.
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "providers/converse_call.h"
#include "providers/converse_event.h"
#include "providers/dialect.h"
#include "providers/event_stream.h"
#include "tests/fuzz/request_checks.h"
#include "tests/fuzz/require.h"

using namespace tollgate::providers;

namespace {

void check_call(const std::shared_ptr<const std::string>& body) {
  const auto call = decode_converse_call(body, "m");
  if (!call) return;
  fuzz::check_texts(*call, *body);
  fuzz::check_dialects([&] { return canonicalise_converse(*body); });
}

void check_spans(const Batch& batch) {
  for (const Event& event : batch.events) {
    if (!event.span) continue;
    require(event.span->end() <= batch.frame.size(), "a span lies in its frame");
    const std::string raw = batch.frame.substr(event.span->offset, event.span->length);
    const bool inside = batch.frame[event.span->offset - 1] == '"';
    require(event.text == (inside ? unescape_json(raw) : raw), "a text lies where it says");
  }
}

std::string encode(const Batch& batch, bool stream) {
  EncoderOptions options;
  options.stream = stream;
  const auto encoder = converse_encoder(std::move(options));
  std::string out;
  encoder->write(batch, {}, out);
  encoder->finish(out);
  return out;
}

void check_stream(const std::string& bytes) {
  EventStreamParser parser;
  parser.input() = bytes;
  auto message = parser.next();
  for (; message && *message; message = parser.next()) {
    const std::string raw((*message)->raw);
    require(nlohmann::json::accept((*message)->payload), "a payload is JSON");
    require(with_payload(raw, (*message)->payload) == raw, "the same payload gives the same message");
  }
  require(message.ok() && parser.at_boundary(), "what is written is read");
}

void check_answer(const std::string& body) {
  const std::string frame = encode_event_message("event", "contentBlockDelta", body);
  const std::string_view payload = read_event_message(frame).payload;
  if (auto piece = decode_converse_event(frame, payload, static_cast<std::size_t>(payload.data() - frame.data())))
    check_spans(*piece);
  auto batch = decode_converse_response(body);
  if (!batch) return;
  check_spans(*batch);
  batch->frame.clear();
  require(nlohmann::json::accept(encode(*batch, false)), "a body is JSON");
  check_stream(encode(*batch, true));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
  check_call(body);
  check_answer(*body);
  return 0;
}
