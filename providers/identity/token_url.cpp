#include "providers/identity/token_url.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "providers/endpoint.h"
#include "providers/identity/credential.h"
#include "providers/identity/url_text.h"

namespace tollgate::providers {
namespace {

bool is_local(const std::string& host) {
  namespace ip = boost::asio::ip;
  if (host == "localhost" || host == "metadata.google.internal") return true;
  boost::system::error_code bad;
  const auto address = ip::make_address(host, bad);
  if (bad) return false;
  if (address.is_loopback()) return true;
  if (address.is_v4()) return address.to_v4().to_uint() >> 16 == 0xA9FE;  // 169.254.0.0/16, RFC 3927
  const auto bytes = address.to_v6().to_bytes();
  const bool is_aws = bytes[0] == 0xfd && bytes[1] == 0x00 && bytes[2] == 0x0e && bytes[3] == 0xc2;
  return address.to_v6().is_link_local() || is_aws;
}

Error refused(std::string_view why) { return no_credential("a token URL " + std::string(why)); }

}  // namespace

Result<TokenUrl> parse_token_url(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return refused("has no scheme");
  const auto rest_at = std::min(url.find_first_of("/?#", scheme + 3), url.size());
  const auto rest = url.substr(rest_at);
  TokenUrl out;
  auto endpoint = parse_endpoint(url.substr(0, rest_at), PlainHttp::allowed);
  if (!endpoint) return refused("has a host that cannot be one");
  out.endpoint = *std::move(endpoint);
  if (!out.endpoint.tls && !is_local(out.endpoint.host))
    return refused("is plain http, which is for local services only: " + out.endpoint.host);
  out.path = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  if (!is_token_text(out.path) || out.path.find('#') != std::string::npos)
    return refused("has a path that cannot be sent: " + out.endpoint.host);
  return out;
}

}  // namespace tollgate::providers
