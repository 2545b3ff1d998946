#include "local_backend/model_spec.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string_view>

#include "local_backend/json_document.h"

namespace tollgate::local_backend {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw std::runtime_error("config.json: " + why); }

int integer(const Json& object, const std::string& key, int fallback, int least, int most) {
  const Json* value = object.find_set(key);
  if (value == nullptr) {
    if (fallback < least) refuse(key + " is missing");
    return fallback;
  }
  if (!value->is(Json::Kind::integer) || value->integer < least || value->integer > most) {
    refuse(key + " must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return static_cast<int>(value->integer);
}

double number(const Json& object, const std::string& key, double fallback) {
  const Json* value = object.find_set(key);
  if (value == nullptr) return fallback;
  const bool numeric = value->is(Json::Kind::integer) || value->is(Json::Kind::number);
  if (!numeric || !std::isfinite(value->number) || value->number <= 0) refuse(key + " must be a positive number");
  return value->number;
}

double required_number(const Json& object, const std::string& key) {
  if (object.find_set(key) == nullptr) refuse(key + " is missing");
  return number(object, key, 0);
}

bool flag(const Json& object, const std::string& key, bool fallback) {
  const Json* value = object.find_set(key);
  if (value == nullptr) return fallback;
  if (!value->is(Json::Kind::boolean)) refuse(key + " must be true or false");
  return value->boolean;
}

std::string text(const Json& object, const std::string& key, const std::string& fallback) {
  const Json* value = object.find_set(key);
  if (value == nullptr) return fallback;
  if (!value->is(Json::Kind::string)) refuse(key + " must be a string");
  return value->string;
}

// Llama 3.1's scaling: long wavelengths are divided by `factor`, short ones kept, those between blended.
double llama3_frequency(double frequency, const Json& rope) {
  const double factor = required_number(rope, "factor");
  const double low = required_number(rope, "low_freq_factor");
  const double high = required_number(rope, "high_freq_factor");
  const double original = required_number(rope, "original_max_position_embeddings");
  if (high <= low) refuse("high_freq_factor must be larger than low_freq_factor");
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength > original / low) return frequency / factor;
  if (wavelength < original / high) return frequency;
  const double smooth = (original / wavelength - low) / (high - low);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}

// `rope_parameters` is the spelling of transformers 5; older files have rope_theta beside rope_scaling, and "type" for
// "rope_type".
std::vector<float> inverse_frequencies(const Json& config, int head_dim) {
  const Json* rope = config.find_set("rope_parameters");
  if (rope == nullptr) rope = config.find_set("rope_scaling");
  const Json none;
  if (rope == nullptr) rope = &none;
  const double theta = number(*rope, "rope_theta", number(config, "rope_theta", 10000.0));
  const std::string type = text(*rope, "rope_type", text(*rope, "type", "default"));
  std::vector<float> out;
  for (int i = 0; i < head_dim / 2; ++i) {
    const double plain = std::pow(theta, -2.0 * i / head_dim);
    double scaled = plain;
    if (type == "linear") {
      scaled = plain / required_number(*rope, "factor");
    } else if (type == "llama3") {
      scaled = llama3_frequency(plain, *rope);
    } else if (type != "default") {
      refuse("rope_type \"" + type + "\" is not supported (default, linear, llama3)");
    }
    out.push_back(static_cast<float>(scaled));
  }
  return out;
}

void add_end_tokens(const Json* config, std::vector<int>& out) {
  const Json* eos = config == nullptr ? nullptr : config->find_set("eos_token_id");
  if (eos == nullptr) return;
  const std::vector<Json> one{*eos};
  for (const Json& id : eos->is(Json::Kind::array) ? eos->items : one) {
    if (!id.is(Json::Kind::integer) || id.integer < 0 || id.integer > 10'000'000) refuse("eos_token_id is no token id");
    out.push_back(static_cast<int>(id.integer));
  }
}

void check_supported(const Json& config) {
  const std::string type = text(config, "model_type", "");
  if (type != "llama") refuse("model_type \"" + type + "\" is not supported (llama)");
  const std::string act = text(config, "hidden_act", "silu");
  if (act != "silu") refuse("hidden_act \"" + act + "\" is not supported (silu)");
  if (flag(config, "attention_bias", false)) refuse("attention_bias is not supported");
  if (flag(config, "mlp_bias", false)) refuse("mlp_bias is not supported");
  if (config.find_set("quantization_config") != nullptr) refuse("quantization_config is not supported");
}

void check_shape(const ModelSpec& spec) {
  if (spec.heads % spec.kv_heads != 0) refuse("num_attention_heads must be a multiple of num_key_value_heads");
  if (spec.head_dim % 2 != 0) refuse("head_dim must be even");
  for (const int id : spec.end_tokens) {
    if (id >= spec.vocabulary) refuse("eos_token_id is outside the vocabulary");
  }
  if (spec.begin_token >= spec.vocabulary) refuse("bos_token_id is outside the vocabulary");
}

}  // namespace

ModelSpec parse_model_spec(const Json& config, const Json* generation) {
  if (!config.is(Json::Kind::object)) refuse("is no JSON object");
  check_supported(config);
  ModelSpec spec;
  spec.architecture = "llama";
  spec.layers = integer(config, "num_hidden_layers", 0, 1, 1024);
  spec.hidden = integer(config, "hidden_size", 0, 1, 1 << 17);
  spec.heads = integer(config, "num_attention_heads", 0, 1, 4096);
  spec.kv_heads = integer(config, "num_key_value_heads", spec.heads, 1, 4096);
  if (config.find_set("head_dim") == nullptr && spec.hidden % spec.heads != 0) {
    refuse("hidden_size must be a multiple of num_attention_heads");
  }
  spec.head_dim = integer(config, "head_dim", std::max(1, spec.hidden / spec.heads), 1, 4096);
  spec.feed_forward = integer(config, "intermediate_size", 0, 1, 1 << 20);
  spec.vocabulary = integer(config, "vocab_size", 0, 1, 10'000'000);
  spec.context = integer(config, "max_position_embeddings", 0, 1, 1 << 24);
  spec.rms_epsilon = static_cast<float>(number(config, "rms_norm_eps", 1e-6));
  spec.tied_head = flag(config, "tie_word_embeddings", false);
  spec.begin_token = integer(config, "bos_token_id", -1, -1, 10'000'000);
  add_end_tokens(&config, spec.end_tokens);
  add_end_tokens(generation, spec.end_tokens);
  std::sort(spec.end_tokens.begin(), spec.end_tokens.end());
  spec.end_tokens.erase(std::unique(spec.end_tokens.begin(), spec.end_tokens.end()), spec.end_tokens.end());
  check_shape(spec);
  spec.inverse_frequencies = inverse_frequencies(config, spec.head_dim);
  return spec;
}

}  // namespace tollgate::local_backend
