// Vectors of texts by the engine; what they are made of is held against transformers in golden_models_test.cpp.
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>

#include "events.h"
#include "local_backend/model.h"
#include "local_backend/transformer.h"
#include "test_model.h"

namespace tollgate::local_backend {
namespace {

using test::Events;
using test::TestModel;
using Kind = GenerateEvent::Kind;

constexpr const char* kText = "the quick brown fox jumps over the lazy dog, and once more: the quick brown fox";

GenerateRequest embed(const std::string& text) {
  GenerateRequest request;
  request.task = Task::embed;
  request.input = text;
  return request;
}

std::vector<float> vector_of(Engine& engine, const std::string& text) {
  Events events;
  const auto generation = engine.generate(embed(text), events.sink());
  const GenerateEvent end = events.last();
  EXPECT_EQ(end.kind, Kind::finished) << end.message;
  EXPECT_GT(end.prompt_tokens, 0);
  EXPECT_EQ(end.completion_tokens, 0);
  return events.embedding();
}

std::vector<double> wanted(const TestModel& files, const std::string& text, bool mean) {
  const auto model = Model::load(files.directory());
  const auto ids = *model->tokenizer.encode(text);
  KvPool pool(model->spec, static_cast<int>(ids.size()), 4);
  KvTable cache(pool);
  EXPECT_TRUE(cache.reserve(static_cast<int>(ids.size())));
  Transformer transformer(model->spec, model->weights);
  std::vector<StepRow> rows;
  for (const int id : ids)
    rows.push_back({.token = id, .position = static_cast<int>(rows.size()), .cache = &cache, .wants_hidden = true});
  (void)transformer.step(rows);
  const auto width = static_cast<std::size_t>(model->spec.hidden);
  const std::size_t first = mean ? 0 : transformer.hidden().size() - width;
  std::vector<double> out(width);
  for (std::size_t i = first; i < transformer.hidden().size(); ++i) out[i % width] += double{transformer.hidden()[i]};
  double squares = 0;
  for (const double value : out) squares += value * value;
  for (double& value : out) value /= std::sqrt(squares);
  return out;
}

void expect_near(const std::vector<float>& got, const std::vector<double>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(double{got[i]}, want[i], 1e-5) << i;
}

TEST(Embedding, IsTheLastTokensWhereTheModelSaysNothingElse) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory()});
  expect_near(vector_of(*engine, kText), wanted(files, kText, false));
}

TEST(Embedding, IsTheMeanWhereTheModelSaysSoEvenInManySteps) {
  const TestModel files({});
  std::filesystem::create_directory(files.directory() + "/1_Pooling");
  files.write_file("1_Pooling/config.json", R"({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false})");
  Events events;  // outlives the engine, which tells of the answer below until it ends
  const auto engine = Engine::load({.model_directory = files.directory()});
  expect_near(vector_of(*engine, kText), wanted(files, kText, true));
  // Beside an answer the text is computed in parts.
  const auto generation = engine->generate(test::ask("go on", 150), events.sink());
  std::string text;
  for (int i = 0; i < 3; ++i) text += kText;
  expect_near(vector_of(*engine, text), wanted(files, text, true));
  EXPECT_EQ(vector_of(*engine, kText), vector_of(*engine, kText)) << "to the bit";
}

TEST(Embedding, AnotherPoolingIsRefusedAtLoad) {
  const TestModel files({});
  std::filesystem::create_directory(files.directory() + "/1_Pooling");
  files.write_file("1_Pooling/config.json", R"({"pooling_mode_cls_token": true})");
  EXPECT_THROW((void)Engine::load({.model_directory = files.directory()}), std::runtime_error);
}

TEST(Embedding, ATextThatIsTooLongIsRefused) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory()});
  Events events;
  const auto generation = engine->generate(embed(std::string(100'000, 'x')), events.sink());
  EXPECT_EQ(events.last().code, "context_length_exceeded");
}

}  // namespace
}  // namespace tollgate::local_backend
