// What translation costs: a request of a few turns with tools, and an event of a stream, per dialect.
#include <benchmark/benchmark.h>

#include <string>

#include "providers/chat_encoder.h"
#include "providers/dialect.h"
#include "tests/unit/providers/event_frames.h"

namespace tollgate::providers {
namespace {

constexpr int kEvents = 200;
constexpr std::string_view kTypes[] = {"text/event-stream", "application/vnd.amazon.eventstream", "text/event-stream"};

const ProviderDialect& dialect(std::int64_t i) {
  return i == 0 ? kAnthropicDialect : i == 1 ? kBedrockDialect : kGeminiDialect;
}

std::string conversation() {
  std::string tools;
  for (int i = 0; i < 8; ++i)
    tools +=
        (i == 0 ? "" : ",") + (R"({"type":"function","function":{"name":"tool)" + std::to_string(i)) +
        R"(","description":"Looks something up.","parameters":{"type":"object","properties":{"q":{"type":"string"}}}}})";
  std::string messages = R"({"role":"system","content":")" + std::string(1500, 's') + "\"}";
  for (int i = 0; i < 4; ++i) {
    const std::string id = "call_" + std::to_string(i);
    messages += R"(,{"role":"user","content":")" + std::string(800, 'u') + "\"}";
    messages += R"(,{"role":"assistant","tool_calls":[{"id":")" + id +
                R"(","type":"function","function":{"name":"tool1","arguments":"{\"q\":\"x\"}"}}]})";
    messages += R"(,{"role":"tool","tool_call_id":")" + id + R"(","content":")" + std::string(600, 't') + "\"}";
  }
  return R"({"model":"m","temperature":0.5,"tools":[)" + tools + R"(],"messages":[)" + messages + "]}";
}

void translate_request(benchmark::State& state) {
  const std::string body = conversation();
  DialectTarget target;
  target.model = "claude-sonnet-4-5";
  for (auto _ : state) {
    auto request = canonicalise(body);
    auto call = dialect(state.range(0)).encode(*std::move(request), target);
    benchmark::DoNotOptimize(call);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(translate_request)->DenseRange(0, 2);

// One piece of text as each provider sends it.
std::string piece(std::int64_t i) {
  if (i == 0)
    return "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
           "{\"type\":\"text_delta\",\"text\":\" a few words\"}}\n\n";
  if (i == 1)
    return testing::event_message("contentBlockDelta",
                                  R"({"contentBlockIndex":0,"delta":{"text":" a few words"},"p":"abcdefghij"})");
  return "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\" a few words\"}]}}],"
         "\"usageMetadata\":{\"trafficType\":\"ON_DEMAND\"},\"modelVersion\":\"gemini-2.5-flash\",\"responseId\":\"r\"}"
         "\n\n";
}

void translate_stream(benchmark::State& state) {
  const std::string one = piece(state.range(0));
  for (auto _ : state) {
    const auto decoder = dialect(state.range(0)).decoder({}, kTypes[state.range(0)]);
    ChatEncoder encoder({.stream = true,
                         .include_usage = false,
                         .id = "chatcmpl-1",
                         .created = 1,
                         .model = "m",
                         .strip_logprobs = false});
    std::string out;
    for (int i = 0; i < kEvents; ++i) {
      decoder->input() += one;
      while (true) {
        auto batch = decoder->next();
        if (!batch || !*batch) break;
        encoder.write(**batch, {}, out);
      }
    }
    benchmark::DoNotOptimize(out);
  }
  state.SetItemsProcessed(state.iterations() * kEvents);
}
BENCHMARK(translate_stream)->DenseRange(0, 2);

}  // namespace
}  // namespace tollgate::providers

BENCHMARK_MAIN();
