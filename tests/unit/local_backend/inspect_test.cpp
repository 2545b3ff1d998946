#include "local_backend/inspect.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "test_model.h"

namespace tollgate::local_backend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Inspection, SaysWhatAModelIsAndNeeds) {
  const test::TestModel files({});
  const Inspection found = inspect_model(files.directory());
  EXPECT_THAT(found.problems, IsEmpty());
  EXPECT_EQ(found.family, "llama");
  EXPECT_EQ(found.dtypes, "BF16");
  EXPECT_EQ(found.context, 256);
  EXPECT_EQ(found.files, 1);
  const std::int64_t matrices = 2 * (48 * 60 * 2 + 48 * 20 * 2 + 3 * 48 * 70);
  EXPECT_EQ(found.parameters, matrices + 600 * 48 + 5 * 48);
  EXPECT_EQ(found.weight_bytes, 2 * (matrices + 600 * 48) + 4 * 5 * 48);
  EXPECT_EQ(found.bytes_per_token, found.weight_bytes) << "a tied head reads the embedding";
  EXPECT_EQ(found.kv_bytes_per_1k_tokens, 1000 * 2 * 2 * 20 * 4);
  EXPECT_THAT(found.tokenizer, HasSubstr("byte-level BPE"));
  EXPECT_EQ(found.chat_template, "chat_template.jinja");
}

TEST(Inspection, SmallWeightsNeedLess) {
  const std::string gptj = "tests/unit/local_backend/fixtures/models/gptj";
  const Inspection whole = inspect_model(gptj);
  const Inspection small = inspect_model(gptj, WeightFormat::int8);
  EXPECT_LT(small.bytes_per_token, whole.bytes_per_token / 3) << "F32 to int8";
  EXPECT_LT(whole.bytes_per_token, whole.weight_bytes) << "of the embedding one row is read";
}

TEST(Inspection, NamesEveryPartThatKeepsAModelFromBeingLoaded) {
  const test::TestModel files({});
  files.write_file("chat_template.jinja", "{% include 'x' %}");
  files.write_file("config.json",
                   R"({"model_type":"llama","num_hidden_layers":1,"hidden_size":48,"num_attention_heads":6,
    "num_key_value_heads":2,"head_dim":10,"intermediate_size":70,"vocab_size":600,"max_position_embeddings":256,
    "tie_word_embeddings":true,"eos_token_id":3})");
  const Inspection found = inspect_model(files.directory());
  EXPECT_EQ(found.problems.size(), 10U);  // nine tensors of the second layer, and the template
  EXPECT_THAT(found.problems.front(), HasSubstr("model.layers.1.input_layernorm.weight\" is no part"));
  EXPECT_THAT(found.problems.back(), HasSubstr("\"include\""));
  files.write_file("config.json", R"({"model_type":"mamba"})");
  EXPECT_THAT(inspect_model(files.directory()).problems.front(), HasSubstr("\"mamba\""));
  EXPECT_THAT(inspect_model("/nonexistent").problems,
              ElementsAre(HasSubstr("config.json"), HasSubstr("model.safetensors"), HasSubstr("tokenizer.json")));
}

TEST(Inspection, SaysWhatWouldComputeAndWhyNoGpu) {
  EXPECT_EQ(device_at_hand(), "cpu (there is no plugin for a GPU beside the program)");
}

TEST(Inspection, MeasuresThisMachine) { EXPECT_GT(measured_weight_bandwidth(), 1e7); }

}  // namespace
}  // namespace tollgate::local_backend
