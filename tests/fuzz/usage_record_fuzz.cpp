// Whatever decode() accepts is a record. A record of the present version has exactly one byte form; one of an older
// version gets that form when it is written again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "finops/usage_record.h"

namespace {

std::string encoded(const tollgate::finops::UsageRecord& record) {
  std::string bytes;
  tollgate::finops::encode(record, bytes);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto record = tollgate::finops::decode(bytes);
  if (!record) return 0;
  const std::string again = encoded(*record);
  if (bytes.front() == again.front()) {
    if (again != bytes) std::abort();
    return 0;
  }
  const auto reread = tollgate::finops::decode(again);
  if (!reread || encoded(*reread) != again) std::abort();
  return 0;
}
