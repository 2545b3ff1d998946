#pragma once
// From the address an operator writes to an Endpoint. Pure.
#include <string_view>

#include "gateway/base/result.h"
#include "providers/transport.h"

namespace tollgate::providers {

enum class PlainHttp : std::uint8_t { refused, allowed };

// "https://host[:port][/base]" (RFC 3986 §3). The host becomes lower case, IPv6 stands in brackets as in any URL and is
// stored without them, a trailing slash of the base is dropped. `http` is accepted only where `plain` allows it.
// Refused with a message for the operator: user info (credentials do not belong in a URL), query, fragment, dot
// segments, and whatever is not plain ASCII. The TLS context is the caller's to set.
Result<Endpoint> parse_endpoint(std::string_view url, PlainHttp plain = PlainHttp::refused);

// The host as it stands in a URL: IPv6 addresses get their brackets.
std::string url_host(const Endpoint& endpoint);

}  // namespace tollgate::providers
