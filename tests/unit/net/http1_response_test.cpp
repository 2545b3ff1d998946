#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/net/http1.h"
#include "tests/unit/net/beast_oracle.h"

namespace tollgate::net {
namespace {

using std::string;

struct Outcome {
  string verdict;  // "done", "more" or "refused"
  int status = 0;
  string body;
  bool keep_alive = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};
void PrintTo(const Outcome& o, std::ostream* out) {
  *out << o.verdict << ' ' << o.status << " '" << o.body << "' " << (o.keep_alive ? "keep" : "close");
}

Outcome feed(const std::vector<std::string_view>& pieces, bool ended) {
  ResponseReader reader{ResponseReader::Limits()};
  Outcome outcome;
  const auto refused = [&](const Error& error) {
    EXPECT_EQ(error.kind, ErrorKind::upstream_error);
    EXPECT_FALSE(reader.done());
    EXPECT_FALSE(reader.keep_alive());
    return Outcome{"refused", 0, outcome.body, false};
  };
  for (const auto piece : pieces) {
    const auto took = reader.put(piece, outcome.body);
    if (!took) return refused(took.error());
    if (!reader.done()) EXPECT_EQ(*took, piece.size());
  }
  if (ended)
    if (const auto status = reader.put_eof(); !status) return refused(status.error());
  outcome.verdict = reader.done() ? "done" : "more";
  outcome.status = reader.head_done() ? reader.status() : 0;
  outcome.keep_alive = reader.keep_alive();
  return outcome;
}

// The outcome, which must be the same for every cut into two and byte by byte.
Outcome read(const string& text, bool ended = false) {
  SCOPED_TRACE(::testing::PrintToString(text));
  const std::string_view bytes = text;
  const Outcome whole = feed({bytes}, ended);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut)
    EXPECT_EQ(feed({bytes.substr(0, cut), bytes.substr(cut)}, ended), whole) << "cut at " << cut;
  std::vector<std::string_view> single;
  for (std::size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
  EXPECT_EQ(feed(single, ended), whole) << "byte by byte";
  return whole;
}

string ok(const string& headers, const string& body = "") { return "HTTP/1.1 200 OK\r\n" + headers + "\r\n" + body; }

TEST(ResponseReader, ReadsTheThreeFramingsWhereverTheyAreCut) {
  struct Case {
    string bytes;
    bool ended;
    Outcome outcome;
  };
  for (const auto& [bytes, ended, outcome] : std::vector<Case>{
           {ok("Content-Length: 5\r\n", "hello"), false, {"done", 200, "hello", true}},
           {ok("Content-Length: 0\r\n"), false, {"done", 200, "", true}},
           {ok("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), false, {"done", 200, "hello", true}},
           {ok("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), false, {"done", 200, "", true}},
           {ok("", "hello"), true, {"done", 200, "hello", false}},
           {ok(""), true, {"done", 200, "", false}},
           {ok("Content-Length: 2\r\nConnection: close\r\n", "ok"), true, {"done", 200, "ok", false}},
           {"HTTP/1.1 204 No Content\r\n\r\n", false, {"done", 204, "", true}},
           {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, {"done", 304, "", true}},
           {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
                ok("Content-Length: 1\r\n", "x"),
            false,
            {"done", 200, "x", true}},
           {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", false, {"done", 200, "x", false}},
           {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", false, {"done", 200, "x", true}},
           {"HTTP/1.1 529 \r\nContent-Length: 0\r\n\r\n", false, {"done", 529, "", true}},
       }) {
    EXPECT_EQ(read(bytes, ended), outcome) << bytes;
    const auto theirs = oracle::read_response(bytes, ended);
    ASSERT_TRUE(theirs) << bytes;
    EXPECT_EQ(theirs->status, outcome.status);
    EXPECT_EQ(theirs->body, outcome.body);
  }
  EXPECT_EQ(read("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), (Outcome{"done", 200, "", true}))
      << "some servers leave out the reason and its space";
}

TEST(ResponseReader, RefusesWhatIsAmbiguousOrBroken) {  // T-H13
  string thousand;
  for (int i = 0; i < 11; ++i) thousand += "HTTP/1.1 100 Continue\r\n\r\n";
  const string nul(1, '\0');
  for (const string& bytes : {
           ok("Content-Length: 5\r\nContent-Length: 5\r\n"),
           ok("Content-Length: 5\r\nContent-Length: 6\r\n"),
           ok("Content-Length: 5, 5\r\n"),
           ok("Content-Length: -1\r\n"),
           ok("Content-Length: \r\n"),
           ok("Content-Length: 18446744073709551621\r\n"),
           ok("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
           ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
           ok("Transfer-Encoding: gzip\r\n"),
           ok("Transfer-Encoding: gzip, chunked\r\n"),
           ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
           ok("Transfer-Encoding: chunked\r\n", "5\r\nhello!"),
           ok("Transfer-Encoding: chunked\r\n", "x\r\n"),
           ok("X: a\r\n b\r\n"),
           ok("X : a\r\n"),
           ok("X: a" + nul + "\r\n"),
           ok("X: a\rb\r\n"),
           string("HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
           string("HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n"),
           string("HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n"),
           string("HTTP/1.1 200 OK\r\nSet: x\r\nfoo\r\n\r\n"),
           string("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
           string("HTTP/2 200 OK\r\n\r\n"),
           string("HTTP/1.2 200 OK\r\n\r\n"),
           string("HTTP/1.1 99 OK\r\n\r\n"),
           string("HTTP/1.1 999 OK\r\n\r\n"),
           string("HTTP/1.1 2000 OK\r\n\r\n"),
           string("HTTP/1.1  200 OK\r\n\r\n"),
           string("HTTP/1.1 20x OK\r\n\r\n"),
           string("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"),
           string("\r\nHTTP/1.1 200 OK\r\n\r\n"),
           string("SSH-2.0-OpenSSH\r\n\r\n"),
           thousand,
       })
    EXPECT_EQ(read(bytes).verdict, "refused") << ::testing::PrintToString(bytes);
}

TEST(ResponseReader, RefusesAnOversizedHeadBeforeItsEnd) {
  for (const string& head : {"HTTP/1.1 200 OK\r\nX: " + string(64 * 1024, 'a'), string(64 * 1024, 'a')}) {
    ResponseReader reader{ResponseReader::Limits()};
    string body;
    EXPECT_FALSE(reader.put(head, body));
  }
}

TEST(ResponseReader, TellsACutFromAnEnd) {
  EXPECT_EQ(read("", true).verdict, "refused");
  EXPECT_EQ(read("HTTP/1.1 200", true).verdict, "refused");
  EXPECT_EQ(read(ok("Content-Length: 5\r\n", "hell"), true).verdict, "refused");
  EXPECT_EQ(read(ok("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n"), true).verdict, "refused");
  EXPECT_EQ(read(ok("Content-Length: 5\r\n", "hell")).verdict, "more");
}

TEST(ResponseReader, DoesNotKeepAConnectionOnWhichMoreFollowed) {
  EXPECT_EQ(read(ok("Content-Length: 2\r\n", "okHTTP/1.1 200 OK\r\n")), (Outcome{"done", 200, "ok", false}));
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"), (Outcome{"done", 204, "", false}));
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n"), (Outcome{"done", 204, "", false}));
}

TEST(ResponseReader, KeepsTrailersApartAndShowsThemOnceTheBodyHasEnded) {
  const string answer =
      ok("Transfer-Encoding: chunked\r\nX-Time: head\r\n", "2\r\nok\r\n0\r\nX-Time:\t 12 \r\nX-Other: 1\r\n\r\n");
  ResponseReader reader{ResponseReader::Limits()};
  string body;
  for (const char& byte : answer) {
    EXPECT_EQ(reader.trailer("x-time"), "");
    ASSERT_TRUE(reader.put({&byte, 1}, body));
  }
  EXPECT_EQ(body, "ok");
  EXPECT_EQ(reader.trailer("x-time"), "12");
  EXPECT_EQ(reader.trailer("X-OTHER"), "1");
  EXPECT_EQ(reader.trailer("x-third"), "");
  EXPECT_EQ(reader.header("x-time"), "head");
}

TEST(ResponseReader, TakesOnlyItsOwnBytes) {
  ResponseReader reader{ResponseReader::Limits()};
  string body;
  const string answer = ok("Content-Length: 2\r\n", "ok");
  const auto took = reader.put(answer + "surplus", body);
  ASSERT_TRUE(took);
  EXPECT_EQ(*took, answer.size());
}

TEST(ResponseReader, FindsHeadersInAnyCaseAndNotThoseOfTrailersOrInformationalHeads) {
  ResponseReader reader{ResponseReader::Limits()};
  string body;
  EXPECT_FALSE(reader.anything_received());
  ASSERT_TRUE(reader.put("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n", body));
  EXPECT_TRUE(reader.anything_received());
  EXPECT_FALSE(reader.head_done());
  ASSERT_TRUE(reader.put(
      ok("Content-Type:\ttext/event-stream \r\nTransfer-Encoding: chunked\r\n", "0\r\nX-Trailer: 1\r\n\r\n"), body));
  ASSERT_TRUE(reader.head_done());
  EXPECT_EQ(reader.header("content-type"), "text/event-stream");
  EXPECT_EQ(reader.header("x-early"), "");
  EXPECT_EQ(reader.header("x-trailer"), "");
  EXPECT_EQ(reader.trailer("x-trailer"), "1");
  ResponseReader moved = std::move(reader);
  EXPECT_TRUE(moved.done());
  EXPECT_EQ(moved.header("CONTENT-TYPE"), "text/event-stream");
}

}  // namespace
}  // namespace tollgate::net
