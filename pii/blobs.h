#pragma once
// Small pieces of text in base64 or hex.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pii/byte_patterns.h"

namespace tollgate::pii {

struct Blob {
  std::size_t start = 0;  // bytes of the text
  std::size_t end = 0;
  std::string decoded;
};

// What the run, with the other characters of base64 around it, encodes: printable ASCII of at most 512 characters, or
// nothing.
std::optional<Blob> decode_blob(std::string_view text, Run run);

}  // namespace tollgate::pii
