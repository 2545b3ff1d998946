#include "gateway/process/check/connection_probe.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "gateway/net/stream.h"
#include "providers/endpoint.h"
#include "providers/hot_dial.h"

namespace tollgate::process {
namespace {

namespace asio = net::asio;
using ErrorCode = boost::system::error_code;
using std::chrono::milliseconds;
using Step = ProbeResult::Step;

// Closes a socket that takes too long; what waits on it then ends.
struct Patience {
  explicit Patience(const net::Executor& executor, milliseconds limit) : timer(executor, limit) {}
  net::Timer timer;
  bool expired = false;
};

// For as long as the result lives. `socket` outlives it.
std::shared_ptr<Patience> watch(net::Socket& socket, milliseconds limit) {
  auto patience = std::make_shared<Patience>(socket.get_executor(), limit);
  patience->timer.async_wait([weak = std::weak_ptr(patience), &socket](ErrorCode cancelled) {
    const auto late = weak.lock();
    if (cancelled || !late) return;
    late->expired = true;
    ErrorCode ignored;
    socket.close(ignored);
  });
  return patience;
}

net::Task<std::string> connect(net::Socket& socket, net::Tcp::endpoint address, milliseconds limit) {
  ErrorCode error;
  socket.close(error);
  const auto patience = watch(socket, limit);
  socket.open(address.protocol(), error);
  if (!error) co_await socket.async_connect(address, asio::redirect_error(net::use_task, error));
  if (patience->expired) co_return "no answer within " + std::to_string(limit.count() / 1000) + " s";
  co_return error ? error.message() : std::string();
}

net::Task<std::string> connect_any(net::Socket& socket, std::vector<net::Tcp::endpoint> addresses, milliseconds limit) {
  std::string why = "it has no address";
  const milliseconds share = limit / static_cast<milliseconds::rep>(std::max<std::size_t>(addresses.size(), 1));
  for (const auto& address : addresses) {
    why = co_await connect(socket, address, std::max(share, milliseconds(500)));
    if (why.empty()) break;
  }
  co_return why;
}

// The proxy's status, "407"; empty when it does not speak HTTP.
net::Task<std::string> ask_proxy(net::Socket& socket, std::string request, milliseconds limit) {
  ErrorCode error;
  const auto patience = watch(socket, limit);
  co_await asio::async_write(socket, asio::buffer(request), asio::redirect_error(net::use_task, error));
  std::array<char, 1024> bytes{};
  std::string head;
  while (!error && head.size() < 16 * 1024 && head.find("\r\n\r\n") == std::string::npos) {
    const auto n = co_await socket.async_read_some(asio::buffer(bytes), asio::redirect_error(net::use_task, error));
    head.append(bytes.data(), n);
  }
  const bool http = head.starts_with("HTTP/1.") && head.size() > 12;
  co_return http ? head.substr(9, 3) : std::string();
}

std::string proxy_words(const std::string& proxy, const std::string& status, bool with_login) {
  if (status.empty()) return "the proxy " + proxy + " does not answer as an HTTP proxy";
  if (status == "407" && with_login)
    return "the proxy " + proxy + " does not take egress.proxy_login (407): wrong, or it wants another scheme than " +
           "Basic, which needs transport: curl";
  if (status == "407") return "the proxy " + proxy + " wants a password (407): egress.proxy_login";
  return "the proxy " + proxy + " answered " + status + " instead of connecting us";
}

}  // namespace

net::Task<ProbeResult> probe_connection(net::Resolver& resolver, std::shared_ptr<const providers::Endpoint> endpoint,
                                        milliseconds limit) {
  const bool by_proxy = !endpoint->egress.connect_proxy_host.empty();
  const std::string host = by_proxy ? endpoint->egress.connect_proxy_host : endpoint->host;
  const std::uint16_t port = by_proxy ? endpoint->egress.connect_proxy_port : endpoint->port;
  const std::string place = host + ":" + std::to_string(port);
  auto addresses = co_await providers::find_addresses(resolver, endpoint, limit);
  if (!addresses) co_return ProbeResult{Step::name, addresses.error().message};

  const net::Executor executor = co_await asio::this_coro::executor;
  net::Socket socket(executor);
  const std::string trouble = co_await connect_any(socket, *std::move(addresses), limit);
  if (!trouble.empty())
    co_return ProbeResult{by_proxy ? Step::proxy : Step::connect, "no connection to " + place + ": " + trouble};
  if (by_proxy) {
    std::string request = providers::tunnel_request(*endpoint);
    const std::string status = co_await ask_proxy(socket, std::move(request), limit);
    const bool with_login = endpoint->egress.proxy_login != nullptr;
    if (!status.starts_with('2')) co_return ProbeResult{Step::proxy, proxy_words(place, status, with_login)};
  }
  if (!endpoint->tls) co_return ProbeResult{};
  net::TlsPeer peer;
  peer.server_name = endpoint->host;
  auto stream = co_await net::connect_tls(std::move(socket), endpoint->tls_context.get(), std::move(peer), limit);
  if (!stream) co_return ProbeResult{Step::tls, endpoint->authority() + ": " + stream.error().message};
  co_return ProbeResult{};
}

}  // namespace tollgate::process
