#pragma once
// A second opinion: Boost.Beast's parser. What we accept, it must read as the same message.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/net/http1.h"

namespace tollgate::net::oracle {

struct Message {
  std::string method;  // requests
  std::string target;
  int status = 0;               // responses
  std::vector<Header> headers;  // of the head, without trailers
  std::string body;
};

// One whole message at the start of `bytes`; nullopt when Beast refuses it or wants more.
std::optional<Message> read_request(std::string_view bytes);
// The final response, after informational ones. `ended`: the peer closed after these bytes.
std::optional<Message> read_response(std::string_view bytes, bool ended);

}  // namespace tollgate::net::oracle
