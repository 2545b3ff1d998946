#include "pii/triggers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <initializer_list>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tollgate::pii {
namespace {

// A set of bytes as the sets of their two nibbles; it holds every combination of the two, hence a superset.
struct ByteSet {
  std::uint16_t low = 0;
  std::uint16_t high = 0;
};

constexpr ByteSet bytes(std::initializer_list<unsigned> values) {
  ByteSet out;
  for (const unsigned v : values) {
    out.low = static_cast<std::uint16_t>(out.low | (1U << (v & 15U)));
    out.high = static_cast<std::uint16_t>(out.high | (1U << (v >> 4U)));
  }
  return out;
}
constexpr ByteSet nibbles(std::uint16_t low, std::uint16_t high) { return {low, high}; }

constexpr ByteSet kAny = nibbles(0xFFFF, 0xFFFF);
constexpr ByteSet kDigits = nibbles(0x03FF, 1U << 3U);
// Digits, and the bytes 20-29 2B 2D-2F 3B 3D-3F: what stands between the digits of one number, raw or escaped.
constexpr ByteSet kDigitOrSeparator = nibbles(0xEBFF, (1U << 2U) | (1U << 3U));
constexpr ByteSet kDigitOrSemicolon = nibbles(0x0BFF, 1U << 3U);  // "52;" is inside an HTML entity
constexpr ByteSet kUtf8Lead = nibbles(0xFFFF, 0xF000);
constexpr ByteSet kHexOrColon = nibbles(0x07FF, (1U << 3U) | (1U << 4U) | (1U << 6U));

using Triple = std::array<ByteSet, 3>;
constexpr std::array<Triple, 8> kBuckets = {{
    {kDigits, kDigitOrSeparator, kDigitOrSemicolon},
    {kDigits, kUtf8Lead, kAny},
    {bytes({0xD9, 0xDB, 0xF0}), nibbles(0x23FF, 0x0E00), kAny},
    {bytes({0xE0, 0xE2, 0xEF}), nibbles(0xFAAA, 0x0E00), nibbles(0xFFFF, 0x0E00)},
    {kHexOrColon, bytes({':'}), kHexOrColon},
    // Anchors of the prefixes in keys.cpp (a test checks that each prefix has one): sk- sk_ rk_ hf_ tg_ hp_ ... at- pm_
    {bytes({'s', 'r', 'h', 't', 'a', 'p'}), bytes({'k', 'f', 'g', 'p', 'o', 'u', 's', 'r', 't', 'm'}),
     bytes({'-', '_'})},
    {bytes({'A', 'S'}), bytes({'K', 'S', 'I', 'G'}), bytes({'I', 'z', '.'})},
    {bytes({'e', 'x', '-'}), bytes({'y', 'o', '-'}), bytes({'J', 'x', 'B'})},
}};

// For each of the three positions: nibble -> the buckets it is possible in.
struct Tables {
  std::array<std::array<std::uint8_t, 16>, 3> low{};
  std::array<std::array<std::uint8_t, 16>, 3> high{};
};

constexpr Tables make_tables() {
  Tables out;
  for (std::size_t bucket = 0; bucket < kBuckets.size(); ++bucket) {
    const auto bit = static_cast<std::uint8_t>(1U << bucket);
    for (std::size_t position = 0; position < 3; ++position) {
      for (std::size_t nibble = 0; nibble < 16; ++nibble) {
        if ((kBuckets[bucket][position].low >> nibble) & 1U) out.low[position][nibble] |= bit;
        if ((kBuckets[bucket][position].high >> nibble) & 1U) out.high[position][nibble] |= bit;
      }
    }
  }
  return out;
}
constexpr Tables kTables = make_tables();

#if defined(__x86_64__)
__attribute__((target("avx2"))) __m256i spread(const std::array<std::uint8_t, 16>& table) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data())));
}

__attribute__((target("avx2"))) __m256i look_up(const char* data, std::size_t position) {
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + position));
  const __m256i low = _mm256_shuffle_epi8(spread(kTables.low[position]), _mm256_and_si256(block, nibble));
  const __m256i high =
      _mm256_shuffle_epi8(spread(kTables.high[position]), _mm256_and_si256(_mm256_srli_epi16(block, 4), nibble));
  return _mm256_and_si256(low, high);
}

// Skips blocks without a trigger. REQUIRES: at least 34 bytes at `at`. Returns the first block that has one, or the
// first one too close to the end to read.
__attribute__((target("avx2"))) std::size_t skip_blocks(std::string_view text, std::size_t at, std::uint32_t& mask) {
  const __m256i at_sign = _mm256_set1_epi8('@');
  const __m256i percent = _mm256_set1_epi8('%');
  for (; at + 34 <= text.size(); at += 32) {
    const char* data = text.data() + at;
    const __m256i buckets = _mm256_and_si256(_mm256_and_si256(look_up(data, 0), look_up(data, 1)), look_up(data, 2));
    const __m256i none = _mm256_cmpeq_epi8(buckets, _mm256_setzero_si256());
    const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data));
    const __m256i single = _mm256_or_si256(_mm256_cmpeq_epi8(first, at_sign), _mm256_cmpeq_epi8(first, percent));
    const __m256i quiet = _mm256_andnot_si256(single, none);
    mask = ~static_cast<std::uint32_t>(_mm256_movemask_epi8(quiet));
    if (mask != 0) return at;
  }
  mask = 0;
  return at;
}

bool has_avx2() {
  static const bool yes = __builtin_cpu_supports("avx2") != 0;
  return yes;
}
#else
std::size_t skip_blocks(std::string_view, std::size_t at, std::uint32_t&) { return at; }
bool has_avx2() { return false; }
#endif

}  // namespace

std::uint8_t trigger_bits(std::string_view text, std::size_t pos) {
  std::uint8_t bits = 0xFF;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto byte = pos + i < text.size() ? static_cast<unsigned char>(text[pos + i]) : 0U;
    bits = static_cast<std::uint8_t>(bits & kTables.low[i][byte & 15U] & kTables.high[i][byte >> 4U]);
  }
  return bits;
}

TriggerFinder::TriggerFinder(std::string_view text, bool portable) : text_(text), simd_(!portable && has_avx2()) {}

std::uint32_t TriggerFinder::block_mask(std::size_t at) const {
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < kBlock && at + i < text_.size(); ++i)
    if (is_single_trigger(text_[at + i]) || trigger_bits(text_, at + i) != 0) mask |= 1U << i;
  return mask;
}

// The same for a block too close to the end to be read where it lies: bytes past the end count as NUL.
std::uint32_t TriggerFinder::tail_mask(std::size_t at) const {
  std::array<char, kBlock + 2> block{};
  const std::size_t left = std::min(text_.size() - at, block.size());
  std::copy_n(text_.data() + at, left, block.data());
  std::uint32_t mask = 0;
  (void)skip_blocks({block.data(), block.size()}, 0, mask);
  return left < kBlock ? mask & ((1U << left) - 1U) : mask;
}

std::size_t TriggerFinder::next(std::size_t from) {
  if (from < block_end_) {
    const std::uint32_t left = mask_ & (~0U << (kBlock - (block_end_ - from)));
    if (left != 0) return block_end_ - kBlock + static_cast<std::size_t>(std::countr_zero(left));
    from = block_end_;
  }
  while (from < text_.size()) {
    if (simd_) {
      from = skip_blocks(text_, from, mask_);
      if (mask_ == 0) mask_ = tail_mask(from);
    } else {
      mask_ = block_mask(from);
    }
    block_end_ = from + kBlock;
    if (mask_ != 0) return from + static_cast<std::size_t>(std::countr_zero(mask_));
    from = block_end_;
  }
  return text_.size();
}

}  // namespace tollgate::pii
