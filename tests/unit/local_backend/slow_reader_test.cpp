// An answer that nobody reads waits in bounded memory, and holds up nobody.
#include <gmock/gmock.h>

#include <thread>

#include "events.h"
#include "test_model.h"

namespace tollgate::local_backend {
namespace {

using test::ask;
using test::Events;
using test::Shape;
using test::TestModel;
using Kind = GenerateEvent::Kind;

constexpr int kMostUnread = 8;

GenerateRequest unread(const std::string& text, int tokens) {
  GenerateRequest request = ask(text, tokens, 1.0, 5);
  request.most_unread = kMostUnread;
  return request;
}

// Until nothing has been computed for a while.
void settle(const Engine& engine) {
  for (auto steps = engine.stats().steps - 1; steps != engine.stats().steps;) {
    steps = engine.stats().steps;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

TEST(SlowReader, AnAnswerPausesUntilItIsReadAndIsTheSameThen) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory(), .kv_block_tokens = 4});
  Events usual;
  const auto first = engine->generate(ask("one two three", 60, 1.0, 5), usual.sink());
  ASSERT_EQ(usual.last().kind, Kind::finished);
  Events slow;
  const auto generation = engine->generate(unread("one two three", 60), slow.sink());
  settle(*engine);
  EXPECT_EQ(slow.pieces(), kMostUnread);
  EXPECT_EQ(engine->stats().kv_blocks_used, 0) << "who waits holds nothing that others need";
  generation->read(3);
  settle(*engine);
  EXPECT_EQ(slow.pieces(), kMostUnread + 3);
  generation->read(1000);
  EXPECT_EQ(slow.last().kind, Kind::finished);
  EXPECT_EQ(slow.text(), usual.text());
}

TEST(SlowReader, OthersAreServedThoughEveryPlaceWasTakenByThem) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory(), .max_running = 2});
  std::vector<Events> slow(3);
  std::vector<std::unique_ptr<Generation>> generations;
  for (Events& events : slow) generations.push_back(engine->generate(unread("slow", 100), events.sink()));
  settle(*engine);
  Events quick;
  const auto generation = engine->generate(ask("quick", 20), quick.sink());
  EXPECT_EQ(quick.last().kind, Kind::finished);
  generations[0]->cancel();
  EXPECT_EQ(slow[0].last().failure, FailureKind::cancelled) << "while it waited";
  for (auto& one : generations) one->read(1000);
  EXPECT_EQ(slow[1].last().kind, Kind::finished);
  EXPECT_EQ(slow[2].last().kind, Kind::finished);
}

TEST(SlowReader, WaitingIsIdleTime) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory()});
  Events events;
  const auto generation = engine->generate(ask("x", 20), events.sink());
  EXPECT_EQ(events.last().completion_tokens, 20);
  settle(*engine);
  generation->cancel();
  settle(*engine);
  const EngineStats stats = engine->stats();
  const auto count = [](const Durations& durations) {
    std::int64_t out = 0;
    for (const auto n : durations.counts) out += n;
    return out;
  };
  EXPECT_GT(stats.idle_us, 20'000);
  EXPECT_GT(stats.busy_us, 0);
  EXPECT_EQ(count(stats.queue_wait), 1);
  EXPECT_EQ(count(stats.first_token), 1);
  EXPECT_EQ(count(stats.next_token), 19);
}

}  // namespace
}  // namespace tollgate::local_backend
