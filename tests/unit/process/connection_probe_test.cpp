// Each step of a connection that can fail is named, with the reason.
#include "gateway/process/check/connection_probe.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <csignal>
#include <exception>
#include <stdexcept>

#include "tests/support/scripted_server.h"

namespace tollgate::process {
namespace {

using std::chrono::milliseconds;
using Step = ProbeResult::Step;
using testing::Script;
using testing::ScriptedServer;

net::SelfSigned self_signed(const std::string& name) {
  auto made = net::make_self_signed({name}, 2);
  if (!made) throw std::runtime_error(made.error().message);
  return *std::move(made);
}

class ConnectionProbe : public ::testing::Test {
 protected:
  ConnectionProbe() { std::signal(SIGPIPE, SIG_IGN); }

  static Result<std::vector<net::asio::ip::address>> lookup(const std::string& host) {
    if (host == "unknown.example") return Error{ErrorKind::upstream_error, "no such name"};
    return std::vector{net::asio::ip::make_address("127.0.0.1")};
  }

  providers::Endpoint endpoint(std::uint16_t port, const std::string& ca_pem = {}) {
    providers::Endpoint out;
    out.host = "provider.example";
    out.port = port;
    out.tls = !ca_pem.empty();
    if (!out.tls) return out;
    net::ClientTlsOptions trust;
    trust.ca_pem = ca_pem;
    auto context = net::client_tls(trust);
    if (!context) throw std::runtime_error(context.error().message);
    out.tls_context = *context;
    return out;
  }

  ProbeResult probe(providers::Endpoint to, milliseconds limit = milliseconds(2000)) {
    std::optional<ProbeResult> result;
    auto task = probe_connection(resolver_, std::make_shared<const providers::Endpoint>(std::move(to)), limit);
    auto keeping = keep(std::move(task), result);
    net::asio::co_spawn(io_, std::move(keeping), [](const std::exception_ptr& failure) {
      if (failure) std::rethrow_exception(failure);
    });
    while (!result) io_.run_one();
    return *result;
  }

  static net::Task<void> keep(net::Task<ProbeResult> task, std::optional<ProbeResult>& result) {
    result = co_await std::move(task);
  }

  net::asio::io_context io_{1};
  NullLog log_;
  net::Resolver resolver_{log_, std::chrono::seconds(30), lookup};
};

TEST_F(ConnectionProbe, FindsNothingWrongWithAServerThatIsThere) {
  ScriptedServer server(io_);
  server.repeat(Script().until_closed());
  EXPECT_EQ(probe(endpoint(server.port())).stopped_at, Step::none);
  server.stop();
}

TEST_F(ConnectionProbe, NamesANameThatDoesNotResolve) {
  auto to = endpoint(1);
  to.host = "unknown.example";
  const auto result = probe(std::move(to));
  EXPECT_EQ(result.stopped_at, Step::name);
  EXPECT_EQ(result.words, "the name unknown.example does not resolve: no such name");
}

TEST_F(ConnectionProbe, NamesARefusedConnection) {
  std::uint16_t port = 0;
  {
    net::asio::io_context other(1);
    const ScriptedServer gone(other);
    port = gone.port();
  }
  const auto result = probe(endpoint(port));
  EXPECT_EQ(result.stopped_at, Step::connect);
  EXPECT_EQ(result.words, "no connection to provider.example:" + std::to_string(port) + ": Connection refused");
}

TEST_F(ConnectionProbe, NamesWhatIsWrongWithACertificate) {
  const auto other = self_signed("other.example");
  const auto context = net::server_tls(other.certificate_pem, other.key_pem);
  ASSERT_TRUE(context);
  ScriptedServer server(io_, *context);
  server.repeat(Script().until_closed());
  const auto wrong_name = probe(endpoint(server.port(), other.certificate_pem));
  EXPECT_EQ(wrong_name.stopped_at, Step::tls);
  EXPECT_NE(wrong_name.words.find("is not for provider.example"), std::string::npos) << wrong_name.words;
  const auto unknown = probe(endpoint(server.port(), self_signed("provider.example").certificate_pem));
  EXPECT_EQ(unknown.stopped_at, Step::tls);
  EXPECT_NE(unknown.words.find("self-signed and not one that we trust"), std::string::npos) << unknown.words;
  server.stop();
}

TEST_F(ConnectionProbe, TellsAProxyThatRefusesFromOneThatIsNone) {
  ScriptedServer proxy(io_);
  proxy.add(Script().head().send("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"));
  proxy.add(Script().head().send("HTTP/1.1 403 Forbidden\r\n\r\n"));
  proxy.add(Script().head().send("SSH-2.0-OpenSSH\r\n\r\n"));
  proxy.add(Script().head().send("HTTP/1.1 200 OK\r\n\r\n").until_closed());
  auto to = endpoint(443);
  to.egress.connect_proxy_host = "proxy.example";
  to.egress.connect_proxy_port = proxy.port();
  for (const char* words :
       {"wants a password (407): egress.proxy_login", "answered 403 instead of connecting us", "as an HTTP proxy"}) {
    const auto result = probe(to);
    EXPECT_EQ(result.stopped_at, Step::proxy);
    EXPECT_NE(result.words.find(words), std::string::npos) << result.words;
  }
  EXPECT_EQ(probe(to).stopped_at, Step::none);
  EXPECT_TRUE(proxy.requests().front().starts_with("CONNECT provider.example:443 HTTP/1.1\r\n"));
  proxy.stop();
}

TEST_F(ConnectionProbe, DoesNotWaitForASilentServerForever) {
  ScriptedServer server(io_);
  server.repeat(Script().until_closed());
  auto to = endpoint(server.port(), self_signed("provider.example").certificate_pem);
  EXPECT_EQ(probe(std::move(to), milliseconds(50)).stopped_at, Step::tls);
  server.stop();
}

}  // namespace
}  // namespace tollgate::process
