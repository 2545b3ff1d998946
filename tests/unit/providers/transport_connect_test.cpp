// How connections come to be: trust, proxies, limits, the pool.
#include <openssl/ssl.h>

#include <cstdlib>

#include "tests/unit/providers/transport_fixture.h"

namespace tollgate::providers {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class Connecting : public ::testing::TestWithParam<Way>, public TransportFixture {
 protected:
  Connecting() : TransportFixture(GetParam().carrier) {}

  // A server that shows `identity`, called by a client that trusts `ca_pem`.
  Answer call_tls(const net::SelfSigned& identity, const std::string& ca_pem) {
    ScriptedServer server(io, server_context(identity));
    server.repeat(Script().request().send(http_response("ok")).until_closed());
    auto answer = call(post(tls_endpoint(server, ca_pem)));
    requests_seen_ += server.requests().size();
    return answer;
  }

  std::size_t requests_seen_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Transport, Connecting,
                         ::testing::Values(Way{"hot", Carrier::hot, true}, Way{"curl", Carrier::curl, true}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(Connecting, TrustsTheConfiguredAuthority) {
  const auto identity = self_signed("127.0.0.1");
  EXPECT_EQ(call_tls(identity, identity.certificate_pem).body, "ok");
}

TEST_P(Connecting, RefusesACertificateForAnotherName) {
  const auto identity = self_signed("other.example");
  const auto answer = call_tls(identity, identity.certificate_pem);
  EXPECT_EQ(answer.kind(), ErrorKind::upstream_error);
  EXPECT_FALSE(answer.dispatched);
  EXPECT_EQ(requests_seen_, 0);
}

TEST_P(Connecting, RefusesAnUnknownAuthority) {
  const auto answer = call_tls(self_signed("127.0.0.1"), self_signed("127.0.0.1").certificate_pem);
  EXPECT_EQ(answer.kind(), ErrorKind::upstream_error);
  EXPECT_EQ(requests_seen_, 0);
}

TEST_P(Connecting, TheSystemStoreDoesNotTrustAStranger) {
  const auto answer = call_tls(self_signed("127.0.0.1"), "");
  EXPECT_EQ(answer.kind(), ErrorKind::upstream_error);
  EXPECT_EQ(requests_seen_, 0);
}

// A server that wants to see a certificate, whoever signed it.
net::TlsContext demanding(const net::SelfSigned& identity) {
  net::TlsContext context = server_context(identity);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     [](int, X509_STORE_CTX*) { return 1; });
  return context;
}

TEST_P(Connecting, ShowsTheClientCertificateToAServerThatWantsOne) {
  const auto identity = self_signed("127.0.0.1");
  const auto ours = self_signed("gateway");
  ScriptedServer server(io, demanding(identity));
  server.repeat(Script().request().send(http_response("ok")));
  EXPECT_EQ(call(post(tls_endpoint(server, identity.certificate_pem))).kind(), ErrorKind::upstream_error);
  EXPECT_THAT(server.requests(), IsEmpty());

  auto endpoint = tls_endpoint(server, identity.certificate_pem);
  endpoint->egress.client_certificate = std::make_shared<const ClientCertificate>(
      ours.certificate_pem, std::make_shared<const Secret>(ours.key_pem.clone()));
  net::ClientTlsOptions options{identity.certificate_pem, ours.certificate_pem, ours.key_pem.clone()};
  endpoint->tls_context = *net::client_tls(options);
  EXPECT_EQ(call(post(endpoint)).body, "ok");
  const auto bare = call(post(tls_endpoint(server, identity.certificate_pem)));
  EXPECT_EQ(bare.kind(), ErrorKind::upstream_error) << "nobody else uses that connection";
}

TEST_P(Connecting, AFixedAddressIsDialledAndTheNameIsStillWhatCounts) {
  const auto identity = self_signed("provider.invalid");  // RFC 2606 §2: no such name is ever found
  ScriptedServer server(io, server_context(identity));
  server.repeat(Script().request().send(http_response("ok")));
  auto endpoint = tls_endpoint(server, identity.certificate_pem);
  endpoint->host = "provider.invalid";
  EXPECT_EQ(call(post(endpoint)).kind(), ErrorKind::upstream_error);
  endpoint = std::make_shared<Endpoint>(*endpoint);
  endpoint->addresses = {net::asio::ip::make_address("127.0.0.1")};
  EXPECT_EQ(call(post(endpoint)).body, "ok");
  ASSERT_THAT(server.requests(), SizeIs(1));
  EXPECT_THAT(server.requests()[0], HasSubstr("\r\nHost: provider.invalid:"));
  endpoint = std::make_shared<Endpoint>(*endpoint);
  endpoint->host = "another.invalid";
  EXPECT_EQ(call(post(endpoint)).kind(), ErrorKind::upstream_error);
  EXPECT_THAT(server.requests(), SizeIs(1));
}

TEST(FixedAddresses, AreTriedInTurn) {
  TransportFixture fixture(Carrier::hot);
  ScriptedServer server(fixture.io);
  server.add(Script().request().send(http_response("ok")));
  auto endpoint = plain_endpoint(server);
  endpoint->host = "provider.invalid";
  for (const char* address : {"127.0.0.9", "127.0.0.1"})  // nobody listens at the first
    endpoint->addresses.push_back(net::asio::ip::make_address(address));
  EXPECT_EQ(fixture.call(post(endpoint)).body, "ok");
  server.stop();
}

TEST_P(Connecting, NeverFallsBackToPlain) {
  ScriptedServer server(io);
  server.repeat(Script().head().send(http_response("plain")));
  auto request = post(tls_endpoint(server, self_signed("127.0.0.1").certificate_pem));
  request.timeouts.connect = milliseconds(150);
  const auto answer = call(std::move(request));
  EXPECT_TRUE(answer.error);
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST_P(Connecting, ASilentHandshakeIsATimeout) {
  ScriptedServer server(io);
  server.repeat(Script().until_closed());
  auto slow = post(tls_endpoint(server, self_signed("127.0.0.1").certificate_pem));
  slow.timeouts.connect = milliseconds(150);
  const auto before = std::chrono::steady_clock::now();
  const auto answer = call(std::move(slow));
  EXPECT_EQ(answer.kind(), ErrorKind::upstream_timeout);
  EXPECT_FALSE(answer.dispatched);
  EXPECT_LT(std::chrono::steady_clock::now() - before, milliseconds(1000));
  run_until([&] { return server.peer_closes() == 1; });
}

TEST_P(Connecting, CancelEndsAHandshake) {
  ScriptedServer server(io);
  server.repeat(Script().until_closed());
  auto exchange = transport->open(post(tls_endpoint(server, self_signed("127.0.0.1").certificate_pem)));
  std::optional<Status> ended;
  spawn(exchange->start(), ended);
  run_until([&] { return server.connections() == 1; });
  run_for(milliseconds(20));
  exchange->cancel();
  run_until([&] { return ended.has_value(); });
  EXPECT_EQ(ended->error().kind, ErrorKind::cancelled);
  exchange.reset();
  run_until([&] { return server.peer_closes() == 1; });
}

class Proxied : public Connecting {
 protected:
  Proxied() : identity_(self_signed("127.0.0.1")), server_(io, server_context(identity_)), proxy_(io) {
    server_.repeat(Script().request().send(http_response("one")).request().send(http_response("two")).until_closed());
    endpoint_ = tls_endpoint(server_, identity_.certificate_pem);
    endpoint_->egress.connect_proxy_host = "127.0.0.1";
    endpoint_->egress.connect_proxy_port = proxy_.port();
  }
  net::SelfSigned identity_;
  ScriptedServer server_;
  ScriptedServer proxy_;
  std::shared_ptr<Endpoint> endpoint_;
};

INSTANTIATE_TEST_SUITE_P(Transport, Proxied,
                         ::testing::Values(Way{"hot", Carrier::hot, true}, Way{"curl", Carrier::curl, true}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(Proxied, ReachesTheProviderThroughATunnel) {
  proxy_.repeat(Script().head().tunnel_to(server_.port()));
  EXPECT_EQ(call(post(endpoint_)).body, "one");
  EXPECT_EQ(call(post(endpoint_)).body, "two");
  EXPECT_EQ(proxy_.connections(), 1);
  ASSERT_THAT(proxy_.requests(), SizeIs(1));
  const auto authority = "127.0.0.1:" + std::to_string(server_.port());
  EXPECT_THAT(proxy_.requests()[0], StartsWith("CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n"));
  EXPECT_THAT(proxy_.requests()[0], ::testing::Not(HasSubstr("Bearer")));
}

TEST_P(Proxied, ARefusingProxyIsAnErrorAndItsBodyNeverAnAnswer) {
  proxy_.repeat(Script().head().send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"));
  const auto answer = call(post(endpoint_));
  EXPECT_EQ(answer.kind(), ErrorKind::upstream_error);
  EXPECT_EQ(answer.body, "");
  EXPECT_FALSE(answer.dispatched);
  EXPECT_THAT(server_.requests(), IsEmpty());
}

TEST_P(Proxied, AProxyIsToldTheLoginAndTheProviderIsNot) {
  const bool basic = GetParam().carrier == Carrier::hot;  // curl waits to be asked
  const std::string asked = "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
  if (!basic) proxy_.add(Script().head().send(asked).head().tunnel_to(server_.port()));
  proxy_.repeat(Script().head().tunnel_to(server_.port()));
  endpoint_->egress.proxy_login =
      std::make_shared<const ProxyLogin>("gateway", std::make_shared<const Secret>(Secret("open: sesame")));
  EXPECT_EQ(call(post(endpoint_)).body, "one");
  // RFC 7617 §2: base64 of "gateway:open: sesame"
  EXPECT_THAT(proxy_.requests().back(), HasSubstr("\r\nProxy-Authorization: Basic Z2F0ZXdheTpvcGVuOiBzZXNhbWU=\r\n"));
  EXPECT_THAT(server_.requests().front(), ::testing::Not(HasSubstr("Proxy-")));
}

TEST_P(Proxied, ASilentProxyIsATimeout) {
  proxy_.repeat(Script().head().until_closed());
  auto slow = post(endpoint_);
  slow.timeouts.connect = milliseconds(150);
  EXPECT_EQ(call(std::move(slow)).kind(), ErrorKind::upstream_timeout);
  run_until([&] { return proxy_.peer_closes() == 1; });
}

class HotPool : public ::testing::Test, public TransportFixture {
 protected:
  HotPool() : TransportFixture(Carrier::hot, HotOptions{.idle_limit = milliseconds(100)}), server_(io) {
    server_.repeat(Script().request().send(http_response("ok")).request().send(http_response("ok")).until_closed());
    endpoint_ = plain_endpoint(server_);
  }
  ~HotPool() override { server_.stop(); }

  void run_calls_at_once(int count) {
    int ended = 0;
    std::vector<std::unique_ptr<HttpExchange>> exchanges;
    for (int i = 0; i < count; ++i) {
      exchanges.push_back(transport->open(post(endpoint_)));
      auto task = finish(*exchanges.back());
      net::asio::co_spawn(io.get_executor(), std::move(task), [&](const std::exception_ptr&, const Answer& answer) {
        ++ended;
        EXPECT_EQ(answer.body, "ok");
      });
    }
    run_until([&] { return ended == count; });
  }

  ScriptedServer server_;
  std::shared_ptr<Endpoint> endpoint_;
};

TEST_F(HotPool, ClosesWhatWasIdleTooLong) {
  EXPECT_EQ(call(post(endpoint_)).body, "ok");
  EXPECT_EQ(server_.peer_closes(), 0);
  run_for(milliseconds(250));
  EXPECT_EQ(call(post(endpoint_)).body, "ok");
  EXPECT_EQ(server_.connections(), 2);
}

TEST_F(HotPool, KeepsNoMoreThanMaxIdle) {
  endpoint_->max_idle = 2;
  run_calls_at_once(5);
  run_calls_at_once(5);
  EXPECT_EQ(server_.connections(), 8);
}

TEST_F(HotPool, DoesNotLendAConnectionToAnotherEndpoint) {
  EXPECT_EQ(call(post(endpoint_)).body, "ok");
  EXPECT_EQ(call(post(std::make_shared<Endpoint>(*endpoint_))).body, "ok");
  EXPECT_EQ(server_.connections(), 2);
}

TEST_F(HotPool, DropsAConnectionThatWasClosedWhileIdle) {
  ScriptedServer closing(io);
  closing.repeat(Script().request().send(http_response("ok")));
  const auto endpoint = plain_endpoint(closing);
  EXPECT_EQ(call(post(endpoint)).body, "ok");
  run_for(milliseconds(20));
  EXPECT_EQ(call(post(endpoint)).body, "ok");
  EXPECT_THAT(closing.requests(), SizeIs(2));
}

TEST_F(HotPool, BytesAfterTheAnswerSpoilTheConnection) {
  ScriptedServer chatty(io);
  chatty.repeat(Script().request().send(http_response("ok") + http_response("smuggled")).until_closed());
  const auto endpoint = plain_endpoint(chatty);
  EXPECT_EQ(call(post(endpoint)).body, "ok");
  EXPECT_EQ(call(post(endpoint)).body, "ok");
  EXPECT_EQ(chatty.connections(), 2);
}

TEST_F(HotPool, OneByteOfAnAnswerIsEnoughNotToSendAgain) {
  ScriptedServer half(io);
  half.repeat(Script().request().send(http_response("ok")).request().send("H").reset());
  const auto endpoint = plain_endpoint(half);
  EXPECT_EQ(call(post(endpoint)).body, "ok");
  EXPECT_EQ(call(post(endpoint)).kind(), ErrorKind::upstream_error);
  EXPECT_THAT(half.requests(), SizeIs(2));
}

TEST_F(HotPool, AConnectionIsSharedAsSoonAsTheBodyIsComplete) {
  auto exchange = transport->open(post(endpoint_));
  ASSERT_TRUE(await(exchange->start()).ok());  // the body came with the head
  EXPECT_EQ(call(post(endpoint_)).body, "ok");
  EXPECT_EQ(server_.connections(), 1);
  std::string out;
  auto more = await(exchange->read_some(out));
  ASSERT_TRUE(more.ok());
  EXPECT_EQ(out, "ok");
}

TEST(CurlTransport, IgnoresProxiesOfTheEnvironment) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("all_proxy", "http://127.0.0.1:1", 1);
  TransportFixture test(Carrier::curl);
  ScriptedServer server(test.io);
  server.repeat(Script().request().send(http_response("ok")));
  EXPECT_EQ(test.call(post(plain_endpoint(server))).body, "ok");
  ::unsetenv("http_proxy");
  ::unsetenv("all_proxy");
}

TEST(CurlTransport, SpeaksHttp1WhereHttp2IsNotOffered) {
  TransportFixture test(Carrier::curl);
  const auto identity = self_signed("127.0.0.1");
  ScriptedServer server(test.io, server_context(identity));
  server.repeat(Script().request().send(http_response("ok")));
  auto endpoint = tls_endpoint(server, identity.certificate_pem);
  endpoint->http2 = true;
  EXPECT_EQ(test.call(post(endpoint)).body, "ok");
}

TEST(CurlTransport, MovesBetweenEndpointsWithDifferentTrust) {
  TransportFixture test(Carrier::curl);
  const auto identity = self_signed("127.0.0.1");
  ScriptedServer server(test.io, server_context(identity));
  server.repeat(Script().request().send(http_response("ok")).request().send(http_response("ok")).until_closed());
  const auto trusting = tls_endpoint(server, identity.certificate_pem);
  const auto distrusting = tls_endpoint(server, self_signed("127.0.0.1").certificate_pem);
  EXPECT_EQ(test.call(post(trusting)).body, "ok");
  EXPECT_TRUE(test.call(post(distrusting)).error);  // nor over the connection the other one made
  EXPECT_EQ(test.call(post(trusting)).body, "ok");
  server.stop();
}

}  // namespace
}  // namespace tollgate::providers
