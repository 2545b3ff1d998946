#include "local_backend/device_plugin.h"

#include <dlfcn.h>

#include <cstring>
#include <filesystem>

namespace tollgate::local_backend {
namespace {

using plugin::Status;

[[noreturn]] void refuse(const std::string& what, const plugin::Text& why) {
  throw DeviceError(what + ": " + std::string(why.bytes, ::strnlen(why.bytes, sizeof why.bytes)));
}

plugin::Matrix matrix_of(const Matrix& matrix, const std::vector<float>& bias = {}) {
  const WeightView view = matrix.view();
  return {.data = matrix.data.empty() ? nullptr : view.data,
          .scales = view.scales,
          .bias = bias.empty() ? nullptr : bias.data(),
          .rows = view.rows,
          .columns = view.columns,
          .type = static_cast<std::uint32_t>(view.type)};
}

plugin::Matrix matrix_of(const Linear& linear) { return matrix_of(linear.matrix, linear.bias); }

plugin::Norm norm_of(const NormWeights& norm) {
  return {.weight = norm.weight.empty() ? nullptr : norm.weight.data(),
          .bias = norm.bias.empty() ? nullptr : norm.bias.data(),
          .width = norm.weight.size()};
}

std::vector<plugin::Layer> layers_of(const ModelSpec& spec, const Weights& weights) {
  std::vector<plugin::Layer> out;
  for (std::size_t i = 0; i < weights.layers.size(); ++i) {
    const LayerWeights& layer = weights.layers[i];
    out.push_back({.attention_norm = norm_of(layer.attention_norm),
                   .qkv = matrix_of(layer.qkv),
                   .query_norm = norm_of(layer.query_norm),
                   .key_norm = norm_of(layer.key_norm),
                   .output = matrix_of(layer.output),
                   .feed_forward_norm = norm_of(layer.feed_forward_norm),
                   .gate_up = matrix_of(layer.gate_up),
                   .down = matrix_of(layer.down),
                   .window = spec.windows[i]});
  }
  return out;
}

plugin::Model model_of(const ModelSpec& spec, const Weights& weights, const std::vector<plugin::Layer>& layers,
                       const RopeTable& angles) {
  return {.layers = spec.layers,
          .hidden = spec.hidden,
          .heads = spec.heads,
          .kv_heads = spec.kv_heads,
          .head_dim = spec.head_dim,
          .feed_forward = spec.feed_forward,
          .vocabulary = spec.vocabulary,
          .context = spec.context,
          .norm_epsilon = spec.norm_epsilon,
          .layer_norm = spec.norm == Norm::layer,
          .gelu = spec.activation == Activation::gelu_tanh,
          .gated = spec.gated,
          .parallel_residual = spec.parallel_residual,
          .rope_interleaved = spec.rope.interleaved,
          .rope_pairs = spec.rope.rotated() / 2,
          .cosines = angles.cosines.data(),
          .sines = angles.sines.data(),
          .embedding = matrix_of(weights.embedding),
          .layer = layers.data(),
          .final_norm = norm_of(weights.final_norm),
          .head = matrix_of(weights.head)};
}

plugin::Runner* create(const plugin::Plugin& device, const ModelSpec& spec, const Weights& weights,
                       const plugin::Options& options) {
  const RopeTable angles = rope_table(spec.rope, spec.context);
  const std::vector<plugin::Layer> layers = layers_of(spec, weights);
  const plugin::Model model = model_of(spec, weights, layers, angles);
  plugin::Runner* runner = nullptr;
  plugin::Text why{};
  if (device.create(&model, &options, &runner, &why) != Status::ok) refuse("the device cannot take the model", why);
  return runner;
}

}  // namespace

std::string default_device_plugin() {
  std::error_code unknown;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  return (program.parent_path() / "libtollgate_cuda.so").string();
}

const plugin::Plugin& load_device_plugin(const std::string& path) {
  // An absolute path: no search through the loader's directories.
  const std::string file = std::filesystem::absolute(path).string();
  if (!std::filesystem::exists(file)) throw DeviceError("there is no plugin for a GPU beside the program");
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) throw DeviceError(std::string("the plugin for a GPU cannot be loaded: ") + ::dlerror());
  const auto entry = reinterpret_cast<plugin::Entry>(::dlsym(library, plugin::kEntry));
  const plugin::Plugin* device = entry == nullptr ? nullptr : entry();
  if (device == nullptr) throw DeviceError(file + " is no plugin of this program");
  if (device->version != plugin::kVersion) {
    throw DeviceError("the plugin for a GPU has version " + std::to_string(device->version) + ", this program needs " +
                      std::to_string(plugin::kVersion) + ": install both from the same build");
  }
  return *device;
}

plugin::Facts device_facts(const plugin::Plugin& device) {
  plugin::Facts facts{};
  plugin::Text why{};
  if (device.probe(&facts, &why) != Status::ok) refuse("no GPU can be used", why);
  return facts;
}

DevicePass::DevicePass(const plugin::Plugin& device, const ModelSpec& spec, const Weights& weights,
                       const plugin::Options& options)
    : device_(device),
      runner_(create(device, spec, weights, options), device.destroy),
      vocabulary_(static_cast<std::size_t>(spec.vocabulary)) {}

std::span<const float> DevicePass::step(std::span<const StepRow> rows) {
  rows_.clear();
  blocks_.clear();
  std::size_t wanted = 0;
  const KvTable* told = nullptr;  // whose blocks are the last in the list
  std::int32_t table = 0;
  for (const StepRow& row : rows) {
    if (row.cache != told) {
      told = row.cache;
      table = static_cast<std::int32_t>(blocks_.size());
      const auto ids = told->block_ids();
      blocks_.insert(blocks_.end(), ids.begin(), ids.end());
    }
    rows_.push_back({row.token, row.position, table, row.wants_logits ? 1 : 0});
    wanted += row.wants_logits ? 1 : 0;
  }
  logits_.resize(wanted * vocabulary_);
  const plugin::Step step{.rows = rows_.data(),
                          .blocks = blocks_.data(),
                          .row_count = static_cast<std::int32_t>(rows_.size()),
                          .block_count = static_cast<std::int32_t>(blocks_.size())};
  plugin::Text why{};
  if (device_.step(runner_.get(), &step, logits_.data(), &why) != Status::ok) refuse("the GPU failed", why);
  return logits_;
}

}  // namespace tollgate::local_backend
