// Frames are the same wherever the bytes are cut, and whatever a frame holds is decoded or refused.
#include <cstdint>
#include <string>
#include <vector>

#include "providers/chat_encoder.h"
#include "providers/sse.h"
#include "tests/fuzz/require.h"

using namespace tollgate::providers;

namespace {

struct Frame {
  std::string raw;
  std::string data;
  std::size_t offset;
  friend bool operator==(const Frame&, const Frame&) = default;
};

bool take(SseParser& parser, std::vector<Frame>& out, bool at_end) {
  while (true) {
    const auto frame = at_end ? parser.last() : parser.next();
    if (!frame) return false;
    if (!*frame) return true;
    const SseFrame& f = **frame;
    require(f.data_offset == SseFrame::kNoOffset || f.raw.substr(f.data_offset, f.data.size()) == f.data);
    out.push_back({std::string(f.raw), std::string(f.data), f.data_offset});
  }
}

std::vector<Frame> parse(std::string_view wire, std::size_t piece) {
  SseParser parser(1 << 20);
  std::vector<Frame> out;
  for (std::size_t at = 0; at < wire.size(); at += piece) {
    parser.input() += wire.substr(at, piece);
    if (!take(parser, out, false)) return out;
  }
  take(parser, out, true);
  return out;
}

void decode(const Frame& frame) {
  const auto batch = decode_chat_event(frame.raw, frame.data, frame.offset);
  if (!batch) return;
  for (const Event& event : batch->events)
    if (event.span) require(event.span->end() <= batch->frame.size());
  ChatEncoder encoder(
      {.stream = true, .include_usage = false, .id = "id", .created = 1, .model = "m", .strip_logprobs = true});
  std::string out;
  encoder.write(*batch, std::vector<bool>(batch->events.size(), true), out);
  encoder.finish(out);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t piece = static_cast<unsigned char>(all.front()) % 13 + 1;
  const std::string_view wire = all.substr(1);
  const auto frames = parse(wire, wire.size() + 1);
  require(frames == parse(wire, piece));
  for (const Frame& frame : frames) decode(frame);
  (void)decode_chat_response(std::string(wire));
  (void)decode_error_reply(400, wire, wire.substr(0, 40), wire.substr(0, 40), wire.substr(0, 29));
  return 0;
}
