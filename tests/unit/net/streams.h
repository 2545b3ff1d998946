#pragma once
// Two ends of a connection on one loop, plain or TLS, for tests.
#include <boost/asio/basic_socket_acceptor.hpp>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gateway/net/stream.h"
#include "gateway/net/tls.h"
#include "tests/unit/net/loop.h"

namespace tollgate::net {

using StreamPtr = std::unique_ptr<Stream>;
using StreamResult = Result<StreamPtr>;

template <class T>
T unwrap(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

inline std::pair<Socket, Socket> connected_sockets(Loop& loop) {
  using Acceptor = asio::basic_socket_acceptor<Tcp, Executor>;
  Acceptor acceptor(loop.io.get_executor(), Tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  Socket client(loop.io.get_executor());
  client.connect(acceptor.local_endpoint());
  Socket server = acceptor.accept();
  return {std::move(client), std::move(server)};
}

inline SelfSigned identity(const std::vector<std::string>& names = {"localhost", "127.0.0.1"}, int days = 2) {
  return unwrap(make_self_signed(names, days));
}

inline TlsContext server_for(const SelfSigned& who) { return unwrap(server_tls(who.certificate_pem, who.key_pem)); }

inline TlsContext client_trusting(const std::string& ca_pem) {
  ClientTlsOptions options;
  options.ca_pem = ca_pem;
  return unwrap(client_tls(options));
}

struct Handshake {
  StreamResult client = Error{};
  StreamResult server = Error{};
};

inline Handshake shake(Loop& loop, const TlsContext& client, const TlsContext& server, const std::string& name,
                       std::chrono::milliseconds limit = std::chrono::seconds(10)) {
  auto [near, far] = connected_sockets(loop);
  std::optional<StreamResult> connected;
  std::optional<StreamResult> accepted;
  loop.start(connect_tls(std::move(near), client.get(), TlsPeer{name}, limit), connected);
  loop.start(accept_tls(std::move(far), server.get(), limit), accepted);
  loop.run_until([&] { return connected && accepted; });
  return {*std::move(connected), *std::move(accepted)};
}

}  // namespace tollgate::net
