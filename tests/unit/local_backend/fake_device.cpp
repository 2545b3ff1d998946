// A plugin of a device that does not exist. It "computes" logits that always prefer kFakeToken, and fails as it is
// told.
#include "fake_device.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>

namespace tollgate::local_backend::test {
namespace {

using plugin::Status;

std::atomic<FakeFault> fault{FakeFault::none};
std::atomic<int> vocabulary{0};

Status say(plugin::Text* why, Status status, const char* text) {
  std::snprintf(why->bytes, sizeof why->bytes, "%s", text);
  return status;
}

std::uint32_t kv_number_bytes(const plugin::Options*) { return 2; }

Status probe(plugin::Facts* facts, plugin::Text* why) {
  if (fault == FakeFault::no_device) return say(why, Status::no_device, "no driver was found");
  std::snprintf(facts->name.bytes, sizeof facts->name.bytes, "Fake 1");
  return Status::ok;
}

Status create(const plugin::Model* model, const plugin::Options*, plugin::Runner** runner, plugin::Text* why) {
  if (fault == FakeFault::out_of_memory) return say(why, Status::out_of_memory, "8 GiB are missing");
  vocabulary = model->vocabulary;
  *runner = reinterpret_cast<plugin::Runner*>(&vocabulary);
  return Status::ok;
}

Status step(plugin::Runner*, const plugin::Step* step, float* logits, plugin::Text* why) {
  if (fault == FakeFault::step_fails) return say(why, Status::failed, "an illegal address was met");
  for (int r = 0; r < step->row_count; ++r) {
    if (step->rows[r].wants_logits == 0) continue;
    std::fill_n(logits, vocabulary.load(), 0.0F);
    logits[kFakeToken] = fault == FakeFault::not_a_number ? NAN : 9.0F;
    logits += vocabulary;
  }
  return Status::ok;
}

void destroy(plugin::Runner*) {}

}  // namespace

extern "C" void fake_device_fault(FakeFault wanted) { fault = wanted; }

extern "C" const plugin::Plugin* tollgate_device_plugin() {
  static constexpr plugin::Plugin kNow{plugin::kVersion, kv_number_bytes, probe, create, step, destroy};
  static constexpr plugin::Plugin kOld{plugin::kVersion + 1, nullptr, nullptr, nullptr, nullptr, nullptr};
  return fault == FakeFault::another_version ? &kOld : &kNow;
}

}  // namespace tollgate::local_backend::test
