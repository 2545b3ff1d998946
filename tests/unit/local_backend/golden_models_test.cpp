// Every family against transformers: checkpoints and logits that make_goldens.py wrote.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "emulated_tiles.h"
#include "local_backend/checkpoint.h"
#include "local_backend/json_document.h"
#include "local_backend/transformer.h"
#include "local_backend/weights.h"
#include "naive_model.h"
#include "test_model.h"

namespace tollgate::local_backend {
namespace {

using nlohmann::json;

constexpr double kTolerance = 1e-5;
constexpr double kBf16Tolerance = 2e-2;

struct Golden {
  explicit Golden(const std::string& name, WeightFormat format = WeightFormat::as_stored)
      : directory("tests/unit/local_backend/fixtures/models/" + name),
        facts(json::parse(read_file(directory + "/golden.json", 1 << 20))),
        spec(parse_model_spec(read_json_file(directory + "/config.json", 1 << 20), nullptr)),
        weights(load_weights(Checkpoint(directory), spec, format)) {}

  std::string directory;
  json facts;
  ModelSpec spec;
  Weights weights;
};

// The logits after each token, computed in steps of at most `chunk` rows.
std::vector<std::vector<float>> run(const Golden& golden, const std::vector<int>& tokens, std::size_t chunk,
                                    const Kernels& kernels = fp32_kernels()) {
  Transformer transformer(golden.spec, golden.weights, kernels);
  KvPool pool(golden.spec, static_cast<int>(tokens.size()), 4);
  KvTable cache(pool);
  EXPECT_TRUE(cache.reserve(static_cast<int>(tokens.size())));
  std::vector<std::vector<float>> out;
  for (std::size_t at = 0; at < tokens.size();) {
    std::vector<StepRow> rows;
    for (; rows.size() < chunk && at < tokens.size(); ++at) {
      rows.push_back({.token = tokens[at], .position = static_cast<int>(at), .cache = &cache, .wants_logits = true});
    }
    const auto logits = transformer.step(rows);
    const std::size_t vocabulary = logits.size() / rows.size();
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto row = logits.subspan(r * vocabulary, vocabulary);
      out.emplace_back(row.begin(), row.end());
    }
  }
  return out;
}

double worst_error(const Golden& golden, const std::vector<std::vector<float>>& got) {
  double worst = 0;
  for (std::size_t i = 0; i < golden.facts["positions"].size(); ++i) {
    const auto wanted = golden.facts["logits"][i].get<std::vector<double>>();
    const std::vector<float>& row = got[golden.facts["positions"][i].get<std::size_t>()];
    double difference = 0;
    double norm = 0;
    for (std::size_t v = 0; v < wanted.size(); ++v) {
      difference += (wanted[v] - double{row[v]}) * (wanted[v] - double{row[v]});
      norm += wanted[v] * wanted[v];
    }
    worst = std::max(worst, std::sqrt(difference / norm));
  }
  return worst;
}

class GoldenModels : public ::testing::TestWithParam<std::string> {};

std::vector<std::string> cases() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator("tests/unit/local_backend/fixtures/models")) {
    if (entry.is_directory()) out.push_back(entry.path().filename().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST_P(GoldenModels, LogitsAreThoseOfTheReferenceAndFarFromEveryMistake) {
  const Golden golden(GetParam());
  const auto tokens = golden.facts["tokens"].get<std::vector<int>>();
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{5}, tokens.size()}) {
    const double error = worst_error(golden, run(golden, tokens, chunk));
    EXPECT_LT(error, kTolerance) << chunk;
    for (const auto& [mistake, distance] : golden.facts["mutants"].items()) {
      EXPECT_LT(error, distance.get<double>() / 20) << mistake;
    }
  }
}

// A second oracle, which needs no file of the first.
TEST_P(GoldenModels, LogitsAreThoseOfTheNaiveForwardPassInDoublePrecision) {
  const Golden golden(GetParam());
  const auto tokens = golden.facts["tokens"].get<std::vector<int>>();
  const auto wanted = test::NaiveModel(golden.directory).logits(tokens);
  const auto got = run(golden, tokens, 7);
  for (std::size_t t = 0; t < tokens.size(); ++t)
    EXPECT_LT(test::relative_error(wanted[t], got[t].data()), kTolerance) << "token " << t;
}

TEST_P(GoldenModels, GreedyContinuationIsTheSame) {
  const Golden golden(GetParam());
  auto tokens = golden.facts["tokens"].get<std::vector<int>>();
  for (std::size_t i = 0; i < golden.facts["continuation"].size(); ++i) {
    if (golden.facts["margins"][i].get<double>() < 8 * kTolerance) break;  // too near a tie to be decided
    const std::vector<float> last = run(golden, tokens, 16).back();
    const auto best = std::max_element(last.begin(), last.end()) - last.begin();
    ASSERT_EQ(best, golden.facts["continuation"][i].get<int>()) << i;
    tokens.push_back(static_cast<int>(best));
  }
}

// Rounding moves logits. The reference in bf16, which rounds more, says how far they may be moved; and they stay far
// from every mistake.
TEST_P(GoldenModels, KernelsThatRoundActivationsStayNearerThanTheReferenceInBf16) {
  const Golden golden(GetParam());
  const auto tokens = golden.facts["tokens"].get<std::vector<int>>();
  const double limit = golden.facts.contains("bf16") ? golden.facts["bf16"].get<double>() : kTolerance;
  for (const Kernels* kernels : test::all_kernels()) {
    const double error = worst_error(golden, run(golden, tokens, 16, *kernels));
    EXPECT_LT(error, std::min(limit, kBf16Tolerance)) << kernels->name();
    for (const auto& [mistake, distance] : golden.facts["mutants"].items())
      EXPECT_LT(error, distance.get<double>() / 20) << kernels->name() << ", " << mistake;
  }
}

// The last of the rows, and the mean of all, of length 1.
std::vector<double> pooled(const Golden& golden, bool mean) {
  const auto tokens = golden.facts["tokens"].get<std::vector<int>>();
  Transformer transformer(golden.spec, golden.weights, fp32_kernels());
  KvPool pool(golden.spec, static_cast<int>(tokens.size()), 4);
  KvTable cache(pool);
  EXPECT_TRUE(cache.reserve(static_cast<int>(tokens.size())));
  std::vector<StepRow> rows;
  for (const int token : tokens)
    rows.push_back({.token = token,
                    .position = static_cast<int>(rows.size()),
                    .cache = &cache,
                    .wants_hidden = mean || rows.size() + 1 == tokens.size()});
  EXPECT_TRUE(transformer.step(rows).empty());
  const auto width = static_cast<std::size_t>(golden.spec.hidden);
  std::vector<double> out(width);
  for (std::size_t i = 0; i < transformer.hidden().size(); ++i) out[i % width] += double{transformer.hidden()[i]};
  double squares = 0;
  for (const double value : out) squares += value * value;
  for (double& value : out) value /= std::sqrt(squares);
  return out;
}

TEST_P(GoldenModels, PooledHiddenStatesAreThoseOfTheReference) {
  const Golden golden(GetParam());
  for (const auto& [pooling, vector] : golden.facts["embeddings"].items()) {
    const auto wanted = vector.get<std::vector<double>>();
    const auto got = pooled(golden, pooling == "mean");
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], kTolerance) << pooling << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenModels, ::testing::ValuesIn(cases()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

TEST(GoldenModels, EveryFamilyHasAGolden) {
  std::set<std::string> families;
  for (const std::string& name : cases()) families.emplace(Golden(name).spec.family->name);
  EXPECT_THAT(families, ::testing::ElementsAre("gptj", "llama", "mistral", "qwen2", "qwen3"));
}

TEST(GoldenModels, SmallWeightsGiveNearlyTheSame) {
  for (const auto& [format, limit] : {std::pair{WeightFormat::int8, 0.05}, std::pair{WeightFormat::fp8, 0.2}}) {
    const Golden golden("gptj", format);
    EXPECT_EQ(golden.weights.layers[0].down.matrix.scales.size(), 40U);
    const double error = worst_error(golden, run(golden, golden.facts["tokens"].get<std::vector<int>>(), 8));
    EXPECT_LT(error, limit);
    EXPECT_GT(error, kTolerance) << "nothing was made smaller";
  }
}

}  // namespace
}  // namespace tollgate::local_backend
