// APIs that are passed on: whatever request is accepted says where its texts lie; whatever answer is accepted can be
// edited where it says.
#include <cstdint>
#include <string>

#include "providers/relay.h"
#include "tests/fuzz/require.h"

using namespace tollgate::providers;

namespace {

void check(const tollgate::Result<Call>& call) {
  if (!call) return;
  for (const TextField& text : call->index.texts)
    require(text.span.end() <= call->body->size(), "texts lie in the body");
}

void check_transcript_event(const std::string& data) {
  const std::string frame = "data: " + data + "\n\n";
  const auto batch = decode_transcript_event(frame, std::string_view(frame).substr(6, data.size()), 6);
  if (!batch) return;
  for (const Event& event : batch->events)
    if (event.span) require(event.span->end() <= batch->frame.size(), "a span lies in its frame");
  std::string same;
  transcript_encoder({})->write(*batch, {}, same);
  require(same == frame, "nothing changed: byte for byte");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
  check(decode_moderations_request(body, {}));
  check(decode_rerank_request(body, {}));
  check(decode_images_request(body, {}));
  check(decode_speech_request(body, {}));
  (void)decode_transcript(*body);
  check_transcript_event(*body);
  auto batch = decode_relayed_json(*body);
  if (!batch) return 0;
  const auto encoder = relay_encoder({});
  std::string same;
  encoder->write(*batch, {}, same);
  require(same == *body, "nothing changed: byte for byte");
  std::string edited;
  encoder->write(*batch, std::vector<bool>(batch->events.size(), true), edited);
  const auto again = decode_relayed_json(edited);
  require(again && again->events.size() == batch->events.size(), "the same texts, written anew");
  return 0;
}
