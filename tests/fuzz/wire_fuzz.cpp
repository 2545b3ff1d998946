// What a model's process says either is refused, or is a value that is written as it was read.
#include <cstdint>
#include <cstdlib>

#include "local_backend/wire.h"

namespace wire = tollgate::local_backend::wire;
using tollgate::local_backend::GenerateEvent;
using tollgate::local_backend::GenerateRequest;

namespace {

// The bytes of a flag and of a small number have more than one spelling, so what is written is compared with itself.
template <class T>
void check(const std::string& payload) {
  const auto value = wire::from_bytes<T>(payload);
  if (!value) return;
  const std::string written = wire::to_bytes(*value);
  const auto again = wire::from_bytes<T>(written);
  if (!again || wire::to_bytes(*again) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wire::FrameReader reader;
  reader.add({reinterpret_cast<const char*>(data), size});
  while (const auto frame = reader.next()) {
    check<GenerateEvent>(frame->payload);
    check<GenerateRequest>(frame->payload);
  }
  return 0;
}
