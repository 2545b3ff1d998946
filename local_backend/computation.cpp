#include "local_backend/computation.h"

#include <algorithm>
#include <stdexcept>

#include "local_backend/device_plugin.h"
#include "local_backend/transformer.h"

namespace tollgate::local_backend {
namespace {

// Blocks for everybody who runs, as far as memory allows.
int block_count(const EngineOptions& options, const ModelSpec& spec, std::size_t number_bytes) {
  const auto memory = options.kv_cache_bytes / KvPool::block_bytes(spec, options.kv_block_tokens, number_bytes);
  const std::int64_t longest = (spec.context + options.kv_block_tokens - 1) / options.kv_block_tokens;
  const std::int64_t blocks = std::min(options.max_running * longest, static_cast<std::int64_t>(memory));
  if (blocks < 1) throw std::runtime_error("kv_cache_bytes is too small for one block of this model");
  return static_cast<int>(blocks);
}

Computation on_device(const EngineOptions& options, Model& model) {
  const std::string path = options.device_plugin.empty() ? default_device_plugin() : options.device_plugin;
  const plugin::Plugin& device = load_device_plugin(path);
  plugin::Options wanted{.kv_blocks = 0,
                         .kv_block_tokens = options.kv_block_tokens,
                         .max_rows = options.max_running + DevicePass::kPrefill.alone,
                         .exact = 0};
  Computation out;
  out.device = device_facts(device).name.bytes;
  out.kv_memory = KvMemory::device;
  out.kv_blocks = wanted.kv_blocks = block_count(options, model.spec, device.kv_number_bytes(&wanted));
  out.pass = std::make_unique<DevicePass>(device, model.spec, model.weights, wanted);
  model.drop_weights();
  return out;
}

const Kernels& wanted_kernels(CpuKernels family) {
  if (const Kernels* found = find_kernels(family)) return *found;
  const auto* const wanted = std::ranges::find(kCpuKernels, family, [](const auto& pair) { return pair.second; });
  throw std::runtime_error("this CPU cannot use cpu_kernels: " + std::string(wanted->first));
}

Computation on_cpu(const EngineOptions& options, const Model& model) {
  const Kernels& kernels = wanted_kernels(options.cpu_kernels);
  Computation out;
  out.device = "cpu";
  out.cpu_kernels = kernels.name();
  if (amx_is_wrong()) out.cpu_kernels += ", because products by amx are wrong";
  out.kv_blocks = block_count(options, model.spec, sizeof(float));
  out.workers = std::make_unique<WorkerPool>(options.threads > 0 ? options.threads : default_threads());
  out.pass = std::make_unique<Transformer>(model.spec, model.weights, kernels, out.workers.get());
  return out;
}

}  // namespace

Computation choose_computation(const EngineOptions& options, Model& model) {
  if (options.device == Device::cpu) return on_cpu(options, model);
  try {
    return on_device(options, model);
  } catch (const DeviceError& error) {
    if (options.device == Device::cuda) throw;
    Computation out = on_cpu(options, model);
    out.why_cpu = error.what();
    return out;
  }
}

}  // namespace tollgate::local_backend
