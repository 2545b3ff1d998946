#pragma once
// One loop with a transport and a scripted server on it, for each of the ways a provider is reached.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gateway/net/deadline.h"
#include "gateway/net/resolver.h"
#include "providers/curl_transport.h"
#include "providers/endpoint.h"
#include "providers/hot_transport.h"
#include "tests/support/scripted_server.h"

namespace tollgate::providers {

using std::chrono::milliseconds;
using testing::http_response;
using testing::Script;
using testing::ScriptedServer;

enum class Carrier { hot, curl };
struct Way {
  const char* name;
  Carrier carrier;
  bool tls;
};
inline void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

inline net::SelfSigned self_signed(const std::string& name) {
  auto made = net::make_self_signed({name}, 2);
  if (!made) throw std::runtime_error(made.error().message);
  return *std::move(made);
}

inline net::TlsContext server_context(const net::SelfSigned& identity) {
  auto context = net::server_tls(identity.certificate_pem, identity.key_pem);
  if (!context) throw std::runtime_error(context.error().message);
  return *context;
}

inline net::TlsContext client_context(std::string ca_pem) {
  net::ClientTlsOptions options;
  options.ca_pem = std::move(ca_pem);
  auto context = net::client_tls(options);
  if (!context) throw std::runtime_error(context.error().message);
  return *context;
}

// What came of one call. `body` is what arrived, also before an error.
struct Answer {
  std::optional<Error> error;
  int status = 0;
  std::string content_type;
  std::string body;
  int reads = 0;
  bool dispatched = false;

  ErrorKind kind() const { return error ? error->kind : ErrorKind::internal; }
};

class TransportFixture {
 public:
  explicit TransportFixture(Carrier carrier, HotOptions options = {}) : sweep_(io, milliseconds(5)), resolver_(log_) {
    std::signal(SIGPIPE, SIG_IGN);  // as the program does: write(2) has no MSG_NOSIGNAL
    if (carrier == Carrier::hot) {
      transport = hot_transport(io, sweep_, resolver_, options);
    } else {
      transport = curl_transport(io, log_);
    }
  }
  TransportFixture(const TransportFixture&) = delete;
  TransportFixture& operator=(const TransportFixture&) = delete;
  ~TransportFixture() {
    transport.reset();
    sweep_.stop();
    io.restart();
    io.run_for(milliseconds(500));
  }

  // Runs the loop until `done`, at most 10 s.
  void run_until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    io.restart();
    while (!done() && std::chrono::steady_clock::now() < limit) io.run_one_for(milliseconds(20));
    EXPECT_TRUE(done()) << "nothing happened for 10 s";
  }
  void run_for(milliseconds time) {
    io.restart();
    io.run_for(time);
  }

  template <class T>
  static net::Task<void> keep(net::Task<T> task, std::optional<T>& into) {
    auto result = co_await std::move(task);
    into = std::move(result);
  }
  // Runs beside the test; `into` is filled when it ends, and must live until then.
  template <class T>
  void spawn(net::Task<T> task, std::optional<T>& into) {
    auto kept = keep(std::move(task), into);
    net::asio::co_spawn(io.get_executor(), std::move(kept), net::asio::detached);
  }
  template <class T>
  T await(net::Task<T> task) {
    std::optional<T> result;
    spawn(std::move(task), result);
    run_until([&] { return result.has_value(); });
    return *std::move(result);
  }

  Answer call(HttpCall request) {
    auto exchange = transport->open(std::move(request));
    return await(finish(*exchange));
  }

  static net::Task<Answer> finish(HttpExchange& exchange) {
    Answer answer;
    auto started = co_await exchange.start();
    answer.dispatched = exchange.dispatched();
    if (!started) {
      answer.error = started.error();
      co_return answer;
    }
    answer.status = exchange.status();
    answer.content_type = exchange.header("content-type");
    for (;;) {
      auto more = co_await exchange.read_some(answer.body);
      if (!more) answer.error = more.error();
      if (!more || !*more) co_return answer;
      ++answer.reads;
    }
  }

  net::asio::io_context io{1};
  NullLog log_;
  net::Sweep sweep_;
  net::Resolver resolver_;
  std::unique_ptr<Transport> transport;
};

inline std::shared_ptr<Endpoint> plain_endpoint(const ScriptedServer& server) {
  auto endpoint = std::make_shared<Endpoint>();
  endpoint->host = "127.0.0.1";
  endpoint->port = server.port();
  endpoint->tls = false;
  endpoint->base_path = "/v1";
  return endpoint;
}

inline std::shared_ptr<Endpoint> tls_endpoint(const ScriptedServer& server, const std::string& ca_pem) {
  auto endpoint = plain_endpoint(server);
  endpoint->tls = true;
  endpoint->tls_context = client_context(ca_pem);
  endpoint->egress.ca_pem = ca_pem;
  return endpoint;
}

inline HttpCall post(std::shared_ptr<const Endpoint> endpoint, std::string body = "{}") {
  HttpCall call;
  call.endpoint = std::move(endpoint);
  call.path = "/chat/completions";
  call.headers = {{"Content-Type", "application/json"}, {"Authorization", "Bearer k"}};
  call.body = std::move(body);
  call.timeouts = {milliseconds(4000), milliseconds(4000), milliseconds(4000)};
  return call;
}

}  // namespace tollgate::providers
