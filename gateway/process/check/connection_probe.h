#pragma once
// Connects step by step and says which step failed and why. The gateway's own connections tell callers less, on
// purpose.
#include "gateway/net/resolver.h"
#include "gateway/process/check/evidence.h"

namespace tollgate::process {

// Name, TCP, the proxy's CONNECT where there is one, TLS; each within `limit`. Sends no request and no credential.
net::Task<ProbeResult> probe_connection(net::Resolver& resolver, std::shared_ptr<const providers::Endpoint> endpoint,
                                        std::chrono::milliseconds limit);

}  // namespace tollgate::process
