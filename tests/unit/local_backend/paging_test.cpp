// An answer does not depend on how its keys and values are kept: bitwise the same tokens, whatever the size of blocks,
// whoever shared them, and however often it was put back.
#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "events.h"
#include "local_backend/api.h"
#include "test_model.h"

namespace tollgate::local_backend {
namespace {

using test::ask;
using test::Events;
using test::TestModel;
using Kind = GenerateEvent::Kind;

constexpr int kRequests = 6;

GenerateRequest request(int number, const std::string& department = "retail") {
  GenerateRequest out = ask("please answer question number " + std::to_string(number), 120 + 10 * number, 1.0, 11);
  out.department = department;
  return out;
}

std::vector<std::string> answers(Engine& engine) {
  std::vector<Events> events(kRequests);
  std::vector<std::unique_ptr<Generation>> generations;
  for (int i = 0; i < kRequests; ++i)
    generations.push_back(engine.generate(request(i), events[static_cast<std::size_t>(i)].sink()));
  std::vector<std::string> out;
  for (Events& e : events) {
    EXPECT_EQ(e.last().kind, Kind::finished);
    out.push_back(e.text());
  }
  return out;
}

std::vector<std::string> answers_alone(const TestModel& files) {
  const auto engine = Engine::load({.model_directory = files.directory(), .max_running = 1});
  return answers(*engine);
}

// Bytes of a position in TestModel's default shape.
constexpr std::int64_t kPosition = std::int64_t{2} * 2 * 2 * 10 * 4;

TEST(Paging, BlocksOfAnySizeGiveTheSameAnswers) {
  const TestModel files({});
  const auto wanted = answers_alone(files);
  for (const int block_tokens : {1, 4, 16, 32}) {
    const auto engine =
        Engine::load({.model_directory = files.directory(), .max_running = 4, .kv_block_tokens = block_tokens});
    EXPECT_EQ(answers(*engine), wanted) << block_tokens;
  }
}

TEST(Paging, WhatWasPutBackAnswersAsIfNothingHadHappened) {
  const TestModel files({});
  const auto wanted = answers_alone(files);
  const auto engine = Engine::load({.model_directory = files.directory(),
                                    .max_running = kRequests,
                                    .kv_cache_bytes = 256 * kPosition,
                                    .kv_block_tokens = 4});
  EXPECT_EQ(answers(*engine), wanted);
  EXPECT_GT(engine->stats().preempted, 0) << "else the pool was not too small";
  EngineStats stats = engine->stats();
  while (stats.running > 0) stats = engine->stats();
  EXPECT_EQ(stats.kv_blocks_used, 0) << "nothing leaks";
}

TEST(Paging, APrefixThatIsKnownGivesTheSameAnswerWithoutBeingComputedAgain) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory(), .kv_block_tokens = 4});
  std::vector<std::string> texts;
  std::vector<std::int64_t> cached;
  for (const char* department : {"retail", "retail", "trading"}) {
    Events events;
    const auto generation = engine->generate(request(1, department), events.sink());
    cached.push_back(events.last().cached_tokens);
    texts.push_back(events.text());
  }
  EXPECT_EQ(texts[1], texts[0]);
  EXPECT_EQ(texts[2], texts[0]);
  EXPECT_EQ(cached[0], 0);
  EXPECT_GT(cached[1], 4);
  EXPECT_EQ(cached[2], 0) << "another department's cache is not looked at";
  EXPECT_EQ(engine->stats().cached_tokens, cached[1]);
}

TEST(Paging, ACacheSmallerThanTheModelsContextCutsTheContext) {
  const TestModel files({});
  const auto engine =
      Engine::load({.model_directory = files.directory(), .kv_cache_bytes = 64 * kPosition, .kv_block_tokens = 16});
  EXPECT_EQ(engine->facts().context_length, 64);
  Events events;
  const auto generation = engine->generate(ask("x", 0), events.sink());
  const GenerateEvent end = events.last();
  EXPECT_EQ(end.finish, FinishReason::length);
  EXPECT_EQ(end.prompt_tokens + end.completion_tokens, 64);
  EXPECT_THROW((void)Engine::load({.model_directory = files.directory(), .kv_cache_bytes = 100}), std::runtime_error);
}

}  // namespace
}  // namespace tollgate::local_backend
