// Bytes per second and core of the scanner. Protects: >= 1 GB/s on clean chat JSON, >= 0.5 GB/s on text full of values.
#include <benchmark/benchmark.h>

#include <random>
#include <string>

#include "pii/pii.h"
#include "pii/triggers.h"

namespace {

using namespace tollgate;
using namespace tollgate::pii;

constexpr std::size_t kSize = 1U << 20U;

// Made-up sentences: the letters, digits and signs of ordinary English, nothing personal.
const char* const kSentences[] = {
    "The committee met on Tuesday and agreed that the second draft needed more work before anyone could sign it. ",
    "In 2024 the team of 12 shipped 3 releases; version 4.7 fixed the bug, at a cost of $1,250 and 6 weekends. ",
    "\"Why not?\" she asked - well-known for her patience - while the kettle boiled and the rain went on and on. ",
    "To reproduce: run the script, wait 30 seconds, then look at line 118 of the log (about 80% of runs show it). ",
    "A function named parse_header calls std::string::find, then returns the index_of the first match, or -1. ",
    "L'été dernier, nous avons visité la côte; le voyage — trois jours — fut trop court. ",
};

std::string prose() {
  std::mt19937 random(1);
  std::string out;
  while (out.size() < kSize) out += kSentences[random() % std::size(kSentences)];
  return out;
}

std::string chat_json() {
  std::mt19937 random(2);
  std::string out = "[";
  while (out.size() < kSize) {
    out += "{\"role\":\"";
    out += random() % 2 == 0 ? "user" : "assistant";
    out += "\",\"content\":[{\"type\":\"text\",\"text\":\"";
    for (unsigned i = 0; i < 2 + random() % 4; ++i)
      for (const char* c = kSentences[random() % std::size(kSentences)]; *c != '\0'; ++c) {
        if (*c == '"') out += '\\';
        out += *c;
      }
    out += "\\n\"}]},";
  }
  out.back() = ']';
  return out;
}

std::string dense() {
  std::mt19937 random(3);
  static const char* const kValues[] = {"jane.doe@example.com",       "+49 30 901820", "(415) 555-0132",
                                        "4242 4242 4242 4242",        "536-22-8145",   "203.0.113.45",
                                        "GB82 WEST 1234 5698 7654 32"};
  static const char* const kBetween[] = {" and then the customer wrote to ", ", or as an alternative use ",
                                         ". The record also says "};
  std::string out;
  while (out.size() < kSize) {
    out += kValues[random() % std::size(kValues)];
    out += kBetween[random() % std::size(kBetween)];
  }
  return out;
}

std::string base64() {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::mt19937 random(4);
  std::string out;
  while (out.size() < kSize) out += kAlphabet[random() % 64];
  return out;
}

std::string hex() {
  std::mt19937 random(6);
  std::string out;
  while (out.size() < kSize) out += "0123456789abcdef"[random() % 16];
  return out;
}

std::string logs() {
  std::mt19937 random(7);
  std::string out;
  while (out.size() < kSize)
    out += "2026-03-01T12:00:0" + std::to_string(random() % 10) + "Z INFO worker 3 finished job " +
           std::to_string(random() % 100'000) + " in 412 ms, 3 retries, 0 failures\n";
  return out;
}

std::string numbers() {
  std::mt19937 random(5);
  std::string out;
  while (out.size() < kSize) out += std::to_string(random() % 1'000'000) + (random() % 8 == 0 ? "\n" : ",");
  return out;
}

std::string chinese() {
  std::string out;
  while (out.size() < kSize)
    out += "我们在2024年3月讨论了这个问题，会议持续了两个小时，最后没有结论。下次会议定于周五上午十点。";
  return out;
}

void scan(benchmark::State& state, const std::string& text) {
  const Scanner scanner;
  std::size_t found = 0;
  for (auto _ : state) found = scanner.scan(text).size();
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(text.size()));
  state.counters["found"] = static_cast<double>(found);
}

BENCHMARK_CAPTURE(scan, prose, prose());
BENCHMARK_CAPTURE(scan, chat_json, chat_json());
BENCHMARK_CAPTURE(scan, dense, dense());
BENCHMARK_CAPTURE(scan, base64, base64());
BENCHMARK_CAPTURE(scan, hex, hex());
BENCHMARK_CAPTURE(scan, logs, logs());
BENCHMARK_CAPTURE(scan, numbers, numbers());
BENCHMARK_CAPTURE(scan, chinese, chinese());
BENCHMARK_CAPTURE(scan, short_message, std::string("Hello, could you summarise the attached report for me, please?"));

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
