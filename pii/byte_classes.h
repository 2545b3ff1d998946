#pragma once
// What each of up to 64 neighbouring bytes is, as one bit per byte: words and their ends are then a few operations.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "pii/unit.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tollgate::pii {

struct ByteClasses {
  std::uint64_t upper = 0;
  std::uint64_t lower = 0;
  std::uint64_t digit = 0;
  std::uint64_t high = 0;    // beyond ASCII
  std::uint64_t marked = 0;  // begins what stands for something else (unit.h): an escape, a tag

  std::uint64_t letters() const { return upper | lower; }
  // Of words: as in_word(), and without digits.
  std::uint64_t in_word() const { return upper | lower | digit | high; }
  std::uint64_t in_name() const { return upper | lower | high; }
  // Every byte is a unit of its own.
  bool plain() const { return (high | marked) == 0; }
};

namespace detail {

#if defined(__SSE2__)
inline std::uint64_t bits_of(__m128i bytes) { return static_cast<std::uint32_t>(_mm_movemask_epi8(bytes)); }
// Bytes beyond ASCII count as negative: they are in no range.
inline __m128i in_range(__m128i block, char first, char last) {
  return _mm_and_si128(_mm_cmpgt_epi8(block, _mm_set1_epi8(static_cast<char>(first - 1))),
                       _mm_cmplt_epi8(block, _mm_set1_epi8(static_cast<char>(last + 1))));
}
inline __m128i either(__m128i block, char a, char b) {
  return _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8(a)), _mm_cmpeq_epi8(block, _mm_set1_epi8(b)));
}

inline void classify_16(const char* data, unsigned shift, ByteClasses& out) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data));
  const __m128i marked = _mm_or_si128(_mm_or_si128(either(block, '\\', '%'), either(block, '&', '*')),
                                      _mm_cmpeq_epi8(block, _mm_set1_epi8('<')));
  out.upper |= bits_of(in_range(block, 'A', 'Z')) << shift;
  out.lower |= bits_of(in_range(block, 'a', 'z')) << shift;
  out.digit |= bits_of(in_range(block, '0', '9')) << shift;
  out.high |= bits_of(block) << shift;
  out.marked |= bits_of(marked) << shift;
}
#else
inline void classify_16(const char* data, unsigned shift, ByteClasses& out) {
  for (unsigned i = 0; i < 16; ++i) {
    const char c = data[i];
    const std::uint64_t bit = std::uint64_t{1} << (shift + i);
    if (is_upper(c)) out.upper |= bit;
    if (is_lower(c)) out.lower |= bit;
    if (is_digit(c)) out.digit |= bit;
    if (static_cast<unsigned char>(c) >= 0x80) out.high |= bit;
    if (c == '\\' || c == '%' || c == '&' || c == '*' || c == '<') out.marked |= bit;
  }
}
#endif

// The same for 64 bytes, 32 at a time where the CPU has AVX2.
ByteClasses classify_64(const char* data);

}  // namespace detail

constexpr std::size_t kMostClassified = 64;

// The classes of text[from, from + count); bytes past its end are none. REQUIRES: count <= kMostClassified.
inline ByteClasses classify(std::string_view text, std::size_t from, std::size_t count) {
  ByteClasses out;
  const char* data = text.data() + from;
  std::array<char, kMostClassified> copy;
  if (text.size() - from < kMostClassified) {  // too near to the end to be read where it lies
    copy.fill('\0');
    std::memcpy(copy.data(), data, text.size() - from);
    data = copy.data();
  }
  if (count == kMostClassified) return detail::classify_64(data);
  for (unsigned at = 0; at < count; at += 16) detail::classify_16(data + at, at, out);
  const std::uint64_t asked = count < 64 ? (std::uint64_t{1} << count) - 1 : ~std::uint64_t{0};
  return {out.upper & asked, out.lower & asked, out.digit & asked, out.high & asked, out.marked & asked};
}

// The classes of the 64 bytes before `end`: bit 63 is the byte right before it. Where the text has fewer, the low bits
// are empty.
inline ByteClasses classify_before(std::string_view text, std::size_t end) {
  if (end >= kMostClassified) return detail::classify_64(text.data() + end - kMostClassified);
  if (end == 0) return {};
  const ByteClasses all = classify(text, 0, end);
  const std::size_t up = kMostClassified - end;
  return {all.upper << up, all.lower << up, all.digit << up, all.high << up, all.marked << up};
}

}  // namespace tollgate::pii
