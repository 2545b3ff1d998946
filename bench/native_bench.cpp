// Google's and AWS's own APIs as callers speak them: indexing a request, taking its form off, and a piece of text on
// its way back, as it came or written anew.
#include <benchmark/benchmark.h>

#include <string>

#include "providers/converse_call.h"
#include "providers/converse_event.h"
#include "providers/event_stream.h"
#include "providers/gemini_call.h"
#include "providers/gemini_event.h"

namespace tollgate::providers {
namespace {

constexpr int kEvents = 200;

std::string gemini_call() {
  std::string contents;
  for (int i = 0; i < 4; ++i) {
    contents += (i == 0 ? "" : ",") + (R"({"role":"user","parts":[{"text":")" + std::string(800, 'u') + "\"}]}");
    contents +=
        R"(,{"role":"model","parts":[{"functionCall":{"name":"f","args":{"q":"x"}}}]},{"role":"user","parts":[)";
    contents += R"({"functionResponse":{"name":"f","response":{"output":")" + std::string(600, 't') + "\"}}}]}";
  }
  return R"({"contents":[)" + contents + "]}";
}

std::string converse_call() {
  std::string messages;
  for (int i = 0; i < 4; ++i) {
    messages += (i == 0 ? "" : ",") + (R"({"role":"user","content":[{"text":")" + std::string(800, 'u') + "\"}]}");
    messages += R"(,{"role":"assistant","content":[{"toolUse":{"toolUseId":"i","name":"f","input":{"q":"x"}}}]},)";
    messages += R"({"role":"user","content":[{"toolResult":{"toolUseId":"i","content":[{"text":")" +
                std::string(600, 't') + "\"}]}}]}";
  }
  return R"({"messages":[)" + messages + "]}";
}

template <auto Decode>
void decode(benchmark::State& state, const std::string& text) {
  const auto body = std::make_shared<const std::string>(text);
  for (auto _ : state) {
    auto call = Decode(body, "m");
    benchmark::DoNotOptimize(call);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body->size()));
}
void decode_gemini(benchmark::State& state) { decode<decode_gemini_call>(state, gemini_call()); }
BENCHMARK(decode_gemini);
void decode_converse(benchmark::State& state) { decode<decode_converse_call>(state, converse_call()); }
BENCHMARK(decode_converse);

template <auto Canonicalise>
void canonical(benchmark::State& state, const std::string& body) {
  for (auto _ : state) {
    auto request = Canonicalise(body);
    benchmark::DoNotOptimize(request);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
void canonical_gemini(benchmark::State& state) { canonical<canonicalise_gemini>(state, gemini_call()); }
BENCHMARK(canonical_gemini);
void canonical_converse(benchmark::State& state) { canonical<canonicalise_converse>(state, converse_call()); }
BENCHMARK(canonical_converse);

// As it came (0), or anew (1).
template <auto Decode, auto Encoder>
void relay(benchmark::State& state, const std::string& frame, std::size_t at, std::size_t size) {
  EncoderOptions options;
  options.stream = true;
  for (auto _ : state) {
    const auto encoder = Encoder(options);
    std::string out;
    for (int i = 0; i < kEvents; ++i) {
      auto batch = Decode(frame, std::string_view(frame).substr(at, size), at);
      if (state.range(0) == 1) batch->frame.clear();
      encoder->write(*batch, {}, out);
    }
    benchmark::DoNotOptimize(out);
  }
  state.SetItemsProcessed(state.iterations() * kEvents);
}

void relay_gemini(benchmark::State& state) {
  const std::string data = R"({"candidates":[{"content":{"role":"model","parts":[{"text":" a few words"}]}}]})";
  relay<decode_gemini_event, gemini_encoder>(state, "data: " + data + "\n\n", 6, data.size());
}
BENCHMARK(relay_gemini)->DenseRange(0, 1);

void relay_converse(benchmark::State& state) {
  const std::string data = R"({"contentBlockIndex":0,"delta":{"text":" a few words"},"p":"abcd"})";
  const std::string frame = encode_event_message("event", "contentBlockDelta", data);
  relay<decode_converse_event, converse_encoder>(state, frame, frame.size() - 4 - data.size(), data.size());
}
BENCHMARK(relay_converse)->DenseRange(0, 1);

}  // namespace
}  // namespace tollgate::providers

BENCHMARK_MAIN();
