#include "providers/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/request_head.h"

namespace tollgate::providers {
namespace {

using ::testing::HasSubstr;

TEST(ParseEndpoint, ReadsWhatAnOperatorWrites) {
  const auto plain = parse_endpoint("https://api.example.com/v1");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->host, "api.example.com");
  EXPECT_EQ(plain->port, 443);
  EXPECT_TRUE(plain->tls);
  EXPECT_EQ(plain->base_path, "/v1");
  EXPECT_EQ(plain->authority(), "api.example.com");

  const auto odd = parse_endpoint("HTTPS://API.Example.com:8443/a/b//");
  ASSERT_TRUE(odd.ok());
  EXPECT_EQ(odd->authority(), "api.example.com:8443");
  EXPECT_EQ(odd->base_path, "/a/b");
  EXPECT_EQ(parse_endpoint("https://h")->base_path, "");
  EXPECT_EQ(parse_endpoint("https://h/")->base_path, "");
}

TEST(ParseEndpoint, KnowsIpv6) {
  const auto ipv6 = parse_endpoint("https://[2001:DB8::1]:8443/v1");
  ASSERT_TRUE(ipv6.ok());
  EXPECT_EQ(ipv6->host, "2001:db8::1");
  EXPECT_EQ(ipv6->authority(), "[2001:db8::1]:8443");
}

TEST(ParseEndpoint, TakesPlainHttpOnlyWhereAllowed) {
  EXPECT_FALSE(parse_endpoint("http://h").ok());
  const auto plain = parse_endpoint("http://h:8080", PlainHttp::allowed);
  ASSERT_TRUE(plain.ok());
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(parse_endpoint("http://h", PlainHttp::allowed)->authority(), "h");
  EXPECT_EQ(parse_endpoint("http://h:443", PlainHttp::allowed)->authority(), "h:443");
}

TEST(ParseEndpoint, RefusesWhatCouldBeReadInTwoWays) {
  for (const char* url : {"",
                          "h",
                          "//h",
                          "https://",
                          "https:///v1",
                          "https://:443",
                          "https://user@h",
                          "https://user:pw@h/",
                          "https://h?q",
                          "https://h/v1?q=1",
                          "https://h/#f",
                          "https://h:0",
                          "https://h:65536",
                          "https://h:",
                          "https://h:+1",
                          "https://h:80x",
                          "https://h h",
                          "https://h/a b",
                          "https://h\\@x",
                          "https://[::1",
                          "https://[]",
                          "https://[::1]x",
                          "https://[fe80::1%25eth0]",
                          "https://h/../x",
                          "https://h/a/./b",
                          "https://h/..",
                          "ftp://h",
                          "https://h\r\nX: y",
                          "https://b\xc3\xbc.de",
                          "https://.h",
                          "https://a..b",
                          "https://-h",
                          "https://h/\x7f",
                          "https:// h"}) {
    EXPECT_FALSE(parse_endpoint(url).ok()) << url;
  }
  EXPECT_FALSE(parse_endpoint("https://h/" + std::string(3000, 'a')).ok());
}

TEST(ParseEndpoint, DoesNotRepeatCredentialsInItsRefusal) {
  const auto refused = parse_endpoint("https://user:geheim@h");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, ::testing::Not(HasSubstr("geheim")));
}

HttpCall call_to(const char* url) {
  HttpCall call;
  call.endpoint = std::make_shared<const Endpoint>(*parse_endpoint(url));
  return call;
}

TEST(RequestHead, HasOneHostAndOneLength) {
  auto call = call_to("https://h/v1");
  call.path = "/chat";
  call.body = "abc";
  call.headers = {{"host", "evil"}, {"CONTENT-LENGTH", "9"}, {"Transfer-Encoding", "chunked"}, {"A", "b"}};
  ASSERT_TRUE(check_request(call).ok());
  EXPECT_EQ(request_head(call), "POST /v1/chat HTTP/1.1\r\nHost: h\r\nA: b\r\nContent-Length: 3\r\n\r\n");
}

TEST(RequestHead, PostWithoutBodySaysSoAndGetDoesNot) {
  auto call = call_to("https://h");
  EXPECT_THAT(request_head(call), HasSubstr("POST / HTTP/1.1\r\n"));
  EXPECT_THAT(request_head(call), HasSubstr("Content-Length: 0\r\n"));
  call.method = "GET";
  EXPECT_EQ(request_head(call), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST(RequestHead, RefusesMethodsAndPathsThatChangeTheFraming) {
  for (const char* method : {"", "get", "HEAD", "CONNECT", "GET /x"}) {
    auto call = call_to("https://h");
    call.method = method;
    EXPECT_FALSE(check_request(call).ok()) << method;
  }
  for (const char* path : {"no-slash", "/a b", "/a\r\n", "/\x80"}) {
    auto call = call_to("https://h");
    call.path = path;
    EXPECT_FALSE(check_request(call).ok()) << path;
  }
}

TEST(Endpoint, AnotherHostNameIsSaidAndTheConnectionStaysWhereItIs) {
  auto endpoint = parse_endpoint("https://ingress.example.com:8443/v1", PlainHttp::refused);
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->host_header(), "ingress.example.com:8443");
  endpoint->host_name = "llama.models.example.com";
  EXPECT_EQ(endpoint->host_header(), "llama.models.example.com");
  EXPECT_EQ(endpoint->authority(), "ingress.example.com:8443");
}

}  // namespace
}  // namespace tollgate::providers
