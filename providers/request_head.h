#pragma once
// What both transports check and write before a byte leaves. Pure.
#include <string>

#include "gateway/base/result.h"
#include "providers/transport.h"

namespace tollgate::providers {

// Refuses what would change the framing: a method that is no token, blanks in the path, line ends in a header.
// HEAD and CONNECT are refused because their answers have no body whatever their headers say (RFC 9112 §6.3).
Status check_request(const HttpCall& call);

// True for fields the transport writes itself; a caller's own are left out.
bool is_transport_header(std::string_view name);

// Request line and headers with the blank line. REQUIRES: check_request(call) was ok.
std::string request_head(const HttpCall& call);

}  // namespace tollgate::providers
