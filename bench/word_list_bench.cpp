// Bytes per second and core of a list of words. Protects: >= 1 GB/s on prose with 10,000 names.
#include <benchmark/benchmark.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "pii/word_list.h"

namespace {

using tollgate::pii::WordList;

constexpr std::array<const char*, 12> kSyllables = {"an",  "ber", "cor", "dal", "el",  "fin",
                                                    "gar", "hol", "is",  "jor", "mar", "sen"};

std::string name(std::mt19937& random, std::size_t syllables) {
  std::string out;
  while (syllables-- > 0) out += kSyllables[random() % kSyllables.size()];
  return out;
}

// First and family names, made up.
std::vector<std::string> names(std::size_t count) {
  std::mt19937 random(7);
  std::vector<std::string> out;
  while (out.size() < count) out.push_back(name(random, 2 + random() % 2) + " " + name(random, 3));
  return out;
}

std::string prose() {
  const std::string sentence =
      "The committee met on Tuesday and agreed that the second draft needed more work before anyone could sign it; a "
      "marine gardener held the other half. ";
  std::string out;
  while (out.size() < (1U << 20U)) out += sentence;
  return out;
}

void find_names(benchmark::State& state) {
  const WordList list(names(static_cast<std::size_t>(state.range(0))));
  const std::string text = prose();
  std::vector<WordList::Match> out;
  for (auto _ : state) {
    out.clear();
    list.find(text, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(find_names)->Arg(10)->Arg(10'000);

}  // namespace

BENCHMARK_MAIN();
