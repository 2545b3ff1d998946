// A gateway without a gateway: our own sessions and our own transport with nothing between them. What it costs beside
// nginx is what the machinery costs; what Tollgate costs beyond it is what its work on a call costs: key, index, plan,
// ledger, figures, log. Bodies are held whole and streams are passed read by read, as Tollgate does.
//
//   relay PORT UPSTREAM_URL [CERTIFICATE KEY]    (all PEM; the certificate is also what an https upstream must show)
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include "gateway/net/resolver.h"
#include "gateway/net/tls_memory.h"
#include "gateway/server/connection.h"
#include "providers/endpoint.h"
#include "providers/hot_transport.h"

namespace {

using namespace tollgate;
namespace asio = net::asio;

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

template <class T>
T value_or_exit(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "relay: %s\n", result.error().message.c_str());
  std::exit(1);
}

net::Task<void> refuse(server::Exchange& exchange, int status) { (void)co_await exchange.respond(status, {}, ""); }

class Relay {
 public:
  Relay(std::uint16_t port, const std::string& upstream, std::string certificate, const std::string& key);
  void run() { io_.run(); }

 private:
  net::Task<void> accept();
  net::Task<void> greet(net::Socket socket);
  net::Task<void> relay(server::Exchange& exchange);
  net::Task<Status> pass(server::Exchange& exchange, providers::HttpExchange& answer);

  asio::io_context io_{1};
  net::Sweep sweep_{io_};
  NullLog log_;
  net::Resolver resolver_{log_};
  RealClock clock_;
  UuidSource ids_;
  std::shared_ptr<const providers::Endpoint> endpoint_;
  std::unique_ptr<providers::Transport> transport_;
  net::TlsContext tls_;
  server::ConnectionContext context_;
  asio::basic_socket_acceptor<net::Tcp, net::Executor> acceptor_;
};

Relay::Relay(std::uint16_t port, const std::string& upstream, std::string certificate, const std::string& key)
    : transport_(providers::hot_transport(io_, sweep_, resolver_)),
      context_{.io = io_,
               .sweep = sweep_,
               .clock = clock_,
               .ids = ids_,
               .handler = [this](server::Exchange& exchange) { return relay(exchange); },
               .refused = [](server::Exchange& exchange,
                             const Error& error) { return refuse(exchange, http_status(error.kind)); },
               .crashed = [](std::string_view what) { std::fprintf(stderr, "relay: %s\n", what.data()); }},
      acceptor_(io_.get_executor(), net::Tcp::endpoint(asio::ip::make_address("127.0.0.1"), port)) {
  auto endpoint = value_or_exit(providers::parse_endpoint(upstream, providers::PlainHttp::allowed));
  endpoint.max_idle = 128;
  if (endpoint.tls) {
    net::ClientTlsOptions options;
    options.ca_pem = certificate;
    endpoint.tls_context = value_or_exit(net::client_tls(options));
  }
  endpoint_ = std::make_shared<const providers::Endpoint>(std::move(endpoint));
  if (!key.empty()) tls_ = value_or_exit(net::server_tls(certificate, Secret(key)));
  auto accepting = accept();
  asio::co_spawn(io_, std::move(accepting), asio::detached);
}

net::Task<void> Relay::accept() {
  for (;;) {
    net::Socket socket = co_await acceptor_.async_accept(net::use_task);
    auto greeting = greet(std::move(socket));
    asio::co_spawn(io_, std::move(greeting), asio::detached);
  }
}

net::Task<void> Relay::greet(net::Socket socket) {
  socket.set_option(net::Tcp::no_delay(true));
  if (tls_ == nullptr) {
    server::serve(context_, net::plain_stream(std::move(socket)), {});
    co_return;
  }
  auto stream = co_await net::accept_tls(std::move(socket), tls_.get(), std::chrono::seconds(10));
  if (stream) server::serve(context_, *std::move(stream), {});
}

net::Task<void> Relay::relay(server::Exchange& exchange) {
  auto body = co_await exchange.read_body();
  if (!body) co_return;
  providers::HttpCall call;
  call.endpoint = endpoint_;
  call.path = exchange.head().target;
  call.headers.push_back({"content-type", "application/json"});
  call.body = *std::move(body);
  const auto answer = transport_->open(std::move(call));
  (void)co_await pass(exchange, *answer);
}

net::Task<Status> Relay::pass(server::Exchange& exchange, providers::HttpExchange& answer) {
  TG_CO_CHECK(co_await answer.start());
  server::HeaderLines headers;
  headers.add("content-type", answer.header("content-type"));
  const bool stream = answer.header("content-type").starts_with("text/event-stream");
  std::string bytes;
  for (bool more = true; more;) {
    TG_CO_TRY(more, co_await answer.read_some(bytes));
    if (!stream || !more) continue;
    const std::string piece = std::exchange(bytes, {});
    if (exchange.started()) {
      TG_CO_CHECK(co_await exchange.write(piece));
    } else {
      TG_CO_CHECK(co_await exchange.start_stream(answer.status(), headers, piece));
    }
  }
  if (stream) co_return co_await exchange.end_stream(bytes, {});
  co_return co_await exchange.respond(answer.status(), std::move(headers), bytes);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (argc != 3 && argc != 5) {
    std::fprintf(stderr, "usage: relay PORT UPSTREAM_URL [CERTIFICATE KEY]\n");
    return 2;
  }
  tollgate::net::keep_tls_buffers();
  const auto port = static_cast<std::uint16_t>(std::stoi(arguments[1]));
  const bool tls = argc == 5;
  Relay relay(port, arguments[2], tls ? read_file(arguments[3]) : std::string(),
              tls ? read_file(arguments[4]) : std::string());
  relay.run();
}
