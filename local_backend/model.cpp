#include "local_backend/model.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "local_backend/checkpoint.h"
#include "local_backend/json_document.h"

namespace tollgate::local_backend {
namespace {

constexpr std::size_t kMaxConfig = 1U << 20U;
constexpr std::size_t kMaxTokenizer = 64U << 20U;

Json tokenizer_config(const std::string& directory) {
  const std::string path = directory + "/tokenizer_config.json";
  return file_exists(path) ? read_json_file(path, kMaxTokenizer) : Json{};
}

// The spelling of bos_token or eos_token: a string, or an object with "content"; else the token that config.json names.
std::string special_token(const std::string& directory, const char* key, const Tokenizer& tokenizer, int fallback) {
  const Json config = tokenizer_config(directory);
  const Json* value = config.find_set(key);
  if (value != nullptr && value->is(Json::Kind::object)) value = value->find_set("content");
  if (value != nullptr && value->is(Json::Kind::string)) return value->string;
  return std::string(tokenizer.added_token(fallback));
}

ChatTemplate read_template(const std::string& directory, const Tokenizer& tokenizer, const ModelSpec& spec) {
  const int end = spec.end_tokens.empty() ? -1 : spec.end_tokens.front();
  const TemplateSource source = find_template(directory, tokenizer);
  try {
    return ChatTemplate(source, tokenizer, special_token(directory, "bos_token", tokenizer, spec.begin_token),
                        special_token(directory, "eos_token", tokenizer, end));
  } catch (const std::runtime_error& error) {
    const std::string what = error.what();
    throw std::runtime_error(what.starts_with(directory) ? what : directory + ": chat template: " + what);
  }
}

bool says(const Json& config, std::string_view key) {
  const Json* value = config.find_set(key);
  return value != nullptr && value->is(Json::Kind::boolean) && value->boolean;
}

// 1_Pooling/config.json, where there is one, is sentence-transformers' word on how a model is meant to be pooled.
Pooling read_pooling(const std::string& directory) {
  const std::string path = directory + "/1_Pooling/config.json";
  if (!file_exists(path)) return Pooling::last;
  const Json config = read_json_file(path, kMaxConfig);
  if (says(config, "pooling_mode_mean_tokens")) return Pooling::mean;
  if (says(config, "pooling_mode_lasttoken")) return Pooling::last;
  throw std::runtime_error(path + ": pools in another way than by the mean or the last token");
}

EmbeddingForm read_embedding_form(const std::string& directory, const ModelSpec& spec) {
  const Json config = tokenizer_config(directory);
  EmbeddingForm out;
  out.pooling = read_pooling(directory);
  if (says(config, "add_bos_token") && spec.begin_token >= 0) out.before.push_back(spec.begin_token);
  if (says(config, "add_eos_token") && !spec.end_tokens.empty()) out.after.push_back(spec.end_tokens.front());
  return out;
}

// Files that do not fit together are found here, not by the first request.
void check_together(const Model& model, const std::string& directory) {
  if (model.tokenizer.size() > model.spec.vocabulary) {
    throw std::runtime_error(directory + "/tokenizer.json: has more tokens than config.json's vocab_size");
  }
  if (model.spec.end_tokens.empty()) throw std::runtime_error(directory + "/config.json: eos_token_id is missing");
  const auto prompt = model.chat_template.prompt({{"user", "Hello"}});
  if (const auto* error = std::get_if<PromptError>(&prompt))
    throw std::runtime_error(directory + ": " + error->message);
}

}  // namespace

ModelSpec read_model_spec(const std::string& directory) {
  const std::string generation_path = directory + "/generation_config.json";
  try {
    const Json config = read_json_file(directory + "/config.json", kMaxConfig);
    if (!file_exists(generation_path)) return parse_model_spec(config, nullptr);
    const Json generation = read_json_file(generation_path, kMaxConfig);
    return parse_model_spec(config, &generation);
  } catch (const std::runtime_error& error) {
    const std::string what = error.what();
    throw std::runtime_error(what.starts_with("config.json") ? directory + "/" + what : what);
  }
}

Tokenizer read_tokenizer(const std::string& directory) {
  const std::string path = directory + "/tokenizer.json";
  const std::string sentencepiece = directory + "/tokenizer.model";
  if (!file_exists(path) && file_exists(sentencepiece)) {
    return Tokenizer::parse_sentencepiece(read_file(sentencepiece, kMaxTokenizer), sentencepiece);
  }
  return Tokenizer::parse(read_file(path, kMaxTokenizer), path);
}

Model::Model(const std::string& directory, ModelSpec model_spec, WeightFormat format)
    : spec(std::move(model_spec)),
      weights(load_weights(Checkpoint(directory), spec, format)),
      tokenizer(read_tokenizer(directory)),
      chat_template(read_template(directory, tokenizer, spec)),
      token_order(tokenizer),
      embedding(read_embedding_form(directory, spec)) {
  const std::filesystem::path path(directory);
  facts.name = (path.has_filename() ? path.filename() : path.parent_path().filename()).string();
  facts.architecture = spec.family->name;
  facts.parameters = weights.parameters;
  facts.context_length = spec.context;
  facts.takes_tools = chat_template.tools() != nullptr;
  for (int id = 0; id < spec.vocabulary; ++id) {
    may_be_sampled.push_back(!tokenizer.bytes_of(id).empty() || ends_answer(id) || marks_call(id));
  }
}

std::unique_ptr<Model> Model::load(const std::string& directory, WeightFormat format) {
  auto model = std::make_unique<Model>(directory, read_model_spec(directory), format);
  check_together(*model, directory);
  return model;
}

bool Model::ends_answer(int token) const {
  return std::binary_search(spec.end_tokens.begin(), spec.end_tokens.end(), token);
}

bool Model::marks_call(int token) const {
  const ToolSyntax* syntax = chat_template.tools();
  const std::string_view spelling = tokenizer.added_token(token);
  return syntax != nullptr && !spelling.empty() && (spelling == syntax->open || spelling == syntax->close);
}

}  // namespace tollgate::local_backend
