#include "gateway/server/response_head.h"

#include "gateway/base/error.h"

namespace tollgate::server {
namespace {

constexpr std::size_t kFixed = 320;  // room for the lines that every answer has

std::string common_head(int status, const Uuid& request_id, const HeaderLines& headers, Connected connected) {
  std::string out;
  out.reserve(headers.text().size() + kFixed);
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(reason_phrase(status));
  out.append("\r\nx-request-id: ").append(request_id.to_string());
  // Answers hold personal data: no cache on the way may keep them, and no browser may guess their type.
  out.append("\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n");
  out.append(headers.text());
  if (connected == Connected::close) out.append("connection: close\r\n");
  return out;
}

}  // namespace

std::string plain_head(int status, const Uuid& request_id, const HeaderLines& headers, std::size_t body_size,
                       Connected connected) {
  std::string out = common_head(status, request_id, headers, connected);
  if (!headers.typed() && body_size > 0) out.append("content-type: application/json\r\n");
  out.append("content-length: ").append(std::to_string(body_size)).append("\r\n\r\n");
  return out;
}

std::string stream_head(int status, const Uuid& request_id, const HeaderLines& headers, Connected connected,
                        Delimited delimited) {
  std::string out = common_head(status, request_id, headers, connected);
  out.append(delimited == Delimited::by_chunks ? "transfer-encoding: chunked\r\n\r\n" : "\r\n");
  return out;
}

}  // namespace tollgate::server
