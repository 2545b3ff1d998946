// Cost of restoring per streamed piece (about one model token each). Protects: no allocation and well under a
// microsecond per relayed frame.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "pii/pii.h"

namespace {

using namespace tollgate;
using namespace tollgate::pii;

struct Conversation {
  RestoreMap map;
  std::vector<std::string> tokens;
  explicit Conversation(int values) {
    const Pseudonymiser names(Secret(std::string(32, 'k')));
    for (int i = 0; i < values; ++i) {
      const std::string value = "user" + std::to_string(i) + "@example.com";
      tokens.push_back(names.token(EntityType::email_address, value));
      map.add(tokens.back(), value);
    }
  }
};

void feed(benchmark::State& state, const Conversation& conversation, const std::string& text) {
  constexpr std::size_t kPiece = 4;
  std::string out;
  std::int64_t pieces = 0;
  for (auto _ : state) {
    out.clear();
    StreamRestorer restorer(conversation.map, RestoreMode::text);
    for (std::size_t at = 0; at < text.size(); at += kPiece, ++pieces)
      restorer.feed(std::string_view(text).substr(at, kPiece), out);
    restorer.finish(out);
    benchmark::DoNotOptimize(out);
  }
  state.SetItemsProcessed(pieces);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(text.size()));
}

void restore_clean(benchmark::State& state) {
  const Conversation conversation(20);
  std::string text;
  while (text.size() < 8192) text += "The Tuesday report is ready. Tell the others that it went out at ten. ";
  feed(state, conversation, text);
}
BENCHMARK(restore_clean);

void restore_dense(benchmark::State& state) {
  const Conversation conversation(static_cast<int>(state.range(0)));
  std::string text;
  for (std::size_t i = 0; text.size() < 8192; ++i)
    text += "Write to " + conversation.tokens[i % conversation.tokens.size()] + " about it. ";
  feed(state, conversation, text);
}
BENCHMARK(restore_dense)->Arg(1)->Arg(100)->Arg(10000);

// A stream that waits: one restorer per block under way, nothing on the heap but what is held back.
void idle_stream(benchmark::State& state) {
  const Conversation conversation(1);
  std::string out;
  for (auto _ : state) {
    StreamRestorer restorer(conversation.map, RestoreMode::text);
    restorer.feed("Dear ", out);
    benchmark::DoNotOptimize(out);
    out.clear();
  }
  state.counters["state_bytes"] = sizeof(StreamRestorer);
}
BENCHMARK(idle_stream);

}  // namespace

BENCHMARK_MAIN();
