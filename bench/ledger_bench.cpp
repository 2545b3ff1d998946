// What a worker pays for a record (push), and what the ledger thread achieves (rows per second, committed).
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

#include "finops/crc32c.h"
#include "finops/ledger.h"
#include "finops/prices.h"
#include "finops/ring.h"
#include "gateway/base/ids.h"

namespace tollgate::finops {
namespace {

UsageRecord sample(const Uuid& id) {
  UsageRecord r;
  r.event_id = id;
  r.request_id = id;
  r.started_at_ms = 1'764'000'000'000;
  r.organisation = "default";
  r.department = "retail";
  r.cost_center = "CC-1042";
  r.application = "branch-chat";
  r.purpose = "branch assistant";
  r.use_case = "AI-0173";
  r.credential = "7f3c09b2a1";
  r.operation = "chat";
  r.model_asked = "gpt-4o";
  r.model_served = "gpt-4o-2024-08-06";
  r.provider = "azure-eu";
  r.processing_region = "eu";
  r.input_tokens = 1200;
  r.output_tokens = 300;
  r.usage_source = UsageSource::provider_final;
  r.cost_nano = 6'000'000;
  r.price_version = "builtin@2026-11:gpt-4o";
  r.status = 200;
  r.outcome = "ok";
  r.rule_pack = "2026-11";
  return r;
}

class Directory {
 public:
  Directory() : path_(std::filesystem::temp_directory_path() / ("tollgate-bench-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void push(benchmark::State& state) {
  const Directory directory;
  auto ring = *Ring::create(directory.path() / "a.ring", 4 * 1024 * 1024, Uuid{});
  RingWriter writer(*ring);
  RingReader reader(*ring);
  const auto record = sample(Uuid{});
  for (auto _ : state) {
    if (writer.push(record)) continue;
    state.PauseTiming();
    reader.skip_to_head();
    reader.release();
    state.ResumeTiming();
  }
}
BENCHMARK(push);

void read_and_decode(benchmark::State& state) {
  const Directory directory;
  auto ring = *Ring::create(directory.path() / "a.ring", 4 * 1024 * 1024, Uuid{});
  RingWriter writer(*ring);
  RingReader reader(*ring);
  const auto record = sample(Uuid{});
  std::string_view bytes;
  for (auto _ : state) {
    if (reader.next(bytes) == RingReader::Next::record) {
      benchmark::DoNotOptimize(decode(bytes));
      continue;
    }
    state.PauseTiming();
    reader.release();
    while (writer.push(record)) {
    }
    state.ResumeTiming();
  }
}
BENCHMARK(read_and_decode);

// Pushed as fast as the ring takes them, until everything is durable. Argument: 1 for final records only, 2 for pairs.
void commit(benchmark::State& state) {
  const Directory directory;
  const RealClock clock;
  NullLog log;
  auto ledger = *Ledger::open({directory.path() / "ledger.db", directory.path() / "rings"}, 1, clock, log);
  UuidSource ids;
  constexpr int kRows = 20'000;
  for (auto _ : state) {
    for (int i = 0; i < kRows; ++i) {
      auto record = sample(ids.next(clock.system_now()));
      if (state.range(0) == 2) {
        record.kind = RecordKind::intent;
        while (!ledger->producer(0).push(record)) std::this_thread::sleep_for(std::chrono::microseconds(100));
        record.kind = RecordKind::final;
      }
      while (!ledger->producer(0).push(record)) std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    if (!ledger->flush(std::chrono::seconds(60))) state.SkipWithError("not durable in time");
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}
BENCHMARK(commit)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

void checksum(benchmark::State& state) {
  const std::string bytes(400, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(crc32c(bytes));
}
BENCHMARK(checksum);

void rate_record(benchmark::State& state) {
  const auto book = builtin_prices("builtin@2026-11");
  auto record = sample(Uuid{});
  for (auto _ : state) {
    rate(record, *book);
    benchmark::DoNotOptimize(record.cost_nano);
  }
}
BENCHMARK(rate_record);

}  // namespace
}  // namespace tollgate::finops

BENCHMARK_MAIN();
