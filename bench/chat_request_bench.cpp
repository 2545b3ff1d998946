// What indexing one chat request costs: on the path of every call, before anything is known about it.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "providers/call.h"

using namespace tollgate::providers;

namespace {

// A conversation of turns with some escapes, until it is about `size` bytes long.
std::string conversation(std::size_t size) {
  std::string body = R"({"model":"gpt-4o","stream":true,"temperature":0.2,"max_tokens":512,"messages":[)"
                     R"({"role":"system","content":"You are a helpful assistant of the bank's retail branch."})";
  while (body.size() + 260 < size)
    body += R"(,{"role":"user","content":"Please look at account statement 12 and tell me\nwhich \"direct debits\" )"
            R"(changed since May, sorted by amount. Explain each of them in one short sentence, please."},)"
            R"({"role":"assistant","content":"Three of them changed; see below for the list."})";
  return body + "]}";
}

// One long document in one message, as retrieval does it.
std::string document(std::size_t size) {
  std::string text;
  while (text.size() < size) text += "The quick brown fox jumps over the lazy dog near the river bank; ";
  return R"({"model":"gpt-4o","messages":[{"role":"user","content":")" + text + R"("}]})";
}

// An agent's request: a short question, and many tools whose schemas hold short strings.
std::string tools(std::size_t size) {
  std::string body = R"({"model":"gpt-4o","messages":[{"role":"user","content":"What is due?"}],"tools":[)";
  for (int i = 0; body.size() + 420 < size; ++i)
    body += (i > 0 ? "," : "") + std::string(R"({"type":"function","function":{"name":"tool_)") + std::to_string(i) +
            R"(","description":"Looks up what is due on an account.","parameters":{"type":"object","properties":{)"
            R"("account":{"type":"string","description":"The number of the account"},)"
            R"("period":{"type":"string","enum":["month","quarter","year"]}},"required":["account","period"]}}})";
  return body + "]}";
}

void decode(benchmark::State& state, std::string text) {
  const auto body = std::make_shared<const std::string>(std::move(text));
  for (auto _ : state) {
    auto call = decode_chat_request(body);
    benchmark::DoNotOptimize(call);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body->size()));
}

void upstream_body(benchmark::State& state) {
  const auto body = std::make_shared<const std::string>(conversation(static_cast<std::size_t>(state.range(0))));
  const auto call = decode_chat_request(body);
  for (auto _ : state) benchmark::DoNotOptimize(splice(*body, upstream_edits(*call, "vendor/model")));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body->size()));
}

BENCHMARK_CAPTURE(decode, conversation_1k, conversation(1024));
BENCHMARK_CAPTURE(decode, conversation_62k, conversation(62 * 1024));
BENCHMARK_CAPTURE(decode, tools_62k, tools(62 * 1024));
BENCHMARK_CAPTURE(decode, document_62k, document(62 * 1024));
BENCHMARK_CAPTURE(decode, conversation_1m, conversation(1024 * 1024));
BENCHMARK(upstream_body)->Arg(1024)->Arg(62 * 1024)->Arg(1024 * 1024);

}  // namespace

BENCHMARK_MAIN();
