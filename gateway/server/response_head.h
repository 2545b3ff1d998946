#pragma once
// Response heads, as bytes. Built by hand: Beast's serializer costs 5 us a response (measured).
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
// Where a body of unknown size ends: at its last chunk, or where the connection does (for HTTP/1.0, RFC 9112 §6.3).
enum class Delimited : std::uint8_t { by_chunks, by_close };

// The same without a length.
std::string stream_head(int status, const Uuid& request_id, const HeaderLines& headers, Connected connected,
                        Delimited delimited);

}  // namespace tollgate::server
