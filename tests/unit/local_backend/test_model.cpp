#include "test_model.h"

#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numbers>
#include <random>
#include <stdexcept>

namespace tollgate::local_backend::test {
namespace {

using Vector = std::vector<double>;

std::size_t size(int n) { return static_cast<std::size_t>(n); }

std::uint16_t to_bf16(double value) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(static_cast<float>(value)) >> 16U);
}

Vector operator+(const Vector& a, const Vector& b) {
  Vector out;
  for (std::size_t i = 0; i < a.size(); ++i) out.push_back(a[i] + b[i]);
  return out;
}

}  // namespace

std::string fixture(const std::string& name) {
  const std::string path = "tests/unit/local_backend/fixtures/" + name;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("run from the repository root: no " + path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

double relative_error(const std::vector<double>& wanted, const float* got) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    difference += (wanted[i] - double{got[i]}) * (wanted[i] - double{got[i]});
    norm += wanted[i] * wanted[i];
  }
  return std::sqrt(difference / norm);
}

TestModel::TestModel(const Shape& shape, std::uint64_t seed) : shape_(shape) {
  std::string pattern = (std::filesystem::temp_directory_path() / "local_backend_test_XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  directory_ = pattern;
  std::mt19937_64 random(seed);
  // Harsh on purpose: near-uniform attention would hide a wrong rotation or mask.
  const auto add = [&](const std::string& name, std::vector<int> dimensions, double low, double high) {
    Tensor tensor;
    std::size_t count = 1;
    for (const int d : dimensions) {
      tensor.shape.push_back(static_cast<std::uint64_t>(d));
      count *= size(d);
    }
    std::uniform_real_distribution<double> value(low, high);
    for (std::size_t i = 0; i < count; ++i) tensor.bits.push_back(to_bf16(value(random)));
    weights_[name] = std::move(tensor);
  };
  const int q = shape.heads * shape.head_dim;
  const int kv = shape.kv_heads * shape.head_dim;
  add("model.embed_tokens.weight", {shape.vocabulary, shape.hidden}, -1, 1);
  add("model.norm.weight", {shape.hidden}, 0.5, 1.5);
  if (!shape.tied) add("lm_head.weight", {shape.vocabulary, shape.hidden}, -1, 1);
  for (int i = 0; i < shape.layers; ++i) {
    const std::string p = "model.layers." + std::to_string(i) + ".";
    add(p + "input_layernorm.weight", {shape.hidden}, 0.5, 1.5);
    add(p + "post_attention_layernorm.weight", {shape.hidden}, 0.5, 1.5);
    add(p + "self_attn.q_proj.weight", {q, shape.hidden}, -0.5, 0.5);
    add(p + "self_attn.k_proj.weight", {kv, shape.hidden}, -0.5, 0.5);
    add(p + "self_attn.v_proj.weight", {kv, shape.hidden}, -0.3, 0.3);
    add(p + "self_attn.o_proj.weight", {shape.hidden, q}, -0.3, 0.3);
    add(p + "mlp.gate_proj.weight", {shape.feed_forward, shape.hidden}, -0.3, 0.3);
    add(p + "mlp.up_proj.weight", {shape.feed_forward, shape.hidden}, -0.3, 0.3);
    add(p + "mlp.down_proj.weight", {shape.hidden, shape.feed_forward}, -0.3, 0.3);
  }
  // The end token never wins, so that answers are as long as a test asks for.
  auto& head = weights_[shape.tied ? "model.embed_tokens.weight" : "lm_head.weight"].bits;
  std::fill_n(head.begin() + kEndToken * shape.hidden, shape.hidden, std::uint16_t{0});
  write();
}

TestModel::~TestModel() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void TestModel::write_file(const std::string& name, const std::string& text) const {
  std::ofstream(directory_ + "/" + name, std::ios::binary) << text;
}

void TestModel::write() const {
  nlohmann::json config = {{"model_type", "llama"},
                           {"num_hidden_layers", shape_.layers},
                           {"hidden_size", shape_.hidden},
                           {"num_attention_heads", shape_.heads},
                           {"num_key_value_heads", shape_.kv_heads},
                           {"head_dim", shape_.head_dim},
                           {"intermediate_size", shape_.feed_forward},
                           {"vocab_size", shape_.vocabulary},
                           {"max_position_embeddings", shape_.context},
                           {"rms_norm_eps", shape_.epsilon},
                           {"tie_word_embeddings", shape_.tied},
                           {"bos_token_id", 0},
                           {"eos_token_id", kEndToken}};
  nlohmann::json rope = {{"rope_type", "default"}, {"rope_theta", shape_.theta}};
  if (shape_.llama3_scaling) {
    rope = {{"rope_type", "llama3"},  {"rope_theta", shape_.theta}, {"factor", 4.0},
            {"low_freq_factor", 1.0}, {"high_freq_factor", 4.0},    {"original_max_position_embeddings", 64}};
  }
  config["rope_parameters"] = rope;
  write_file("config.json", config.dump());
  write_file("tokenizer.json", fixture("tokenizer.json"));
  write_file("chat_template.jinja",
             "{{ bos_token }}{% for m in messages %}{{ '<|user|>' + m['content'] + '<|end|>' }}{% endfor %}"
             "{{ '<|assistant|>' }}");
  nlohmann::json header;
  std::string data;
  for (const auto& [name, tensor] : weights_) {
    const std::size_t begin = data.size();
    for (const std::uint16_t b : tensor.bits) {
      data.push_back(static_cast<char>(b & 0xFFU));
      data.push_back(static_cast<char>(b >> 8U));
    }
    header[name] = {{"dtype", "BF16"}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  const std::string text = header.dump();
  std::string prefix;
  for (unsigned i = 0; i < 8; ++i) prefix.push_back(static_cast<char>(text.size() >> (8 * i) & 0xFFU));
  write_file("model.safetensors", prefix + text + data);
}

double TestModel::at(const std::string& name, std::size_t index) const {
  return double{std::bit_cast<float>(std::uint32_t{weights_.at(name).bits[index]} << 16U)};
}

Vector TestModel::multiply(const std::string& name, const Vector& x) const {
  const std::size_t rows = weights_.at(name).bits.size() / x.size();
  Vector out(rows, 0.0);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < x.size(); ++c) out[r] += at(name, r * x.size() + c) * x[c];
  }
  return out;
}

Vector TestModel::normalise(const std::string& name, const Vector& x, Mutant mutant) const {
  double mean = 0;
  for (const double v : x) mean += v * v / static_cast<double>(x.size());
  const double epsilon = shape_.epsilon * (mutant == Mutant::epsilon_times_ten ? 10 : 1);
  Vector out;
  for (std::size_t i = 0; i < x.size(); ++i) out.push_back(x[i] / std::sqrt(mean + epsilon) * at(name, i));
  return out;
}

void TestModel::rotate(Vector& heads, int position, Mutant mutant) const {
  const std::size_t half = size(shape_.head_dim) / 2;
  for (std::size_t start = 0; start < heads.size(); start += 2 * half) {
    for (std::size_t j = 0; j < half; ++j) {
      double frequency = std::pow(shape_.theta, -2.0 * static_cast<double>(j) / shape_.head_dim);
      if (shape_.llama3_scaling && mutant != Mutant::no_rope_scaling) {
        const double turns = 64 * frequency / (2 * std::numbers::pi);  // in the original context
        const double blend = std::clamp((turns - 1) / (4 - 1), 0.0, 1.0);
        frequency = (1 - blend) * frequency / 4 + blend * frequency;
      }
      const bool neighbours = mutant == Mutant::interleaved_rope;
      double& a = heads[start + (neighbours ? 2 * j : j)];
      double& b = heads[start + (neighbours ? 2 * j + 1 : j + half)];
      const double angle = position * frequency;
      const double rotated = a * std::cos(angle) - b * std::sin(angle);
      b = a * std::sin(angle) + b * std::cos(angle);
      a = rotated;
    }
  }
}

Vector TestModel::attend(const std::vector<Vector>& q, const std::vector<Vector>& k, const std::vector<Vector>& v,
                         int position, Mutant mutant) const {
  const std::size_t dim = size(shape_.head_dim);
  const std::size_t last = mutant == Mutant::no_causal_mask ? k.size() : size(position) + 1;
  Vector out;
  for (int h = 0; h < shape_.heads; ++h) {
    const int group = shape_.heads / shape_.kv_heads;
    const std::size_t kv = size(mutant == Mutant::wrong_kv_head ? h % shape_.kv_heads : h / group) * dim;
    Vector weight;
    double sum = 0;
    for (std::size_t t = 0; t < last; ++t) {
      double dot = 0;
      for (std::size_t d = 0; d < dim; ++d) dot += q[size(position)][size(h) * dim + d] * k[t][kv + d];
      weight.push_back(std::exp(dot / std::sqrt(shape_.head_dim)));
      sum += weight.back();
    }
    for (std::size_t d = 0; d < dim; ++d) {
      double mixed = 0;
      for (std::size_t t = 0; t < last; ++t) mixed += weight[t] / sum * v[t][kv + d];
      out.push_back(mixed);
    }
  }
  return out;
}

std::vector<Vector> TestModel::logits(const std::vector<int>& tokens, Mutant mutant) const {
  std::vector<Vector> x;
  for (const int token : tokens) {
    Vector row;
    for (int i = 0; i < shape_.hidden; ++i)
      row.push_back(at("model.embed_tokens.weight", size(token * shape_.hidden + i)));
    x.push_back(std::move(row));
  }
  for (int layer = 0; layer < shape_.layers; ++layer) {
    const std::string p = "model.layers." + std::to_string(layer) + ".";
    std::vector<Vector> q;
    std::vector<Vector> k;
    std::vector<Vector> v;
    for (std::size_t t = 0; t < x.size(); ++t) {
      const Vector normed = normalise(p + "input_layernorm.weight", x[t], mutant);
      q.push_back(multiply(p + "self_attn.q_proj.weight", normed));
      k.push_back(multiply(p + "self_attn.k_proj.weight", normed));
      v.push_back(multiply(p + "self_attn.v_proj.weight", normed));
      rotate(q.back(), static_cast<int>(t), mutant);
      rotate(k.back(), static_cast<int>(t), mutant);
    }
    for (std::size_t t = 0; t < x.size(); ++t) {
      x[t] = x[t] + multiply(p + "self_attn.o_proj.weight", attend(q, k, v, static_cast<int>(t), mutant));
      const Vector normed = normalise(p + "post_attention_layernorm.weight", x[t], mutant);
      Vector gate = multiply(p + "mlp.gate_proj.weight", normed);
      const Vector up = multiply(p + "mlp.up_proj.weight", normed);
      for (std::size_t i = 0; i < gate.size(); ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
      x[t] = x[t] + multiply(p + "mlp.down_proj.weight", gate);
    }
  }
  std::vector<Vector> out;
  for (const Vector& row : x) {
    const std::string head = shape_.tied ? "model.embed_tokens.weight" : "lm_head.weight";
    out.push_back(multiply(head, normalise("model.norm.weight", row, mutant)));
  }
  return out;
}

std::vector<int> TestModel::greedy(std::vector<int> tokens, int count, int known_tokens) const {
  std::vector<int> out;
  for (int i = 0; i < count; ++i) {
    const Vector last = logits(tokens).back();
    int best = kEndToken;
    for (int id = 4; id < known_tokens; ++id) {  // the ids below are special, and only the end may be chosen
      if (last[size(id)] > last[size(best)]) best = id;
    }
    out.push_back(best);
    tokens.push_back(best);
  }
  return out;
}

}  // namespace tollgate::local_backend::test
