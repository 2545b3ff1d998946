#pragma once
// Memory for TLS records.

namespace tollgate::net {

// A connection gives its record buffers back whenever it has nothing to read or to write, so that an idle one holds
// none, and asks for them again with the next byte. malloc is slow at such sizes (some 17 KiB, seven times a call with
// TLS on both legs: 10 us of 90, measured), so each thread keeps a few. Once, before anything else uses OpenSSL; later
// it has no effect. Not under sanitizers, which must see every allocation.
void keep_tls_buffers();

}  // namespace tollgate::net
