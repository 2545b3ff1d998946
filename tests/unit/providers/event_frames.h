#pragma once
// Writes messages of AWS event streams, independently of the code that reads them.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate::providers::testing {

inline std::string big_endian(std::uint64_t value, unsigned bytes) {
  std::string out;
  for (unsigned i = bytes; i-- > 0;) out += static_cast<char>((value >> (8 * i)) & 0xFF);
  return out;
}

// Bit by bit, from the polynomial.
inline std::uint32_t slow_crc32(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xEDB88320U & (0U - (crc & 1U)));
  }
  return ~crc;
}

inline std::string text_header(std::string_view name, std::string_view value) {
  return big_endian(name.size(), 1) + std::string(name) + "\x07" + big_endian(value.size(), 2) + std::string(value);
}

inline std::string message(std::string_view headers, std::string_view payload) {
  std::string out = big_endian(headers.size() + payload.size() + 16, 4) + big_endian(headers.size(), 4);
  out += big_endian(slow_crc32(out), 4);
  out += headers;
  out += payload;
  return out + big_endian(slow_crc32(out), 4);
}

inline std::string event_message(std::string_view type, std::string_view payload) {
  return message(text_header(":event-type", type) + text_header(":content-type", "application/json") +
                     text_header(":message-type", "event"),
                 payload);
}

inline std::string exception_message(std::string_view type, std::string_view payload) {
  return message(text_header(":exception-type", type) + text_header(":content-type", "application/json") +
                     text_header(":message-type", "exception"),
                 payload);
}

inline std::string error_message(std::string_view code, std::string_view text) {
  return message(
      text_header(":error-code", code) + text_header(":error-message", text) + text_header(":message-type", "error"),
      "");
}

}  // namespace tollgate::providers::testing
