#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/net/http1.h"
#include "tests/unit/net/beast_oracle.h"

namespace tollgate::net {
namespace {

using std::string;

struct Outcome {
  string verdict;  // "done", "more", or the kind of the error
  string body;
  std::size_t taken = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};
void PrintTo(const Outcome& o, std::ostream* out) { *out << o.verdict << " '" << o.body << "' " << o.taken; }

HeadFacts chunked_head() {
  HeadFacts head;
  head.method = "POST";
  head.chunked = true;
  return head;
}
HeadFacts sized_head(std::uint64_t length) {
  HeadFacts head;
  head.method = "POST";
  head.content_length = length;
  return head;
}

HttpLimits small_limits() {
  HttpLimits limits;
  limits.max_body_bytes = 64;
  return limits;
}

// Feeds `pieces` one after the other, as reads from a socket would bring them.
Outcome feed(const HeadFacts& head, const std::vector<std::string_view>& pieces) {
  BodyReader reader(head, small_limits());
  Outcome outcome;
  for (const auto piece : pieces) {
    const auto took = reader.put(piece, outcome.body);
    if (!took) return {string(to_string(took.error().kind)), outcome.body, 0};
    outcome.taken += *took;
    if (reader.done()) break;
    EXPECT_EQ(*took, piece.size()) << "what is not the end of the body must be taken";
  }
  outcome.verdict = reader.done() ? "done" : "more";
  return outcome;
}

// The outcome, which must be the same for every cut into two and byte by byte.
Outcome read(const HeadFacts& head, std::string_view bytes) {
  const Outcome whole = feed(head, {bytes});
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut)
    EXPECT_EQ(feed(head, {bytes.substr(0, cut), bytes.substr(cut)}), whole) << "cut at " << cut;
  std::vector<std::string_view> single;
  for (std::size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
  EXPECT_EQ(feed(head, single), whole) << "byte by byte";
  return whole;
}

Outcome read_chunks(const string& bytes) {
  SCOPED_TRACE(::testing::PrintToString(bytes));
  return read(chunked_head(), bytes);
}

Outcome done(const string& body, const string& bytes) { return {"done", body, bytes.size()}; }

TEST(BodyReader, DecodesChunksWhereverTheyAreCut) {
  for (const auto& [bytes, body] : std::vector<std::pair<string, string>>{
           {"0\r\n\r\n", ""},  // T-H07
           {"5\r\nhello\r\n0\r\n\r\n", "hello"},
           {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"},
           {"00000005\r\nhello\r\n000\r\n\r\n", "hello"},
           {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
           {"A\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n\r\n\r\n\r\n"},
           {"5;name=value\r\nhello\r\n0;last\r\n\r\n", "hello"},
           {"5;a=\"b c\\\"\"\r\nhello\r\n0\r\n\r\n", "hello"},
           {"1\r\nx\r\n0\r\nAuthorization: Bearer x\r\nHost: b\r\nX-Tenant:\r\n\r\n", "x"},  // T-H10
       }) {
    EXPECT_EQ(read_chunks(bytes), done(body, bytes));
    const string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const auto theirs = oracle::read_request(head + bytes);
    ASSERT_TRUE(theirs) << bytes;
    EXPECT_EQ(theirs->body, body);
  }
}

TEST(BodyReader, LeavesWhatFollowsTheBody) {
  const string body = "3\r\nabc\r\n0\r\n\r\n";
  EXPECT_EQ(read_chunks(body + "GET / HTTP/1.1\r\n"), done("abc", body));
  EXPECT_EQ(read(sized_head(3), "abcGET /"), (Outcome{"done", "abc", 3}));
}

TEST(BodyReader, RefusesLooseChunks) {  // T-H04
  const string rest = "\r\nhello\r\n0\r\n\r\n";
  for (const string size : {"0x5", "+5", "-5", "0_5", "5Z", " 5", "5 ", "5\t", "", "10000000000000005", "\"5\"", "5 ;a",
                            "00000000000000005", ";a", "5;a\x01", "5;a\x7f", "5;a\rb", "5\r"})
    EXPECT_EQ(read_chunks(size + rest).verdict, "invalid_request");
  for (const string bytes :
       {"5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r\n0\n\r\n", "5\r\nhello\r\n0\r\n\n",
        "5\r\nhello!\r\n0\r\n\r\n", "5\r\nhell\r\n0\r\n\r\n", "5;a\nhello\r\n0\r\n\r\n", "0\r\nXX\r\n\r\n",
        "0\r\n X: a\r\n\r\n", "0\r\nX : a\r\n\r\n", "0\r\n: a\r\n\r\n", "0\r\nX: a\x01\r\n\r\n",
        "0\r\nX: a\r\n b\r\n\r\n", "0\r\nX: a\n\r\n", "0\r\nX: a\rb\r\n\r\n", "\r\n5\r\nhello\r\n0\r\n\r\n"})
    EXPECT_EQ(read_chunks(bytes).verdict, "invalid_request");
  EXPECT_EQ(read_chunks("0\r\nXX").verdict, "more") << "never done";
}

TEST(BodyReader, HasLimits) {  // T-H08, T-H09
  const string end = "0\r\n\r\n";
  EXPECT_EQ(read_chunks("40\r\n" + string(64, 'a') + "\r\n" + end).verdict, "done");
  EXPECT_EQ(read_chunks("41\r\n").verdict, "payload_too_large") << "before the bytes";
  EXPECT_EQ(read_chunks("40\r\n" + string(64, 'a') + "\r\n1\r\n").verdict, "payload_too_large");
  EXPECT_EQ(read_chunks("ffffffffffffffff\r\n").verdict, "payload_too_large");
  EXPECT_EQ(read_chunks(string(17, '0')).verdict, "invalid_request");
  EXPECT_EQ(read_chunks("0;" + string(256, 'a') + "\r\n\r\n").verdict, "done");
  EXPECT_EQ(read_chunks("0;" + string(257, 'a')).verdict, "invalid_request");
  EXPECT_EQ(read(sized_head(65), "x").verdict, "payload_too_large");
  EXPECT_EQ(read(sized_head(64), string(64, 'a')).verdict, "done");
}

TEST(BodyReader, BoundsTrailersAndExtensionsTogether) {
  BodyReader trailers(chunked_head(), HttpLimits());
  string out;
  ASSERT_TRUE(trailers.put("0\r\n", out));
  const auto refused = trailers.put("X: " + string(9'000, 'a'), out);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::headers_too_large);

  BodyReader extensions(chunked_head(), HttpLimits());
  int accepted = 0;
  while (extensions.put("1;" + string(200, 'a') + "\r\nx\r\n", out)) ASSERT_LT(++accepted, 100);
  EXPECT_GT(accepted, 30);
}

TEST(BodyReader, StaysRefusedAfterAnError) {
  BodyReader reader(chunked_head(), HttpLimits());
  string out;
  EXPECT_FALSE(reader.put("x", out));
  EXPECT_FALSE(reader.put("0\r\n\r\n", out));
  EXPECT_FALSE(reader.done());
}

TEST(BodyReader, IsDoneAtOnceWithoutABody) {
  BodyReader none{HeadFacts(), HttpLimits()};
  EXPECT_TRUE(none.done());
  BodyReader zero(sized_head(0), HttpLimits());
  EXPECT_TRUE(zero.done());
  string out;
  const auto took = zero.put("GET", out);
  ASSERT_TRUE(took);
  EXPECT_EQ(*took, 0U);
}

}  // namespace
}  // namespace tollgate::net
