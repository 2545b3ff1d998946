// A safetensors header either is refused, or describes its data exactly: tensors that follow one another.
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "local_backend/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::uint64_t claimed = std::uint64_t{data[0]} << 8U | data[1];  // the size of the data area
  const std::string_view header(reinterpret_cast<const char*>(data) + 2, size - 2);
  try {
    std::uint64_t covered = 0;
    for (const auto& [name, tensor] : tollgate::local_backend::parse_safetensors_header(header, claimed, "fuzz")) {
      if (tensor.begin > tensor.end || tensor.end > claimed) std::abort();
      covered += tensor.end - tensor.begin;
    }
    if (covered != claimed) std::abort();
  } catch (const std::runtime_error&) {
  }
  return 0;
}
