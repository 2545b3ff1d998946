// What callers ask for beyond temperature: in the sampler, and through the engine.
#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <mutex>
#include <set>

#include "events.h"
#include "local_backend/sampler.h"
#include "test_model.h"

namespace tollgate::local_backend {
namespace {

using test::ask;
using test::Events;
using test::TestModel;
using ::testing::ElementsAre;
using Kind = GenerateEvent::Kind;

const std::vector<float> kLogits = {std::log(0.1F), std::log(0.2F), std::log(0.3F), std::log(0.4F)};

std::set<int> drawn(const SampleRule& rule, const Past& past = {}) {
  Sampler sampler({true, true, true, true});
  std::set<int> out;
  for (int i = 0; i < 400; ++i) out.insert(sampler.choose(kLogits, rule, i, past));
  return out;
}

TEST(Sampler, TopKMinPAndBansLeaveWhatTheySay) {
  EXPECT_THAT(drawn({}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(drawn({.top_k = 2}), ElementsAre(2, 3));
  EXPECT_THAT(drawn({.min_p = 0.6}), ElementsAre(2, 3));
  EXPECT_THAT(drawn({.top_p = 0.5, .top_k = 3}), ElementsAre(2, 3));
  EXPECT_THAT(drawn({.bias = {{3, -100}, {0, -100}}}), ElementsAre(1, 2));
  EXPECT_THAT(drawn({.bias = {{1, 100}}}), ElementsAre(1));
  EXPECT_THAT(drawn({.enders = {3}, .min_tokens = 1}), ElementsAre(0, 1, 2));
  const TokenMask mask = {true, false, false, false};
  EXPECT_THAT(drawn({}, {.mask = &mask}), ElementsAre(0));
  const TokenMask none(4, false);
  EXPECT_THAT(drawn({}, {.mask = &none}), ElementsAre(Sampler::kNoToken));
}

TEST(Sampler, PenaltiesCountTheAnswerAndRepetitionThePromptToo) {
  Sampler sampler({true, true, true, true});
  const std::vector<float> logits = {1.0F, 1.1F, 1.2F, -1.0F};
  const std::vector<int> twice = {2, 2};
  const std::vector<int> one = {2};
  const SampleRule greedy{.temperature = 0};
  SampleRule frequency = greedy;
  frequency.frequency_penalty = 0.08;
  EXPECT_EQ(sampler.choose(logits, frequency, 0, {.answer = one}), 2);
  EXPECT_EQ(sampler.choose(logits, frequency, 0, {.answer = twice}), 1);
  EXPECT_EQ(sampler.choose(logits, frequency, 0, {.prompt = twice}), 2);
  SampleRule presence = greedy;
  presence.presence_penalty = 0.15;
  EXPECT_EQ(sampler.choose(logits, presence, 0, {.answer = one}), 1);
  EXPECT_EQ(sampler.choose(logits, presence, 0, {.prompt = one}), 2);
  SampleRule repetition = greedy;
  repetition.repetition_penalty = 1.5;
  EXPECT_EQ(sampler.choose(logits, repetition, 0, {.prompt = one}), 1);
  EXPECT_EQ(sampler.choose(logits, repetition, 0), 2) << "nothing is left over from earlier draws";
}

TEST(Sampler, ScoresAreLogProbabilitiesOfTheLogitsAsTheyCame) {
  const Sampler sampler({true, true, true, true});
  const auto scores = sampler.scores(kLogits, 1, 2);
  ASSERT_EQ(scores.size(), 3U);
  EXPECT_EQ(scores[0].token, 1);
  EXPECT_NEAR(scores[0].logprob, std::log(0.2), 1e-6);
  EXPECT_EQ(scores[1].token, 3);
  EXPECT_NEAR(scores[1].logprob, std::log(0.4), 1e-6);
  EXPECT_EQ(scores[2].token, 2);
}

// Texts and scores by choice.
class Choices {
 public:
  std::function<void(GenerateEvent)> sink(int wanted) {
    return [this, wanted](const GenerateEvent& event) {
      const std::scoped_lock lock(mutex_);
      texts[event.choice] += event.text;
      for (const auto& entry : event.logprobs) scored[event.choice] += entry.token.bytes;
      entries += static_cast<int>(event.logprobs.size());
      for (const auto& entry : event.logprobs) tops.insert(entry.top.size());
      if (event.kind == Kind::text) return;
      ends.push_back(event);
      if (event.kind == Kind::failed || static_cast<int>(ends.size()) == wanted) done_.set_value();
    };
  }
  void wait() { done_.get_future().wait(); }

  std::map<int, std::string> texts;
  std::map<int, std::string> scored;
  std::set<std::size_t> tops;
  std::vector<GenerateEvent> ends;
  int entries = 0;

 private:
  std::mutex mutex_;
  std::promise<void> done_;
};

TEST(Engine, TheFirstOfManyChoicesIsTheOneThatWouldHaveComeAlone) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory(), .max_running = 2, .kv_block_tokens = 4});
  Events alone;
  const auto single = engine->generate(ask("tell me something", 20, 1.0, 5), alone.sink());
  (void)alone.last();
  GenerateRequest request = ask("tell me something", 20, 1.0, 5);
  request.sampling.n = 4;
  request.department = "another";
  Choices choices;
  const auto many = engine->generate(std::move(request), choices.sink(4));
  choices.wait();
  EXPECT_EQ(choices.texts[0], alone.text());
  std::set<std::string> different;
  for (const auto& [choice, text] : choices.texts) different.insert(text);
  EXPECT_EQ(different.size(), 4U);
  for (const auto& end : choices.ends) {
    if (end.choice > 0) EXPECT_GT(end.cached_tokens, 0) << "choices share what was computed of the prompt";
  }
}

TEST(Engine, CancellingEndsAllChoicesWithOneWord) {
  test::Shape shape;
  shape.layers = 1;
  shape.context = 4096;
  const TestModel files(shape);
  const auto engine = Engine::load({.model_directory = files.directory(), .max_running = 2});
  GenerateRequest request = ask("x", 4000, 1.0);
  request.sampling.n = 3;
  test::Gate events;
  const auto generation = engine->generate(std::move(request), events.sink());
  events.wait();
  generation->cancel();
  events.release();
  EXPECT_EQ(events.last().failure, FailureKind::cancelled);
}

TEST(Engine, TellsTheScoresOfEveryTokenThatIsShown) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory()});
  GenerateRequest request = ask("the fox", 20);
  request.sampling.logprobs = 3;
  Choices choices;
  const auto generation = engine->generate(std::move(request), choices.sink(1));
  choices.wait();
  EXPECT_EQ(choices.entries, 20);
  EXPECT_THAT(choices.tops, ElementsAre(3U));
}

TEST(Engine, AStopTokenEndsTheAnswerButNotBeforeItMay) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory()});
  const auto answer = [&](std::vector<int> stops, int min_tokens, bool ignore_eos) {
    GenerateRequest request = ask("the fox", 10, 1.0);
    request.sampling.stop_token_ids = std::move(stops);
    request.sampling.min_tokens = min_tokens;
    request.sampling.ignore_eos = ignore_eos;
    Events events;
    const auto generation = engine->generate(std::move(request), events.sink());
    return events.last();
  };
  std::vector<int> most;
  for (int id = 4; id < 400; ++id) most.push_back(id);
  EXPECT_LT(answer(most, 0, false).completion_tokens, 10);
  EXPECT_GE(answer(most, 5, false).completion_tokens, 5);
  EXPECT_EQ(answer({}, 0, true).finish, FinishReason::length);
}

}  // namespace
}  // namespace tollgate::local_backend
