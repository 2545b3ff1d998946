#include "gateway/net/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "tests/unit/net/streams.h"

namespace tollgate::net {
namespace {

using std::string;
using std::string_view;

Task<Result<string>> read_exactly(Stream& stream, std::size_t size) {
  string all(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const std::span<char> into(all.data() + have, size - have);
    const auto got = co_await stream.read_some(into);
    if (!got) co_return got.error();
    if (*got == 0) break;
    have += *got;
  }
  all.resize(have);
  co_return all;
}

string pattern(std::size_t size, unsigned seed) {
  string bytes(size, '\0');
  unsigned state = seed;
  for (char& c : bytes) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return bytes;
}

// Every promise holds for both kinds of stream.
struct StreamTest : ::testing::TestWithParam<bool> {
  Loop loop;
  StreamPtr client;
  StreamPtr server;
  int client_fd = -1;
  int server_fd = -1;
  SelfSigned who = identity();
  TlsContext server_context = server_for(who);
  TlsContext client_context = client_trusting(who.certificate_pem);

  void connect(int send_buffer = 0) {
    auto [near, far] = connected_sockets(loop);
    for (auto* socket : {&near, &far}) {
      if (send_buffer == 0) continue;
      // The receive buffer stays: one smaller than a loopback segment makes TCP probe its window by the clock.
      socket->set_option(asio::socket_base::send_buffer_size(send_buffer));
    }
    client_fd = near.native_handle();
    server_fd = far.native_handle();
    if (!GetParam()) {
      client = plain_stream(std::move(near));
      server = plain_stream(std::move(far));
      return;
    }
    std::optional<StreamResult> connected;
    std::optional<StreamResult> accepted;
    constexpr std::chrono::seconds kLimit(10);
    loop.start(connect_tls(std::move(near), client_context.get(), TlsPeer{"localhost"}, kLimit), connected);
    loop.start(accept_tls(std::move(far), server_context.get(), kLimit), accepted);
    loop.run_until([&] { return connected && accepted; });
    client = unwrap(*std::move(connected));
    server = unwrap(*std::move(accepted));
  }

  Result<string> read(Stream& stream, std::size_t size) { return loop.await(read_exactly(stream, size)); }
  Status write(Stream& stream, string_view bytes) { return loop.await(stream.write(bytes)); }
  Result<std::size_t> read_some(Stream& stream) {
    std::array<char, 64> into{};
    return loop.await(stream.read_some(into));
  }
};

TEST_P(StreamTest, CarriesBytesBothWays) {
  connect();
  ASSERT_TRUE(write(*client, "question"));
  EXPECT_EQ(*read(*server, 8), "question");
  ASSERT_TRUE(write(*server, "answer"));
  EXPECT_EQ(*read(*client, 6), "answer");
  EXPECT_EQ(server->peer_address(), "127.0.0.1");
}

TEST_P(StreamTest, WritesPiecesInTheirOrderEmptyOnesIncluded) {
  connect();
  const string big = pattern(40'000, 1);
  const std::vector<string_view> pieces = {"", "head", "", big, "tail", "", string_view(big).substr(7, 5)};
  const string expected = "head" + big + "tail" + big.substr(7, 5);
  std::optional<Status> written;
  loop.start(client->write(pieces), written);
  EXPECT_EQ(*read(*server, expected.size()), expected);
  loop.run_until([&] { return written.has_value(); });
  EXPECT_TRUE(*written);
  EXPECT_TRUE(loop.await(client->write(std::span<const string_view>())));
}

TEST_P(StreamTest, WritesMoreThanSixteenPieces) {
  connect();
  const std::vector<string_view> pieces(100, "abc");
  ASSERT_TRUE(loop.await(client->write(pieces)));
  const auto got = read(*server, 300);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->substr(294), "abcabc");
}

TEST_P(StreamTest, ReadsAndWritesAtTheSameTimeUnderBackPressure) {
  connect(16'384);
  const string up = pattern(3'000'000, 1);
  const string down = pattern(3'000'000, 2);
  std::optional<Result<string>> got_up;
  std::optional<Result<string>> got_down;
  std::optional<Status> sent_up;
  std::optional<Status> sent_down;
  loop.start(client->write(string_view(up)), sent_up);
  loop.start(server->write(string_view(down)), sent_down);
  loop.start(read_exactly(*server, up.size()), got_up);
  loop.start(read_exactly(*client, down.size()), got_down);
  loop.run_until([&] { return got_up && got_down && sent_up && sent_down; });
  EXPECT_TRUE(*sent_up && *sent_down);
  ASSERT_TRUE(*got_up && *got_down);
  EXPECT_TRUE(**got_up == up);
  EXPECT_TRUE(**got_down == down);
}

TEST_P(StreamTest, CancelEndsAPendingReadAndAPendingWrite) {
  connect(16'384);
  const string big(20'000'000, 'x');
  std::array<char, 64> into{};
  std::optional<Result<std::size_t>> read_result;
  std::optional<Status> write_result;
  loop.start(client->read_some(into), read_result);
  loop.start(client->write(string_view(big)), write_result);
  loop.poll();
  ASSERT_FALSE(read_result || write_result) << "both must be waiting";
  client->cancel();
  loop.poll();
  ASSERT_TRUE(read_result && write_result);
  EXPECT_EQ(read_result->error().kind, ErrorKind::cancelled);
  EXPECT_EQ(write_result->error().kind, ErrorKind::cancelled);
}

TEST_P(StreamTest, AfterCancelEverythingEndsAtOnce) {
  connect();
  ASSERT_TRUE(write(*server, "unread"));
  client->cancel();
  EXPECT_EQ(read_some(*client).error().kind, ErrorKind::cancelled);
  EXPECT_EQ(write(*client, "x").error().kind, ErrorKind::cancelled);
  EXPECT_FALSE(client->idle_alive());
}

TEST_P(StreamTest, CloseEndsOneDirectionOnly) {
  connect();
  ASSERT_TRUE(write(*client, "last"));
  client->close();
  EXPECT_EQ(*read(*server, 5), "last");
  const auto end = read_some(*server);
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(*end, 0U);
  ASSERT_TRUE(write(*server, "answer")) << "a client that half-closed still gets its answer";
  EXPECT_EQ(*read(*client, 6), "answer");
  client->close();
}

TEST_P(StreamTest, APeerThatIsGoneIsAnErrorAndNotASignal) {
  connect();
  ASSERT_TRUE(write(*client, "unread"));
  const linger reset = {1, 0};
  ASSERT_EQ(::setsockopt(server_fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
  server.reset();
  const auto got = read_some(*client);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::upstream_error);
  Status sent;
  for (int i = 0; i < 3 && sent; ++i) sent = write(*client, "x");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().kind, ErrorKind::upstream_error);
  client->close();
}

TEST_P(StreamTest, AnIdleConnectionIsAliveUntilSomethingHappensOnIt) {
  connect();
  ASSERT_TRUE(write(*server, "x"));
  EXPECT_EQ(*read(*client, 1), "x");
  EXPECT_TRUE(client->idle_alive());
  EXPECT_TRUE(client->idle_alive());
  ASSERT_TRUE(write(*server, "unasked"));
  EXPECT_FALSE(client->idle_alive());
  EXPECT_TRUE(server->idle_alive());
  client->close();
  EXPECT_FALSE(server->idle_alive());
}

INSTANTIATE_TEST_SUITE_P(Kinds, StreamTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls" : "Plain"; });

struct TlsStreamTest : StreamTest {};

TEST_P(TlsStreamTest, AFreshSessionTicketDoesNotMakeAnIdleConnectionLookDead) {
  connect();  // the ticket comes after the handshake and has not been read
  EXPECT_TRUE(client->idle_alive());
}

TEST_P(TlsStreamTest, SmallPiecesLeaveAsOneRecord) {
  connect();
  ASSERT_TRUE(client->idle_alive());
  const string body(16'000, 'b');
  const std::vector<string_view> pieces = {"head", "5\r\n", body, "\r\n"};
  ASSERT_TRUE(loop.await(client->write(pieces)));
  std::array<unsigned char, 5> header{};
  ASSERT_EQ(::recv(server_fd, header.data(), header.size(), MSG_PEEK), 5);
  int waiting = 0;
  ASSERT_EQ(::ioctl(server_fd, FIONREAD, &waiting), 0);
  EXPECT_EQ(waiting, 5 + header[3] * 256 + header[4]);
  EXPECT_GT(waiting, 16'000);
}

TEST_P(TlsStreamTest, AFinWithoutCloseNotifyIsACut) {
  connect();
  ASSERT_EQ(::shutdown(server_fd, SHUT_WR), 0);
  const auto got = read_some(*client);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::upstream_error);
  EXPECT_THAT(got.error().message, ::testing::HasSubstr("cut"));
  EXPECT_FALSE(read_some(*client)) << "and stays one";
  client->close();
}

TEST_P(TlsStreamTest, GarbageInsteadOfARecordIsAnError) {
  connect();
  ASSERT_EQ(::send(server_fd, "garbage garbage", 15, MSG_NOSIGNAL), 15);
  EXPECT_FALSE(read_some(*client));
  EXPECT_FALSE(write(*client, "x"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, TlsStreamTest, ::testing::Values(true), [](const auto&) { return "Tls"; });

TEST(PlainStream, WritesAllPiecesInOneSystemCall) {
  Loop loop;
  // A packet socket keeps the bounds of each send.
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()), 0);
  auto stream = plain_stream(Socket(loop.io.get_executor(), Tcp::v4(), ends[0]));
  const std::vector<string_view> pieces = {"one ", "", "two ", "three"};
  ASSERT_TRUE(loop.await(stream->write(pieces)));
  string got(64, '\0');
  got.resize(static_cast<std::size_t>(::recv(ends[1], got.data(), got.size(), 0)));
  EXPECT_EQ(got, "one two three");
  ::close(ends[1]);
}

}  // namespace
}  // namespace tollgate::net
