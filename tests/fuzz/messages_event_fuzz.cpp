// Answers in Anthropic's form for a caller of the same form: wherever they are cut, the same frames; spans that lie
// where they say; and, written as events, a stream and a body that the vendor's rules allow.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "providers/messages_encoder.h"
#include "providers/messages_event.h"
#include "providers/sse.h"
#include "tests/fuzz/require.h"
#include "tests/unit/providers/messages_stream.h"

using namespace tollgate::providers;

namespace {

void check_spans(const Batch& batch) {
  for (const Event& event : batch.events) {
    if (!event.span) continue;
    require(event.span->end() <= batch.frame.size(), "a span lies in its frame");
    const auto raw = std::string_view(batch.frame).substr(event.span->offset, event.span->length);
    const bool inside = batch.frame[event.span->offset - 1] == '"';
    require(event.text == (inside ? unescape_json(raw) : std::string(raw)), "a text lies where it says");
  }
}

std::vector<Batch> stream(std::string_view wire, std::size_t piece) {
  std::vector<Batch> out;
  SseParser parser(1 << 20);
  for (std::size_t at = 0; at < wire.size(); at += piece) {
    parser.input() += wire.substr(at, piece);
    for (auto frame = parser.next(); frame && *frame; frame = parser.next()) {
      auto batch = decode_messages_event(std::string((*frame)->raw), (*frame)->data, (*frame)->data_offset);
      if (!batch) return out;
      out.push_back(std::move(*batch));
    }
  }
  return out;
}

EncoderOptions options(bool stream) {
  EncoderOptions out;
  out.stream = stream;
  out.id = "msg_1";
  out.model = "m";
  return out;
}

std::string encode(const std::vector<Batch>& batches, bool stream, bool frames) {
  MessagesEncoder encoder(options(stream));
  std::string out;
  for (Batch batch : batches) {
    if (!frames) batch.frame.clear();
    encoder.write(batch, std::vector<bool>(batch.events.size(), true), out);
  }
  encoder.finish(out);
  return out;
}

}  // namespace

// The first byte says how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = stream(wire, wire.size() + 1);
  const auto cut = stream(wire, data[0] % 13U + 1);
  require(whole.size() == cut.size(), "the same frames wherever the bytes are cut");
  for (const Batch& batch : whole) check_spans(batch);
  require(encode(whole, true, true) == encode(cut, true, true), "the same bytes");
  const auto message = testing::message_of(encode(whole, true, false));  // throws, and so crashes, where it is none
  require(message.at("content").is_array(), "a message");
  const auto body = decode_messages_response(std::string(wire));
  if (body) {
    check_spans(*body);
    testing::message_of(encode({*body}, true, false));
    require(testing::Json::accept(encode({*body}, false, false)), "a body is JSON");
  }
  (void)decode_count_response(std::string(wire));
  ErrorAnswer refusal;
  refusal.status = 400;
  refusal.body = wire;
  require(!encode_messages_error(decode_messages_error(refusal), "id").empty(), "an error has a body");
  return 0;
}
