#include "local_backend/weights.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <stdexcept>
#include <utility>

namespace tollgate::local_backend {
namespace {

std::size_t count(int n) { return static_cast<std::size_t>(n); }

constexpr std::array<std::pair<std::string_view, WeightType>, 3> kTypes = {
    {{"BF16", WeightType::bf16}, {"F16", WeightType::f16}, {"F32", WeightType::f32}}};

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
    out.type = type_of(tensor(parts[0].name + ".weight"), parts[0].name + ".weight");
    out.columns = count(columns);
    for (const Part& part : parts) out.rows += count(part.rows);
    out.data.resize(out.rows * out.columns * size_of(out.type));
    std::byte* to = out.data.data();
    for (const Part& part : parts) {
      const std::string name = part.name + ".weight";
      if (type_of(tensor(name), name) != out.type) refuse(name, "has another dtype than the tensors beside it");
      to = read(name, {static_cast<std::uint64_t>(part.rows), out.columns}, to);
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

  // What the file has and the model does not use would be silently ignored: refuse it.
  std::int64_t finish(std::span<const std::string_view> ignored) const {
    for (const auto& [name, tensor] : checkpoint_.tensors()) {
      if (!used_.contains(name) && !ends_with_any(name, ignored)) refuse(name, "is no part of this model");
    }
    return parameters_;
  }

 private:
  [[noreturn]] void refuse(const std::string& name, const std::string& why) const {
    const auto found = checkpoint_.tensors().find(name);
    const std::string& where = found == checkpoint_.tensors().end() ? checkpoint_.name() : found->second.file->path();
    throw std::runtime_error(where + ": tensor \"" + name + "\" " + why);
  }

  const Checkpoint::Tensor& tensor(const std::string& name) const {
    const auto found = checkpoint_.tensors().find(name);
    if (found == checkpoint_.tensors().end()) refuse(name, "is missing");
    return found->second;
  }

  WeightType type_of(const Checkpoint::Tensor& tensor, const std::string& name) const {
    const auto* type =
        std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return t.first == tensor.info.dtype; });
    if (type == kTypes.end()) refuse(name, "has dtype " + tensor.info.dtype + " (BF16, F16 and F32 are supported)");
    return type->second;
  }

  // Returns where the next tensor goes.
  std::byte* read(const std::string& name, const std::vector<std::uint64_t>& shape, std::byte* to) {
    const Checkpoint::Tensor& from = tensor(name);
    if (from.info.shape != shape) refuse(name, "does not have the shape that config.json says");
    const std::size_t size = from.info.elements * size_of(type_of(from, name));
    checkpoint_.read(from, to, size);
    used_.insert(name);
    parameters_ += static_cast<std::int64_t>(from.info.elements);
    return to + size;
  }

  std::vector<float> numbers(const std::string& name, int size) {
    const WeightType type = type_of(tensor(name), name);
    std::vector<std::byte> data(count(size) * size_of(type));
    read(name, {static_cast<std::uint64_t>(size)}, data.data());
    std::vector<float> out(count(size));
    decode_row({type, data.data(), nullptr, 1, out.size()}, 0, out.data());
    return out;
  }

  const Checkpoint& checkpoint_;
  WeightFormat format_;
  std::set<std::string> used_;
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

// config.json alone could ask for any amount of memory: nothing is allocated before the file is known to hold as much.
void check_size(const Checkpoint& checkpoint, const ModelSpec& spec) {
  const std::string name = std::string(spec.family->tensors.embedding) + ".weight";
  const auto found = checkpoint.tensors().find(name);
  const std::vector<std::uint64_t> shape{static_cast<std::uint64_t>(spec.vocabulary),
                                         static_cast<std::uint64_t>(spec.hidden)};
  if (found != checkpoint.tensors().end() && found->second.info.shape != shape) {
    throw std::runtime_error(found->second.file->path() + ": tensor \"" + name +
                             "\" does not have the shape that config.json says");
  }
  const double hidden = spec.hidden;
  const double inner = spec.gated ? 3.0 : 2.0;
  const double layer = hidden * (2.0 * spec.query_size() + 2.0 * spec.kv_size() + inner * spec.feed_forward);
  if (layer * spec.layers + hidden * spec.vocabulary > static_cast<double>(checkpoint.elements())) {
    throw std::runtime_error(checkpoint.name() + ": has fewer weights than config.json says");
  }
}

}  // namespace

Weights load_weights(const Checkpoint& checkpoint, const ModelSpec& spec, WeightFormat format) {
  check_size(checkpoint, spec);
  const TensorNames& names = spec.family->tensors;
  Loader from(checkpoint, format);
  Weights out;
  out.embedding = from.matrix({{names.embedding, spec.vocabulary}}, spec.hidden);
  for (int i = 0; i < spec.layers; ++i) out.layers.push_back(load_layer(from, spec, i));
  out.final_norm = from.norm(names.final_norm, spec.hidden, spec.norm == Norm::layer);
  if (!spec.tied_head) out.head = from.linear({{names.head, spec.vocabulary}}, spec.hidden, spec.head_bias);
  out.parameters = from.finish(names.ignored);
  return out;
}

}  // namespace tollgate::local_backend
