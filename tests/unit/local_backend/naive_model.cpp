#include "naive_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>

namespace tollgate::local_backend::test {
namespace {

using nlohmann::json;

std::string whole_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// IEEE 754 binary16.
double half(std::uint16_t bits) {
  const int exponent = bits >> 10U & 0x1F;
  const int mantissa = bits & 0x3FF;
  const double value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024, exponent - 25);
  return (bits & 0x8000U) != 0 ? -value : value;
}

double number_at(const char* data, const std::string& dtype, std::size_t index) {
  if (dtype == "F32") {
    float value = 0;
    std::memcpy(&value, data + 4 * index, 4);
    return double{value};
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, data + 2 * index, 2);
  return dtype == "F16" ? half(bits) : double{std::bit_cast<float>(std::uint32_t{bits} << 16U)};
}

double silu(double x) { return x / (1 + std::exp(-x)); }
double gelu_new(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

void add(std::vector<double>& to, const std::vector<double>& what) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += what[i];
}

std::size_t size(int n) { return static_cast<std::size_t>(n); }

}  // namespace

NaiveModel::NaiveModel(const std::string& directory) : config_(json::parse(whole_file(directory + "/config.json"))) {
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.path().extension() == ".safetensors") read_file(entry.path().string());
  gptj_ = config_["model_type"] == "gptj";
  layers_ = config_[gptj_ ? "n_layer" : "num_hidden_layers"];
  width_ = config_[gptj_ ? "n_embd" : "hidden_size"];
  head_count_ = config_[gptj_ ? "n_head" : "num_attention_heads"];
  head_size_ = config_.value("head_dim", width_ / head_count_);
  rotated_ = gptj_ ? config_["rotary_dim"].get<int>() : head_size_;
  epsilon_ = config_[gptj_ ? "layer_norm_epsilon" : "rms_norm_eps"];
  rope_ = gptj_ ? json{{"rope_type", "default"}, {"rope_theta", 10000.0}} : config_["rope_parameters"];
}

// A file is the header's length in 8 bytes, the header, the numbers. A family's common prefix is dropped from names.
void NaiveModel::read_file(const std::string& path) {
  const std::string file = whole_file(path);
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  const json header = json::parse(file.substr(8, length));
  for (const auto& [full_name, tensor] : header.items()) {
    if (full_name == "__metadata__") continue;
    std::size_t count = 1;
    for (const auto& dimension : tensor["shape"]) count *= dimension.get<std::size_t>();
    std::string name = full_name;
    for (const std::string prefix : {"model.", "transformer."})
      if (name.starts_with(prefix)) name.erase(0, prefix.size());
    Vector& out = tensors_[name];
    const char* data = file.data() + 8 + length + tensor["data_offsets"][0].get<std::size_t>();
    for (std::size_t i = 0; i < count; ++i) out.push_back(number_at(data, tensor["dtype"], i));
  }
}

NaiveModel::Vector NaiveModel::linear(const std::string& name, const Vector& x) const {
  const Vector& weight = tensors_.at(name + ".weight");
  Vector out(weight.size() / x.size());
  for (std::size_t r = 0; r < out.size(); ++r)
    for (std::size_t c = 0; c < x.size(); ++c) out[r] += weight[r * x.size() + c] * x[c];
  if (has(name + ".bias")) add(out, tensors_.at(name + ".bias"));
  return out;
}

// Layer norm where there is a bias, else by the root of the mean square.
NaiveModel::Vector NaiveModel::normalise(const std::string& name, const Vector& x) const {
  const Vector& weight = tensors_.at(name + ".weight");
  const bool centred = has(name + ".bias");
  const auto count = static_cast<double>(x.size());
  double mean = 0;
  for (const double v : x) mean += centred ? v / count : 0;
  double square = 0;
  for (const double v : x) square += (v - mean) * (v - mean) / count;
  Vector out;
  for (std::size_t i = 0; i < x.size(); ++i) out.push_back((x[i] - mean) / std::sqrt(square + epsilon_) * weight[i]);
  if (centred) add(out, tensors_.at(name + ".bias"));
  return out;
}

NaiveModel::Vector NaiveModel::feed_forward(const std::string& layer, const Vector& x) const {
  if (gptj_) {
    Vector inner = linear(layer + "mlp.fc_in", x);
    for (double& v : inner) v = gelu_new(v);
    return linear(layer + "mlp.fc_out", inner);
  }
  Vector inner = linear(layer + "mlp.gate_proj", x);
  const Vector up = linear(layer + "mlp.up_proj", x);
  for (std::size_t i = 0; i < inner.size(); ++i) inner[i] = silu(inner[i]) * up[i];
  return linear(layer + "mlp.down_proj", inner);
}

// How far YaRN divides a pair's frequency: 0 not at all, 1 by the whole factor (YaRN, arXiv 2309.00071, section 3.2).
double NaiveModel::yarn_share(int pair) const {
  const double original = rope_["original_max_position_embeddings"];
  const double theta = rope_["rope_theta"];
  const auto turning = [&](double times) {
    return rotated_ * std::log(original / (times * 2 * std::numbers::pi)) / (2 * std::log(theta));
  };
  const double low = std::max(0.0, std::floor(turning(32)));
  const double high = std::min(rotated_ - 1.0, std::ceil(turning(1)));
  return std::clamp((pair - low) / (high - low), 0.0, 1.0);
}

double NaiveModel::frequency(int pair) const {
  const double plain = std::pow(rope_["rope_theta"].get<double>(), -2.0 * pair / rotated_);
  const std::string type = rope_["rope_type"];
  if (type == "default") return plain;
  const double factor = rope_["factor"];
  if (type == "yarn") return plain * (1 - yarn_share(pair)) + plain / factor * yarn_share(pair);
  // Llama 3.1: long waves are divided, short ones stay, between them it is gradual.
  const double turns = rope_["original_max_position_embeddings"].get<double>() * plain / (2 * std::numbers::pi);
  const double low = rope_["low_freq_factor"];
  const double high = rope_["high_freq_factor"];
  const double stays = std::clamp((turns - low) / (high - low), 0.0, 1.0);
  return plain * stays + plain / factor * (1 - stays);
}

void NaiveModel::rotate(double* head, std::size_t position) const {
  const double amplitude = rope_["rope_type"] == "yarn" ? 0.1 * std::log(rope_["factor"].get<double>()) + 1 : 1;
  for (int pair = 0; pair < rotated_ / 2; ++pair) {
    double& a = head[gptj_ ? 2 * pair : pair];
    double& b = head[gptj_ ? 2 * pair + 1 : pair + rotated_ / 2];
    const double angle = static_cast<double>(position) * frequency(pair);
    const double rotated = (a * std::cos(angle) - b * std::sin(angle)) * amplitude;
    b = (b * std::cos(angle) + a * std::sin(angle)) * amplitude;
    a = rotated;
  }
}

NaiveModel::Rows NaiveModel::heads(const std::string& name, const std::string& norm, const Rows& x,
                                   bool rotated) const {
  Rows out;
  for (std::size_t position = 0; position < x.size(); ++position) {
    Vector row = linear(name, x[position]);
    for (std::size_t begin = 0; rotated && begin < row.size(); begin += size(head_size_)) {
      if (has(norm + ".weight")) {
        const auto from = row.begin() + static_cast<std::ptrdiff_t>(begin);
        const Vector normed = normalise(norm, Vector(from, from + head_size_));
        std::ranges::copy(normed, from);
      }
      rotate(row.data() + begin, position);
    }
    out.push_back(std::move(row));
  }
  return out;
}

int NaiveModel::window(int layer) const {
  const bool sliding = config_.contains("layer_types") ? config_["layer_types"][size(layer)] == "sliding_attention"
                                                       : config_["model_type"] == "mistral";
  if (!sliding || config_["sliding_window"].is_null()) return 0;
  return config_["sliding_window"];
}

NaiveModel::Rows NaiveModel::attention(const std::string& layer, int index, const Rows& x) const {
  const std::string self = layer + (gptj_ ? "attn." : "self_attn.");
  const Rows q = heads(self + "q_proj", self + "q_norm", x, true);
  const Rows k = heads(self + "k_proj", self + "k_norm", x, true);
  const Rows v = heads(self + "v_proj", {}, x, false);
  const std::size_t shared = q[0].size() / k[0].size();
  Rows out;
  for (std::size_t position = 0; position < x.size(); ++position) {
    const auto reach = size(window(index));
    const std::size_t first = reach == 0 || position + 1 < reach ? 0 : position + 1 - reach;
    Vector mixed(q[0].size());
    for (std::size_t head = 0; head < size(head_count_); ++head) {
      const std::size_t at = head * size(head_size_);
      const std::size_t from = head / shared * size(head_size_);
      Vector weight(position + 1);
      double sum = 0;
      for (std::size_t t = first; t <= position; ++t) {
        double score = 0;
        for (std::size_t d = 0; d < size(head_size_); ++d) score += q[position][at + d] * k[t][from + d];
        sum += weight[t] = std::exp(score / std::sqrt(head_size_));
      }
      for (std::size_t t = first; t <= position; ++t)
        for (std::size_t d = 0; d < size(head_size_); ++d) mixed[at + d] += weight[t] / sum * v[t][from + d];
    }
    out.push_back(linear(self + (gptj_ ? "out_proj" : "o_proj"), mixed));
  }
  return out;
}

std::vector<std::vector<double>> NaiveModel::logits(const std::vector<int>& tokens) const {
  const Vector& embedding = tensors_.at(gptj_ ? "wte.weight" : "embed_tokens.weight");
  Rows x;
  for (const int token : tokens) {
    const auto row = embedding.begin() + std::ptrdiff_t{token} * width_;
    x.emplace_back(row, row + width_);
  }
  for (int i = 0; i < layers_; ++i) {
    const std::string layer = (gptj_ ? "h." : "layers.") + std::to_string(i) + ".";
    Rows normed;
    for (const Vector& row : x) normed.push_back(normalise(layer + (gptj_ ? "ln_1" : "input_layernorm"), row));
    const Rows attended = attention(layer, i, normed);
    for (std::size_t t = 0; t < x.size(); ++t) {
      add(x[t], attended[t]);
      add(x[t], feed_forward(layer, gptj_ ? normed[t] : normalise(layer + "post_attention_layernorm", x[t])));
    }
  }
  Rows out;
  const bool tied = config_.value("tie_word_embeddings", false);
  const std::string head = tied ? "embed_tokens" : "lm_head";
  for (const Vector& row : x) out.push_back(linear(head, normalise(gptj_ ? "ln_f" : "norm", row)));
  return out;
}

}  // namespace tollgate::local_backend::test
