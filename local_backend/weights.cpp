#include "local_backend/weights.h"

#include <initializer_list>
#include <set>
#include <stdexcept>

#include "local_backend/kernels.h"

namespace tollgate::local_backend {
namespace {

std::size_t count(int n) { return static_cast<std::size_t>(n); }

class Loader {
 public:
  Loader(const SafetensorsFile& file, const std::string& what) : file_(file), what_(what) {}

  std::vector<float> vector(const std::string& name, int size) {
    std::vector<std::uint16_t> bits(count(size));
    read(name, {static_cast<std::uint64_t>(size)}, bits.data());
    std::vector<float> out;
    for (const std::uint16_t b : bits) out.push_back(bf16_to_float(b));
    return out;
  }

  struct Part {
    std::string name;
    int rows;
  };
  // Tensors with the same columns, one below the other.
  Matrix matrix(std::initializer_list<Part> parts, int columns) {
    Matrix out;
    out.columns = count(columns);
    for (const Part& part : parts) out.rows += count(part.rows);
    out.bits.resize(out.rows * out.columns);
    std::size_t row = 0;
    for (const Part& part : parts) {
      read(part.name, {static_cast<std::uint64_t>(part.rows), static_cast<std::uint64_t>(columns)},
           out.bits.data() + row * out.columns);
      row += count(part.rows);
    }
    return out;
  }

  // What the file has and the model does not use would be silently ignored: refuse it.
  std::int64_t finish() const {
    for (const auto& [name, info] : file_.tensors()) {
      if (!used_.contains(name)) refuse(name, "is no part of this model");
    }
    return parameters_;
  }

 private:
  [[noreturn]] void refuse(const std::string& name, const std::string& why) const {
    throw std::runtime_error(what_ + ": tensor \"" + name + "\" " + why);
  }

  void read(const std::string& name, const std::vector<std::uint64_t>& shape, std::uint16_t* to) {
    const auto found = file_.tensors().find(name);
    if (found == file_.tensors().end()) refuse(name, "is missing");
    const TensorInfo& info = found->second;
    if (info.dtype != "BF16") refuse(name, "has dtype " + info.dtype + " (BF16 is supported)");
    if (info.shape != shape) refuse(name, "does not have the shape that config.json says");
    file_.read(info, to, info.elements * sizeof(std::uint16_t));
    used_.insert(name);
    parameters_ += static_cast<std::int64_t>(info.elements);
  }

  const SafetensorsFile& file_;
  const std::string& what_;
  std::set<std::string> used_;
  std::int64_t parameters_ = 0;
};

LayerWeights load_layer(Loader& from, const ModelSpec& spec, int layer) {
  const std::string p = "model.layers." + std::to_string(layer) + ".";
  LayerWeights out;
  out.attention_norm = from.vector(p + "input_layernorm.weight", spec.hidden);
  out.qkv = from.matrix({{p + "self_attn.q_proj.weight", spec.query_size()},
                         {p + "self_attn.k_proj.weight", spec.kv_size()},
                         {p + "self_attn.v_proj.weight", spec.kv_size()}},
                        spec.hidden);
  out.output = from.matrix({{p + "self_attn.o_proj.weight", spec.hidden}}, spec.query_size());
  out.feed_forward_norm = from.vector(p + "post_attention_layernorm.weight", spec.hidden);
  out.gate_up = from.matrix(
      {{p + "mlp.gate_proj.weight", spec.feed_forward}, {p + "mlp.up_proj.weight", spec.feed_forward}}, spec.hidden);
  out.down = from.matrix({{p + "mlp.down_proj.weight", spec.hidden}}, spec.feed_forward);
  return out;
}

// config.json alone could ask for any amount of memory: nothing is allocated before the file is known to hold as much.
void check_size(const SafetensorsFile& file, const ModelSpec& spec, const std::string& what) {
  const auto found = file.tensors().find("model.embed_tokens.weight");
  const std::vector<std::uint64_t> shape{static_cast<std::uint64_t>(spec.vocabulary),
                                         static_cast<std::uint64_t>(spec.hidden)};
  if (found != file.tensors().end() && found->second.shape != shape) {
    throw std::runtime_error(what +
                             ": tensor \"model.embed_tokens.weight\" does not have the shape that config.json says");
  }
  std::uint64_t elements = 0;
  for (const auto& [name, info] : file.tensors()) elements += info.elements;
  const double hidden = spec.hidden;
  const double layer = hidden * (2.0 * spec.query_size() + 2.0 * spec.kv_size() + 3.0 * spec.feed_forward);
  if (layer * spec.layers + hidden * spec.vocabulary > static_cast<double>(elements)) {
    throw std::runtime_error(what + ": has fewer weights than config.json says");
  }
}

}  // namespace

Weights load_weights(const SafetensorsFile& file, const ModelSpec& spec, const std::string& what) {
  check_size(file, spec, what);
  Loader from(file, what);
  Weights out;
  out.embedding = from.matrix({{"model.embed_tokens.weight", spec.vocabulary}}, spec.hidden);
  for (int i = 0; i < spec.layers; ++i) out.layers.push_back(load_layer(from, spec, i));
  out.final_norm = from.vector("model.norm.weight", spec.hidden);
  if (!spec.tied_head) out.head = from.matrix({{"lm_head.weight", spec.vocabulary}}, spec.hidden);
  out.parameters = from.finish();
  return out;
}

}  // namespace tollgate::local_backend
