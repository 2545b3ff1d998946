#pragma once
// The transport for what the hot one does not speak: HTTP/2, SOCKS and authenticating proxies. libcurl's multi
// interface on the loop's own Asio reactor: no thread, no blocking call.
#include <memory>

#include "gateway/base/log.h"
#include "providers/transport.h"

namespace tollgate::providers {

// One per loop; both outlive it, and it outlives its exchanges. An exchange may be destroyed at any time except while a
// start() or read_some() of its own is pending: cancel(), await the result, then destroy.
// TLS is curl's own: it trusts Endpoint::ca_pem, or the system's store, always verifies, and shows
// Endpoint::client_certificate; Endpoint::tls_context is not used. At most 256 KiB of a body are held for a slow
// reader. The stale-connection retry is curl's: it counts complete header lines where the hot transport counts bytes.
std::unique_ptr<Transport> curl_transport(net::asio::io_context& io, Log& log);

}  // namespace tollgate::providers
