// Memory that runs out at any point of the engine's work ends the request, and nothing else: no abort, no block lost,
// no caller left waiting, and the next request is answered.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "events.h"
#include "test_model.h"

namespace {

std::atomic<std::int64_t> allocations_left{-1};  // on threads other than the tests'; below 0: enough
thread_local bool of_the_test = false;

}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads): the others call these
void* operator new(std::size_t size) {
  if (!of_the_test && allocations_left.load() >= 0 && allocations_left.fetch_sub(1) == 0) throw std::bad_alloc();
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;  // NOLINT(cppcoreguidelines-no-malloc)
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }               // NOLINT(cppcoreguidelines-no-malloc)
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }  // NOLINT(cppcoreguidelines-no-malloc)
// NOLINTEND(misc-new-delete-overloads)

namespace tollgate::local_backend {
namespace {

using test::ask;
using test::TestModel;
using Kind = GenerateEvent::Kind;

struct Outcome {
  std::promise<void> ended;
  int finished = 0;
  int failed = 0;
  std::function<void(GenerateEvent)> sink(int choices) {
    return [this, choices](const GenerateEvent& event) {
      finished += event.kind == Kind::finished ? 1 : 0;
      failed += event.kind == Kind::failed ? 1 : 0;
      if (finished == choices || event.kind == Kind::failed) ended.set_value();
    };
  }
};

void wait_until_idle(const Engine& engine) {
  EngineStats stats = engine.stats();
  while (stats.running + stats.queued > 0) stats = engine.stats();
  EXPECT_EQ(stats.kv_blocks_used, 0);
  EXPECT_TRUE(stats.healthy);
}

// Lets the n-th allocation fail for each n, until a round needs fewer. Returns how many rounds had a failure.
int fail_everywhere(Engine& engine, GenerateRequest request, int requests) {
  of_the_test = true;
  int rounds = 0;
  for (std::int64_t n = 0;; ++n) {
    std::vector<Outcome> outcomes(static_cast<std::size_t>(requests));
    std::vector<std::unique_ptr<Generation>> generations;
    allocations_left = n;
    for (Outcome& outcome : outcomes) {
      ++request.sampling.seed;  // equal answers would share their blocks
      generations.push_back(engine.generate(request, outcome.sink(request.sampling.n)));
    }
    int failed = 0;
    for (Outcome& outcome : outcomes) {
      outcome.ended.get_future().wait();
      EXPECT_LE(outcome.failed, 1);
      failed += outcome.failed;
    }
    const bool reached = allocations_left.exchange(-1) < 0;
    wait_until_idle(engine);
    if (::testing::Test::HasFailure()) return rounds;
    if (!reached) {
      EXPECT_EQ(failed, 0);
      return rounds;
    }
    rounds += failed > 0 ? 1 : 0;
  }
}

TEST(Memory, RunningOutAnywhereEndsOneRequestAndNothingElse) {
  of_the_test = true;
  const TestModel files({.layers = 1});
  const auto engine = Engine::load({.model_directory = files.directory(), .kv_block_tokens = 4});
  GenerateRequest request = ask("the quick brown fox", 4, 1.0);
  request.sampling.n = 2;
  request.sampling.logprobs = 2;
  request.sampling.repetition_penalty = 1.1;
  request.format.kind = OutputFormat::Kind::json_object;
  EXPECT_GT(fail_everywhere(*engine, request, 1), 20);
}

TEST(Memory, RunningOutWhileSequencesArePutBackLosesNobody) {
  of_the_test = true;
  const TestModel files({.layers = 1, .context = 64});
  const std::uint64_t position = std::uint64_t{2} * 2 * 10 * 4;
  const auto engine =
      Engine::load({.model_directory = files.directory(), .kv_cache_bytes = 64 * position, .kv_block_tokens = 4});
  EXPECT_GT(fail_everywhere(*engine, ask("fox", 50, 1.0), 3), 3);
  EXPECT_GT(engine->stats().preempted, 0);
}

}  // namespace
}  // namespace tollgate::local_backend
