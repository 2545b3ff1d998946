#pragma once
// One new connection to a provider: resolve, TCP, CONNECT through a proxy, TLS.
#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/net/resolver.h"
#include "gateway/net/signal.h"
#include "gateway/net/stream.h"
#include "providers/transport.h"

namespace tollgate::providers {

// Where to connect to: the proxy, the endpoint's own addresses, or what its name stands for now.
net::Task<Result<std::vector<net::Tcp::endpoint>>> find_addresses(net::Resolver& resolver,
                                                                  std::shared_ptr<const Endpoint> endpoint,
                                                                  std::chrono::milliseconds limit);

// What a proxy is asked: CONNECT, with the login where there is one.
std::string tunnel_request(const Endpoint& endpoint);

// Runs as a coroutine of its own and owns its state, so that the caller may walk away at once: what cannot be
// interrupted (a name being looked up) ends by itself, within the limit, and is thrown away. Not thread-safe.
class Dial : public std::enable_shared_from_this<Dial> {
 public:
  // Zero `limit` = none. `io` and `resolver` must outlive the dial.
  static std::shared_ptr<Dial> start(net::asio::io_context& io, net::Resolver& resolver,
                                     std::shared_ptr<const Endpoint> endpoint, std::chrono::milliseconds limit);

  // The connected stream. Errors: cancelled after abandon(), upstream_timeout, upstream_error. Once.
  net::Task<Result<std::unique_ptr<net::Stream>>> wait();
  // A pending wait() ends within a loop turn; the connection attempt is stopped. Idempotent.
  void abandon();

 private:
  using StreamResult = Result<std::unique_ptr<net::Stream>>;

  Dial(net::asio::io_context& io, net::Resolver& resolver, std::shared_ptr<const Endpoint> endpoint,
       std::chrono::milliseconds limit);
  static net::Task<void> run(std::shared_ptr<Dial> self);
  net::Task<StreamResult> connect();
  net::Task<Status> connect_any(std::vector<net::Tcp::endpoint> addresses);
  net::Task<bool> connect_one(net::Tcp::endpoint address, std::chrono::milliseconds limit);
  net::Task<Status> open_tunnel();
  void watch(std::chrono::milliseconds limit);
  void unwatch();
  std::chrono::milliseconds remaining() const;
  Error failure(std::string_view message) const;

  net::Resolver& resolver_;
  std::shared_ptr<const Endpoint> endpoint_;
  SteadyTime deadline_;
  net::Socket socket_;
  net::Timer timer_;  // closes socket_ when a step takes too long
  std::uint64_t step_ = 0;
  net::Signal done_;
  net::asio::cancellation_signal stop_;
  std::optional<StreamResult> result_;
  bool abandoned_ = false;
};

}  // namespace tollgate::providers
