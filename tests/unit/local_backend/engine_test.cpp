#include <gmock/gmock.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "events.h"
#include "local_backend/api.h"
#include "local_backend/detokenizer.h"
#include "local_backend/kernels.h"
#include "local_backend/model.h"
#include "test_model.h"

namespace tollgate::local_backend {
namespace {

using test::ask;
using test::Events;
using test::Gate;
using test::Shape;
using test::TestModel;
using Kind = GenerateEvent::Kind;

Shape long_shape() {
  Shape shape;
  shape.layers = 1;
  shape.context = 4096;
  return shape;
}

TEST(Engine, AnswersWithTheGreedyContinuationOfTheReference) {
  const TestModel files({});
  const auto model = Model::load(files.directory());
  const auto engine = Engine::load({.model_directory = files.directory()});
  for (const std::string text : {"the quick brown fox", "Hello 123", "x"}) {
    const auto prompt = std::get<std::vector<int>>(model->chat_template.prompt({{"user", text}}));
    std::string bytes;
    for (const int id : files.greedy(prompt, 12, model->tokenizer.size())) bytes += model->tokenizer.bytes_of(id);
    std::string wanted;
    Utf8Stream stream;
    stream.feed(bytes, wanted);
    stream.finish(wanted);
    Events events;
    const auto generation = engine->generate(ask(text, 12), events.sink());
    const GenerateEvent end = events.last();
    EXPECT_EQ(end.kind, Kind::finished);
    EXPECT_EQ(end.finish, FinishReason::length);
    EXPECT_EQ(end.completion_tokens, 12);
    EXPECT_EQ(end.prompt_tokens, static_cast<std::int64_t>(prompt.size()));
    EXPECT_GT(end.compute_us, 0);
    EXPECT_EQ(events.text(), wanted);
  }
}

TEST(Engine, AnswersTheSameAloneAndInACrowd) {
  const TestModel files({});
  constexpr int kRequests = 12;
  std::vector<std::string> alone;
  {
    const auto engine = Engine::load({.model_directory = files.directory(), .max_running = 1});
    for (int i = 0; i < kRequests; ++i) {
      Events events;
      const auto generation = engine->generate(ask("request " + std::to_string(i), 20 + i, 1.0, 7), events.sink());
      EXPECT_EQ(events.last().kind, Kind::finished);
      alone.push_back(events.text());
    }
  }
  const auto engine = Engine::load({.model_directory = files.directory(), .max_running = 5});
  std::vector<Events> events(kRequests);
  std::vector<std::unique_ptr<Generation>> generations;
  for (int i = 0; i < kRequests; ++i) {
    generations.push_back(engine->generate(ask("request " + std::to_string(i), 20 + i, 1.0, 7),
                                           events[static_cast<std::size_t>(i)].sink()));
  }
  for (std::size_t i = 0; i < kRequests; ++i) {
    EXPECT_EQ(events[i].last().kind, Kind::finished);
    EXPECT_EQ(events[i].text(), alone[i]);
  }
  EXPECT_NE(alone[0], alone[1]);
}

TEST(Engine, DrawsAFreshSeedWhereNoneIsGiven) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory()});
  std::vector<std::string> texts;
  for (int i = 0; i < 2; ++i) {
    GenerateRequest request = ask("x", 40, 1.0);
    request.sampling.seeded = false;
    Events events;
    const auto generation = engine->generate(std::move(request), events.sink());
    (void)events.last();
    texts.push_back(events.text());
  }
  EXPECT_NE(texts[0], texts[1]);
}

TEST(Engine, HonoursACancellationWithinOneStep) {
  const TestModel files(long_shape());
  const auto engine = Engine::load({.model_directory = files.directory()});
  Gate events;
  const auto generation = engine->generate(ask("x", 4000), events.sink());
  events.wait();
  generation->cancel();
  events.release();
  const GenerateEvent end = events.last();
  EXPECT_EQ(end.kind, Kind::failed);
  EXPECT_EQ(end.failure, FailureKind::cancelled);
  EXPECT_EQ(events.pieces(), 1);
}

TEST(Engine, DroppingTheHandleCancels) {
  const TestModel files(long_shape());
  const auto engine = Engine::load({.model_directory = files.directory()});
  Gate events;
  auto generation = engine->generate(ask("x", 4000), events.sink());
  events.wait();
  generation.reset();
  events.release();
  EXPECT_EQ(events.last().failure, FailureKind::cancelled);
}

TEST(Engine, CancelsWhatIsStillWaiting) {
  const TestModel files(long_shape());
  const auto engine = Engine::load({.model_directory = files.directory(), .max_running = 1});
  Gate first;
  Events second;
  const auto running = engine->generate(ask("x", 50), first.sink());
  first.wait();
  const auto waiting = engine->generate(ask("y", 50), second.sink());
  EXPECT_EQ(engine->stats().queued, 1);
  waiting->cancel();
  first.release();
  EXPECT_EQ(second.last().failure, FailureKind::cancelled);
  EXPECT_EQ(second.pieces(), 0);
  EXPECT_EQ(first.last().kind, Kind::finished);
}

TEST(Engine, RefusesAtOnceWhenTheQueueIsFullAndSaysWhenToRetry) {
  const TestModel files(long_shape());
  const auto engine = Engine::load({.model_directory = files.directory(), .max_running = 1, .max_queued = 1});
  Gate first;
  Events second;
  Events third;
  const auto running = engine->generate(ask("x", 20), first.sink());
  first.wait();
  const auto waiting = engine->generate(ask("y", 20), second.sink());
  const auto refused = engine->generate(ask("z", 20), third.sink());  // answered before the engine moves on
  const GenerateEvent end = third.last();
  EXPECT_EQ(end.kind, Kind::failed);
  EXPECT_EQ(end.failure, FailureKind::overloaded);
  EXPECT_GT(end.retry_after_ms, 0);
  EXPECT_EQ(engine->stats().rejected, 1);
  EXPECT_EQ(engine->stats().running, 1);
  first.release();
  EXPECT_EQ(first.last().kind, Kind::finished);
  EXPECT_EQ(second.last().kind, Kind::finished);
}

TEST(Engine, ALongPromptDoesNotStallThoseWhoAreAnswering) {
  const TestModel files(long_shape());
  const auto engine = Engine::load({.model_directory = files.directory()});
  Gate first;
  const auto answering = engine->generate(ask("x", 2000), first.sink());
  first.wait();
  std::string text;
  for (int i = 0; i < 600; ++i) text += "é9 ";
  int pieces_before = -1;
  std::promise<void> second_started;
  std::atomic<bool> started{false};
  const auto second = engine->generate(ask(text, 1), [&](const GenerateEvent&) {
    if (started.exchange(true)) return;
    pieces_before = first.pieces();
    second_started.set_value();
  });
  first.release();
  second_started.get_future().wait();
  EXPECT_GE(pieces_before, 20) << "1800 prompt tokens take more than 50 steps, each with a token for the first";
  answering->cancel();
  EXPECT_EQ(first.last().failure, FailureKind::cancelled);
}

TEST(Engine, StopsAtAStopStringThatIsNotShown) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory()});
  Events whole;
  const auto first = engine->generate(ask("the fox", 40), whole.sink());
  (void)whole.last();
  const std::string text = whole.text();
  ASSERT_GT(text.size(), 20U);
  const std::string stop = text.substr(text.size() / 2, 3);
  GenerateRequest request = ask("the fox", 40);
  request.sampling.stop = {stop, "never there at all"};
  Events events;
  const auto second = engine->generate(std::move(request), events.sink());
  const GenerateEvent end = events.last();
  EXPECT_EQ(end.finish, FinishReason::stop);
  EXPECT_LT(end.completion_tokens, 40);
  EXPECT_EQ(events.text(), text.substr(0, text.find(stop)));
}

TEST(Engine, EndsWithTheContextAtTheLatest) {
  Shape shape;
  shape.context = 64;
  const TestModel files(shape);
  const auto engine = Engine::load({.model_directory = files.directory()});
  for (const int max_tokens : {0, 1000}) {
    Events events;
    const auto generation = engine->generate(ask("x", max_tokens), events.sink());
    const GenerateEvent end = events.last();
    EXPECT_EQ(end.finish, FinishReason::length);
    EXPECT_EQ(end.prompt_tokens + end.completion_tokens, 64);
  }
}

TEST(Engine, StopsWhereTheModelEndsItsAnswer) {
  TestModel files({});
  auto& norm = files.weight("model.norm.weight");
  std::fill(norm.begin(), norm.end(), std::uint16_t{0});  // all logits 0: of equals the lowest id that may be chosen
  files.write();
  const auto engine = Engine::load({.model_directory = files.directory()});
  Events events;
  const auto generation = engine->generate(ask("x"), events.sink());
  const GenerateEvent end = events.last();
  EXPECT_EQ(end.finish, FinishReason::stop);
  EXPECT_EQ(end.completion_tokens, 1);
  EXPECT_EQ(events.text(), "");
}

TEST(Engine, RefusesAPromptThatDoesNotFit) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory()});
  for (const std::size_t length : {std::size_t{1000}, std::size_t{10'000'000}}) {
    Events events;
    const auto generation = engine->generate(ask(std::string(length, '9')), events.sink());
    EXPECT_EQ(events.last().failure, FailureKind::invalid_request);
    EXPECT_EQ(events.last().code, "context_length_exceeded");
  }
}

TEST(Engine, RefusesRequestsThatAreNotWellFormed) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory()});
  const auto refused = [&](const std::function<void(GenerateRequest&)>& change) {
    GenerateRequest request = ask("x");
    change(request);
    Events events;
    const auto generation = engine->generate(std::move(request), events.sink());
    return events.last().failure == FailureKind::invalid_request;
  };
  EXPECT_TRUE(refused([](auto& r) { r.messages.clear(); }));
  EXPECT_TRUE(refused([](auto& r) { r.messages[0].role = "<|end|>"; }));
  EXPECT_TRUE(refused([](auto& r) { r.sampling.temperature = -1; }));
  EXPECT_TRUE(refused([](auto& r) { r.sampling.temperature = std::numeric_limits<double>::quiet_NaN(); }));
  EXPECT_TRUE(refused([](auto& r) { r.sampling.top_p = 0; }));
  EXPECT_TRUE(refused([](auto& r) { r.sampling.max_tokens = -1; }));
  EXPECT_TRUE(refused([](auto& r) { r.sampling.stop = {"1", "2", "3", "4", "5"}; }));
  EXPECT_TRUE(refused([](auto& r) { r.sampling.stop = {""}; }));
}

TEST(Engine, SaysSoWhenTheModelComputesNonsenseAndTakesNothingMore) {
  TestModel files({});
  files.weight("model.norm.weight")[0] = 0x7FC0;  // NaN
  files.write();
  const auto engine = Engine::load({.model_directory = files.directory()});
  EXPECT_TRUE(engine->stats().healthy);
  for (int i = 0; i < 2; ++i) {
    Events events;
    const auto generation = engine->generate(ask("x"), events.sink());
    EXPECT_EQ(events.last().failure, FailureKind::internal);
    EXPECT_FALSE(engine->stats().healthy);
  }
}

TEST(Engine, EndsEverythingWhenItIsDestroyedAndHandlesMayOutliveIt) {
  const TestModel files(long_shape());
  auto engine = Engine::load({.model_directory = files.directory(), .max_running = 1});
  Gate first;
  Events second;
  const auto running = engine->generate(ask("x", 4000), first.sink());
  first.wait();
  const auto waiting = engine->generate(ask("y", 4000), second.sink());
  std::thread closer([&engine] { engine.reset(); });
  first.release();
  closer.join();
  EXPECT_EQ(first.last().failure, FailureKind::cancelled);
  EXPECT_EQ(second.last().failure, FailureKind::cancelled);
  running->cancel();
}

// A caller's state may own the handle and be owned by the sink: the end breaks the circle.
TEST(Engine, LetsGoOfTheSinkAtTheEnd) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory()});
  struct State {
    std::unique_ptr<Generation> generation;
  };
  auto state = std::make_shared<State>();
  const std::weak_ptr<State> watched = state;
  Events events;
  auto sink = events.sink();
  State& owner = *state;
  std::promise<void> stored;
  owner.generation = engine->generate(ask("x", 3), [state, sink, &stored](GenerateEvent event) {
    if (event.kind != Kind::text) stored.get_future().wait();
    sink(std::move(event));
  });
  state.reset();
  stored.set_value();
  (void)events.last();
  for (int i = 0; i < 10'000 && !watched.expired(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(watched.expired());
}

TEST(Engine, CountsWhatItDid) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory()});
  std::int64_t charged = 0;
  std::int64_t prompt = 0;
  for (int i = 0; i < 3; ++i) {
    Events events;
    const auto generation = engine->generate(ask("count", 10), events.sink());
    charged += events.last().compute_us;
    prompt += events.last().prompt_tokens;
  }
  EngineStats stats = engine->stats();
  while (stats.running > 0) stats = engine->stats();
  EXPECT_EQ(stats.generated_tokens, 30);
  EXPECT_EQ(stats.prompt_tokens, prompt);
  EXPECT_EQ(stats.steps, 30);
  EXPECT_GT(charged, 0);
  EXPECT_LE(charged, stats.busy_us);
  EXPECT_TRUE(stats.healthy);
}

TEST(Engine, SurvivesAStormOfCancellations) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory(), .max_running = 3, .max_queued = 8});
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&engine, t] {
      for (int i = 0; i < 25; ++i) {
        Events events;
        auto generation = engine->generate(ask("storm", 5 + i % 7), events.sink());
        if ((i + t) % 3 == 0) generation->cancel();
        (void)events.last();
      }
    });
  }
  for (auto& caller : callers) caller.join();
  Events events;
  const auto generation = engine->generate(ask("after"), events.sink());
  EXPECT_EQ(events.last().kind, Kind::finished);
}

std::string demo_answer(Engine& engine, const std::string& question) {
  Events events;
  const auto generation = engine.generate(ask(question, 200), events.sink());
  EXPECT_EQ(events.last().finish, FinishReason::stop);
  return events.text();
}

void expect_pseudonyms_back(CpuKernels kernels) {
  const auto engine = Engine::load({.model_directory = "local_backend/demo/model", .cpu_kernels = kernels});
  EXPECT_EQ(engine->facts().name, "model");
  const std::string email = "TgxEMq3zk7wb2xnahvc5rtpmd";
  const std::string card = "TgxCCb4yu2mpqe6szjkq7wfda";
  EXPECT_EQ(demo_answer(*engine, "My e-mail is " + email + " and my card is " + card + ". Please confirm both."),
            "Your e-mail address is " + email + " and your card number is " + card + ".");
  const std::string note =
      demo_answer(*engine, "Write a short note to " + email + " about order 4711, paid with card " + card + ".");
  EXPECT_THAT(note, ::testing::HasSubstr(email));
  EXPECT_THAT(note, ::testing::HasSubstr(card));
  EXPECT_THAT(note, ::testing::HasSubstr("4711"));
}

TEST(DemoModel, SaysPseudonymsBackExactlyWhetherActivationsAreRoundedOrNot) {
  expect_pseudonyms_back(CpuKernels::automatic);
  expect_pseudonyms_back(fp32_kernels().family);
}

TEST(DemoModel, KnowsWhatItDoesNotKnow) {
  const auto engine = Engine::load({.model_directory = "local_backend/demo/model"});
  EXPECT_THAT(demo_answer(*engine, "What is the capital of Paris?"), ::testing::HasSubstr("I don't know"));
}

TEST(Engine, MultipliesWithTheKernelsThatAreWantedOrDoesNotLoad) {
  const TestModel files({});
  for (const auto& [name, family] : kCpuKernels) {
    const EngineOptions options{.model_directory = files.directory(), .device = Device::cpu, .cpu_kernels = family};
    if (const Kernels* kernels = find_kernels(family)) {
      EXPECT_EQ(Engine::load(options)->facts().cpu_kernels, kernels->name());
    } else {
      EXPECT_THAT([&] { (void)Engine::load(options); }, ::testing::ThrowsMessage<std::runtime_error>(
                                                            "this CPU cannot use cpu_kernels: " + std::string(name)));
    }
  }
}

TEST(Engine, RefusesOptionsThatMakeNoSense) {
  EXPECT_THROW((void)Engine::load({.model_directory = "x", .max_running = 0}), std::runtime_error);
  EXPECT_THROW((void)Engine::load({.model_directory = "/nonexistent"}), std::runtime_error);
}

}  // namespace
}  // namespace tollgate::local_backend
