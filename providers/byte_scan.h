#pragma once
// Finding the next interesting byte, 16 at a time where the machine can (SSE2 is part of every x86-64).
#include <cstddef>
#include <string_view>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tollgate::providers {

// A byte at which a JSON string stops being plain text: the quote, a backslash, or a control character (RFC 8259 §7).
inline bool ends_plain_text(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }
inline bool ends_line(char c) { return c == '\n' || c == '\r'; }

#if defined(__SSE2__)
inline unsigned plain_text_mask(const char* at) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  // Unsigned "below 0x20": only such bytes are unchanged by min with 0x1f.
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control)));
}

inline unsigned line_end_mask(const char* at) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i lf = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'));
  const __m128i cr = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(lf, cr)));
}
#endif

// Offset of the first byte at or after `from` that ends plain text; text.size() when there is none.
inline std::size_t find_string_stop(std::string_view text, std::size_t from) {
#if defined(__SSE2__)
  for (; from + 16 <= text.size(); from += 16)
    if (const unsigned mask = plain_text_mask(text.data() + from); mask != 0)
      return from + static_cast<std::size_t>(__builtin_ctz(mask));
#endif
  while (from < text.size() && !ends_plain_text(text[from])) ++from;
  return from;
}

// Offset of the first CR or LF at or after `from`; text.size() when there is none.
inline std::size_t find_line_end(std::string_view text, std::size_t from) {
#if defined(__SSE2__)
  for (; from + 16 <= text.size(); from += 16)
    if (const unsigned mask = line_end_mask(text.data() + from); mask != 0)
      return from + static_cast<std::size_t>(__builtin_ctz(mask));
#endif
  while (from < text.size() && !ends_line(text[from])) ++from;
  return from;
}

}  // namespace tollgate::providers
