#include "local_backend/family.h"

#include <algorithm>
#include <array>

namespace tollgate::local_backend {
namespace {

constexpr ConfigKeys kLlamaKeys = {.layers = "num_hidden_layers",
                                   .hidden = "hidden_size",
                                   .heads = "num_attention_heads",
                                   .kv_heads = "num_key_value_heads",
                                   .head_dim = "head_dim",
                                   .feed_forward = "intermediate_size",
                                   .context = "max_position_embeddings",
                                   .epsilon = "rms_norm_eps",
                                   .activation = "hidden_act",
                                   .rotary_dim = nullptr};

constexpr ConfigKeys kGptjKeys = {.layers = "n_layer",
                                  .hidden = "n_embd",
                                  .heads = "n_head",
                                  .kv_heads = nullptr,
                                  .head_dim = nullptr,
                                  .feed_forward = "n_inner",
                                  .context = "n_positions",
                                  .epsilon = "layer_norm_epsilon",
                                  .activation = "activation_function",
                                  .rotary_dim = "rotary_dim"};

// Old files carry the rotation's frequencies.
constexpr std::array<std::string_view, 1> kLlamaIgnored = {".self_attn.rotary_emb.inv_freq"};
// The causal mask as a tensor, and the value it masks with.
constexpr std::array<std::string_view, 2> kGptjIgnored = {".attn.bias", ".attn.masked_bias"};

constexpr TensorNames kLlamaTensors = {.embedding = "model.embed_tokens",
                                       .final_norm = "model.norm",
                                       .head = "lm_head",
                                       .layer = "model.layers.",
                                       .attention_norm = ".input_layernorm",
                                       .query = ".self_attn.q_proj",
                                       .key = ".self_attn.k_proj",
                                       .value = ".self_attn.v_proj",
                                       .output = ".self_attn.o_proj",
                                       .query_norm = nullptr,
                                       .key_norm = nullptr,
                                       .feed_forward_norm = ".post_attention_layernorm",
                                       .gate = ".mlp.gate_proj",
                                       .up = ".mlp.up_proj",
                                       .down = ".mlp.down_proj",
                                       .ignored = kLlamaIgnored};

constexpr TensorNames with_head_norms(TensorNames names) {
  names.query_norm = ".self_attn.q_norm";
  names.key_norm = ".self_attn.k_norm";
  return names;
}

constexpr TensorNames kGptjTensors = {.embedding = "transformer.wte",
                                      .final_norm = "transformer.ln_f",
                                      .head = "lm_head",
                                      .layer = "transformer.h.",
                                      .attention_norm = ".ln_1",
                                      .query = ".attn.q_proj",
                                      .key = ".attn.k_proj",
                                      .value = ".attn.v_proj",
                                      .output = ".attn.out_proj",
                                      .query_norm = nullptr,
                                      .key_norm = nullptr,
                                      .feed_forward_norm = nullptr,
                                      .gate = nullptr,
                                      .up = ".mlp.fc_in",
                                      .down = ".mlp.fc_out",
                                      .ignored = kGptjIgnored};

constexpr Family kLlama = {.name = "llama",
                           .keys = kLlamaKeys,
                           .tensors = kLlamaTensors,
                           .norm = Norm::rms,
                           .qkv_bias = Presence::by_flag,
                           .output_bias = Presence::by_flag,
                           .mlp_bias = Presence::by_flag,
                           .head_bias = Presence::never,
                           .windows = Windows::none,
                           .parallel_residual = false,
                           .interleaved_rope = false,
                           .epsilon = 1e-6,
                           .activation = "silu"};

constexpr Family mistral() {
  Family family = kLlama;
  family.name = "mistral";
  family.qkv_bias = family.output_bias = family.mlp_bias = Presence::never;
  family.windows = Windows::all_layers;
  return family;
}

constexpr Family qwen2() {
  Family family = kLlama;
  family.name = "qwen2";
  family.qkv_bias = Presence::always;
  family.output_bias = family.mlp_bias = Presence::never;
  family.windows = Windows::later_layers;
  return family;
}

constexpr Family qwen3() {
  Family family = kLlama;
  family.name = "qwen3";
  family.tensors = with_head_norms(kLlamaTensors);
  family.mlp_bias = Presence::never;
  family.windows = Windows::later_layers;
  return family;
}

constexpr Family gptj() {
  Family family = kLlama;
  family.name = "gptj";
  family.keys = kGptjKeys;
  family.tensors = kGptjTensors;
  family.norm = Norm::layer;
  family.qkv_bias = family.output_bias = Presence::never;
  family.mlp_bias = family.head_bias = Presence::always;
  family.parallel_residual = family.interleaved_rope = true;
  family.epsilon = 1e-5;
  family.activation = "gelu_new";
  return family;
}

constexpr std::array<Family, 5> kFamilies = {kLlama, mistral(), qwen2(), qwen3(), gptj()};

}  // namespace

const Family* find_family(std::string_view model_type) {
  const auto* found =
      std::find_if(kFamilies.begin(), kFamilies.end(), [&](const Family& f) { return f.name == model_type; });
  return found == kFamilies.end() ? nullptr : found;
}

std::string_view family_names() { return "llama, mistral, qwen2, qwen3, gptj"; }

}  // namespace tollgate::local_backend
