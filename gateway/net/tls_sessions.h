#pragma once
// Internal: client-side session resumption. A context remembers the last session ticket of each host, so that the next
// connection to it skips the certificates (about half of a handshake's CPU and, with TLS 1.2, a round trip).
#include <openssl/ssl.h>

#include <string>

namespace tollgate::net {

// Makes `context` remember; false when out of memory. What it remembers goes with it. Thread-safe.
bool remember_sessions(SSL_CTX* context);

// Before the handshake: resumes what is known of `host`, and remembers what `ssl` learns under that name. A session was
// verified for the host it is kept under, by the same context, so trust is not widened. `host` must outlive `ssl`.
void resume_session(SSL* ssl, const std::string& host);

}  // namespace tollgate::net
