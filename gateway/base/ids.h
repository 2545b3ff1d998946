#pragma once
// UUID version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then random bits, so that rows sort by birth.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"

namespace tollgate {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  // `random` supplies 10 bytes of which the version and variant bits are overwritten.
  static Uuid v7(SystemTime now, const std::array<std::uint8_t, 10>& random);
  // Accepts the canonical 36-character form, either case.
  static std::optional<Uuid> parse(std::string_view text);
  std::string to_string() const;
  friend bool operator==(const Uuid&, const Uuid&) = default;
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

// Mints UUIDv7 values from the operating system's generator (getrandom, fetched in blocks). One per thread.
class UuidSource {
 public:
  Uuid next(SystemTime now);

 private:
  std::array<std::uint8_t, 640> pool_{};
  std::size_t used_ = sizeof(pool_);
};

}  // namespace tollgate
