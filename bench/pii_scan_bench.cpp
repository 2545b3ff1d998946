// Bytes per second and core of the scanner. Protects: >= 1 GB/s on clean chat JSON, >= 0.5 GB/s on text full of values.
#include <benchmark/benchmark.h>

#include <re2/re2.h>
#include <re2/set.h>

#include <string>
#include <vector>

#include "bench/pii/texts.h"
#include "pii/pii.h"
#include "pii/triggers.h"

namespace {

using namespace tollgate;
using namespace tollgate::pii;

using namespace tollgate::bench;

void scan(benchmark::State& state, const std::string& text) {
  const Scanner scanner;
  std::size_t found = 0;
  for (auto _ : state) found = scanner.scan(text).size();
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(text.size()));
  state.counters["found"] = static_cast<double>(found);
}

BENCHMARK_CAPTURE(scan, prose, prose());
BENCHMARK_CAPTURE(scan, chat_json, chat_json());
BENCHMARK_CAPTURE(scan, letters, letters());
BENCHMARK_CAPTURE(scan, dense, dense());
BENCHMARK_CAPTURE(scan, base64, base64());
BENCHMARK_CAPTURE(scan, hex, hex());
BENCHMARK_CAPTURE(scan, logs, logs());
BENCHMARK_CAPTURE(scan, numbers, numbers());
BENCHMARK_CAPTURE(scan, chinese, chinese());
BENCHMARK_CAPTURE(scan, short_message, std::string("Hello, could you summarise the attached report for me, please?"));

// Beside it, what a gateway gets from RE2 alone for the types of `dense` and some keys: where something of that look
// is. No check digit, no range, no word around it, no spelling but one.
const char* const kLooks[] = {
    R"([\w.+-]+@[\w-]+\.[\w.-]+)",
    R"(\b\d{1,3}(?:\.\d{1,3}){3}\b)",
    R"(\b\d{3}-\d{2}-\d{4}\b)",
    R"(\b(?:\d[ -]?){12,18}\d\b)",
    R"(\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b)",
    R"(\+\d{1,3}[ -]?\d{2,4}[ -]?\d{4,8}\b)",
    R"(\(\d{3}\) ?\d{3}-\d{4}\b)",
    R"(\bsk-[A-Za-z0-9_-]{20,}\b)",
    R"(\bAKIA[A-Z0-9]{16}\b)",
    R"(\bgh[pousr]_[A-Za-z0-9]{36}\b)",
};

// One expression of all, asked for one match after the other.
void re2_alternation(benchmark::State& state, const std::string& text) {
  std::string all;
  for (const char* look : kLooks) all += std::string(all.empty() ? "(" : "|") + look;
  const re2::RE2 pattern(all + ")");
  std::size_t found = 0;
  for (auto _ : state) {
    found = 0;
    re2::StringPiece rest(text);
    while (re2::RE2::FindAndConsume(&rest, pattern)) ++found;
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(text.size()));
  state.counters["found"] = static_cast<double>(found);
}

// Says which of them are somewhere in the text, and not where.
void re2_set(benchmark::State& state, const std::string& text) {
  re2::RE2::Set set(re2::RE2::Options(), re2::RE2::UNANCHORED);
  for (const char* look : kLooks) set.Add(look, nullptr);
  set.Compile();
  std::vector<int> which;
  for (auto _ : state) set.Match(text, &which);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(text.size()));
  state.counters["found"] = static_cast<double>(which.size());
}

BENCHMARK_CAPTURE(re2_alternation, chat_json, chat_json());
BENCHMARK_CAPTURE(re2_alternation, letters, letters());
BENCHMARK_CAPTURE(re2_alternation, dense, dense());
BENCHMARK_CAPTURE(re2_set, chat_json, chat_json());
BENCHMARK_CAPTURE(re2_set, letters, letters());
BENCHMARK_CAPTURE(re2_set, dense, dense());

// The pass alone: what the detectors leave on the table.
void triggers(benchmark::State& state, const std::string& text, bool portable) {
  std::size_t found = 0;
  for (auto _ : state) {
    TriggerFinder finder(text, portable);
    found = 0;
    for (std::size_t pos = finder.next(0); pos < text.size(); pos = finder.next(pos + 1)) ++found;
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(text.size()));
  state.counters["found"] = static_cast<double>(found);
}

BENCHMARK_CAPTURE(triggers, chat_json, chat_json(), false);
BENCHMARK_CAPTURE(triggers, chat_json_portable, chat_json(), true);

void scrub_dense(benchmark::State& state) {
  const Scanner scanner;
  const Pseudonymiser names(Secret(std::string(32, 'k')));
  const std::string text = dense();
  const PolicyOptions policy;
  for (auto _ : state) {
    Scrubbed left;
    benchmark::DoNotOptimize(scrub(text, find(text, scanner, Policies(policy)), Policies(policy), names, left));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(scrub_dense);

void make_scanner(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(std::make_unique<Scanner>());
}
BENCHMARK(make_scanner)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
