#include "pii/triggers.h"

namespace tollgate::pii {
namespace {

constexpr ByteSet kAny = nibbles(0xFFFF, 0xFFFF);
constexpr ByteSet kDigits = nibbles(0x03FF, 1U << 3U);
// Digits, and the bytes 20-29 2B 2D-2F 3B 3D-3F: what stands between the digits of one number, raw or escaped.
constexpr ByteSet kDigitOrSeparator = nibbles(0xEBFF, (1U << 2U) | (1U << 3U));
constexpr ByteSet kDigitOrSemicolon = nibbles(0x0BFF, 1U << 3U);  // "52;" is inside an HTML entity
constexpr ByteSet kUtf8Lead = nibbles(0xFFFF, 0xF000);
constexpr ByteSet kHexOrColon = nibbles(0x07FF, (1U << 3U) | (1U << 4U) | (1U << 6U));
constexpr ByteSet kHex = nibbles(0x03FF, (1U << 3U) | (1U << 4U) | (1U << 6U));

constexpr std::array kPatterns = {BytePatterns(Buckets{{
    {kDigits, kDigitOrSeparator, kDigitOrSemicolon},
    {kDigits, kUtf8Lead, kAny},
    {bytes({0xD9, 0xDB, 0xF0}), nibbles(0x23FF, 0x0E00), kAny},
    {bytes({0xE0, 0xE2, 0xEF}), nibbles(0xFAAA, 0x0E00), nibbles(0xFFFF, 0x0E00)},
    {kHexOrColon, bytes({':'}), kHexOrColon},
    {kHex, bytes({'-', '.'}), kHex},
    {bytes({'@'}), kAny, kAny},
    {bytes({'%'}), kAny, kAny},
}})};

// The same by whole bytes.
constexpr auto kBits = [] {
  std::array<std::array<std::uint8_t, 256>, 3> out{};
  for (std::size_t position = 0; position < out.size(); ++position)
    for (unsigned byte = 0; byte < 256; ++byte) out[position][byte] = kPatterns[0].bits_of(position, byte);
  return out;
}();

}  // namespace

std::uint8_t trigger_bits(std::string_view text, std::size_t pos) {
  if (pos + 3 > text.size()) return kPatterns[0].bits(text, pos);
  const auto* at = reinterpret_cast<const unsigned char*>(text.data()) + pos;
  return static_cast<std::uint8_t>(kBits[0][at[0]] & kBits[1][at[1]] & kBits[2][at[2]]);
}

TriggerFinder::TriggerFinder(std::string_view text, bool portable) : PatternFinder(kPatterns, text, portable) {}

}  // namespace tollgate::pii
