#pragma once
// Where could something start? Eight patterns of three neighbouring bytes, looked for in every position of a text, 32
// positions at a time where the CPU has AVX2 and one by one elsewhere, with the same result.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace tollgate::pii {

// A set of bytes as the sets of their two nibbles; it holds every combination of the two, hence a superset.
struct ByteSet {
  std::uint16_t low = 0;
  std::uint16_t high = 0;

  constexpr void add(unsigned byte) {
    low = static_cast<std::uint16_t>(low | (1U << (byte & 15U)));
    high = static_cast<std::uint16_t>(high | (1U << (byte >> 4U)));
  }
  constexpr bool has(unsigned byte) const { return ((low >> (byte & 15U)) & (high >> (byte >> 4U)) & 1U) != 0; }
};

constexpr ByteSet bytes(std::initializer_list<unsigned> values) {
  ByteSet out;
  for (const unsigned v : values) out.add(v);
  return out;
}
constexpr ByteSet nibbles(std::uint16_t low, std::uint16_t high) { return {low, high}; }

using Triple = std::array<ByteSet, 3>;
using Buckets = std::array<Triple, 8>;

// For each of the three positions: nibble -> the buckets it is possible in.
struct BytePatterns {
  std::array<std::array<std::uint8_t, 16>, 3> low{};
  std::array<std::array<std::uint8_t, 16>, 3> high{};

  constexpr explicit BytePatterns(const Buckets& buckets) {
    for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket) {
      const auto bit = static_cast<std::uint8_t>(1U << bucket);
      for (std::size_t position = 0; position < 3; ++position) {
        for (std::size_t nibble = 0; nibble < 16; ++nibble) {
          if ((buckets[bucket][position].low >> nibble) & 1U) low[position][nibble] |= bit;
          if ((buckets[bucket][position].high >> nibble) & 1U) high[position][nibble] |= bit;
        }
      }
    }
  }
  // The buckets that `byte` is possible in at one of the three positions.
  constexpr std::uint8_t bits_of(std::size_t position, unsigned byte) const {
    return static_cast<std::uint8_t>(low[position][byte & 15U] & high[position][byte >> 4U]);
  }
  // The buckets that the three bytes at `pos` fit; bytes past the end count as NUL.
  std::uint8_t bits(std::string_view text, std::size_t pos) const {
    std::uint8_t out = 0xFF;
    for (std::size_t i = 0; i < 3; ++i) {
      const auto byte = pos + i < text.size() ? static_cast<unsigned char>(text[pos + i]) : 0U;
      out = static_cast<std::uint8_t>(out & bits_of(i, byte));
    }
    return out;
  }
};

// Walks over the positions that fit a bucket.
class PatternFinder {
 public:
  // One or two sets of patterns; they and `text` must outlive it. `portable` = do without AVX2 (for tests).
  PatternFinder(std::span<const BytePatterns> patterns, std::string_view text, bool portable = false);
  // The first such position at or after `from`, or text.size(). `from` must not go down between calls.
  std::size_t next(std::size_t from) {
    if (from >= block_end_) return next_block(from);
    const std::uint32_t left = mask_ & (~0U << (kBlock - (block_end_ - from)));
    if (left == 0) return next_block(block_end_);
    return block_end_ - kBlock + static_cast<std::size_t>(std::countr_zero(left));
  }

 private:
  static constexpr std::size_t kBlock = 32;
  std::size_t next_block(std::size_t from);
  std::uint32_t block_mask(std::size_t at) const;
  std::uint32_t tail_mask(std::size_t at) const;

  std::span<const BytePatterns> patterns_;
  std::string_view text_;
  bool simd_;
  std::size_t block_end_ = 0;  // the current block is [block_end_ - kBlock, block_end_)
  std::uint32_t mask_ = 0;     // its positions that fit
};

// Runs of ASCII letters and digits that are longer than words: keys, hashes, wallets, encoded data.
struct Run {
  std::size_t start = 0;
  std::size_t end = 0;
};
class RunFinder {
 public:
  static constexpr std::size_t kShortest = 15;
  explicit RunFinder(std::string_view text, bool portable = false);
  // The next maximal run of at least kShortest characters; false at the end.
  bool next(Run& out);

 private:
  std::uint32_t mask(std::size_t at) const;
  std::size_t run_end(std::size_t at) const;

  std::string_view text_;
  bool simd_;
  std::size_t at_ = 0;
};

}  // namespace tollgate::pii
