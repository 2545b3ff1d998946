// Events in any order, as no provider would send them: a stream and a body come out that the vendor's rules allow, and
// both say the same.
#include <cstdint>
#include <string>
#include <vector>

#include "providers/messages_encoder.h"
#include "tests/fuzz/require.h"
#include "tests/unit/providers/messages_stream.h"

using namespace tollgate::providers;

namespace {

using K = Event::Kind;

// Two bytes an event: what, and for which block. Texts are JSON objects, so that arguments are what they should be.
std::vector<Event> events_of(const std::uint8_t* data, std::size_t size) {
  static constexpr K kKinds[] = {K::start,  K::text,     K::refusal,    K::reasoning,      K::tool_call,
                                 K::finish, K::usage,    K::arguments,  K::call_signature, K::signature,
                                 K::opaque, K::redacted, K::annotation, K::block_end,      K::logprobs};
  static constexpr const char* kReasons[] = {"stop", "length", "tool_calls", "content_filter", "odd"};
  std::vector<Event> out;
  for (std::size_t at = 0; at + 1 < size; at += 2) {
    Event& event = out.emplace_back();
    event.kind = kKinds[data[at] % std::size(kKinds)];
    event.block = data[at + 1] % 4U;
    event.choice = data[at + 1] / 64U == 3 ? 1 : 0;
    event.text = event.kind == K::finish ? kReasons[data[at + 1] % std::size(kReasons)] : "{}";
    if (data[at + 1] & 16U) event.id = "id";
    event.usage = {.input = data[at + 1], .output = 5, .cached_input = 3, .cache_write = 0, .reasoning = 1};
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  EncoderOptions options;
  options.id = "msg_1";
  options.model = "m";
  MessagesEncoder body(options);
  options.stream = true;
  MessagesEncoder stream(options);
  std::string plain;
  std::string streamed;
  const std::size_t together = data[0] % 4U + 1;
  Batch batch;
  const auto flush = [&] {
    stream.write(batch, {}, streamed);
    body.write(batch, {}, plain);
    batch.events.clear();
  };
  for (Event& event : events_of(data + 1, size - 1)) {
    batch.events.push_back(std::move(event));
    if (batch.events.size() == together) flush();
  }
  flush();
  stream.finish(streamed);
  body.finish(plain);
  const auto message = testing::message_of(streamed);  // throws, and so crashes, where the stream is none
  const auto whole = testing::Json::parse(plain);
  require(message.at("stop_reason") == whole.at("stop_reason"), "both end alike");
  require(message.at("usage") == whole.at("usage"), "both cost alike");
  return 0;
}
