#pragma once
// What the fake device does wrong; FAKE_DEVICE is the path of its library.
#include "local_backend/cuda/plugin.h"

namespace tollgate::local_backend::test {

enum class FakeFault { none, another_version, no_device, out_of_memory, step_fails, not_a_number };
using SetFakeFault = void (*)(FakeFault);  // exported as "fake_device_fault"

inline constexpr int kFakeToken = 40;  // has text in the fixture tokenizer

}  // namespace tollgate::local_backend::test
