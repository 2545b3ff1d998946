#include "local_backend/model_spec.h"

#include <algorithm>
#include <string_view>

#include "local_backend/config_values.h"

namespace tollgate::local_backend {
namespace {

using namespace config_values;

constexpr int kMaxToken = 10'000'000;

void add_end_tokens(const Json* config, std::vector<int>& out) {
  const Json* eos = config == nullptr ? nullptr : config->find_set("eos_token_id");
  if (eos == nullptr) return;
  const std::vector<Json> one{*eos};
  for (const Json& id : eos->is(Json::Kind::array) ? eos->items : one) {
    if (!id.is(Json::Kind::integer) || id.integer < 0 || id.integer > kMaxToken) refuse("eos_token_id is no token id");
    out.push_back(static_cast<int>(id.integer));
  }
}

const Family& family_of(const Json& config) {
  const std::string type = text(config, "model_type", "");
  const Family* family = find_family(type);
  if (family == nullptr) {
    refuse("model_type \"" + type + "\" is not supported (" + std::string(family_names()) + ")");
  }
  if (config.find_set("quantization_config") != nullptr) refuse("quantization_config is not supported");
  return *family;
}

// A key that only some families have; the fallback where the family has none.
int optional_integer(const Json& config, const char* key, int fallback, int least, int most) {
  return key == nullptr ? fallback : integer(config, key, fallback, least, most);
}

void read_sizes(const Json& config, const ConfigKeys& keys, ModelSpec& spec) {
  spec.layers = integer(config, keys.layers, 0, 1, 1024);
  spec.hidden = integer(config, keys.hidden, 0, 1, 1 << 17);
  spec.heads = integer(config, keys.heads, 0, 1, 4096);
  spec.kv_heads = optional_integer(config, keys.kv_heads, spec.heads, 1, 4096);
  const bool own_head_dim = keys.head_dim != nullptr && config.find_set(keys.head_dim) != nullptr;
  if (!own_head_dim && spec.hidden % spec.heads != 0) {
    refuse(std::string(keys.hidden) + " must be a multiple of " + keys.heads);
  }
  spec.head_dim = optional_integer(config, keys.head_dim, std::max(1, spec.hidden / spec.heads), 1, 4096);
  const bool gpt = !spec.gated;  // their inner size is four times the hidden one where the file has none
  spec.feed_forward = integer(config, keys.feed_forward, gpt ? 4 * spec.hidden : 0, 1, 1 << 20);
  spec.vocabulary = integer(config, "vocab_size", 0, 1, kMaxToken);
  spec.context = integer(config, keys.context, 0, 1, 1 << 24);
}

bool present(Presence presence, const Json& config, const char* key) {
  return presence == Presence::always || (presence == Presence::by_flag && flag(config, key, false));
}

void read_switches(const Json& config, const Family& family, ModelSpec& spec) {
  spec.norm = family.norm;
  spec.norm_epsilon = static_cast<float>(number(config, family.keys.epsilon, family.epsilon));
  spec.gated = family.tensors.gate != nullptr;
  spec.parallel_residual = family.parallel_residual;
  spec.head_norms = family.tensors.query_norm != nullptr;
  spec.qkv_bias = present(family.qkv_bias, config, "attention_bias");
  spec.output_bias = present(family.output_bias, config, "attention_bias");
  spec.mlp_bias = present(family.mlp_bias, config, "mlp_bias");
  spec.head_bias = present(family.head_bias, config, "");
  spec.tied_head = flag(config, "tie_word_embeddings", false);
  const std::string activation = text(config, family.keys.activation, std::string(family.activation));
  if (activation == "gelu_new" || activation == "gelu_pytorch_tanh") {
    spec.activation = Activation::gelu_tanh;
  } else if (activation != "silu") {
    refuse(std::string(family.keys.activation) + " \"" + activation +
           "\" is not supported (silu, gelu_new, gelu_pytorch_tanh)");
  }
}

// Newer files say for each layer; older ones that all layers have the window, or those from max_window_layers on.
std::vector<int> windows_of(const Json& config, const Family& family, int layers) {
  std::vector<int> out(static_cast<std::size_t>(layers), 0);
  if (family.windows == Windows::none) return out;
  if (family.windows == Windows::later_layers && !flag(config, "use_sliding_window", false)) return out;
  const int window = integer(config, "sliding_window", 0, 0, 1 << 24);
  const int first = family.windows == Windows::later_layers ? integer(config, "max_window_layers", 28, 0, 1 << 20) : 0;
  for (int i = std::min(first, layers); i < layers; ++i) out[static_cast<std::size_t>(i)] = window;
  const Json* types = config.find_set("layer_types");
  if (types == nullptr) return out;
  if (!types->is(Json::Kind::array) || types->items.size() != out.size()) {
    refuse("layer_types must have one entry for each layer");
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::string& type = types->items[i].string;
    if (type != "sliding_attention" && type != "full_attention") {
      refuse("layer type \"" + type + "\" is not supported (full_attention, sliding_attention)");
    }
    if (type == "sliding_attention" && window == 0) refuse("sliding_window is missing");
    out[i] = type == "sliding_attention" ? window : 0;
  }
  return out;
}

void check_shape(const ModelSpec& spec) {
  if (spec.heads % spec.kv_heads != 0) refuse("num_attention_heads must be a multiple of num_key_value_heads");
  for (const int id : spec.end_tokens) {
    if (id >= spec.vocabulary) refuse("eos_token_id is outside the vocabulary");
  }
  if (spec.begin_token >= spec.vocabulary) refuse("bos_token_id is outside the vocabulary");
}

Rope rope_of(const Json& config, const Family& family, const ModelSpec& spec) {
  const int rotated = optional_integer(config, family.keys.rotary_dim, spec.head_dim, 2, spec.head_dim);
  if (rotated % 2 != 0) refuse("an odd number of elements of each head cannot be rotated");
  Rope rope = parse_rope(config, rotated, spec.context);
  rope.interleaved = family.interleaved_rope;
  return rope;
}

}  // namespace

ModelSpec parse_model_spec(const Json& config, const Json* generation) {
  if (!config.is(Json::Kind::object)) refuse("is no JSON object");
  const Family& family = family_of(config);
  ModelSpec spec;
  spec.family = &family;
  read_switches(config, family, spec);
  read_sizes(config, family.keys, spec);
  spec.windows = windows_of(config, family, spec.layers);
  spec.begin_token = integer(config, "bos_token_id", -1, -1, kMaxToken);
  add_end_tokens(&config, spec.end_tokens);
  add_end_tokens(generation, spec.end_tokens);
  std::sort(spec.end_tokens.begin(), spec.end_tokens.end());
  spec.end_tokens.erase(std::unique(spec.end_tokens.begin(), spec.end_tokens.end()), spec.end_tokens.end());
  check_shape(spec);
  spec.rope = rope_of(config, family, spec);
  return spec;
}

}  // namespace tollgate::local_backend
