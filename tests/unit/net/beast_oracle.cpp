#include "tests/unit/net/beast_oracle.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace tollgate::net::oracle {
namespace {

namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;

template <class Fields>
void copy_head(const Fields& fields, Message& message) {
  for (const auto& field : fields)
    message.headers.push_back({std::string(field.name_string()), std::string(field.value())});
}

// Feeds `bytes` and takes the head before trailers are merged into it.
template <class Parser>
bool feed(Parser& parser, std::string_view& bytes, Message& message) {
  bool head_taken = false;
  while (!parser.is_done() && !bytes.empty()) {
    ErrorCode error;
    const auto used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    bytes.remove_prefix(used);
    if (error == http::error::need_more) return true;
    if (error) return false;
    if (parser.is_header_done() && !head_taken) {
      head_taken = true;
      copy_head(parser.get(), message);
      parser.eager(true);
    }
  }
  return true;
}

}  // namespace

std::optional<Message> read_request(std::string_view bytes) {
  Message message;
  http::request_parser<http::string_body> parser;
  parser.header_limit(1 << 20);
  parser.body_limit(boost::none);
  if (!feed(parser, bytes, message) || !parser.is_done()) return std::nullopt;
  const auto& request = parser.get();
  message.method = request.method_string();
  message.target = request.target();
  message.body = request.body();
  return message;
}

std::optional<Message> read_response(std::string_view bytes, bool ended) {
  for (;;) {
    Message message;
    http::response_parser<http::string_body> parser;
    parser.header_limit(1 << 20);
    parser.body_limit(boost::none);
    if (!feed(parser, bytes, message)) return std::nullopt;
    if (!parser.is_header_done()) return std::nullopt;
    message.status = static_cast<int>(parser.get().result_int());
    if (message.status < 200 && parser.is_done()) continue;
    if (ended && !parser.is_done()) {
      ErrorCode error;
      parser.put_eof(error);
      if (error) return std::nullopt;
    }
    if (!parser.is_done()) return std::nullopt;
    message.body = parser.get().body();
    return message;
  }
}

}  // namespace tollgate::net::oracle
