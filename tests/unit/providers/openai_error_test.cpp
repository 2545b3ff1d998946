// Errors in both directions.
#include <gtest/gtest.h>

#include "providers/front_end.h"
#include "providers/http_date.h"

namespace tollgate::providers {
namespace {

using std::chrono::milliseconds;

Error reply(int status, std::string_view body) { return decode_error_reply(status, body, "", ""); }

TEST(ErrorReply, TheProvidersWordAboutTheRequestReachesTheCaller) {
  const std::string body =
      "{\n \"error\": {\"message\":\"bad\",\"type\":\"invalid_request_error\",\"param\":\"top_p\",\"code\":null}}";
  const auto error = reply(400, body);
  EXPECT_EQ(error.kind, ErrorKind::invalid_request);
  EXPECT_EQ(error.message, "bad");
  EXPECT_EQ(error.param, "top_p");
  EXPECT_EQ(error.upstream_status, 400);
  EXPECT_EQ(encode_error_body(error), body);
  EXPECT_FALSE(error.retryable);
}

TEST(ErrorReply, ABodyOfAnotherShapeIsWrittenAnew) {
  const auto text = [](int status, std::string_view body) { return encode_error_body(reply(status, body)); };
  EXPECT_EQ(text(400, R"({"error":"short"})"),
            R"({"error":{"message":"short","type":"invalid_request_error","param":null,"code":null}})");
  EXPECT_EQ(text(422, R"({"detail":[{"loc":["body"],"msg":"field required","type":"x"}]})"),
            R"({"error":{"message":"field required","type":"invalid_request_error","param":null,"code":null}})");
  EXPECT_EQ(
      text(422, R"({"object":"error","message":{"detail":[{"msg":"too small"}]},"type":"invalid_request_error"})"),
      R"({"error":{"message":"too small","type":"invalid_request_error","param":null,"code":null}})");
  EXPECT_EQ(text(400, R"([{"error":{"code":400,"message":"bad value","status":"INVALID_ARGUMENT"}}])"),
            R"({"error":{"message":"bad value","type":"invalid_request_error","param":null,"code":null}})");
  EXPECT_EQ(text(400, R"([])"),
            R"({"error":{"message":"The provider refused the request.","type":"invalid_request_error","param":null,)"
            R"("code":null}})");
  EXPECT_EQ(text(400, R"({"object":"error","message":"maximum context length is 10","code":400})"),
            R"({"error":{"message":"maximum context length is 10","type":"invalid_request_error","param":null,)"
            R"("code":"context_length_exceeded"}})");
  EXPECT_EQ(
      text(400, "<html>secret host</html>"),
      R"({"error":{"message":"The provider refused the request.","type":"invalid_request_error","param":null,"code":null}})");
  EXPECT_EQ(
      text(404, R"({"error":{"code":"DeploymentNotFound","message":"no such deployment"}})"),
      R"({"error":{"message":"The provider does not have this model under the configured name. Tell the operator of this )"
      R"(gateway.","type":"invalid_request_error","param":null,"code":"model_not_found"}})");
}

TEST(ErrorReply, KeepsAzuresFilterVerdict) {
  const auto error =
      reply(400, R"({"error":{"message":"filtered","type":null,"param":"prompt","code":"content_filter",)"
                 R"("status":400,"innererror":{"code":"X"}}})");
  EXPECT_EQ(error.code, "content_filter");
  EXPECT_NE(encode_error_body(error).find("innererror"), std::string::npos);
}

struct Mapped {
  int status;
  ErrorKind kind;
};

class StatusTest : public testing::TestWithParam<Mapped> {};

TEST_P(StatusTest, HasItsKindAndKeepsTheProvidersWordsInside) {
  const auto error =
      reply(GetParam().status, R"({"error":{"message":"host db-7 down","type":"x","param":null,"code":null}})");
  EXPECT_EQ(error.kind, GetParam().kind);
  EXPECT_EQ(encode_error_body(error).find("db-7"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Statuses, StatusTest,
                         testing::Values(Mapped{401, ErrorKind::upstream_error}, Mapped{403, ErrorKind::upstream_error},
                                         Mapped{408, ErrorKind::upstream_timeout}, Mapped{409, ErrorKind::overloaded},
                                         Mapped{424, ErrorKind::upstream_error}, Mapped{429, ErrorKind::rate_limited},
                                         Mapped{500, ErrorKind::upstream_error}, Mapped{502, ErrorKind::upstream_error},
                                         Mapped{503, ErrorKind::overloaded}, Mapped{504, ErrorKind::upstream_timeout},
                                         Mapped{529, ErrorKind::overloaded}, Mapped{302, ErrorKind::upstream_error}));

TEST(ErrorReply, TellsAnEmptyAccountFromAFullMinute) {
  const auto quota =
      reply(429, R"({"error":{"message":"x","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})");
  EXPECT_EQ(openai_error_type(quota), "insufficient_quota");
  EXPECT_FALSE(quota.retryable);
  const auto tokens =
      reply(429, R"({"error":{"message":"x","type":"tokens","param":null,"code":"rate_limit_exceeded"}})");
  EXPECT_EQ(openai_error_type(tokens), "tokens");
  const auto azure = reply(429, R"({"error":{"code":"429","message":"retry after 6 seconds"}})");
  EXPECT_EQ(openai_error_type(azure), "requests");
  EXPECT_EQ(azure.code, "rate_limit_exceeded");
  EXPECT_TRUE(azure.retryable);
  EXPECT_NE(encode_error_body(azure).find("\"param\":null"), std::string::npos);
}

std::optional<milliseconds> hint(std::string_view ms, std::string_view after, std::string_view date = {}) {
  return decode_error_reply(429, "", ms, after, date).retry_after;
}

TEST(ErrorReply, ClampsTheRetryHint) {
  EXPECT_EQ(hint("", ""), std::nullopt);
  EXPECT_EQ(hint("1500.2", "60"), milliseconds(1501));
  EXPECT_EQ(hint("", "6"), milliseconds(6000));
  EXPECT_EQ(hint("", "0.5"), milliseconds(500));
  EXPECT_EQ(hint("", "-5"), milliseconds(0));
  EXPECT_EQ(hint("", "1000000000"), milliseconds(3'600'000));
  EXPECT_EQ(hint("", "1e999"), std::nullopt);
  EXPECT_EQ(hint("nan", "soon"), std::nullopt);
}

TEST(ErrorReply, CountsADateFromTheRepliesOwnDate) {
  const std::string_view now = "Sun, 06 Nov 1994 08:49:37 GMT";
  EXPECT_EQ(hint("", "Sun, 06 Nov 1994 08:50:07 GMT", now), milliseconds(30'000));
  EXPECT_EQ(hint("", "Sun, 06 Nov 1994 08:40:00 GMT", now), milliseconds(0));
  EXPECT_EQ(hint("", "Sun, 06 Nov 2094 08:40:00 GMT", now), milliseconds(3'600'000));
  EXPECT_EQ(hint("", "Sun, 06 Nov 1994 08:50:07 GMT"), std::nullopt);
}

TEST(HttpDate, ReadsTheOneFormAndNothingElse) {
  const auto parsed = parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->time_since_epoch().count(), 784'111'777);
  for (const char* bad :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Xxx 1994 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 ovD 1994 08:49:37 GMT"})
    EXPECT_FALSE(parse_http_date(bad)) << bad;
}

TEST(ErrorBody, AlwaysHasAllFourKeys) {
  EXPECT_EQ(
      encode_error_body(Error{.kind = ErrorKind::unauthenticated, .message = "no \"key\"", .code = "invalid_api_key"}),
      R"({"error":{"message":"no \"key\"","type":"invalid_request_error","param":null,"code":"invalid_api_key"}})");
  EXPECT_EQ(encode_error_body(Error{.kind = ErrorKind::internal, .message = ""}),
            R"({"error":{"message":"","type":"server_error","param":null,"code":null}})");
}

}  // namespace
}  // namespace tollgate::providers
