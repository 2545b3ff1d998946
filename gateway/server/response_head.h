#pragma once
// Response heads and chunk frames, as bytes. Built by hand: Beast's serializer costs 5 us a response (measured).
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/ids.h"
#include "gateway/server/header_lines.h"

namespace tollgate::server {

enum class Connected : std::uint8_t { keep, close };

// Status line, x-request-id, the given headers, Content-Length. A status that allows no body must come with size 0.
std::string plain_head(int status, const Uuid& request_id, const HeaderLines& headers, std::size_t body_size,
                       Connected connected);
// The same with Transfer-Encoding: chunked.
std::string stream_head(int status, const Uuid& request_id, const HeaderLines& headers, Connected connected);

// What stands around one chunk (RFC 9112 §7.1). For an empty chunk both parts are empty, because a chunk of size 0
// would end the body.
class ChunkFrame {
 public:
  explicit ChunkFrame(std::size_t size);
  std::string_view size_line() const { return {line_.data(), length_}; }
  std::string_view end() const { return length_ == 0 ? std::string_view() : std::string_view("\r\n"); }

 private:
  std::array<char, 20> line_{};
  std::size_t length_ = 0;
};

inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace tollgate::server
