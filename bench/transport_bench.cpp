// One call to a provider over a kept loopback connection: what each transport costs the worker. The server is a thread
// of its own, so the CPU column is the client's share only.
#include <benchmark/benchmark.h>

#include <array>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <functional>
#include <string>
#include <thread>

#include "providers/curl_transport.h"
#include "providers/hot_transport.h"

namespace {

using namespace tollgate;
using namespace tollgate::providers;
using net::asio::co_spawn;

constexpr std::size_t kRequestBody = 943;  // bytes: a chat request and its answer as measured elsewhere
constexpr std::size_t kResponseBody = 598;

// Answers every request of the known size, on as many connections as come.
class Server {
 public:
  Server() : acceptor_(io_.get_executor(), {net::asio::ip::address_v4::loopback(), 0}) {
    response_ =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(kResponseBody) +
        "\r\n\r\n" + std::string(kResponseBody, 'r');
    accept();
    thread_ = std::thread([this] { io_.run(); });
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    io_.stop();
    thread_.join();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  struct Session {
    explicit Session(net::Socket accepted) : socket(std::move(accepted)) {}
    net::Socket socket;
    std::array<char, 8192> buffer{};
    std::string request;
  };
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, net::Socket socket) {
      if (error) return;
      socket.set_option(net::Tcp::no_delay(true));
      read(std::make_shared<Session>(std::move(socket)));
      accept();
    });
  }
  void read(const std::shared_ptr<Session>& session) {
    session->socket.async_read_some(net::asio::buffer(session->buffer),
                                    [this, session](boost::system::error_code error, std::size_t size) {
                                      if (!error) answer(session, size);
                                    });
  }
  void answer(const std::shared_ptr<Session>& session, std::size_t size) {
    session->request.append(session->buffer.data(), size);
    const auto head = session->request.find("\r\n\r\n");
    if (head != std::string::npos && session->request.size() >= head + 4 + kRequestBody) {
      session->request.clear();
      boost::system::error_code ignored;
      net::asio::write(session->socket, net::asio::buffer(response_), ignored);
    }
    read(session);
  }

  net::asio::io_context io_{1};
  net::asio::basic_socket_acceptor<net::Tcp, net::Executor> acceptor_;
  std::string response_;
  std::thread thread_;
};

struct Client {
  Client() : sweep(io), resolver(log) { std::signal(SIGPIPE, SIG_IGN); }
  net::asio::io_context io{1};
  NullLog log;
  net::Sweep sweep;
  net::Resolver resolver;
};

HttpCall chat_call(const std::shared_ptr<const Endpoint>& endpoint) {
  HttpCall call;
  call.endpoint = endpoint;
  call.path = "/chat/completions";
  call.headers = {{"Content-Type", "application/json"}, {"Authorization", "Bearer k"}};
  call.body.assign(kRequestBody, 'q');
  return call;
}

// One caller in a closed loop until `left` is used up.
net::Task<void> caller(Transport& transport, std::shared_ptr<const Endpoint> endpoint, int& left, int& good) {
  std::string body;
  while (left > 0) {
    --left;
    auto exchange = transport.open(chat_call(endpoint));
    auto started = co_await exchange->start();
    if (!started) continue;
    body.clear();
    for (;;) {
      auto more = co_await exchange->read_some(body);
      if (!more || !*more) break;
    }
    if (body.size() == kResponseBody) ++good;
  }
}

using MakeTransport = std::function<std::unique_ptr<Transport>(Client&)>;

void run_calls(benchmark::State& state, const MakeTransport& make) {
  Server server;
  Client client;
  auto transport = make(client);
  auto endpoint = std::make_shared<Endpoint>();
  endpoint->host = "127.0.0.1";
  endpoint->port = server.port();
  endpoint->tls = false;
  endpoint->base_path = "/v1";
  const int callers = static_cast<int>(state.range(0));
  constexpr int kBatch = 1000;  // so the CPU column, in ms, reads as microseconds per call
  std::int64_t total = 0;
  for (auto _ : state) {
    int left = kBatch;
    int good = 0;
    int running = callers;
    for (int i = 0; i < callers; ++i) {
      auto one = caller(*transport, endpoint, left, good);
      co_spawn(client.io.get_executor(), std::move(one), [&](const std::exception_ptr&) { --running; });
    }
    while (running > 0) client.io.run_one();
    if (good != kBatch) state.SkipWithError("a call failed");
    total += kBatch;
  }
  state.SetItemsProcessed(total);
  transport.reset();
  client.sweep.stop();
  client.io.restart();
  client.io.run_for(std::chrono::milliseconds(100));
}

void hot(benchmark::State& state) {
  run_calls(state, [](Client& client) { return hot_transport(client.io, client.sweep, client.resolver); });
}
void curl(benchmark::State& state) {
  run_calls(state, [](Client& client) { return curl_transport(client.io, client.log); });
}

BENCHMARK(hot)->Arg(1)->Arg(32)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(curl)->Arg(1)->Arg(32)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
