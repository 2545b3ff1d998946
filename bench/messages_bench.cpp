// The Messages API: indexing a request of a few turns with tools, taking its form off, and an event on its way back, as
// it came or written anew.
#include <benchmark/benchmark.h>

#include <string>

#include "providers/messages_encoder.h"
#include "providers/messages_event.h"
#include "providers/messages_request.h"

namespace tollgate::providers {
namespace {

constexpr int kEvents = 200;

std::string conversation() {
  std::string tools;
  for (int i = 0; i < 8; ++i)
    tools +=
        (i == 0 ? "" : ",") + (R"({"name":"tool)" + std::to_string(i)) +
        R"(","description":"Looks something up.","input_schema":{"type":"object","properties":{"q":{"type":"string"}}}})";
  std::string messages;
  for (int i = 0; i < 4; ++i) {
    const std::string id = "toolu_" + std::to_string(i);
    messages += (i == 0 ? "" : ",") + (R"({"role":"user","content":")" + std::string(800, 'u') + "\"}");
    messages += R"(,{"role":"assistant","content":[{"type":"tool_use","id":")" + id +
                R"(","name":"tool1","input":{"q":"x"}}]})";
    messages += R"(,{"role":"user","content":[{"type":"tool_result","tool_use_id":")" + id + R"(","content":")" +
                std::string(600, 't') + "\"}]}";
  }
  return R"({"model":"m","max_tokens":1000,"system":")" + std::string(1500, 's') + R"(","tools":[)" + tools +
         R"(],"messages":[)" + messages + "]}";
}

void decode(benchmark::State& state) {
  const auto body = std::make_shared<const std::string>(conversation());
  for (auto _ : state) {
    auto call = decode_messages_request(body, {});
    benchmark::DoNotOptimize(call);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body->size()));
}
BENCHMARK(decode);

void canonical(benchmark::State& state) {
  const std::string body = conversation();
  for (auto _ : state) {
    auto request = canonicalise_messages(body);
    benchmark::DoNotOptimize(request);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(canonical);

// One piece of text, decoded and written: as it came (0), or anew (1).
void relay_event(benchmark::State& state) {
  const std::string data =
      R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" a few words"}})";
  const std::string frame = "event: content_block_delta\ndata: " + data + "\n\n";
  EncoderOptions options;
  options.stream = true;
  for (auto _ : state) {
    MessagesEncoder encoder(options);
    std::string out;
    for (int i = 0; i < kEvents; ++i) {
      auto batch = decode_messages_event(frame, data, frame.find('{'));
      if (state.range(0) == 1) batch->frame.clear();
      encoder.write(*batch, {}, out);
    }
    benchmark::DoNotOptimize(out);
  }
  state.SetItemsProcessed(state.iterations() * kEvents);
}
BENCHMARK(relay_event)->DenseRange(0, 1);

}  // namespace
}  // namespace tollgate::providers

BENCHMARK_MAIN();
