// Whatever decode() accepts is a record, and a record has exactly one byte form.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "finops/usage_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto record = tollgate::finops::decode(bytes);
  if (!record) return 0;
  std::string again;
  tollgate::finops::encode(*record, again);
  if (again != bytes) std::abort();
  return 0;
}
