#pragma once
// CRC-32C (Castagnoli, as in RFC 3720 appendix B.4): finds torn and damaged records in a ring.
#include <cstdint>
#include <string_view>

namespace tollgate::finops {

// Pure. `seed` is the value of the bytes before, so that crc32c(b, crc32c(a)) == crc32c(a + b).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

// The same without the processor's instruction; public so that a test can compare both.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace tollgate::finops
