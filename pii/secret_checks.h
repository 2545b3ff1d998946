#pragma once
// What tells a secret from something that only looks like one. Pure functions.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate::pii {

// Shannon entropy in bits per character: 4 at most for hex, 6 for base64, about 3.5 for short words.
double entropy(std::string_view text);

// What people write where a secret would stand: your_key_here, xxxx, ${PASSWORD}, <password>, AKIA...EXAMPLE.
bool is_placeholder(std::string_view value);

// The last six characters are the CRC-32 of what stands between `prefix` characters and them, in base 62 (GitHub, npm).
bool crc32_suffix_valid(std::string_view key, std::size_t prefix);

// Standard or URL alphabet, with or without padding. Nothing where it is not base64 at all.
std::optional<std::string> decode_base64(std::string_view text);
std::optional<std::string> decode_hex(std::string_view text);

// Whether it is the header of a JSON Web Signature or Encryption: base64url of a JSON object that names "alg"
// (RFC 7515 §4.1.1, RFC 7516 §4.1.1).
bool is_jose_header(std::string_view base64url);

// A token that a machine made: long enough, with digits among the letters, without a word's regularity.
bool looks_random(std::string_view value, std::size_t shortest);

// A password that a person or a machine made: letters with digits or signs among them; not a word, not code.
bool looks_like_password(std::string_view value);

}  // namespace tollgate::pii
