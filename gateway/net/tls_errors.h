#pragma once
// Internal: why a TLS operation failed, in the words of somebody who can act on it.
#include <openssl/ssl.h>

#include <string>
#include <string_view>

#include "gateway/base/error.h"

namespace tollgate::net {

enum class TlsSide { server, client };

// REQUIRES: called right after SSL_get_error, which said `why`. Empties OpenSSL's error queue.
// `host` is the name the certificate must carry; used on the client side only.
std::string tls_failure(const SSL* ssl, int why, TlsSide side, std::string_view host);

}  // namespace tollgate::net
