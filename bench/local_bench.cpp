// The demo model on one core: tokens of a prompt, and of an answer, for each second.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "local_backend/model.h"
#include "local_backend/transformer.h"

namespace lb = tollgate::local_backend;

namespace {

const lb::Model& demo() {
  static const std::unique_ptr<const lb::Model> kModel = lb::Model::load(TOLLGATE_DEMO_MODEL);
  return *kModel;
}

constexpr int kBlock = 32;
constexpr int kPositions = 512;

struct Caches {
  explicit Caches(std::int64_t count) : pool(demo().spec, static_cast<int>(count) * kPositions / kBlock, kBlock) {
    for (std::int64_t i = 0; i < count; ++i) {
      tables.push_back(std::make_unique<lb::KvTable>(pool));
      (void)tables.back()->reserve(kPositions);
    }
  }
  lb::KvPool pool;
  std::vector<std::unique_ptr<lb::KvTable>> tables;
};

std::vector<lb::StepRow> rows_of(Caches& caches, int position, int count_per_cache) {
  std::vector<lb::StepRow> rows;
  for (const auto& table : caches.tables) {
    for (int i = 0; i < count_per_cache; ++i)
      rows.push_back({300 + i, position + i, table.get(), i + 1 == count_per_cache});
  }
  return rows;
}

// One token for each of N sequences, positions 64 to 191.
void BM_Decode(benchmark::State& state) {
  lb::Transformer transformer(demo().spec, demo().weights);
  Caches caches(state.range(0));
  int position = 64;
  (void)transformer.step(rows_of(caches, 0, position));
  for (auto _ : state) {
    benchmark::DoNotOptimize(transformer.step(rows_of(caches, position, 1)));
    position = position == 191 ? 64 : position + 1;
  }
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_Decode)->Arg(1)->Arg(4)->Arg(8)->Arg(32);

// A prompt of 256 tokens in chunks of N.
void BM_Prefill(benchmark::State& state) {
  lb::Transformer transformer(demo().spec, demo().weights);
  Caches caches(1);
  const int chunk = static_cast<int>(state.range(0));
  for (auto _ : state) {
    for (int at = 0; at < 256; at += chunk) benchmark::DoNotOptimize(transformer.step(rows_of(caches, at, chunk)));
  }
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * 256), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_Prefill)->Arg(1)->Arg(32)->Arg(128);

void BM_PromptToIds(benchmark::State& state) {
  std::string text;
  while (text.size() < 8192) text += "My e-mail is anna@example.com and order 4711 isn't here yet. ";
  for (auto _ : state) {
    benchmark::DoNotOptimize(demo().chat_template.prompt({{"system", "Be brief."}, {"user", text}}));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(BM_PromptToIds);

}  // namespace

BENCHMARK_MAIN();
