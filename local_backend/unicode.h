#pragma once
// UTF-8 and the character classes that tokenizers use.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tollgate::local_backend {

bool is_letter(char32_t c);  // \p{L}
bool is_number(char32_t c);  // \p{N}
bool is_word(char32_t c);    // \w of a Unicode regex: letters, marks, digits, joiners, the underscore and its like
bool is_space(char32_t c);   // White_Space, what \s means in a Unicode regex

struct Decoded {
  char32_t code_point = 0xFFFD;
  std::size_t length = 1;  // bytes consumed; for an invalid sequence its maximal subpart (Unicode 15, section 3.9)
  bool valid = false;
  bool incomplete = false;  // the text ended inside a sequence that may still become valid
};

// REQUIRES: at < text.size()
Decoded decode_utf8(std::string_view text, std::size_t at);

// Each maximal invalid subpart becomes U+FFFD.
std::string to_valid_utf8(std::string_view text);

}  // namespace tollgate::local_backend
