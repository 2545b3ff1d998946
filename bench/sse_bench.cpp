// What one streamed event of 265 bytes costs from the provider's bytes to the client's.
#include <benchmark/benchmark.h>

#include <string>

#include "providers/chat_encoder.h"
#include "providers/sse.h"

using namespace tollgate::providers;

namespace {

std::string frame_of_265_bytes() {
  std::string frame =
      R"(data: {"id":"chatcmpl-AZtq1bYw7vD2mQxK3nLr8sPe5uJf0","object":"chat.completion.chunk","created":1767225600,)"
      R"("model":"gpt-4o-2024-11-20","system_fingerprint":"fp_5f20662549","choices":[{"index":0,)"
      R"("delta":{"content":" word"},"logprobs":null,"finish_reason":null}]})";
  frame.append(265 - 2 - frame.size(), ' ');
  return frame + "\n\n";
}

EncoderOptions stream_options() {
  EncoderOptions options;
  options.stream = true;
  return options;
}

void frames(benchmark::State& state) {
  std::string wire;
  for (int i = 0; i < 64; ++i) wire += frame_of_265_bytes();
  SseParser parser(1 << 20);
  for (auto _ : state) {
    parser.input() += wire;
    for (auto frame = parser.next(); *frame; frame = parser.next()) benchmark::DoNotOptimize(**frame);
  }
  state.SetItemsProcessed(state.iterations() * 64);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(wire.size()));
}

void decode(benchmark::State& state) {
  const std::string frame = frame_of_265_bytes();
  const auto data = std::string_view(frame).substr(6, frame.size() - 8);
  for (auto _ : state) benchmark::DoNotOptimize(decode_chat_event(frame, data, 6));
  state.SetItemsProcessed(state.iterations());
}

void relay(benchmark::State& state) {
  const bool changed = state.range(0) != 0;
  std::string wire;
  for (int i = 0; i < 64; ++i) wire += frame_of_265_bytes();
  SseParser parser(1 << 20);
  ChatEncoder encoder(stream_options());
  const std::vector<bool> changes(changed ? 1 : 0, true);
  std::string out;
  for (auto _ : state) {
    parser.input() += wire;
    out.clear();
    for (auto frame = parser.next(); *frame; frame = parser.next()) {
      const auto batch = decode_chat_event(std::string((*frame)->raw), (*frame)->data, (*frame)->data_offset);
      encoder.write(*batch, changes, out);
    }
    benchmark::DoNotOptimize(out);
  }
  state.SetItemsProcessed(state.iterations() * 64);
}

BENCHMARK(frames);
BENCHMARK(decode);
BENCHMARK(relay)->Arg(0)->Arg(1)->ArgName("changed");

}  // namespace

BENCHMARK_MAIN();
