#include "pii/byte_patterns.h"

#include <algorithm>
#include <bit>

#include "pii/unit.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tollgate::pii {
namespace {

// A bit stays where it and the 14 above it are set.
constexpr std::uint64_t fifteen_in_a_row(std::uint64_t bits) {
  bits &= bits >> 1U;
  bits &= bits >> 2U;
  bits &= bits >> 4U;
  return bits & (bits >> 7U);
}

#if defined(__x86_64__)
using Table = std::array<std::uint8_t, 16>;

__attribute__((target("avx2"))) __m256i spread(const Table& table) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data())));
}

// What the tables say of the 32 bytes at `data`, by both nibbles.
__attribute__((target("avx2"))) __m256i look_up(const char* data, const Table& low, const Table& high) {
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data));
  const __m256i by_low = _mm256_shuffle_epi8(spread(low), _mm256_and_si256(block, nibble));
  const __m256i by_high = _mm256_shuffle_epi8(spread(high), _mm256_and_si256(_mm256_srli_epi16(block, 4), nibble));
  return _mm256_and_si256(by_low, by_high);
}

__attribute__((target("avx2"))) std::uint32_t non_zero(__m256i values) {
  return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(values, _mm256_setzero_si256())));
}

__attribute__((target("avx2"))) __m256i fits(const BytePatterns& tables, const char* data) {
  const __m256i first = look_up(data, tables.low[0], tables.high[0]);
  const __m256i second = look_up(data + 1, tables.low[1], tables.high[1]);
  const __m256i third = look_up(data + 2, tables.low[2], tables.high[2]);
  return _mm256_and_si256(_mm256_and_si256(first, second), third);
}

// Skips blocks where nothing fits. Returns the first block where something does, or the first one too close to the end
// to read: a block takes 34 bytes.
template <std::size_t kSets>
__attribute__((target("avx2"))) std::size_t skip_blocks(const BytePatterns* sets, std::string_view text, std::size_t at,
                                                        std::uint32_t& mask) {
  for (; at + 34 <= text.size(); at += 32) {
    const char* data = text.data() + at;
    __m256i any = fits(sets[0], data);
    if constexpr (kSets == 2) any = _mm256_or_si256(any, fits(sets[1], data));
    mask = non_zero(any);
    if (mask != 0) return at;
  }
  mask = 0;
  return at;
}

// Digits; letters up to o; letters from p on.
constexpr BytePatterns kAlnum(Buckets{{
    {nibbles(0x03FF, 1U << 3U), {}, {}},
    {nibbles(0xFFFE, (1U << 4U) | (1U << 6U)), {}, {}},
    {nibbles(0x07FF, (1U << 5U) | (1U << 7U)), {}, {}},
}});

// REQUIRES: 32 bytes at `data`.
__attribute__((target("avx2"))) std::uint32_t alnum_mask(const char* data) {
  return non_zero(look_up(data, kAlnum.low[0], kAlnum.high[0]));
}

// Goes on to the first block at which 15 letters or digits stand in a row, or the first one too close to the end to
// read.
__attribute__((target("avx2"))) std::size_t skip_words(std::string_view text, std::size_t at, std::uint64_t& window) {
  for (; at + 32 <= text.size(); at += 32) {
    window = (window >> 32U) | (static_cast<std::uint64_t>(alnum_mask(text.data() + at)) << 32U);
    if (fifteen_in_a_row(window) != 0) break;
  }
  return at;
}

bool has_avx2() {
  static const bool yes = __builtin_cpu_supports("avx2") != 0;
  return yes;
}
#else
template <std::size_t kSets>
std::size_t skip_blocks(const BytePatterns*, std::string_view, std::size_t at, std::uint32_t&) {
  return at;
}
std::uint32_t alnum_mask(const char*) { return 0; }
std::size_t skip_words(std::string_view, std::size_t at, std::uint64_t&) { return at; }
bool has_avx2() { return false; }
#endif

std::size_t skip(std::span<const BytePatterns> sets, std::string_view text, std::size_t at, std::uint32_t& mask) {
  return sets.size() == 1 ? skip_blocks<1>(sets.data(), text, at, mask) : skip_blocks<2>(sets.data(), text, at, mask);
}

}  // namespace

PatternFinder::PatternFinder(std::span<const BytePatterns> patterns, std::string_view text, bool portable)
    : patterns_(patterns), text_(text), simd_(!portable && has_avx2()) {}

std::uint32_t PatternFinder::block_mask(std::size_t at) const {
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < kBlock && at + i < text_.size(); ++i)
    for (const auto& patterns : patterns_)
      if (patterns.bits(text_, at + i) != 0) mask |= 1U << i;
  return mask;
}

// The same for a block too close to the end to be read where it lies: bytes past the end count as NUL.
std::uint32_t PatternFinder::tail_mask(std::size_t at) const {
  std::array<char, kBlock + 2> block{};
  const std::size_t left = std::min(text_.size() - at, block.size());
  std::copy_n(text_.data() + at, left, block.data());
  std::uint32_t mask = 0;
  (void)skip(patterns_, {block.data(), block.size()}, 0, mask);
  return left < kBlock ? mask & ((1U << left) - 1U) : mask;
}

std::size_t PatternFinder::next_block(std::size_t from) {
  while (from < text_.size()) {
    if (simd_) {
      from = skip(patterns_, text_, from, mask_);
      if (mask_ == 0 && from < text_.size()) mask_ = tail_mask(from);
    } else {
      mask_ = block_mask(from);
    }
    block_end_ = from + kBlock;
    if (mask_ != 0) return from + static_cast<std::size_t>(std::countr_zero(mask_));
    from = block_end_;
  }
  return text_.size();
}

RunFinder::RunFinder(std::string_view text, bool portable) : text_(text), simd_(!portable && has_avx2()) {}

// Which of the 32 bytes at `at` are letters or digits.
std::uint32_t RunFinder::mask(std::size_t at) const {
  if (simd_ && at + 32 <= text_.size()) return alnum_mask(text_.data() + at);
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 32 && at + i < text_.size(); ++i)
    if (is_alnum(text_[at + i])) out |= 1U << i;
  return out;
}

std::size_t RunFinder::run_end(std::size_t at) const {
  for (; at < text_.size(); at += 32)
    if (const auto inside = static_cast<std::size_t>(std::countr_one(mask(at))); inside < 32) return at + inside;
  return text_.size();
}

bool RunFinder::next(Run& out) {
  std::uint64_t window = 0;  // the letters and digits of the block before, then of this one
  for (; at_ < text_.size(); at_ += 32) {
    if (simd_) at_ = skip_words(text_, at_, window);
    if (!simd_ || at_ + 32 > text_.size()) window = (window >> 32U) | (static_cast<std::uint64_t>(mask(at_)) << 32U);
    const std::uint64_t fifteen = fifteen_in_a_row(window);
    if (fifteen == 0) continue;
    out.start = at_ + static_cast<std::size_t>(std::countr_zero(fifteen)) - 32;
    out.end = run_end(out.start + kShortest);
    at_ = out.end;
    return true;
  }
  return false;
}

}  // namespace tollgate::pii
