// What both transports promise, over plain connections and TLS.
#include "tests/unit/providers/transport_fixture.h"

namespace tollgate::providers {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

class Conformance : public ::testing::TestWithParam<Way>, public TransportFixture {
 protected:
  Conformance()
      : TransportFixture(GetParam().carrier),
        identity_(self_signed("127.0.0.1")),
        server_(io, GetParam().tls ? server_context(identity_) : nullptr),
        endpoint_(GetParam().tls ? tls_endpoint(server_, identity_.certificate_pem) : plain_endpoint(server_)) {}
  ~Conformance() override { server_.stop(); }

  HttpCall request(std::string body = "{}") { return post(endpoint_, std::move(body)); }

  net::SelfSigned identity_;
  ScriptedServer server_;
  std::shared_ptr<Endpoint> endpoint_;
};

INSTANTIATE_TEST_SUITE_P(Transport, Conformance,
                         ::testing::Values(Way{"hot", Carrier::hot, false}, Way{"hot_tls", Carrier::hot, true},
                                           Way{"curl", Carrier::curl, false}, Way{"curl_tls", Carrier::curl, true}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(Conformance, SendsWhatItWasGivenAndReadsTheAnswer) {
  server_.add(Script().request().send(http_response("hello", "Content-Type: text/plain\r\n")));
  const auto answer = call(request(R"({"model":"m"})"));
  ASSERT_FALSE(answer.error) << answer.error->message;
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "text/plain");
  EXPECT_EQ(answer.body, "hello");
  EXPECT_TRUE(answer.dispatched);
  ASSERT_THAT(server_.requests(), SizeIs(1));
  const auto& sent = server_.requests()[0];
  EXPECT_THAT(sent, StartsWith("POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(sent, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nAuthorization: Bearer k\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nContent-Length: 13\r\n"));
  EXPECT_THAT(sent, ::testing::EndsWith("\r\n\r\n{\"model\":\"m\"}"));
  EXPECT_THAT(sent, ::testing::Not(HasSubstr("Expect")));
  EXPECT_THAT(sent, ::testing::Not(HasSubstr("Accept")));
}

TEST_P(Conformance, GetsWithoutABody) {
  server_.add(Script().request().send(http_response("[]")));
  auto get = request("");
  get.method = "GET";
  get.path = "/models?limit=1";
  get.headers = {};
  const auto answer = call(std::move(get));
  EXPECT_EQ(answer.body, "[]");
  ASSERT_THAT(server_.requests(), SizeIs(1));
  EXPECT_THAT(server_.requests()[0], StartsWith("GET /v1/models?limit=1 HTTP/1.1\r\n"));
  EXPECT_THAT(server_.requests()[0], ::testing::Not(HasSubstr("Content-")));
}

TEST_P(Conformance, UsesAConnectionAgain) {
  Script three;
  for (int i = 0; i < 3; ++i) three.request().send(http_response("ok"));
  server_.add(three.until_closed());
  for (int i = 0; i < 3; ++i) {
    const auto answer = call(request());
    EXPECT_EQ(answer.body, "ok");
  }
  EXPECT_EQ(server_.connections(), 1);
  EXPECT_THAT(server_.requests(), SizeIs(3));
}

TEST_P(Conformance, UsesAConnectionAgainAfterAChunkedStream) {
  const std::string stream = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  server_.add(Script().request().send(stream).request().send(stream).until_closed());
  EXPECT_EQ(call(request()).body, "abc");
  EXPECT_EQ(call(request()).body, "abc");
  EXPECT_EQ(server_.connections(), 1);
}

TEST_P(Conformance, DoesNotReuseWhatTheProviderCloses) {
  server_.repeat(Script().request().send(http_response("ok", "Connection: close\r\n")));
  EXPECT_EQ(call(request()).body, "ok");
  EXPECT_EQ(call(request()).body, "ok");
  EXPECT_EQ(server_.connections(), 2);
}

TEST_P(Conformance, GivesEachPieceOfAStreamAsItArrives) {
  Script script;
  script.request().send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").gate();
  for (const char* piece : {"1\r\na\r\n", "1\r\nb\r\n", "1\r\nc\r\n"}) script.send(piece).gate();
  server_.add(script.send("0\r\n\r\n"));
  auto exchange = transport->open(request());
  ASSERT_TRUE(await(exchange->start()).ok());
  for (const char* piece : {"a", "b", "c"}) {  // lock-step: the next piece leaves when this one was read
    server_.open_gate();
    std::string out;
    auto more = await(exchange->read_some(out));
    ASSERT_TRUE(more.ok() && *more);
    EXPECT_EQ(out, piece);
  }
  server_.open_gate();
  std::string out;
  auto more = await(exchange->read_some(out));
  ASSERT_TRUE(more.ok());
  EXPECT_FALSE(*more);
  EXPECT_TRUE(out.empty());
}

TEST_P(Conformance, ReadsAnAnswerWhereverItIsCut) {
  const std::string wire =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n";
  Script script;
  script.request();
  for (const char byte : wire) script.send(std::string(1, byte));
  server_.add(script);
  const auto answer = call(request());
  EXPECT_FALSE(answer.error);
  EXPECT_EQ(answer.body, "hello world");
}

TEST_P(Conformance, ReadsABodyThatEndsWithTheConnection) {
  server_.add(Script().request().send("HTTP/1.1 200 OK\r\n\r\n").send("until the end"));
  const auto answer = call(request());
  ASSERT_FALSE(answer.error) << answer.error->message;
  EXPECT_EQ(answer.body, "until the end");
}

TEST_P(Conformance, ReadsAnAnswerWithoutBody) {
  server_.add(Script().request().send("HTTP/1.1 204 No Content\r\n\r\n").request().send(http_response("ok")));
  const auto answer = call(request());
  EXPECT_FALSE(answer.error);
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(call(request()).body, "ok");
  EXPECT_EQ(server_.connections(), 1);
}

TEST_P(Conformance, SkipsInformationalAnswers) {
  server_.add(Script().request().send("HTTP/1.1 103 Early Hints\r\nContent-Type: wrong\r\n\r\n" +
                                      http_response("ok", "Content-Type: right\r\n")));
  const auto answer = call(request());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "right");
  EXPECT_EQ(answer.body, "ok");
}

TEST_P(Conformance, GivesErrorAnswersWithTheirBody) {
  server_.add(Script().request().send("HTTP/1.1 429 Too Many\r\nContent-Length: 4\r\nRetry-After: 7\r\n\r\nwait"));
  auto exchange = transport->open(request());
  ASSERT_TRUE(await(exchange->start()).ok());
  EXPECT_EQ(exchange->status(), 429);
  EXPECT_EQ(exchange->header("RETRY-AFTER"), "7");
  EXPECT_EQ(exchange->header("absent"), "");
}

TEST_P(Conformance, DoesNotFollowRedirects) {
  server_.add(Script().request().send("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(call(request()).status, 302);
  EXPECT_THAT(server_.requests(), SizeIs(1));
}

TEST_P(Conformance, TrailersNeverChangeTheHead) {
  server_.add(
      Script().request().send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n"
                              "1\r\na\r\n0\r\nX-Late: yes\r\n\r\n"));
  auto exchange = transport->open(request());
  const auto answer = await(finish(*exchange));
  ASSERT_FALSE(answer.error);
  EXPECT_EQ(answer.body, "a");
  EXPECT_EQ(exchange->header("x-late"), "");
}

TEST_P(Conformance, CutBodiesAreErrors) {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  for (const std::string cut : {"Content-Length: 10\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
                                "Transfer-Encoding: chunked\r\n\r\n8\r\nhalf"}) {
    server_.add(Script().request().send(head + cut));
    const auto answer = call(request());
    EXPECT_EQ(answer.kind(), ErrorKind::upstream_error) << cut;
    EXPECT_EQ(answer.body, "half");
  }
}

TEST_P(Conformance, AResetInTheBodyIsAnError) {
  server_.add(Script().request().send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").gate().reset());
  auto exchange = transport->open(request());
  ASSERT_TRUE(await(exchange->start()).ok());
  std::string out;
  ASSERT_TRUE(await(exchange->read_some(out)).ok());
  server_.open_gate();
  auto more = await(exchange->read_some(out));
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().kind, ErrorKind::upstream_error);
  EXPECT_EQ(out, "half");
  EXPECT_FALSE(await(exchange->read_some(out)).ok());  // and stays one
}

TEST_P(Conformance, AFreshConnectionClosedWithoutAnAnswerIsNotRetried) {
  server_.repeat(Script().request());
  const auto answer = call(request());
  EXPECT_EQ(answer.kind(), ErrorKind::upstream_error);
  EXPECT_TRUE(answer.dispatched);
  EXPECT_THAT(server_.requests(), SizeIs(1));
}

TEST_P(Conformance, GarbageIsAnError) {
  server_.add(Script().request().send("SSH-2.0-OpenSSH_9.2\r\n\r\n"));
  EXPECT_EQ(call(request()).kind(), ErrorKind::upstream_error);
}

TEST_P(Conformance, AnEndlessHeadIsAnError) {
  Script script;
  script.request().send("HTTP/1.1 200 OK\r\n");
  for (int i = 0; i < 100; ++i) script.send("X-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n");
  server_.add(script.until_closed());
  EXPECT_EQ(call(request()).kind(), ErrorKind::upstream_error);
}

// The pooled connection is closed by the provider in the moment it is used: the request was never worked on.
TEST_P(Conformance, AStalePooledConnectionIsRetriedOnce) {
  server_.add(Script().request().send(http_response("first")).head().reset());
  server_.add(Script().request().send(http_response("second")));
  EXPECT_EQ(call(request()).body, "first");
  const auto answer = call(request());
  ASSERT_FALSE(answer.error) << answer.error->message;
  EXPECT_EQ(answer.body, "second");
  EXPECT_EQ(server_.connections(), 2);
}

TEST_P(Conformance, APostIsNotSentAgainOnceAnAnswerHasBegun) {
  server_.add(Script().request().send(http_response("first")).request().send("HTTP/1.1 200 OK\r\n").reset());
  server_.repeat(Script().request().send(http_response("wrong")));
  EXPECT_EQ(call(request()).body, "first");
  EXPECT_EQ(call(request()).kind(), ErrorKind::upstream_error);
  EXPECT_EQ(server_.connections(), 1);
  EXPECT_THAT(server_.requests(), SizeIs(2));
}

TEST_P(Conformance, ASilentProviderIsATimeout) {
  server_.add(Script().request().until_closed());
  auto silent = request();
  silent.timeouts.first_byte = milliseconds(100);
  const auto answer = call(std::move(silent));
  EXPECT_EQ(answer.kind(), ErrorKind::upstream_timeout);
  run_until([&] { return server_.peer_closes() == 1; });
  EXPECT_THAT(server_.requests(), SizeIs(1));
}

TEST_P(Conformance, AStalledBodyIsATimeout) {
  server_.add(Script().request().send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").until_closed());
  auto stalled = request();
  stalled.timeouts.idle = milliseconds(100);
  const auto answer = call(std::move(stalled));
  EXPECT_EQ(answer.kind(), ErrorKind::upstream_timeout);
  EXPECT_EQ(answer.body, "half");
  run_until([&] { return server_.peer_closes() == 1; });
}

TEST_P(Conformance, TheIdleLimitDoesNotRunWhileNobodyReads) {
  server_.add(Script().request().send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na").gate().send("b"));
  auto slow = request();
  slow.timeouts.idle = milliseconds(60);
  auto exchange = transport->open(std::move(slow));
  ASSERT_TRUE(await(exchange->start()).ok());
  run_for(milliseconds(150));
  server_.open_gate();
  std::string out;
  while (out.size() < 2) {
    auto more = await(exchange->read_some(out));
    ASSERT_TRUE(more.ok());
  }
  EXPECT_EQ(out, "ab");
}

// Cancels `exchange` while `pending` waits; it must end at once, and the server see the end.
template <class T>
void expect_cancelled(Conformance& test, HttpExchange& exchange, net::Task<T> pending) {
  std::optional<T> ended;
  test.spawn(std::move(pending), ended);
  test.run_for(milliseconds(30));
  ASSERT_FALSE(ended);
  const auto before = std::chrono::steady_clock::now();
  exchange.cancel();
  exchange.cancel();
  test.run_until([&] { return ended.has_value(); });
  // At once, on a machine as busy as it may be: what it waits for has a time limit of many seconds.
  EXPECT_LT(std::chrono::steady_clock::now() - before, milliseconds(1'000));
  ASSERT_FALSE(ended->ok());
  EXPECT_EQ(ended->error().kind, ErrorKind::cancelled);
}

TEST_P(Conformance, CancelEndsAWaitForTheHead) {
  server_.add(Script().request().until_closed());
  auto exchange = transport->open(request());
  expect_cancelled(*this, *exchange, exchange->start());
  exchange.reset();
  run_until([&] { return server_.peer_closes() == 1; });
}

TEST_P(Conformance, CancelEndsAWaitForTheBody) {
  server_.add(Script().request().send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n").until_closed());
  auto exchange = transport->open(request());
  ASSERT_TRUE(await(exchange->start()).ok());
  std::string out;
  expect_cancelled(*this, *exchange, exchange->read_some(out));
  exchange.reset();
  run_until([&] { return server_.peer_closes() == 1; });
}

TEST_P(Conformance, CancelBeforeStartSendsNothing) {
  auto exchange = transport->open(request());
  exchange->cancel();
  auto started = await(exchange->start());
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().kind, ErrorKind::cancelled);
  EXPECT_FALSE(exchange->dispatched());
  EXPECT_EQ(server_.connections(), 0);
}

TEST_P(Conformance, DroppingAnUnfinishedExchangeClosesTheConnection) {
  server_.add(Script().request().send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").until_closed());
  auto exchange = transport->open(request());
  ASSERT_TRUE(await(exchange->start()).ok());
  exchange.reset();
  run_until([&] { return server_.peer_closes() == 1; });
}

TEST_P(Conformance, NothingListeningIsAnError) {
  auto closed = std::make_shared<Endpoint>(*endpoint_);
  {
    ScriptedServer gone(io);
    closed->port = gone.port();
  }
  const auto answer = call(post(closed));
  EXPECT_EQ(answer.kind(), ErrorKind::upstream_error);
  EXPECT_FALSE(answer.dispatched);
}

TEST_P(Conformance, ABigBodyArrivesWhole) {
  const std::string body(3'000'000, 'b');
  server_.add(Script().request().send(http_response("ok")).request().send(http_response("again")));
  EXPECT_EQ(call(request(body)).body, "ok");
  ASSERT_THAT(server_.requests(), SizeIs(1));
  EXPECT_THAT(server_.requests()[0], ::testing::EndsWith(body));
  EXPECT_EQ(call(request()).body, "again");
  EXPECT_EQ(server_.connections(), 1);
}

TEST_P(Conformance, AnAnswerThatComesBeforeTheBodyWasReadIsSeen) {
  server_.add(Script().head().send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig").until_closed());
  const auto answer = call(request(std::string(8'000'000, 'b')));
  ASSERT_FALSE(answer.error) << answer.error->message;
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, "big");
  EXPECT_EQ(server_.connections(), 1);
}

TEST_P(Conformance, ABigAnswerArrivesWhole) {
  constexpr std::size_t kSize = 5'000'000;
  server_.add(
      Script().request().send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n").flood(kSize));
  const auto answer = call(request());
  EXPECT_FALSE(answer.error);
  EXPECT_EQ(answer.body, std::string(kSize, 'x'));
}

TEST_P(Conformance, ASlowReaderHoldsTheProviderBack) {
  constexpr std::size_t kSize = 64 * 1024 * 1024;
  server_.add(
      Script().request().send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n").flood(kSize));
  auto exchange = transport->open(request());
  ASSERT_TRUE(await(exchange->start()).ok());
  run_for(milliseconds(300));
  const auto stopped_at = server_.flooded();
  EXPECT_LT(stopped_at, std::size_t{24} * 1024 * 1024);  // what the kernel's two buffers hold, and a little
  run_for(milliseconds(50));
  EXPECT_EQ(server_.flooded(), stopped_at);
  std::string out;
  std::size_t total = 0;
  for (;;) {
    out.clear();
    auto more = await(exchange->read_some(out));
    ASSERT_TRUE(more.ok());
    if (!*more) break;
    EXPECT_LE(out.size(), std::size_t{256} * 1024);
    total += out.size();
  }
  EXPECT_EQ(total, kSize);
}

TEST_P(Conformance, ManyCallsAtOnceDoNotMix) {
  server_.repeat(Script().request().send(http_response("ok", "Connection: close\r\n")));
  constexpr int kCalls = 50;
  int good = 0;
  int ended = 0;
  std::vector<std::unique_ptr<HttpExchange>> exchanges;
  for (int i = 0; i < kCalls; ++i) {
    exchanges.push_back(transport->open(request()));
    auto task = finish(*exchanges.back());
    net::asio::co_spawn(io.get_executor(), std::move(task), [&](const std::exception_ptr&, const Answer& answer) {
      ++ended;
      if (!answer.error && answer.body == "ok") ++good;
    });
  }
  run_until([&] { return ended == kCalls; });
  EXPECT_EQ(good, kCalls);
}

TEST_P(Conformance, HeadersThatWouldBreakTheFramingAreRefused) {
  for (const auto& header : std::vector<net::Header>{{"X", "a\r\nY: b"}, {"X Y", "a"}, {"", "a"}, {"X", "\n"}}) {
    auto bad = request();
    bad.headers.push_back(header);
    const auto answer = call(std::move(bad));
    EXPECT_TRUE(answer.error);
    EXPECT_FALSE(answer.dispatched);
  }
  EXPECT_EQ(server_.connections(), 0);
}

}  // namespace
}  // namespace tollgate::providers
