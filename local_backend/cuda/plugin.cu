// The table of functions that plugin.h asks for. No exception leaves it.
#include "local_backend/cuda/plugin.h"

#include <cstdio>
#include <memory>

#include "local_backend/cuda/runner.h"

namespace tollgate::local_backend::plugin {

// A device that failed once is not asked again: its errors stay, and what it computes could be anything.
struct Runner {
  Runner(const Model& model, const Options& options) : device(model, options) {}
  device::Runner device;
  bool failed = false;
};

namespace {

Status say(Text* why, Status status, const char* what) {
  std::snprintf(why->bytes, sizeof why->bytes, "%s", what);
  return status;
}

template <class Work>
Status attempt(Text* why, const Work& work) {
  try {
    device::use_device();
    work();
    return Status::ok;
  } catch (const device::Error& error) {
    return say(why, error.status(), error.what());
  } catch (const std::exception& error) {
    return say(why, Status::failed, error.what());
  }
}

std::uint32_t kv_number_bytes(const Options* options) {
  return device::Runner::cache_operand(*options) == device::Operand::f32 ? 4 : 2;
}

Status probe(Facts* facts, Text* why) {
  return attempt(why, [&] { *facts = device::device_facts(); });
}

Status create(const Model* model, const Options* options, Runner** runner, Text* why) {
  return attempt(why, [&] { *runner = std::make_unique<Runner>(*model, *options).release(); });
}

Status step(Runner* runner, const Step* step, float* logits, Text* why) {
  if (runner->failed) return say(why, Status::failed, "it failed before");
  const Status status = attempt(why, [&] { runner->device.step(*step, logits); });
  runner->failed = status != Status::ok;
  return status;
}

void destroy(Runner* runner) { delete runner; }

}  // namespace

extern "C" __attribute__((visibility("default"))) const Plugin* tollgate_device_plugin() {
  static constexpr Plugin kPlugin{kVersion, kv_number_bytes, probe, create, step, destroy};
  return &kPlugin;
}

}  // namespace tollgate::local_backend::plugin
