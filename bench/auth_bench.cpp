// What it costs a worker to know its caller, and the refresher to build the table.
#include <benchmark/benchmark.h>

#include "gateway/auth/keys.h"
#include "gateway/auth/use_log.h"

namespace tollgate::auth {
namespace {

struct World {
  static constexpr std::size_t kKeys = 20'000;
  World() : hasher(Secret(std::string(32, 'm'))) {
    auto department = std::make_shared<config::Department>();
    department->id = "retail";
    department->applications.emplace_back();
    department->applications.back().id = "branch-chat";
    snapshot.departments["retail"] = std::move(department);
    for (std::size_t i = 0; i < kKeys; ++i) {
      const NewKey fresh = mint_key();
      Credential c;
      c.id = fresh.id;
      c.department = "retail";
      c.application = "branch-chat";
      c.hash = hasher.hash(fresh.key.reveal());
      keys.emplace_back(fresh.key.reveal());
      rows.push_back(std::move(c));
    }
    table = std::make_unique<CredentialTable>(rows);
  }
  KeyHasher hasher;
  config::Snapshot snapshot;
  std::vector<std::string> keys;
  std::vector<Credential> rows;
  std::unique_ptr<CredentialTable> table;
};

World& world() {
  static World instance;
  return instance;
}

void build_table_of_20000(benchmark::State& state) {
  for (auto _ : state) {
    const CredentialTable table(world().rows);
    benchmark::DoNotOptimize(table.size());
  }
}
BENCHMARK(build_table_of_20000)->Unit(benchmark::kMillisecond);

void find_by_id(benchmark::State& state) {
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(world().table->find(world().rows[i++ * 7919 % World::kKeys].id));
}
BENCHMARK(find_by_id);

void parse(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(parse_key(world().keys[7]));
}
BENCHMARK(parse);

void hash_key(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(world().hasher.hash(world().keys[7]));
}
BENCHMARK(hash_key);

void authenticate_good_key(benchmark::State& state) {
  const SystemTime now(std::chrono::seconds(1'767'225'600));
  std::size_t i = 0;
  for (auto _ : state) {
    const auto& key = world().keys[i++ * 7919 % World::kKeys];
    auto who = authenticate(key, *world().table, world().hasher, world().snapshot, now);
    if (!who) return state.SkipWithError("a good key was refused");
    benchmark::DoNotOptimize(who->application);
  }
}
BENCHMARK(authenticate_good_key);

void note_use_again(benchmark::State& state) {
  static UseLog log;
  for (auto _ : state) log.note("id0123456789", 20'000);
}
BENCHMARK(note_use_again)->Threads(1)->Threads(2);

}  // namespace
}  // namespace tollgate::auth

BENCHMARK_MAIN();
