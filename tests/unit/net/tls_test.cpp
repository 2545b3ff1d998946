#include "gateway/net/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "tests/unit/net/streams.h"

namespace tollgate::net {
namespace {

using std::string;
using ::testing::HasSubstr;

struct TlsTest : ::testing::Test {
  Loop loop;
  SelfSigned who = identity();
  TlsContext server = server_for(who);
  TlsContext client = client_trusting(who.certificate_pem);

  string client_error(const string& name) {
    const auto result = shake(loop, client, server, name).client;
    return result ? "connected" : result.error().message;
  }
};

TEST_F(TlsTest, ConnectsByNameAndByAddress) {
  EXPECT_EQ(client_error("localhost"), "connected");
  EXPECT_EQ(client_error("127.0.0.1"), "connected");
}

TEST_F(TlsTest, RefusesAnotherHostName) {
  EXPECT_THAT(client_error("example.com"), HasSubstr("not for example.com"));
  EXPECT_THAT(client_error("127.0.0.2"), HasSubstr("not for 127.0.0.2"));
  EXPECT_THAT(client_error("::1"), HasSubstr("not for ::1"));
  EXPECT_THAT(client_error(""), HasSubstr("name"));
}

TEST_F(TlsTest, RefusesAnExpiredCertificate) {
  who = identity({"localhost"}, -1);
  server = server_for(who);
  client = client_trusting(who.certificate_pem);
  EXPECT_THAT(client_error("localhost"), HasSubstr("expired"));
}

TEST_F(TlsTest, RefusesACertificateItDoesNotTrust) {
  client = client_trusting(identity().certificate_pem);
  const auto both = shake(loop, client, server, "localhost");
  ASSERT_FALSE(both.client);
  EXPECT_THAT(both.client.error().message, HasSubstr("self-signed"));
  ASSERT_FALSE(both.server);
  EXPECT_THAT(both.server.error().message, HasSubstr("the client does not trust our certificate (unknown ca)"));
  EXPECT_THAT(both.server.error().message, HasSubstr("tollgate trust"));
}

TEST_F(TlsTest, RefusesWithTheSystemsStoreToo) {
  client = client_trusting("");
  EXPECT_THAT(client_error("localhost"), HasSubstr("self-signed"));
}

TEST_F(TlsTest, TellsPlainHttpFromTls) {
  auto [near, far] = connected_sockets(loop);
  std::optional<StreamResult> accepted;
  loop.start(accept_tls(std::move(far), server.get(), std::chrono::seconds(10)), accepted);
  near.send(asio::buffer(string("GET / HTTP/1.1\r\nHost: a\r\n\r\n")));
  loop.run_until([&] { return accepted.has_value(); });
  ASSERT_FALSE(*accepted);
  EXPECT_THAT(accepted->error().message, HasSubstr("plain HTTP"));
  EXPECT_THAT(accepted->error().message, HasSubstr("https://"));
}

TEST_F(TlsTest, TellsAServerWithoutTls) {
  auto [near, far] = connected_sockets(loop);
  std::optional<StreamResult> connected;
  far.send(asio::buffer(string("HTTP/1.1 400 Bad Request\r\n\r\n")));
  loop.start(connect_tls(std::move(near), client.get(), TlsPeer{"localhost"}, std::chrono::seconds(10)), connected);
  loop.run_until([&] { return connected.has_value(); });
  ASSERT_FALSE(*connected);
  EXPECT_THAT(connected->error().message, HasSubstr("does not speak TLS"));
}

TEST_F(TlsTest, TellsAPeerThatLeft) {
  auto [near, far] = connected_sockets(loop);
  near.close();
  const auto accepted = loop.await(accept_tls(std::move(far), server.get(), std::chrono::seconds(10)));
  ASSERT_FALSE(accepted);
  EXPECT_EQ(accepted.error().kind, ErrorKind::upstream_error);
}

TEST_F(TlsTest, GivesUpASilentPeerWhenItsTimeIsOver) {
  auto [near, far] = connected_sockets(loop);
  const auto accepted = loop.await(accept_tls(std::move(far), server.get(), std::chrono::milliseconds(20)));
  ASSERT_FALSE(accepted);
  EXPECT_EQ(accepted.error().kind, ErrorKind::request_timeout);
  auto [near2, far2] = connected_sockets(loop);
  auto waiting = connect_tls(std::move(near2), client.get(), TlsPeer{"localhost"}, std::chrono::milliseconds(20));
  const auto connected = loop.await(std::move(waiting));
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().kind, ErrorKind::upstream_timeout);
}

TEST_F(TlsTest, AHandshakeThatIsDoneIsNotGivenUpLater) {
  const auto both = shake(loop, client, server, "localhost", std::chrono::milliseconds(300));
  ASSERT_TRUE(both.client && both.server);
  loop.io.restart();
  loop.io.run_for(std::chrono::milliseconds(350));
  EXPECT_TRUE((*both.client)->idle_alive());
}

// Connects, lets the client read (the ticket comes with the first bytes), and tells how many sessions it has resumed.
long resumed_after_connecting(Loop& loop, const TlsContext& client, const TlsContext& server, const string& name) {
  const auto both = shake(loop, client, server, name);
  EXPECT_TRUE(both.client && both.server);
  EXPECT_TRUE(loop.await((*both.server)->write("x")));
  std::array<char, 8> into{};
  EXPECT_TRUE(loop.await((*both.client)->read_some(into)));
  return SSL_CTX_sess_hits(client.get());
}

TEST_F(TlsTest, ResumesTheSessionOfTheSameHostOnly) {
  EXPECT_EQ(resumed_after_connecting(loop, client, server, "localhost"), 0);
  EXPECT_EQ(resumed_after_connecting(loop, client, server, "localhost"), 1);
  EXPECT_EQ(resumed_after_connecting(loop, client, server, "localhost"), 2);
  EXPECT_EQ(resumed_after_connecting(loop, client, server, "127.0.0.1"), 2);
  EXPECT_THAT(client_error("example.com"), HasSubstr("not for example.com"));
  const auto another = client_trusting(who.certificate_pem);
  EXPECT_EQ(resumed_after_connecting(loop, another, server, "localhost"), 0) << "it trusts for itself";
}

TEST_F(TlsTest, AServerThatForgotItsTicketsIsReachedAllTheSame) {
  EXPECT_EQ(resumed_after_connecting(loop, client, server, "localhost"), 0);
  EXPECT_EQ(resumed_after_connecting(loop, client, server_for(who), "localhost"), 0);
}

TEST_F(TlsTest, ResumesWithTls12Too) {
  SSL_CTX_set_max_proto_version(client.get(), TLS1_2_VERSION);
  EXPECT_EQ(resumed_after_connecting(loop, client, server, "localhost"), 0);
  EXPECT_EQ(resumed_after_connecting(loop, client, server, "localhost"), 1);
}

TEST_F(TlsTest, LeavesTheContextToTheConnection) {
  const auto both = shake(loop, client, server, "localhost");
  client.reset();
  server.reset();
  ASSERT_TRUE(loop.await((*both.client)->write("still here")));
}

TEST_F(TlsTest, RefusesOldVersionsAndForeignProtocols) {
  SSL_CTX_set_min_proto_version(client.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(client.get(), TLS1_1_VERSION);
  SSL_CTX_set_cipher_list(client.get(), "ALL:@SECLEVEL=0");
  auto both = shake(loop, client, server, "localhost");
  ASSERT_FALSE(both.server);
  EXPECT_THAT(both.server.error().message, HasSubstr("1.2"));
  EXPECT_FALSE(both.client);

  client = client_trusting(who.certificate_pem);
  SSL_CTX_set_alpn_protos(client.get(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  both = shake(loop, client, server, "localhost");
  ASSERT_FALSE(both.server);
  EXPECT_THAT(both.server.error().message, HasSubstr("ALPN"));
}

TEST_F(TlsTest, SpeaksTls12WithForwardSecrecy) {
  SSL_CTX_set_max_proto_version(client.get(), TLS1_2_VERSION);
  EXPECT_EQ(client_error("localhost"), "connected");
  SSL_CTX_set_cipher_list(client.get(), "AES128-GCM-SHA256:AES256-SHA:@SECLEVEL=0");
  EXPECT_NE(client_error("localhost"), "connected");
}

TEST_F(TlsTest, PresentsAClientCertificate) {
  const SelfSigned us = identity({"gateway"});
  ClientTlsOptions options;
  options.ca_pem = who.certificate_pem;
  options.certificate_pem = us.certificate_pem;
  options.key_pem = us.key_pem.clone();
  client = unwrap(client_tls(options));
  SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     [](int, X509_STORE_CTX*) { return 1; });
  EXPECT_TRUE(shake(loop, client, server, "localhost").server);
  client = client_trusting(who.certificate_pem);
  EXPECT_FALSE(shake(loop, client, server, "localhost").server);
}

TEST(TlsContexts, SayWhichPartIsUnusable) {
  const SelfSigned one = identity();
  const SelfSigned other = identity();
  const auto message = [](const auto& result) { return result ? string() : result.error().message; };
  EXPECT_THAT(message(server_tls("nonsense", one.key_pem)), HasSubstr("certificate is not readable"));
  EXPECT_THAT(message(server_tls("", one.key_pem)), HasSubstr("certificate is not readable"));
  EXPECT_THAT(message(server_tls(one.certificate_pem, Secret("nonsense"))), HasSubstr("private key is not readable"));
  EXPECT_THAT(message(server_tls(one.certificate_pem, other.key_pem)), HasSubstr("do not belong together"));
  EXPECT_TRUE(server_tls(one.certificate_pem + other.certificate_pem, one.key_pem)) << "a chain";
  const string torn = other.certificate_pem.substr(0, other.certificate_pem.size() / 2);
  EXPECT_THAT(message(server_tls(one.certificate_pem + torn, one.key_pem)), HasSubstr("chain"));

  ClientTlsOptions options;
  options.ca_pem = "nonsense";
  EXPECT_THAT(message(client_tls(options)), HasSubstr("CA certificates"));
  options.ca_pem = one.certificate_pem + other.certificate_pem;
  EXPECT_TRUE(client_tls(options));
  options.certificate_pem = one.certificate_pem;
  EXPECT_THAT(message(client_tls(options)), HasSubstr("needs its key"));
}

TEST(SelfSignedCertificate, TellsItsEndInUnixSeconds) {
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  const auto end = not_after(identity({"localhost"}, 30).certificate_pem);
  ASSERT_TRUE(end);
  EXPECT_NEAR(static_cast<double>(*end), static_cast<double>(now + 30 * 86'400), 60.0);
  EXPECT_FALSE(not_after("nonsense"));
}

TEST(SelfSignedCertificate, RefusesNamesThatAreNone) {
  EXPECT_FALSE(make_self_signed({}, 1));
  EXPECT_FALSE(make_self_signed({""}, 1));
  EXPECT_FALSE(make_self_signed({"a,IP:1.2.3.4"}, 1));
  EXPECT_TRUE(make_self_signed({string(70, 'a') + ".example.com", "::1"}, 1));
}

}  // namespace
}  // namespace tollgate::net
