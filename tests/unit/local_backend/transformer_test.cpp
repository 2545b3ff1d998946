#include "local_backend/transformer.h"

#include <gmock/gmock.h>

#include <memory>
#include <random>

#include "emulated_tiles.h"
#include "local_backend/model.h"
#include "test_model.h"

namespace tollgate::local_backend {
namespace {

using test::Mutant;
using test::Shape;
using test::TestModel;

constexpr double kTolerance = 1e-5;
constexpr double kBf16Tolerance = 5e-2;  // activations have eight bits, and these models are harsh

std::vector<int> some_tokens(int count, int vocabulary, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int> out;
  for (int i = 0; i < count; ++i) out.push_back(static_cast<int>(random() % static_cast<unsigned>(vocabulary)));
  return out;
}

std::vector<Shape> shapes() {
  Shape gqa;
  Shape mha;
  mha.kv_heads = mha.heads;
  mha.head_dim = 8;
  mha.tied = false;
  Shape scaled;
  scaled.llama3_scaling = true;
  scaled.layers = 3;
  scaled.epsilon = 0.1;
  return {gqa, mha, scaled};
}

// A pool with one sequence.
struct Cache {
  Cache(const ModelSpec& spec, int positions, int block_tokens = 32)
      : pool(spec, (positions + block_tokens - 1) / block_tokens, block_tokens), table(pool) {
    EXPECT_TRUE(table.reserve(positions));
  }
  KvPool pool;
  KvTable table;
};

// Feeds the tokens in steps of at most `chunk` rows; the logits after each of them.
std::vector<std::vector<float>> run(Transformer& transformer, KvTable& cache, const std::vector<int>& tokens,
                                    int chunk) {
  std::vector<std::vector<float>> out;
  for (std::size_t at = 0; at < tokens.size();) {
    std::vector<StepRow> rows;
    for (int i = 0; i < chunk && at < tokens.size(); ++i, ++at) {
      rows.push_back({tokens[at], static_cast<int>(at), &cache, true});
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

double worst_error(const std::vector<std::vector<double>>& wanted, const std::vector<std::vector<float>>& got) {
  double worst = 0;
  for (std::size_t t = 0; t < wanted.size(); ++t)
    worst = std::max(worst, test::relative_error(wanted[t], got[t].data()));
  return worst;
}

TEST(Transformer, AgreesWithAForwardPassInDoublePrecision) {
  for (const Shape& shape : shapes()) {
    const TestModel files(shape);
    const auto model = Model::load(files.directory());
    const auto tokens = some_tokens(40, shape.vocabulary, 7);
    const auto wanted = files.logits(tokens);
    for (const Kernels* kernels : test::all_kernels()) {
      Transformer transformer(model->spec, model->weights, *kernels);
      Cache cache(model->spec, shape.context);
      const double tolerance = kernels->bf16 == nullptr ? kTolerance : kBf16Tolerance;
      EXPECT_LT(worst_error(wanted, run(transformer, cache.table, tokens, 7)), tolerance) << kernels->name();
    }
  }
}

// A test that a wrong implementation would pass is worth nothing: each mistake is at least 20 tolerances away.
TEST(Transformer, TheReferenceTellsMistakesApart) {
  Shape shape;
  shape.llama3_scaling = true;
  shape.epsilon = 1e-2;
  const TestModel files(shape);
  const auto model = Model::load(files.directory());
  const auto tokens = some_tokens(40, shape.vocabulary, 7);
  Transformer transformer(model->spec, model->weights, fp32_kernels());
  Cache cache(model->spec, shape.context);
  const auto got = run(transformer, cache.table, tokens, 40);
  EXPECT_LT(worst_error(files.logits(tokens), got), kTolerance);
  for (const Mutant mutant : {Mutant::interleaved_rope, Mutant::no_rope_scaling, Mutant::epsilon_times_ten,
                              Mutant::wrong_kv_head, Mutant::no_causal_mask}) {
    EXPECT_GT(worst_error(files.logits(tokens, mutant), got), 20 * kTolerance) << static_cast<int>(mutant);
  }
}

TEST(Transformer, GivesBitwiseTheSameHoweverAPromptOrTheCacheIsCut) {
  const TestModel files({});
  const auto model = Model::load(files.directory());
  const auto tokens = some_tokens(50, files.shape().vocabulary, 3);
  for (const Kernels* kernels : test::all_kernels()) {
    Transformer transformer(model->spec, model->weights, *kernels);
    Cache whole_cache(model->spec, 64);
    const auto whole = run(transformer, whole_cache.table, tokens, 50);
    for (const int chunk : {1, 2, 3, 7, 16, 49}) {
      for (const int block_tokens : {1, 4, 16, 32}) {
        Cache cache(model->spec, 50, block_tokens);
        EXPECT_EQ(run(transformer, cache.table, tokens, chunk), whole)
            << kernels->name() << ", " << chunk << ", blocks of " << block_tokens;
      }
    }
  }
}

void expect_the_same_alone_and_in_a_batch(const TestModel& files, const Model& model, const Kernels& kernels) {
  Transformer transformer(model.spec, model.weights, kernels);
  constexpr int kSequences = 5;
  constexpr int kTokens = 20;
  std::vector<std::vector<std::vector<float>>> alone;
  std::vector<std::unique_ptr<Cache>> caches;
  std::vector<std::vector<int>> tokens;
  for (unsigned s = 0; s < kSequences; ++s) {
    Cache cache(model.spec, kTokens);
    tokens.push_back(some_tokens(kTokens, files.shape().vocabulary, s));
    alone.push_back(run(transformer, cache.table, tokens.back(), 1));
    caches.push_back(std::make_unique<Cache>(model.spec, kTokens));
  }
  const auto vocabulary = static_cast<std::size_t>(files.shape().vocabulary);
  for (std::size_t t = 0; t < kTokens; ++t) {
    std::vector<StepRow> rows;
    for (std::size_t s = 0; s < kSequences; ++s) {
      const std::size_t order = (s + t) % kSequences;  // the order of rows changes, too
      rows.push_back({tokens[order][t], static_cast<int>(t), &caches[order]->table, true});
    }
    const auto logits = transformer.step(rows);
    for (std::size_t s = 0; s < kSequences; ++s) {
      const auto row = logits.subspan(s * vocabulary, vocabulary);
      EXPECT_EQ(std::vector<float>(row.begin(), row.end()), alone[(s + t) % kSequences][t]) << kernels.name();
    }
  }
}

TEST(Transformer, GivesBitwiseTheSameAloneAndInABatch) {
  const TestModel files({});
  const auto model = Model::load(files.directory());
  for (const Kernels* kernels : test::all_kernels()) expect_the_same_alone_and_in_a_batch(files, *model, *kernels);
}

TEST(Transformer, WorksUpToTheLastPositionOfTheContext) {
  Shape shape;
  shape.context = 33;
  shape.layers = 1;
  const TestModel files(shape);
  const auto model = Model::load(files.directory());
  const auto tokens = some_tokens(shape.context, shape.vocabulary, 5);
  Transformer transformer(model->spec, model->weights, fp32_kernels());
  Cache cache(model->spec, shape.context);
  EXPECT_LT(worst_error(files.logits(tokens), run(transformer, cache.table, tokens, 8)), kTolerance);
}

TEST(Transformer, GivesBitwiseTheSameWithAnyNumberOfThreads) {
  Shape shape;
  shape.vocabulary = 40'000;  // its head is large enough to be shared, alone and in a batch
  shape.layers = 1;
  const TestModel files(shape);
  const auto model = Model::load(files.directory());
  const auto tokens = some_tokens(9, shape.vocabulary, 3);
  for (const Kernels* kernels : {&best_kernels(), &fp32_kernels(), &test::emulated_tile_kernels()}) {
    Transformer alone(model->spec, model->weights, *kernels);
    Cache cache(model->spec, 9);
    const auto wanted = run(alone, cache.table, tokens, 1);
    for (const int chunk : {1, 2, 9}) {
      for (const int threads : {1, 2, 3, 5}) {
        WorkerPool pool(threads);
        Transformer transformer(model->spec, model->weights, *kernels, &pool);
        Cache other(model->spec, 9);
        EXPECT_EQ(run(transformer, other.table, tokens, chunk), wanted)
            << kernels->name() << ", " << threads << " threads, steps of " << chunk;
      }
    }
  }
}

}  // namespace
}  // namespace tollgate::local_backend
