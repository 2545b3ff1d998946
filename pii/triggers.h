#pragma once
// The one pass over every byte: where could something start? A superset of the truth; the detectors decide.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tollgate::pii {

// What the three bytes at a position look like. Bits: several may hold.
enum Trigger : std::uint8_t {
  kNumberTrigger = 1U << 0U,         // digit, digit or separator, digit
  kSplitNumberTrigger = 1U << 1U,    // digit, then a non-ASCII character
  kUnicodeDigitTrigger = 1U << 2U,   // digits of other scripts in two or four bytes
  kUnicodeDigit3Trigger = 1U << 3U,  // ... in three bytes; and the full-width @
  kColonTrigger = 1U << 4U,          // hex or colon, colon, hex or colon
  kKeyTriggers = 7U << 5U,           // three buckets of prefixes of API keys
};

// The bits of the three bytes at `pos`; bytes past the end count as NUL.
std::uint8_t trigger_bits(std::string_view text, std::size_t pos);

// Bytes that are looked at whatever follows: addresses, and escapes such as %40.
constexpr bool is_single_trigger(char c) { return c == '@' || c == '%'; }

// Walks over the positions that have any bit or are single triggers. 32 bytes at a time where the CPU has AVX2.
class TriggerFinder {
 public:
  explicit TriggerFinder(std::string_view text, bool portable = false);
  // The first such position at or after `from`, or text.size(). `from` must not go down between calls.
  std::size_t next(std::size_t from);

 private:
  static constexpr std::size_t kBlock = 32;
  std::uint32_t block_mask(std::size_t at) const;
  std::uint32_t tail_mask(std::size_t at) const;

  std::string_view text_;
  bool simd_;
  std::size_t block_end_ = 0;  // the current block is [block_end_ - kBlock, block_end_)
  std::uint32_t mask_ = 0;     // its positions that have a trigger
};

}  // namespace tollgate::pii
