#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/net/http1.h"
#include "tests/unit/net/beast_oracle.h"

namespace tollgate::net {
namespace {

using std::string;

constexpr HttpLimits kLimits;

string request(const string& line, const string& headers) { return line + "\r\n" + headers + "\r\n"; }
string post(const string& headers) { return request("POST /v1/x HTTP/1.1", "Host: a\r\n" + headers); }
string get(const string& target) { return request("GET " + target + " HTTP/1.1", "Host: a\r\n"); }

// find_head, then guard, as a connection does. nullopt: accepted.
std::optional<ErrorKind> refusal(const string& bytes, const HttpLimits& limits = kLimits) {
  const auto end = find_head(bytes, limits);
  if (!end) return end.error().kind;
  if (!*end) {
    ADD_FAILURE() << "the head is not complete: " << bytes;
    return std::nullopt;
  }
  const auto facts = guard(std::string_view(bytes).substr(0, **end), limits);
  if (facts) return std::nullopt;
  return facts.error().kind;
}

HeadFacts accepted(const string& bytes) {
  auto facts = guard(bytes, kLimits);
  EXPECT_TRUE(facts) << bytes << (facts ? "" : facts.error().message);
  return facts ? *std::move(facts) : HeadFacts();
}

struct Case {
  string bytes;
  ErrorKind kind;
};

void expect_refused(const std::vector<Case>& cases) {
  for (const auto& [bytes, kind] : cases) {
    SCOPED_TRACE(::testing::PrintToString(bytes));
    const auto refused = refusal(bytes);
    ASSERT_TRUE(refused.has_value());
    EXPECT_EQ(to_string(*refused), to_string(kind));
  }
}

constexpr auto k400 = ErrorKind::invalid_request;

TEST(Guard, RefusesAmbiguousTransferEncodings) {  // T-H01
  using enum ErrorKind;
  const string te = "Transfer-Encoding: ";
  expect_refused({
      {post(te + "chunked\r\nContent-Length: 5\r\n"), k400},
      {post("Content-Length: 5\r\n" + te + "chunked\r\n"), k400},
      {post("Content-Length: 5\r\n" + te + "gzip\r\n"), k400},
      {post(te + "gzip\r\n"), not_implemented},
      {post(te + "identity\r\n"), not_implemented},
      {post(te + "xchunked\r\n"), not_implemented},
      {post(te + "chunked, gzip\r\n"), k400},
      {post(te + "gzip, chunked\r\n"), k400},
      {post(te + "chunked, chunked\r\n"), k400},
      {post(te + "\"chunked\"\r\n"), k400},
      {post(te + ",chunked\r\n"), k400},
      {post(te + "chunked,\r\n"), k400},
      {post(te + "chunked;q=1\r\n"), k400},
      {post(te + "\x0b"
                 "chunked\r\n"),
       k400},
      {post(te + "\xff"
                 "chunked\r\n"),
       k400},
      {post(te + "\xa0"
                 "chunked\r\n"),
       k400},
      {post(te + "chunked\r\n" + te + "chunked\r\n"), k400},
      {post(te + "chunked\r\n" + te + "gzip\r\n"), k400},
      {post(te + "\r\n"), k400},
      {post("Transfer-Encoding : chunked\r\n"), k400},
      {post(" Transfer-Encoding: chunked\r\n"), k400},
      {post("X: a\r\n Transfer-Encoding: chunked\r\n"), k400},
      {post("X: a\rTransfer-Encoding: chunked\r\n"), k400},
  });
}

TEST(Guard, SpeaksHttp11And10Only) {  // T-H02
  using enum ErrorKind;
  const string host = "Host: a\r\n";
  expect_refused({
      {request("POST / HTTP/1.0", host + "Transfer-Encoding: chunked\r\n"), k400},
      {request("GET / HTTP/0.9", host), http_version},
      {request("GET / HTTP/1.2", host), http_version},
      {request("GET / HTTP/2.0", host), http_version},
      {request("GET / HTTP/1.32", host), k400},
      {request("GET / http/1.1", host), k400},
      {request("GET / HTTP/1.1x", host), k400},
      {request("GET / HTTP/1.", host), k400},
      {request("GET / HTTP/11", host), k400},
      {request("GET /", host), k400},
      {request("GET", host), k400},
      {request("", host), k400},
      {request("GET  / HTTP/1.1", host), k400},
      {request("GET / HTTP/1.1 ", host), k400},
      {request("GET /  HTTP/1.1", host), k400},
      {request("GET\t/ HTTP/1.1", host), k400},
      {request(" GET / HTTP/1.1", host), k400},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", method_not_allowed},
  });
}

TEST(Guard, RefusesContentLengthsThatAreNotOneNumber) {  // T-H03
  const string cl = "Content-Length: ";
  std::vector<Case> cases;
  for (const string value : {"+5", "-5", "0x5", "1_0", "5Z", "5.0", "\"5\"", "5,5", "5, 6", "", "5 5",
                             "18446744073709551621", "00000000000000000000005", "\xb2"})
    cases.push_back({post(cl + value + "\r\n"), k400});
  cases.push_back({post(cl + "5\r\n" + cl + "5\r\n"), k400});
  cases.push_back({post(cl + "5\r\n" + cl + "6\r\n"), k400});
  expect_refused(cases);
}

TEST(Guard, RefusesMalformedHeaderLines) {  // T-H05
  const string nul(1, '\0');
  expect_refused({
      {post("X : a\r\n"), k400},
      {post("X\t: a\r\n"), k400},
      {post(" X: a\r\n"), k400},
      {post("\tX: a\r\n"), k400},
      {post(": a\r\n"), k400},
      {post("X\r\n"), k400},
      {post("X\xc3\xa9: a\r\n"), k400},
      {post("X\x01: a\r\n"), k400},
      {post("X(y): a\r\n"), k400},
      {post("X" + nul + ": a\r\n"), k400},
      {post("X: a" + nul + "b\r\n"), k400},
      {post("X: a\rb\r\n"), k400},
      {post("X: a\nb\r\n"), k400},
      {post("X: a\x01\r\n"), k400},
      {post("X: a\x7f\r\n"), k400},
      {post("X: a\r\n b\r\n"), k400},
      {post("X: a\r\n\tb\r\n"), k400},
      {"POST / HTTP/1.1\nHost: a\r\n\r\n", k400},
      {"POST / HTTP/1.1\r\nHost: a\n\r\n", k400},
      {"POST / HTTP/1.1\r\nHost: a\r\n\n", k400},
      {"POST / HTTP/1.1\r\r\nHost: a\r\n\r\n", k400},
  });
}

TEST(Guard, DropsHeaderFieldsWithAnUnderscore) {
  const auto facts = accepted(post("Content_Length: 7\r\nX_Tenant: b\r\nX-Tenant: a\r\n"));
  ASSERT_EQ(facts.headers.size(), 2U);
  EXPECT_EQ(facts.header("x-tenant"), "a");
  EXPECT_FALSE(facts.content_length.has_value());
}

TEST(Guard, WantsExactlyOneValidHost) {  // T-H06
  const string nul(1, '\0');
  std::vector<Case> cases = {
      {request("GET / HTTP/1.1", ""), k400},
      {request("GET / HTTP/1.1", "Host: a\r\nHost: a\r\n"), k400},
      {request("GET / HTTP/1.0", "Host: a\r\nHost: b\r\n"), k400},
      {request("GET / HTTP/1.1", "Host_: a\r\n"), k400},
  };
  for (const string& host : {string(), string("a b"), string("a/c"), string("c@d"), string("a?b"), string("a#b"),
                             "a" + nul, string("a,b"), string("[::1"), string("[zz]"), string("[]"), string("[::1]x"),
                             string("a:b"), string("a:123456"), string(":80"), string("a:80:80"), string(300, 'a')})
    cases.push_back({request("GET / HTTP/1.1", "Host: " + host + "\r\n"), k400});
  expect_refused(cases);
  for (const string host : {"a", "api.example.com:8443", "my_service", "127.0.0.1", "[::1]", "[fe80::1]:443", "a:"})
    EXPECT_FALSE(refusal(request("GET / HTTP/1.1", "Host: " + host + "\r\n"))) << host;
}

TEST(Guard, RefusesTargetsThatAreNotPlainPaths) {  // T-H06
  const string nul(1, '\0');
  std::vector<Case> cases;
  for (const string& target : {string("!"),
                               string("*"),
                               string("a:443"),
                               string("v1/models"),
                               string("ftp://a/"),
                               string("http:/v1"),
                               string("http:v1"),
                               string("xhttp://a/v1"),
                               string("/a#frag"),
                               "/a" + nul,
                               string("/\xc3\xa9"),
                               string("/a b"),
                               string("/v1/../admin"),
                               string("/.."),
                               string("/."),
                               string("/a/./b"),
                               string("/a/.."),
                               string("/%2e%2e/admin"),
                               string("/%2E./admin"),
                               string("/a%2f..%2fadmin"),
                               string("/a%5c..%5cadmin"),
                               string("/a\\..\\admin"),
                               string("//"),
                               string("//a"),
                               string("/a//b"),
                               string("/a%2f/b"),
                               string("/%"),
                               string("/%4"),
                               string("/%4g"),
                               string("/%00"),
                               string("/%0d%0a"),
                               string("/%7f"),
                               string("/a\x7f"),
                               string("/a\tb")})
    cases.push_back({get(target), k400});
  expect_refused(cases);
  for (const string target : {"/", "/v1/", "/v1/models/gpt-4o", "/v1/a%20b?x=%zz&y=../..", "/v1/...", "/.hidden",
                              "/a..b", "/v1/models/a:generate?alt=sse", "/%41", "/a?b//c", "/%2525"})
    EXPECT_FALSE(refusal(get(target))) << target;
}

TEST(Guard, TakesPathAndQueryOfATargetInAbsoluteForm) {  // RFC 9112 section 3.2.2
  for (const auto& [target, origin] : std::vector<std::pair<string, string>>{
           {"http://a/v1/models?limit=1", "/v1/models?limit=1"},
           {"https://a/v1/x", "/v1/x"},
           {"hTTpS://A/v1/x", "/v1/x"},
           {"http://a", "/"},
           {"http://a/", "/"},
           {"http://a?x=1", "/?x=1"},
           {"http://a?x=/../y", "/?x=/../y"},
           {"http://a/v1/x?y=http://b/@", "/v1/x?y=http://b/@"},
           {"http://a/v1/u@b:c", "/v1/u@b:c"},
       }) {
    EXPECT_EQ(accepted(get(target)).target, origin) << target;
  }
}

TEST(Guard, WantsInTheHostFieldWhatTheUrlSays) {  // RFC 9112 section 3.2, T-H06
  const auto line_to = [](const string& authority) { return "GET http://" + authority + "/x HTTP/1.1"; };
  for (const string host : {"b:80", "B.example", "[::1]:80"})
    EXPECT_EQ(accepted(request(line_to(host), "Host_: c\r\nhOst: " + host + "\r\n")).target, "/x") << host;
  EXPECT_EQ(accepted(request(line_to("b.EXAMPLE"), "Host: B.example\r\n")).target, "/x");
  EXPECT_EQ(accepted(request("GET http://b/x HTTP/1.0", "")).target, "/x");
  for (const string host : {"c", "b:80", "b.", "bb"})
    EXPECT_EQ(refusal(request(line_to("b"), "Host: " + host + "\r\n")), k400) << host;
  EXPECT_EQ(refusal(request("GET http://b/x HTTP/1.0", "Host: c\r\n")), k400);
  const string line = "GET http://b/x HTTP/1.1";
  expect_refused({{request(line, ""), k400},
                  {request(line, "Host: b\r\nHost: b\r\n"), k400},
                  {request(line, "Host: a b\r\n"), k400}});
}

TEST(Guard, RefusesAUrlThatNamesNoHostOrMoreThanAHost) {
  std::vector<Case> cases;
  for (const string authority : {"", ":80", "u@a", "u:p@a", "@a", "a@", "a:b", "a:80:80", "a:123456", "a\\b", "a%2fb",
                                 "[::1", "[zz]", "a,b", "a#b"})
    cases.push_back({get("http://" + authority + "/v1"), k400});
  cases.push_back({get("http://"), k400});
  cases.push_back({get("http://?x"), k400});
  cases.push_back({get("http://" + string(300, 'a') + "/v1"), k400});
  expect_refused(cases);
}

TEST(Guard, JudgesThePathOfAUrlAsAnyPath) {
  std::vector<Case> cases;
  for (const string path : {"//", "//v1", "/v1/../admin", "/%2e%2e/admin", "/a%2f/b", "/%", "/%00", "/\\..", "/a#b"})
    cases.push_back({get("http://a" + path), k400});
  cases.push_back({get("/http://a/v1"), k400});
  cases.push_back({get("http://a/" + string(8 * 1024 - 9, 'a') + "b"), ErrorKind::uri_too_long});
  expect_refused(cases);
  EXPECT_FALSE(refusal(get("http://a/" + string(8 * 1024 - 9, 'a')))) << "the limit is that of the target as sent";
}

TEST(Guard, SaysWhatIsWrongWithATarget) {
  const auto message = [](const string& target) {
    const auto facts = guard(get(target), kLimits);
    return facts ? string() : facts.error().message;
  };
  EXPECT_EQ(message("*"),
            "The request is malformed: the target must be a path that starts with '/', or an http or https URL.");
  EXPECT_EQ(message("a:443"), message("*"));
  EXPECT_EQ(
      message("http://u@a/"),
      "The request is malformed: the URL in the target has user information (RFC 9110 section 4.2.4 forbids it).");
  EXPECT_EQ(message("http:///v1"), "The request is malformed: the URL in the target has no valid host.");
}

TEST(Guard, KnowsSevenMethods) {  // T-H06
  using enum ErrorKind;
  std::vector<Case> cases;
  for (const string method : {"CONNECT", "TRACE", "FOO", "get", "PROPFIND", "GETT"})
    cases.push_back({request(method + " / HTTP/1.1", "Host: a\r\n"), method_not_allowed});
  cases.push_back({request(string(300, 'M') + " / HTTP/1.1", "Host: a\r\n"), method_not_allowed});
  cases.push_back({request("G@T / HTTP/1.1", "Host: a\r\n"), k400});
  cases.push_back({request("CONNECT a:443 HTTP/1.1", "Host: a\r\n"), method_not_allowed});
  expect_refused(cases);
  for (const string method : {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"})
    EXPECT_FALSE(refusal(request(method + " / HTTP/1.1", "Host: a\r\n"))) << method;
}

TEST(Guard, HasLimits) {  // T-H08
  using enum ErrorKind;
  string many;
  for (int i = 0; i < 100; ++i) many += "X: \r\n";
  EXPECT_FALSE(refusal(request("GET / HTTP/1.0", many)));
  expect_refused({
      {request("GET / HTTP/1.0", many + "X: \r\n"), headers_too_large},
      {get("/" + string(8 * 1024, 'a')), uri_too_long},
      {get("/" + string(20 * 1024, 'a')), uri_too_long},
      {post("X: " + string(16 * 1024, 'a') + "\r\n"), headers_too_large},
      {post(string(200'000, 'a')), headers_too_large},
  });
  EXPECT_FALSE(refusal(get("/" + string(8 * 1024 - 1, 'a'))));
  const string exact = post("X: " + string(kLimits.max_head_bytes - post("X: \r\n").size(), 'a') + "\r\n");
  ASSERT_EQ(exact.size(), kLimits.max_head_bytes);
  EXPECT_FALSE(refusal(exact));
}

TEST(Guard, KnowsOneExpectation) {  // T-H09
  expect_refused({{post("Expect: 200-maybe\r\n"), ErrorKind::expectation_failed},
                  {post("Expect: \r\n"), ErrorKind::expectation_failed},
                  {post("Expect: 100-continue, x\r\n"), ErrorKind::expectation_failed}});
  EXPECT_TRUE(accepted(post("Expect: 100-Continue\r\n")).expect_continue);
  EXPECT_FALSE(accepted(post("")).expect_continue);
  EXPECT_FALSE(accepted(request("POST / HTTP/1.0", "Expect: 100-continue\r\n")).expect_continue);
}

TEST(Guard, RefusesAnAnnouncedLengthOverTheLimitBeforeTheBody) {  // T-H09
  HttpLimits limits;
  limits.max_body_bytes = 10;
  EXPECT_TRUE(check_length(accepted(post("Content-Length: 10\r\n")), limits));
  const auto refused = check_length(accepted(post("Content-Length: 11\r\n")), limits);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::payload_too_large);
}

TEST(Guard, TellsWhatTheHeadSays) {
  const auto facts = accepted(request("POST /v1/chat?x=1 HTTP/1.1",
                                      "Host: a\r\nContent-Type:application/json\r\nX-Pad: \t b c \t\r\nEmpty:\r\n"
                                      "CONTENT-LENGTH: 012\r\nx-pad: second\r\n"));
  EXPECT_EQ(facts.method, "POST");
  EXPECT_EQ(facts.target, "/v1/chat?x=1");
  EXPECT_EQ(facts.path(), "/v1/chat");
  EXPECT_EQ(facts.header("content-type"), "application/json");
  EXPECT_EQ(facts.header("X-PAD"), "b c");
  EXPECT_EQ(facts.header("empty"), "");
  EXPECT_EQ(facts.content_length, 12U);
  EXPECT_TRUE(facts.has_body());
  EXPECT_TRUE(facts.keep_alive);
  EXPECT_FALSE(facts.chunked);
  EXPECT_TRUE(accepted(post("Transfer-Encoding: Chunked\r\n")).chunked);
  EXPECT_FALSE(accepted(get("/")).has_body());
}

TEST(Guard, KnowsWhoWantsToKeepTheConnection) {
  EXPECT_TRUE(accepted(post("")).keep_alive);
  EXPECT_FALSE(accepted(post("Connection: close\r\n")).keep_alive);
  EXPECT_FALSE(accepted(post("Connection: x , CLOSE\r\n")).keep_alive);
  EXPECT_FALSE(accepted(post("Connection: keep-alive\r\nConnection: close\r\n")).keep_alive);
  EXPECT_TRUE(accepted(post("Connection: closed\r\n")).keep_alive);
  EXPECT_FALSE(accepted(request("GET / HTTP/1.0", "")).keep_alive);
  EXPECT_TRUE(accepted(request("GET / HTTP/1.0", "Connection: Keep-Alive\r\n")).keep_alive);
}

TEST(Guard, SkipsOneEmptyLineBeforeTheRequest) {
  const string bytes = "\r\n" + get("/");
  const auto end = find_head(bytes, kLimits);
  ASSERT_TRUE(end && *end);
  EXPECT_EQ(**end, bytes.size());
  EXPECT_EQ(accepted(bytes).target, "/");
  EXPECT_EQ(refusal("\r\n\r\n" + get("/")), k400);
}

// What the answer to a refused head goes by.
string salvaged(const string& bytes) {
  const auto facts = refused_head(bytes, kLimits);
  EXPECT_TRUE(facts.headers.empty());
  EXPECT_FALSE(facts.keep_alive);
  return facts.method + " " + facts.target;
}

TEST(RefusedHead, TellsMethodAndTargetWhereTheRequestLineCanBeRead) {
  const string line = "POST /v1/messages?x=1 HTTP/1.1\r\n";
  const string read = "POST /v1/messages?x=1";
  for (const string& bytes : {line + "no header\r\n\r\n", line + "Host: a\r\nExpect: x\r\n\r\n", line, line + "Ho",
                              "\r\n" + line, string("POST http://a/v1/messages?x=1 HTTP/1.1\r\n"),
                              string("POST /v1/messages?x=1 HTTP/3.0\r\n"), line + string(20 * 1024, 'a')})
    EXPECT_EQ(salvaged(bytes), read) << bytes.substr(0, 80);
  EXPECT_EQ(salvaged("TRACE /v1/messages HTTP/1.1\r\n"), "TRACE /v1/messages");
}

TEST(RefusedHead, TellsNothingOfARequestLineThatCannotBeRead) {
  for (const string bytes : {"", "\r\n", "POST", "POST /v1/messages HTTP/1.1", "POST /v1/messages\r\n", "\x16\x03\r\n",
                             "P@ST /v1/messages HTTP/1.1\r\n", " /v1/messages HTTP/1.1\r\n"})
    EXPECT_EQ(salvaged(bytes), " ") << bytes;
  for (const string target : {"*", "v1", "/v1/../messages", "/v1//messages", "/v1/ messages", "ftp://a/v1", "http://"})
    EXPECT_EQ(salvaged("HEAD " + target + " HTTP/1.1\r\n"), "HEAD ") << target;
  EXPECT_EQ(salvaged("GET /" + string(8 * 1024, 'a') + " HTTP/1.1\r\n"), "GET ");
}

TEST(FindHead, GivesTheSameEndWhereverTheBytesAreCut) {
  const string head = "\r\n" + post("A: b\r\n");
  const string bytes = head + "body\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto end = find_head(std::string_view(bytes).substr(0, size), kLimits);
    ASSERT_TRUE(end) << size;
    EXPECT_EQ(end->has_value(), size >= head.size()) << size;
    if (*end) EXPECT_EQ(**end, head.size());
  }
}

TEST(FindHead, RefusesAtOnceWhatIsNotHttp) {
  EXPECT_FALSE(find_head("\x16\x03\x01\x02", kLimits)) << "a TLS handshake";
  EXPECT_FALSE(find_head("{\"model\"", kLimits));
  EXPECT_FALSE(find_head("GET / HTTP/1.1\n", kLimits));
}

TEST(Guard, AcceptsNothingThatBeastReadsDifferently) {
  for (const string& bytes :
       {get("/v1/models?limit=1"), post("Content-Length: 0\r\nX: \t y \t\r\nEmpty:\r\nA: 1\r\nA: 2\r\n"),
        request("GET / HTTP/1.0", "Connection: keep-alive\r\n"), post("Connection: close\r\nX-8: \xc3\xa9\r\n")}) {
    const auto ours = accepted(bytes);
    const auto theirs = oracle::read_request(bytes);
    ASSERT_TRUE(theirs) << bytes;
    EXPECT_EQ(ours.method, theirs->method);
    EXPECT_EQ(ours.target, theirs->target);
    ASSERT_EQ(ours.headers.size(), theirs->headers.size());
    for (std::size_t i = 0; i < ours.headers.size(); ++i) {
      EXPECT_EQ(ours.headers[i].name, theirs->headers[i].name);
      EXPECT_EQ(ours.headers[i].value, theirs->headers[i].value);
    }
  }
}

}  // namespace
}  // namespace tollgate::net
