#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "local_backend/checkpoint.h"
#include "local_backend/json_document.h"
#include "local_backend/model.h"
#include "local_backend/safetensors.h"
#include "test_model.h"

namespace tollgate::local_backend {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

template <class F>
std::string refusal(F&& action) {
  try {
    action();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "accepted";
}

std::string header_refusal(const std::string& text, std::uint64_t data) {
  return refusal([&] { (void)parse_safetensors_header(text, data, "file"); });
}

std::string tensor(const std::string& name, const std::string& shape, const std::string& offsets,
                   const std::string& dtype = "BF16") {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

TEST(Safetensors, ReadsAHeaderWhateverTheOrderOfItsTensors) {
  const auto index = parse_safetensors_header(
      "{" + tensor("b", "[2]", "[4,8]").insert(0, R"("__metadata__":{"format":"pt"},)").append(",") +
          tensor("a", "[1,2]", "[0,4]") + "}",
      10 - 2, "file");
  EXPECT_EQ(index.size(), 2U);
}

TEST(Safetensors, RefusesHostileHeaders) {
  EXPECT_THAT(header_refusal("", 0), HasSubstr("start with"));
  EXPECT_THAT(header_refusal("[]", 0), HasSubstr("start with"));
  EXPECT_THAT(header_refusal("{", 0), HasSubstr("JSON"));
  EXPECT_THAT(header_refusal("{" + tensor("a", "[2]", "[0,4]") + "," + tensor("a", "[2]", "[4,8]") + "}", 8),
              HasSubstr("twice"));
  EXPECT_THAT(header_refusal("{" + tensor("a", "[2]", "[0,4]") + "," + tensor("b", "[2]", "[2,6]") + "}", 6),
              HasSubstr("overlap"));
  EXPECT_THAT(header_refusal("{" + tensor("a", "[2]", "[0,4]") + "," + tensor("b", "[2]", "[6,10]") + "}", 10),
              HasSubstr("gap"));
  EXPECT_THAT(header_refusal("{" + tensor("a", "[2]", "[0,4]") + "}", 3), HasSubstr("the file has 3"));
  EXPECT_THAT(header_refusal("{" + tensor("a", "[2]", "[0,4]") + "}", 5), HasSubstr("the file has 5"));
  EXPECT_THAT(header_refusal("{" + tensor("a", "[3]", "[0,4]") + "}", 4), HasSubstr("agree"));
  EXPECT_THAT(header_refusal("{" + tensor("a", "[2]", "[4,0]") + "}", 4), HasSubstr("agree"));
  EXPECT_THAT(header_refusal("{" + tensor("a", "[-2]", "[0,4]") + "}", 4), HasSubstr("unsigned"));
  EXPECT_THAT(header_refusal("{" + tensor("a", "[4294967296,4294967296]", "[0,0]") + "}", 0), HasSubstr("overflows"));
  EXPECT_THAT(header_refusal("{" + tensor("a", "[9223372036854775807,2]", "[0,0]") + "}", 0), HasSubstr("overflows"));
  EXPECT_THAT(header_refusal("{" + tensor("a", "[99999999999999999999]", "[0,0]") + "}", 0), HasSubstr("file: "));
  EXPECT_THAT(header_refusal("{" + tensor("a", "[2]", "[0,4]", "Q4") + "}", 4), HasSubstr("unknown dtype"));
  EXPECT_THAT(header_refusal("{" + tensor("a", "[1,1,1,1,1,1,1,1,2]", "[0,4]") + "}", 4), HasSubstr("dimensions"));
  EXPECT_THAT(header_refusal(R"({"a":1})", 0), HasSubstr("has no dtype"));
  EXPECT_THAT(header_refusal("{\"a\":" + std::string(100'000, '['), 0), HasSubstr("deeply"));
}

TEST(Safetensors, RefusesAFileThatEndsEarlyWhereverItIsCut) {
  const test::TestModel model({});
  const std::string path = model.directory() + "/model.safetensors";
  const auto whole = std::filesystem::file_size(path);
  for (const std::uintmax_t size :
       {std::uintmax_t{0}, std::uintmax_t{7}, std::uintmax_t{8}, std::uintmax_t{100}, whole / 2, whole - 1}) {
    std::filesystem::resize_file(path, size);
    EXPECT_NE(refusal([&] { const SafetensorsFile file(path); }), "accepted") << size;
    model.write();
  }
  EXPECT_EQ(refusal([&] { const SafetensorsFile file(path); }), "accepted");
}

TEST(Safetensors, RefusesAHeaderLengthBeyondTheFile) {
  const test::TestModel model({});
  model.write_file("model.safetensors", std::string(8, '\xFF') + "{}");
  EXPECT_THAT(refusal([&] { const SafetensorsFile file(model.directory() + "/model.safetensors"); }),
              HasSubstr("100 MB"));
}

json good_config() {
  return json::parse(R"({"model_type":"llama","num_hidden_layers":2,"hidden_size":64,"num_attention_heads":4,
    "intermediate_size":128,"vocab_size":300,"max_position_embeddings":64,"eos_token_id":[3,2]})");
}

ModelSpec parsed(const json& config, const char* generation = nullptr) {
  const Json document = parse_json(config.dump(), "config.json");
  if (generation == nullptr) return parse_model_spec(document, nullptr);
  const Json other = parse_json(generation, "generation_config.json");
  return parse_model_spec(document, &other);
}

TEST(ModelSpec, FillsInWhatOldFilesLeaveOut) {
  const ModelSpec spec = parsed(good_config(), R"({"eos_token_id":7})");
  EXPECT_EQ(spec.kv_heads, 4);
  EXPECT_EQ(spec.head_dim, 16);
  EXPECT_FLOAT_EQ(spec.rope.inverse_frequencies[1], static_cast<float>(std::pow(10000.0, -2.0 / 16)));
  EXPECT_THAT(spec.end_tokens, ::testing::ElementsAre(2, 3, 7));
}

TEST(ModelSpec, ReadsBothSpellingsOfRopeScaling) {
  json old_spelling = good_config();
  old_spelling["rope_theta"] = 500.0;
  old_spelling["rope_scaling"] = {{"type", "linear"}, {"factor", 4.0}};
  json new_spelling = good_config();
  new_spelling["rope_parameters"] = {{"rope_type", "linear"}, {"rope_theta", 500.0}, {"factor", 4.0}};
  EXPECT_EQ(parsed(old_spelling).rope.inverse_frequencies, parsed(new_spelling).rope.inverse_frequencies);
  EXPECT_FLOAT_EQ(parsed(new_spelling).rope.inverse_frequencies[0], 0.25F);
}

TEST(ModelSpec, RefusesByNameWhatItDoesNotImplement) {
  const auto changed = [](const std::string& key, const json& value) {
    json config = good_config();
    config[key] = value;
    return refusal([&] { (void)parsed(config); });
  };
  EXPECT_THAT(changed("model_type", "phi3"), HasSubstr("\"phi3\""));
  EXPECT_THAT(changed("hidden_act", "gelu"), HasSubstr("\"gelu\""));
  EXPECT_THAT(changed("rope_scaling", {{"rope_type", "longrope"}, {"factor", 2}}), HasSubstr("\"longrope\""));
  EXPECT_THAT(changed("partial_rotary_factor", 0.5), HasSubstr("partial_rotary_factor"));
  EXPECT_THAT(changed("quantization_config", json::object()), HasSubstr("quantization_config"));
  EXPECT_THAT(changed("num_key_value_heads", 3), HasSubstr("multiple"));
  EXPECT_THAT(changed("hidden_size", -1), HasSubstr("hidden_size"));
  EXPECT_THAT(changed("hidden_size", 65), HasSubstr("multiple"));
  EXPECT_THAT(changed("vocab_size", 1.5), HasSubstr("vocab_size"));
  EXPECT_THAT(changed("eos_token_id", 300), HasSubstr("eos_token_id"));
  EXPECT_THAT(changed("num_hidden_layers", nullptr), HasSubstr("num_hidden_layers is missing"));
}

json family_config(const char* family) {
  json config = good_config();
  config["model_type"] = family;
  return config;
}

TEST(ModelSpec, AFamilySaysWhereBiasesAndHeadNormsAre) {
  EXPECT_FALSE(parsed(good_config()).qkv_bias);
  json biased = good_config();
  biased["attention_bias"] = biased["mlp_bias"] = true;
  EXPECT_TRUE(parsed(biased).qkv_bias && parsed(biased).output_bias && parsed(biased).mlp_bias);
  const ModelSpec qwen2 = parsed(family_config("qwen2"));
  EXPECT_TRUE(qwen2.qkv_bias && !qwen2.output_bias && !qwen2.head_norms);
  EXPECT_TRUE(parsed(family_config("qwen3")).head_norms);
}

TEST(ModelSpec, ReadsGptjsOwnSpellings) {
  const ModelSpec spec = parsed(json::parse(R"({"model_type":"gptj","n_layer":2,"n_embd":64,"n_head":4,"n_inner":null,
    "n_positions":64,"rotary_dim":8,"vocab_size":300,"activation_function":"gelu_new","eos_token_id":3})"));
  EXPECT_EQ(spec.feed_forward, 256);
  EXPECT_EQ(spec.rope.rotated(), 8);
  EXPECT_TRUE(spec.rope.interleaved && spec.parallel_residual && spec.mlp_bias && spec.head_bias && !spec.gated);
  EXPECT_EQ(spec.norm, Norm::layer);
  EXPECT_FLOAT_EQ(spec.norm_epsilon, 1e-5F);
}

TEST(ModelSpec, ReadsWindowsInEverySpelling) {
  json mistral = family_config("mistral");
  EXPECT_THAT(parsed(mistral).windows, ::testing::ElementsAre(0, 0));
  mistral["sliding_window"] = 16;
  EXPECT_THAT(parsed(mistral).windows, ::testing::ElementsAre(16, 16));
  json qwen2 = family_config("qwen2");
  qwen2["sliding_window"] = 16;
  qwen2["max_window_layers"] = 1;
  EXPECT_THAT(parsed(qwen2).windows, ::testing::ElementsAre(0, 0)) << "use_sliding_window is false where it is absent";
  qwen2["use_sliding_window"] = true;
  EXPECT_THAT(parsed(qwen2).windows, ::testing::ElementsAre(0, 16));
  qwen2["layer_types"] = {"sliding_attention", "full_attention"};
  EXPECT_THAT(parsed(qwen2).windows, ::testing::ElementsAre(16, 0));
  qwen2["layer_types"] = {"chunked_attention", "full_attention"};
  EXPECT_THAT(refusal([&] { (void)parsed(qwen2); }), HasSubstr("chunked_attention"));
  qwen2["layer_types"] = {"full_attention"};
  EXPECT_THAT(refusal([&] { (void)parsed(qwen2); }), HasSubstr("each layer"));
}

std::string index_refusal(const std::string& text) {
  return refusal([&] { (void)parse_weight_map(text, "index"); });
}

TEST(Checkpoint, AnIndexNamesOnlyFilesBesideIt) {
  EXPECT_EQ(index_refusal(R"({"weight_map":{"a":"model-1.safetensors"}})"), "accepted");
  for (const char* file : {"../x.safetensors", "/x.safetensors", R"(a\\b.safetensors)", ".safetensors", "x.bin",
                           R"(x\u0000.safetensors)"}) {
    EXPECT_THAT(index_refusal(std::string(R"({"weight_map":{"a":")") + file + "\"}}"), HasSubstr("no plain name"))
        << file;
  }
  EXPECT_THAT(index_refusal(R"({"weight_map":{"a":1}})"), HasSubstr("no plain name"));
  EXPECT_THAT(index_refusal(R"({"weight_map":[]})"), HasSubstr("weight_map"));
  EXPECT_THAT(index_refusal("[]"), HasSubstr("weight_map"));
}

TEST(Checkpoint, RefusesAnIndexThatItsShardsContradict) {
  const test::TestModel files({});
  const std::string whole = files.directory() + "/model.safetensors";
  std::filesystem::rename(whole, files.directory() + "/a.safetensors");
  json index;
  const SafetensorsFile shard(files.directory() + "/a.safetensors");
  for (const auto& [name, info] : shard.tensors()) index["weight_map"][name] = "a.safetensors";
  const auto load = [&] {
    files.write_file("model.safetensors.index.json", index.dump());
    return refusal([&] { (void)Model::load(files.directory()); });
  };
  EXPECT_EQ(load(), "accepted");
  index["weight_map"]["model.more"] = "a.safetensors";
  EXPECT_THAT(load(), HasSubstr("\"model.more\" is not in a.safetensors"));
  index["weight_map"]["model.more"] = "b.safetensors";
  EXPECT_THAT(load(), HasSubstr("b.safetensors: cannot be opened"));
  std::filesystem::copy_file(files.directory() + "/a.safetensors", files.directory() + "/b.safetensors");
  EXPECT_THAT(load(), HasSubstr("in another shard too"));
}

TEST(Model, NamesTheFileThatIsWrong) {
  const test::TestModel files({});
  const auto load = [&] { return refusal([&] { (void)Model::load(files.directory()); }); };
  EXPECT_EQ(load(), "accepted");
  files.write_file("chat_template.jinja", "{% include %}");
  EXPECT_THAT(load(), HasSubstr("include"));
  files.write_file("chat_template.jinja", "{{ raise_exception('no') }}");
  EXPECT_THAT(load(), HasSubstr("no"));
  files.write();
  files.write_file("tokenizer.json", "{}");
  EXPECT_THAT(load(), HasSubstr("tokenizer.json"));
  std::filesystem::remove(files.directory() + "/tokenizer.json");
  EXPECT_THAT(load(), HasSubstr("tokenizer.json"));
  EXPECT_THAT(refusal([] { (void)Model::load("/nonexistent"); }), HasSubstr("/nonexistent/config.json"));
}

TEST(Model, TakesTheFirstChatTemplateOfItsDirectory) {
  const test::TestModel files({});
  const auto origin = [&] { return Model::load(files.directory())->chat_template.origin(); };
  const auto refused = [&] { return refusal([&] { (void)origin(); }); };
  files.write_file("tokenizer_config.json", R"({"chat_template":"{{ messages[0].content }}"})");
  files.write_file("chat_template.json", R"({"chat_template":"{{ messages[0].content }}"})");
  EXPECT_EQ(origin(), "chat_template.jinja");
  std::filesystem::remove(files.directory() + "/chat_template.jinja");
  EXPECT_EQ(origin(), "chat_template.json");
  std::filesystem::remove(files.directory() + "/chat_template.json");
  EXPECT_EQ(origin(), "tokenizer_config.json");
  files.write_file("tokenizer_config.json", R"({"chat_template":[{"name":"rag","template":"x"}]})");
  EXPECT_THAT(refused(), HasSubstr("no chat template"));
  json tokenizer = json::parse(test::fixture("tokenizer.json"));
  tokenizer["added_tokens"].push_back({{"id", 590}, {"content", "<|im_start|>"}, {"special", true}});
  files.write_file("tokenizer.json", tokenizer.dump());
  EXPECT_EQ(origin(), "built-in: chatml");
}

TEST(Model, WithToolsTheTemplateForToolsIsTaken) {
  const test::TestModel files({});
  files.write_file("tokenizer_config.json", R"({"chat_template":[{"name":"default","template":"plain"},
    {"name":"tool_use","template":"{% for t in tools %}{{ t.name }};{% endfor %}"}]})");
  std::filesystem::remove(files.directory() + "/chat_template.jinja");
  const auto model = Model::load(files.directory());
  const Json tools = parse_json(R"([{"name":"a<|end|>"},{"name":"b"}])", "tools");
  const auto text = [&](const Json* given) {
    std::string out;
    const auto prompt = model->chat_template.prompt({{"user", "x"}}, given);
    for (const int id : std::get<std::vector<int>>(prompt)) {
      EXPECT_FALSE(model->tokenizer.is_special(id)) << "a tool's text became a special token";
      out += model->tokenizer.bytes_of(id);
    }
    return out;
  };
  EXPECT_EQ(text(nullptr), "plain");
  EXPECT_EQ(text(&tools), "a<|end|>;b;");
}

TEST(Model, RefusesWeightsThatDoNotFitTheConfiguration) {
  test::TestModel files({});
  const auto load = [&] { return refusal([&] { (void)Model::load(files.directory()); }); };
  json config = json::parse(read_file(files.directory() + "/config.json", 1 << 20));
  const auto with = [&](const std::string& key, const json& value) {
    json changed = config;
    changed[key] = value;
    files.write_file("config.json", changed.dump());
    return load();
  };
  EXPECT_THAT(with("num_hidden_layers", 1), HasSubstr("is no part of this model"));
  EXPECT_THAT(with("num_hidden_layers", 3), HasSubstr("model.safetensors"));
  EXPECT_THAT(with("num_hidden_layers", 1000), HasSubstr("is missing"));
  EXPECT_THAT(with("hidden_size", 131072), HasSubstr("shape"));
  EXPECT_THAT(with("intermediate_size", 69), HasSubstr("shape"));
  EXPECT_THAT(with("tie_word_embeddings", false), HasSubstr("lm_head.weight\" is missing"));
  EXPECT_THAT(with("vocab_size", 500), HasSubstr("shape"));
}

TEST(Model, TakesATiedHeadThatTheFilesHoldOnceMoreAndNoOther) {
  test::TestModel files({.tied = false});
  nlohmann::json config = nlohmann::json::parse(read_file(files.directory() + "/config.json", 1 << 20));
  config["tie_word_embeddings"] = true;
  const auto load = [&] {
    files.write();
    files.write_file("config.json", config.dump());
    return Model::load(files.directory());
  };
  EXPECT_THROW((void)load(), std::runtime_error) << "a head of its own";
  files.weight("lm_head.weight") = files.weight("model.embed_tokens.weight");
  EXPECT_TRUE(load()->spec.tied_head);
  files.weight("lm_head.weight").back() ^= 1;
  try {
    (void)load();
    ADD_FAILURE() << "one bit of it is another";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("lm_head.weight"));
  }
}

TEST(Model, KnowsItsFacts) {
  const test::TestModel files({});
  const auto model = Model::load(files.directory());
  EXPECT_EQ(model->facts.name, std::filesystem::path(files.directory()).filename().string());
  EXPECT_EQ(model->facts.architecture, "llama");
  EXPECT_EQ(model->facts.context_length, 256);
  const std::int64_t layer = 2 * 48 + 48 * 60 * 2 + 48 * 20 * 2 + 3 * 48 * 70;
  EXPECT_EQ(model->facts.parameters, 600 * 48 + 48 + 2 * layer);
}

}  // namespace
}  // namespace tollgate::local_backend
