#pragma once
// Reads the byte form of a usage record (usage_record.h) where it lies: nothing is copied. Private to this folder.
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <utility>

#include "finops/usage_fields.h"
#include "finops/usage_record.h"

namespace tollgate::finops {

// Takes the fields one after the other, in the order of for_each_field. Once something is malformed, every later read
// gives nothing and ok() stays false. Views are parts of the bytes given.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : rest_(bytes) {}

  // Where the bytes given end, these follow: the fields that an older record does not have yet.
  void followed_by(std::string_view fields) { following_ = fields; }

  template <std::integral T>
  T number() {
    static_assert(std::endian::native == std::endian::little);
    std::array<char, sizeof(T)> bytes{};
    (void)take(bytes.size()).copy(bytes.data(), bytes.size());
    return std::bit_cast<T>(bytes);
  }
  bool flag() { return choice(2) == 1; }
  UsageSource source() { return static_cast<UsageSource>(choice(3)); }
  std::string_view id() { return take(sizeof(Uuid)); }
  std::string_view text() {
    const std::size_t size = number<std::uint16_t>();
    if (size > kMaxStringBytes) ok_ = false;
    return take(size);
  }

  bool ok() const { return ok_; }
  bool finished() const { return ok_ && rest_.empty() && following_.empty(); }

 private:
  std::uint8_t choice(std::uint8_t count) {
    const auto value = number<std::uint8_t>();
    if (value < count) return value;
    ok_ = false;
    return 0;
  }
  std::string_view take(std::size_t size) {
    if (rest_.empty()) rest_ = std::exchange(following_, {});
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  std::string_view following_;
  bool ok_ = true;
};

// Version and kind, which stand before the fields of every record.
Result<RecordKind> read_envelope(FieldReader& reader);

// Whether decode() would succeed.
bool well_formed(std::string_view bytes);

}  // namespace tollgate::finops
