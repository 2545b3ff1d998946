#pragma once
// A connected byte stream, plain or TLS, that can read and write at the same time on one loop.
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/net/task.h"

using SSL_CTX = struct ssl_ctx_st;

namespace tollgate::net {

// One reader and one writer coroutine may be active together. Not thread-safe: all use is on the loop of its socket.
// Errors: ErrorKind::cancelled after cancel(), upstream_error for everything the peer or the network did.
// REQUIRES: a pending read_some or write has ended before the Stream is destroyed. To give up a Stream, cancel() it and
// let whoever awaits see the error; the usual way is that the coroutine that awaits shares its ownership.
// A peer that is gone is an error and never SIGPIPE.
class Stream {
 public:
  virtual ~Stream() = default;

  // At least one byte; 0 means the peer ended cleanly (FIN, or close_notify on TLS; a FIN alone is an error there).
  // REQUIRES: `into` is not empty.
  virtual Task<Result<std::size_t>> read_some(std::span<char> into) = 0;
  // Everything, in one system call where the kernel takes it (TLS: one record for every 16 KiB, across pieces). The
  // pieces and their bytes must stay alive until it returns.
  virtual Task<Status> write(std::span<const std::string_view> pieces) = 0;
  Task<Status> write(std::string_view bytes);

  // Pending operations end with ErrorKind::cancelled, later ones at once.
  virtual void cancel() = 0;
  // Best effort close_notify and FIN; never waits. Reading may go on until the peer ends, which a sender of a last
  // answer should do for a while: destroying a Stream with unread input resets the connection, and the answer with it.
  virtual void close() = 0;
  // True when an idle connection may still be good: nothing to read and no end seen. Costs one system call.
  virtual bool idle_alive() = 0;
  virtual std::string peer_address() const = 0;  // numeric, without port; for logs
};

std::unique_ptr<Stream> plain_stream(Socket socket);

// TLS by OpenSSL straight on the socket (25 KiB per idle connection instead of asio::ssl's 90; 18.3 us of CPU for 1 KB
// there and back, against 20.5 through SSL_set_fd).
struct TlsPeer {
  std::string server_name;  // SNI and the name the certificate must carry; a numeric address is checked, without SNI
};
// Both shake hands before they return, within `limit` (else request_timeout or upstream_timeout). Errors name the cause
// in words an operator can act on ("the client does not trust our certificate (unknown ca)"). The context is needed
// during the call only: the connection shares it.
Task<Result<std::unique_ptr<Stream>>> accept_tls(Socket socket, SSL_CTX* context, std::chrono::milliseconds limit);
Task<Result<std::unique_ptr<Stream>>> connect_tls(Socket socket, SSL_CTX* context, TlsPeer peer,
                                                  std::chrono::milliseconds limit);

}  // namespace tollgate::net
