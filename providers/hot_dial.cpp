#include "providers/hot_dial.h"

#include <algorithm>
#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "gateway/net/http1.h"
#include "providers/endpoint.h"
#include "providers/identity/crypto.h"

namespace tollgate::providers {
namespace {

using std::chrono::milliseconds;
using ErrorCode = boost::system::error_code;

constexpr milliseconds kUnlimited = std::chrono::hours(1);  // "no limit" for steps that must have one

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

}  // namespace

std::string tunnel_request(const Endpoint& endpoint) {
  // RFC 9110 §9.3.6: the target is host and port, the port never left out.
  const std::string authority = url_host(endpoint) + ":" + std::to_string(endpoint.port);
  std::string request = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (const auto& login = endpoint.egress.proxy_login) {  // RFC 7617 §2
    const Secret both(login->user + ":" + std::string(login->password->reveal()));
    request += "Proxy-Authorization: Basic " + base64(both.reveal()) + "\r\n";
  }
  return request + "\r\n";
}

net::Task<Result<std::vector<net::Tcp::endpoint>>> find_addresses(net::Resolver& resolver,
                                                                  std::shared_ptr<const Endpoint> endpoint,
                                                                  milliseconds limit) {
  if (!endpoint->egress.connect_proxy_host.empty())
    co_return co_await resolver.resolve(endpoint->egress.connect_proxy_host, endpoint->egress.connect_proxy_port,
                                        limit);
  if (endpoint->addresses.empty()) co_return co_await resolver.resolve(endpoint->host, endpoint->port, limit);
  std::vector<net::Tcp::endpoint> fixed;
  for (const auto& address : endpoint->addresses) fixed.emplace_back(address, endpoint->port);
  co_return fixed;
}

std::shared_ptr<Dial> Dial::start(net::asio::io_context& io, net::Resolver& resolver,
                                  std::shared_ptr<const Endpoint> endpoint, milliseconds limit) {
  std::shared_ptr<Dial> dial(new Dial(io, resolver, std::move(endpoint), limit));
  auto coroutine = run(dial);
  auto finished = [dial](const std::exception_ptr&) {
    // An exception here is the cancellation of an abandoned dial, or a step that threw: either way there is no stream.
    if (!dial->result_) dial->result_ = dial->failure("could not connect to the provider");
    dial->done_.notify();
  };
  auto token = net::asio::bind_cancellation_slot(dial->stop_.slot(), std::move(finished));
  net::asio::co_spawn(io.get_executor(), std::move(coroutine), std::move(token));
  return dial;
}

Dial::Dial(net::asio::io_context& io, net::Resolver& resolver, std::shared_ptr<const Endpoint> endpoint,
           milliseconds limit)
    : resolver_(resolver),
      endpoint_(std::move(endpoint)),
      deadline_(steady_now() + (limit > milliseconds::zero() ? limit : kUnlimited)),
      socket_(io.get_executor()),
      timer_(io.get_executor()),
      done_(io.get_executor()) {}

net::Task<Result<std::unique_ptr<net::Stream>>> Dial::wait() {
  const auto self = shared_from_this();
  while (!result_ && !abandoned_) co_await done_.wait();
  if (abandoned_) co_return Error{.kind = ErrorKind::cancelled, .message = "the call was cancelled"};
  co_return std::move(*result_);
}

void Dial::abandon() {
  if (abandoned_ || result_) return;
  abandoned_ = true;
  unwatch();
  ErrorCode ignored;
  socket_.close(ignored);
  stop_.emit(net::asio::cancellation_type::terminal);
  done_.notify();
}

net::Task<void> Dial::run(std::shared_ptr<Dial> self) {
  auto stream = co_await self->connect();
  self->result_ = std::move(stream);
}

net::Task<Dial::StreamResult> Dial::connect() {
  const bool through_proxy = !endpoint_->egress.connect_proxy_host.empty();
  auto addresses = co_await find_addresses(resolver_, endpoint_, remaining());
  if (!addresses) co_return failure("the provider's address could not be found");
  auto connected = co_await connect_any(*std::move(addresses));
  if (!connected) co_return std::move(connected).error();
  if (through_proxy) {
    auto tunnel = co_await open_tunnel();
    if (!tunnel) co_return std::move(tunnel).error();
  }
  if (abandoned_) co_return failure("");
  if (!endpoint_->tls) co_return net::plain_stream(std::move(socket_));

  net::TlsPeer peer;
  peer.server_name = endpoint_->host;
  const auto limit = std::max(remaining(), milliseconds(1));
  auto stream = co_await net::connect_tls(std::move(socket_), endpoint_->tls_context.get(), std::move(peer), limit);
  if (!stream) co_return failure("no trusted connection to the provider could be made");
  co_return *std::move(stream);
}

// In turn, each with its share of what time is left, so that one address that swallows packets does not use it up.
net::Task<Status> Dial::connect_any(std::vector<net::Tcp::endpoint> addresses) {
  auto left = static_cast<int>(addresses.size());
  for (const auto& address : addresses) {
    if (abandoned_ || remaining() <= milliseconds::zero()) break;
    const milliseconds share = std::max(remaining() / left--, milliseconds(1));
    if (co_await connect_one(address, share)) co_return Status{};
  }
  co_return failure("could not connect to the provider");
}

net::Task<bool> Dial::connect_one(net::Tcp::endpoint address, milliseconds limit) {
  ErrorCode error;
  socket_.close(error);
  socket_.open(address.protocol(), error);
  if (error) co_return false;
  watch(limit);
  co_await socket_.async_connect(address, net::asio::redirect_error(net::use_task, error));
  unwatch();
  if (error || !socket_.is_open()) co_return false;
  ErrorCode ignored;
  socket_.set_option(net::Tcp::no_delay(true), ignored);
  co_return true;
}

net::Task<Status> Dial::open_tunnel() {
  watch(std::max(remaining(), milliseconds(1)));
  ErrorCode error;
  const std::string request = tunnel_request(*endpoint_);
  co_await net::asio::async_write(socket_, net::asio::buffer(request), net::asio::redirect_error(net::use_task, error));
  net::ResponseReader::Limits limits;
  net::ResponseReader reader(limits);
  std::array<char, 1024> bytes;
  std::string surplus;
  bool clean = true;
  while (!error && clean && !reader.head_done()) {
    const auto n =
        co_await socket_.async_read_some(net::asio::buffer(bytes), net::asio::redirect_error(net::use_task, error));
    if (error) break;
    auto took = reader.put(std::string_view(bytes.data(), n), surplus);
    // Nobody speaks before the TLS client does: bytes after the proxy's head are not the provider's.
    clean = took.ok() && *took == n && surplus.empty();
  }
  unwatch();
  if (error || !clean) co_return failure("could not connect to the provider through the proxy");
  // RFC 9110 §9.3.6: any 2xx opens the tunnel.
  if (reader.status() / 100 != 2) co_return failure("the proxy refused to connect to the provider");
  co_return Status{};
}

void Dial::watch(milliseconds limit) {
  timer_.expires_after(limit);
  timer_.async_wait([self = shared_from_this(), step = ++step_](ErrorCode error) {
    if (error || step != self->step_) return;
    ErrorCode ignored;
    self->socket_.close(ignored);
  });
}

void Dial::unwatch() {
  ++step_;  // a handler that is already queued finds that its step is over
  timer_.cancel();
}

milliseconds Dial::remaining() const { return std::chrono::duration_cast<milliseconds>(deadline_ - steady_now()); }

Error Dial::failure(std::string_view message) const {
  if (abandoned_) return Error{.kind = ErrorKind::cancelled, .message = "the call was cancelled"};
  if (remaining() <= milliseconds::zero())
    return Error{.kind = ErrorKind::upstream_timeout, .message = "could not connect to the provider in time"};
  return Error{.kind = ErrorKind::upstream_error, .message = std::string(message)};
}

}  // namespace tollgate::providers
