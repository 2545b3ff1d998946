#pragma once
// TLS contexts. Mozilla's intermediate profile 5.7: TLS 1.2 and 1.3, no renegotiation, no compression, no 0-RTT.
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/base/secret.h"

using SSL_CTX = struct ssl_ctx_st;

namespace tollgate::net {

// Shared and immutable after construction; a reload makes a new one and connections keep the old.
using TlsContext = std::shared_ptr<SSL_CTX>;

// PEM texts. Errors say which of the two is unreadable or that they do not belong together.
Result<TlsContext> server_tls(std::string_view certificate_chain_pem, const Secret& key_pem);

struct ClientTlsOptions {
  std::string ca_pem;           // empty: the system's store
  std::string certificate_pem;  // client certificate, with key; both or neither
  Secret key_pem;
};
// Verifies peer and host name always; there is no switch to turn that off. Connections to a host that was reached
// before resume its session (the context remembers one ticket per host).
Result<TlsContext> client_tls(const ClientTlsOptions& options);

struct SelfSigned {
  std::string certificate_pem;
  Secret key_pem;
};
// A P-256 certificate valid for `days` for the given DNS names and IP addresses, which is its own CA: for the demo.
Result<SelfSigned> make_self_signed(const std::vector<std::string>& names, int days);

// notAfter of the first certificate, as Unix seconds; for the expiry metric.
Result<std::int64_t> not_after(std::string_view certificate_pem);

}  // namespace tollgate::net
