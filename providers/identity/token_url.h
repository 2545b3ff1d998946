#pragma once
// Private to providers/identity: where tokens come from.
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "providers/transport.h"

namespace tollgate::providers {

struct TokenUrl {
  Endpoint endpoint;  // without its TLS context
  std::string path;   // with the query, as it stands in the URL; at least "/"
};

// "https://host[:port][/path][?query]". Plain http is taken only where the answer does not leave the machine or its
// hypervisor: loopback and link-local addresses, "localhost", AWS's fd00:ec2::/32 and "metadata.google.internal".
// Errors: upstream_error; the message names the host, never path or query.
Result<TokenUrl> parse_token_url(std::string_view url);

}  // namespace tollgate::providers
