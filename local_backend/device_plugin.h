#pragma once
// A device's plugin, loaded from a shared library: what the program does not link, so that it starts where there is no
// driver. cuda/plugin.h is what both sides agree on.
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "local_backend/cuda/plugin.h"
#include "local_backend/forward_pass.h"
#include "local_backend/model_spec.h"
#include "local_backend/weights.h"

namespace tollgate::local_backend {

// Why a device cannot be used; safe to show to operators.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The plugin that comes with this program.
std::string default_device_plugin();

// Throws DeviceError: no such file, one of another version, or no device. What was loaded stays: drivers do not like to
// be unloaded.
const plugin::Plugin& load_device_plugin(const std::string& path);
plugin::Facts device_facts(const plugin::Plugin& device);  // throws DeviceError

// Steps on a device, which has a copy of the weights. The vocabulary is remembered, nothing of `spec` is referred to.
class DevicePass : public ForwardPass {
 public:
  // Throws DeviceError.
  DevicePass(const plugin::Plugin& device, const ModelSpec& spec, const Weights& weights,
             const plugin::Options& options);

  std::span<const float> step(std::span<const StepRow> rows) override;
  PrefillRows prefill_rows() const override { return kPrefill; }

  static constexpr PrefillRows kPrefill{.alone = 1024, .shared = 256};

 private:
  const plugin::Plugin& device_;
  std::unique_ptr<plugin::Runner, void (*)(plugin::Runner*)> runner_;
  std::size_t vocabulary_;
  std::vector<plugin::Row> rows_;
  std::vector<std::int32_t> blocks_;
  std::vector<float> logits_;
};

}  // namespace tollgate::local_backend
