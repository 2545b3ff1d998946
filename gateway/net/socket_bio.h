#pragma once
// Internal: what OpenSSL reads and writes a socket through. Against SSL_set_fd it saves the recv that would find
// nothing (one of five system calls per message), and MSG_NOSIGNAL keeps a dead peer from raising SIGPIPE.
#include <openssl/bio.h>

namespace tollgate::net {

// The last recv returned less than it had room for, so the next one would find nothing. While it is set, OpenSSL is
// told at once to wait; whoever has waited, or wants to look at the socket, clears it.
struct SocketState {
  int fd = -1;
  bool drained = false;
};

// Neither closes nor owns the socket; `state` must outlive it. Null when out of memory.
BIO* make_socket_bio(SocketState& state);

}  // namespace tollgate::net
