#pragma once
// The one pass over every byte: where could a number or an address start? A superset of the truth; the detectors
// decide.
#include <cstdint>
#include <string_view>

#include "pii/byte_patterns.h"

namespace tollgate::pii {

// What the three bytes at a position look like. Bits: several may hold.
enum Trigger : std::uint8_t {
  kNumberTrigger = 1U << 0U,         // digit, digit or separator, digit
  kSplitNumberTrigger = 1U << 1U,    // digit, then a non-ASCII character
  kUnicodeDigitTrigger = 1U << 2U,   // digits of other scripts in two or four bytes
  kUnicodeDigit3Trigger = 1U << 3U,  // ... in three bytes; and the full-width @
  kColonTrigger = 1U << 4U,          // hex or colon, colon, hex or colon
  kHexPairTrigger = 1U << 5U,        // hex, dash or dot, hex: hardware addresses
  kAtTrigger = 1U << 6U,             // @, whatever follows
  kPercentTrigger = 1U << 7U,        // %: escapes such as %40
};

// The bits of the three bytes at `pos`; bytes past the end count as NUL.
std::uint8_t trigger_bits(std::string_view text, std::size_t pos);

// Walks over the positions that have any bit.
class TriggerFinder : public PatternFinder {
 public:
  explicit TriggerFinder(std::string_view text, bool portable = false);
};

}  // namespace tollgate::pii
