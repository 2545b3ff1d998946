#include "local_backend/weights.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <stdexcept>
#include <utility>

namespace tollgate::local_backend {
namespace {

std::size_t count(int n) { return static_cast<std::size_t>(n); }

constexpr std::array<std::pair<std::string_view, WeightType>, 3> kTypes = {
    {{"BF16", WeightType::bf16}, {"F16", WeightType::f16}, {"F32", WeightType::f32}}};

const WeightType* type_of(const Checkpoint::Tensor& tensor) {
  const auto* type =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.first == tensor.info.dtype; });
  return type == kTypes.end() ? nullptr : &type->second;
}

bool ends_with_any(std::string_view name, std::span<const std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(), [name](std::string_view end) { return name.ends_with(end); });
}

class Loader {
 public:
  Loader(const Checkpoint& checkpoint, WeightFormat format) : checkpoint_(checkpoint), format_(format) {}

  struct Part {
    std::string name;  // without ".weight" and ".bias"
    int rows;
  };

  // Tensors with the same columns, one below the other.
  Matrix matrix(const std::vector<Part>& parts, int columns) {
    Matrix out;
    out.type = *type_of(tensor(parts[0].name + ".weight"));
    out.columns = count(columns);
    for (const Part& part : parts) out.rows += count(part.rows);
    out.data.resize(out.rows * out.columns * size_of(out.type));
    std::byte* to = out.data.data();
    for (const Part& part : parts) {
      const std::string name = part.name + ".weight";
      if (*type_of(tensor(name)) != out.type) {
        throw std::runtime_error(checkpoint_.name() + ": tensor \"" + name +
                                 "\" has another dtype than the tensors beside it");
      }
      to = read(name, to);
    }
    return out;
  }

  Linear linear(const std::vector<Part>& parts, int columns, bool with_bias) {
    Linear out;
    out.matrix = matrix(parts, columns);
    if (format_ != WeightFormat::as_stored) {
      out.matrix = quantise(out.matrix, format_ == WeightFormat::int8 ? WeightType::int8 : WeightType::fp8);
    }
    for (const Part& part : parts) {
      if (!with_bias) break;
      const std::vector<float> bias = numbers(part.name + ".bias", part.rows);
      out.bias.insert(out.bias.end(), bias.begin(), bias.end());
    }
    return out;
  }

  NormWeights norm(const std::string& name, int size, bool with_bias) {
    NormWeights out;
    out.weight = numbers(name + ".weight", size);
    if (with_bias) out.bias = numbers(name + ".bias", size);
    return out;
  }

  std::int64_t parameters() const { return parameters_; }

 private:
  const Checkpoint::Tensor& tensor(const std::string& name) const { return checkpoint_.tensors().at(name); }

  // Returns where the next tensor goes.
  std::byte* read(const std::string& name, std::byte* to) {
    const Checkpoint::Tensor& from = tensor(name);
    const std::size_t size = from.info.elements * size_of(*type_of(from));
    checkpoint_.read(from, to, size);
    parameters_ += static_cast<std::int64_t>(from.info.elements);
    return to + size;
  }

  std::vector<float> numbers(const std::string& name, int size) {
    const WeightType type = *type_of(tensor(name));
    std::vector<std::byte> data(count(size) * size_of(type));
    read(name, data.data());
    std::vector<float> out(count(size));
    decode_row({type, data.data(), nullptr, 1, out.size()}, 0, out.data());
    return out;
  }

  const Checkpoint& checkpoint_;
  WeightFormat format_;
  std::int64_t parameters_ = 0;
};

LayerWeights load_layer(Loader& from, const ModelSpec& spec, int layer) {
  const TensorNames& names = spec.family->tensors;
  const std::string prefix = names.layer + std::to_string(layer);
  const bool norm_bias = spec.norm == Norm::layer;
  LayerWeights out;
  out.attention_norm = from.norm(prefix + names.attention_norm, spec.hidden, norm_bias);
  out.qkv = from.linear({{prefix + names.query, spec.query_size()},
                         {prefix + names.key, spec.kv_size()},
                         {prefix + names.value, spec.kv_size()}},
                        spec.hidden, spec.qkv_bias);
  if (spec.head_norms) {
    out.query_norm = from.norm(prefix + names.query_norm, spec.head_dim, false);
    out.key_norm = from.norm(prefix + names.key_norm, spec.head_dim, false);
  }
  out.output = from.linear({{prefix + names.output, spec.hidden}}, spec.query_size(), spec.output_bias);
  if (!spec.parallel_residual) {
    out.feed_forward_norm = from.norm(prefix + names.feed_forward_norm, spec.hidden, norm_bias);
  }
  std::vector<Loader::Part> inner = {{prefix + names.up, spec.feed_forward}};
  if (spec.gated) inner.insert(inner.begin(), {prefix + names.gate, spec.feed_forward});
  out.gate_up = from.linear(inner, spec.hidden, spec.mlp_bias);
  out.down = from.linear({{prefix + names.down, spec.hidden}}, spec.feed_forward, spec.mlp_bias);
  return out;
}

using Shape = std::vector<std::uint64_t>;

// Every tensor that the model reads, and its shape.
class Expectation {
 public:
  explicit Expectation(const ModelSpec& spec) : spec_(spec), names_(spec.family->tensors) {
    linear(names_.embedding, spec.vocabulary, spec.hidden, false);
    norm(names_.final_norm, spec.hidden);
    if (!spec.tied_head) linear(names_.head, spec.vocabulary, spec.hidden, spec.head_bias);
    for (int i = 0; i < spec.layers; ++i) layer(names_.layer + std::to_string(i));
  }
  const std::map<std::string, Shape>& tensors() const { return tensors_; }

 private:
  void layer(const std::string& prefix) {
    const int hidden = spec_.hidden;
    const int inner = spec_.feed_forward;
    norm(prefix + names_.attention_norm, hidden);
    linear(prefix + names_.query, spec_.query_size(), hidden, spec_.qkv_bias);
    linear(prefix + names_.key, spec_.kv_size(), hidden, spec_.qkv_bias);
    linear(prefix + names_.value, spec_.kv_size(), hidden, spec_.qkv_bias);
    if (spec_.head_norms) {
      for (const char* name : {names_.query_norm, names_.key_norm}) vector(prefix + name + ".weight", spec_.head_dim);
    }
    linear(prefix + names_.output, hidden, spec_.query_size(), spec_.output_bias);
    if (!spec_.parallel_residual) norm(prefix + names_.feed_forward_norm, hidden);
    if (spec_.gated) linear(prefix + names_.gate, inner, hidden, spec_.mlp_bias);
    linear(prefix + names_.up, inner, hidden, spec_.mlp_bias);
    linear(prefix + names_.down, hidden, inner, spec_.mlp_bias);
  }
  void linear(const std::string& name, int rows, int columns, bool with_bias) {
    tensors_[name + ".weight"] = {count(rows), count(columns)};
    if (with_bias) vector(name + ".bias", rows);
  }
  void norm(const std::string& name, int size) {
    vector(name + ".weight", size);
    if (spec_.norm == Norm::layer) vector(name + ".bias", size);
  }
  void vector(const std::string& name, int size) { tensors_[name] = {count(size)}; }

  const ModelSpec& spec_;
  const TensorNames& names_;
  std::map<std::string, Shape> tensors_;
};

// Empty when the tensor is as it should be.
std::string complaint(const Checkpoint& checkpoint, const std::string& name, const Shape& shape) {
  const auto found = checkpoint.tensors().find(name);
  if (found == checkpoint.tensors().end()) return checkpoint.name() + ": tensor \"" + name + "\" is missing";
  const TensorInfo& info = found->second.info;
  const std::string start = found->second.file->path() + ": tensor \"" + name + "\" ";
  if (info.shape != shape) return start + "does not have the shape that config.json says";
  if (type_of(found->second) == nullptr) {
    return start + "has dtype " + info.dtype + " (BF16, F16 and F32 are supported)";
  }
  return {};
}

bool same_bytes(const Checkpoint& checkpoint, const Checkpoint::Tensor& a, const Checkpoint::Tensor& b) {
  constexpr std::uint64_t kPiece = 1U << 20U;
  const std::uint64_t size = a.info.end - a.info.begin;
  if (a.info.dtype != b.info.dtype || size != b.info.end - b.info.begin) return false;
  const auto piece = [&checkpoint](Checkpoint::Tensor tensor, std::uint64_t begin, std::uint64_t length) {
    tensor.info.begin += begin;
    tensor.info.end = tensor.info.begin + length;
    std::vector<std::byte> out(length);
    checkpoint.read(tensor, out.data(), out.size());
    return out;
  };
  for (std::uint64_t at = 0; at < size; at += kPiece) {
    const std::uint64_t length = std::min(kPiece, size - at);
    if (piece(a, at, length) != piece(b, at, length)) return false;
  }
  return true;
}

// Some checkpoints of tied models hold the embedding once more, as the head.
bool is_tied_copy(const Checkpoint& checkpoint, const ModelSpec& spec, const std::string& name) {
  const TensorNames& names = spec.family->tensors;
  if (!spec.tied_head || name != std::string(names.head) + ".weight") return false;
  const auto embedding = checkpoint.tensors().find(std::string(names.embedding) + ".weight");
  return embedding != checkpoint.tensors().end() &&
         same_bytes(checkpoint, embedding->second, checkpoint.tensors().at(name));
}

}  // namespace

std::vector<std::string> weight_problems(const Checkpoint& checkpoint, const ModelSpec& spec) {
  const Expectation expectation(spec);
  std::vector<std::string> out;
  for (const auto& [name, shape] : expectation.tensors()) {
    if (std::string why = complaint(checkpoint, name, shape); !why.empty()) out.push_back(std::move(why));
  }
  // What the file has and the model does not use would be silently ignored.
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (expectation.tensors().contains(name) || ends_with_any(name, spec.family->tensors.ignored)) continue;
    if (is_tied_copy(checkpoint, spec, name)) continue;
    out.push_back(tensor.file->path() + ": tensor \"" + name + "\" is no part of this model");
  }
  return out;
}

Weights load_weights(const Checkpoint& checkpoint, const ModelSpec& spec, WeightFormat format) {
  // config.json alone could ask for any amount of memory: nothing is allocated before the file is known to hold as
  // much.
  if (const auto problems = weight_problems(checkpoint, spec); !problems.empty()) {
    throw std::runtime_error(problems.front());
  }
  const TensorNames& names = spec.family->tensors;
  Loader from(checkpoint, format);
  Weights out;
  out.embedding = from.matrix({{names.embedding, spec.vocabulary}}, spec.hidden);
  for (int i = 0; i < spec.layers; ++i) out.layers.push_back(load_layer(from, spec, i));
  out.final_norm = from.norm(names.final_norm, spec.hidden, spec.norm == Norm::layer);
  if (!spec.tied_head) out.head = from.linear({{names.head, spec.vocabulary}}, spec.hidden, spec.head_bias);
  out.parameters = from.parameters();
  return out;
}

}  // namespace tollgate::local_backend
