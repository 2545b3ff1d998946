#include "pii/byte_classes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tollgate::pii::detail {

#if defined(__x86_64__)
namespace {

__attribute__((target("avx2"))) std::uint64_t bits_of_32(__m256i bytes, unsigned shift) {
  return std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes))} << shift;
}
// As in_range() for 16 bytes.
__attribute__((target("avx2"))) __m256i in_range_32(__m256i block, char first, char last) {
  return _mm256_and_si256(_mm256_cmpgt_epi8(block, _mm256_set1_epi8(static_cast<char>(first - 1))),
                          _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(last + 1)), block));
}

__attribute__((target("avx2"))) void classify_32(const char* data, unsigned shift, ByteClasses& out) {
  const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data));
  // 25 26 2A, 3C, 5C: by the high half of a byte what the low half may be.
  const __m256i by_high = _mm256_setr_epi8(0, 0, 1, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  //
                                           0, 0, 1, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m256i by_low = _mm256_setr_epi8(0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 2, 0, 0, 0,  //
                                          0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 2, 0, 0, 0);
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i unmarked = _mm256_cmpeq_epi8(
      _mm256_and_si256(_mm256_shuffle_epi8(by_low, _mm256_and_si256(block, nibble)),
                       _mm256_shuffle_epi8(by_high, _mm256_and_si256(_mm256_srli_epi16(block, 4), nibble))),
      _mm256_setzero_si256());
  out.upper |= bits_of_32(in_range_32(block, 'A', 'Z'), shift);
  out.lower |= bits_of_32(in_range_32(block, 'a', 'z'), shift);
  out.digit |= bits_of_32(in_range_32(block, '0', '9'), shift);
  out.high |= bits_of_32(block, shift);
  out.marked |= bits_of_32(_mm256_xor_si256(unmarked, _mm256_set1_epi8(-1)), shift);
}

__attribute__((target("avx2"))) ByteClasses classify_64_avx2(const char* data) {
  ByteClasses out;
  classify_32(data, 0, out);
  classify_32(data + 32, 32, out);
  return out;
}

const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;

}  // namespace

ByteClasses classify_64(const char* data) {
  if (kHasAvx2) return classify_64_avx2(data);
  ByteClasses out;
  for (unsigned at = 0; at < 64; at += 16) classify_16(data + at, at, out);
  return out;
}
#else
ByteClasses classify_64(const char* data) {
  ByteClasses out;
  for (unsigned at = 0; at < 64; at += 16) classify_16(data + at, at, out);
  return out;
}
#endif

}  // namespace tollgate::pii::detail
