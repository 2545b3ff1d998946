// What the Responses API costs: a request, an event of a provider that speaks it, an event that is written here.
#include <benchmark/benchmark.h>

#include <string>

#include "providers/responses.h"
#include "providers/responses_encoder.h"

namespace tollgate::providers {
namespace {

std::string conversation() {
  std::string items = R"({"role":"user","content":")" + std::string(3000, 'u') + "\"}";
  for (int i = 0; i < 4; ++i) {
    const std::string id = "call_" + std::to_string(i);
    items += R"(,{"type":"function_call","id":"fc_1","call_id":")" + id +
             R"(","name":"tool1","arguments":"{\"q\":\"x\"}"},{"type":"function_call_output","call_id":")" + id +
             R"(","output":")" + std::string(600, 't') + "\"}";
  }
  return R"({"model":"m","instructions":")" + std::string(1500, 's') +
         R"(","tools":[{"type":"function","name":"tool1","description":"Looks something up.","parameters":)"
         R"({"type":"object","properties":{"q":{"type":"string"}}}}],"input":[)" +
         items + "]}";
}

void index_request(benchmark::State& state) {
  const auto body = std::make_shared<const std::string>(conversation());
  for (auto _ : state) {
    auto call = decode_responses_request(body);
    benchmark::DoNotOptimize(call);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body->size()));
}
BENCHMARK(index_request);

void canonicalise_request(benchmark::State& state) {
  const std::string body = conversation();
  for (auto _ : state) {
    auto request = canonicalise_responses(body);
    benchmark::DoNotOptimize(request);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(canonicalise_request);

EncoderOptions options() {
  EncoderOptions out;
  out.stream = true;
  out.id = "resp_1";
  out.model = "m";
  return out;
}

// One event of a provider's stream, decoded and passed on as it is.
void relay_event(benchmark::State& state) {
  const std::string data =
      R"({"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":0,)"
      R"("content_index":0,"delta":" a few words","logprobs":[],"obfuscation":"abcdef"})";
  const std::string frame = "event: response.output_text.delta\ndata: " + data + "\n\n";
  ResponsesEncoder encoder(options());
  std::string out;
  for (auto _ : state) {
    auto batch = decode_responses_event(frame, data, frame.find('{'));
    out.clear();
    encoder.write(*batch, {}, out);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(relay_event);

// One piece of text of a translated answer. A fresh encoder now and then: it keeps the whole text for the end.
void write_event(benchmark::State& state) {
  Batch batch;
  Event& event = batch.events.emplace_back();
  event.kind = Event::Kind::text;
  event.text = " a few words";
  std::string out;
  auto encoder = std::make_unique<ResponsesEncoder>(options());
  int written = 0;
  for (auto _ : state) {
    if (++written % 1000 == 0) encoder = std::make_unique<ResponsesEncoder>(options());
    out.clear();
    encoder->write(batch, {}, out);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(write_event);

}  // namespace
}  // namespace tollgate::providers

BENCHMARK_MAIN();
