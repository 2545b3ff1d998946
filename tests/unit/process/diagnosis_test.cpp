// From what a call showed to the word and the advice that an operator gets.
#include "gateway/process/check/diagnosis.h"

#include <gtest/gtest.h>

namespace tollgate::process {
namespace {

using Step = ProbeResult::Step;
using std::chrono::seconds;

const auto kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + std::chrono::hours(12);

std::shared_ptr<const providers::Endpoint> endpoint(const std::string& host) {
  auto out = std::make_shared<providers::Endpoint>();
  out->host = host;
  out->base_path = "/v1";
  return out;
}

Evidence evidence(const std::string& kind = "openai_compatible") {
  Evidence out;
  out.kind = kind;
  out.model = "gpt-4o";
  out.credential = "the key";
  out.endpoint = endpoint("api.example");
  out.error = Error{ErrorKind::upstream_error, "it failed"};
  return out;
}

SeenExchange answer(const Evidence& of, int status, std::string body = "{}", std::string code = {}) {
  SeenExchange out;
  out.endpoint = of.endpoint;
  out.status = status;
  out.content_type = "application/json";
  out.body_start = std::move(body);
  out.code = std::move(code);
  out.date = kNow;
  out.seen_at = kNow;
  return out;
}

std::string status(int http_status, const std::string& kind = "openai_compatible", std::string body = "{}",
                   std::string code = {}) {
  auto seen = evidence(kind);
  seen.exchanges.push_back(answer(seen, http_status, std::move(body), std::move(code)));
  return diagnose(seen).status;
}

Diagnosis unanswered(Step step, ErrorKind kind = ErrorKind::upstream_error) {
  auto seen = evidence();
  seen.exchanges.push_back(answer(seen, 0));
  seen.exchanges.back().failure = Error{kind, "no"};
  seen.probe = ProbeResult{step, "words of the step"};
  return diagnose(seen);
}

TEST(Diagnosis, NothingIsWrongWithACallThatEndedWell) {
  auto seen = evidence();
  seen.error.reset();
  EXPECT_EQ(diagnose(seen).status, "ok");
  EXPECT_EQ(diagnose(seen).advice, "");
}

TEST(Diagnosis, NamesTheStepThatTheConnectionStoppedAt) {
  EXPECT_EQ(unanswered(Step::name).status, "dns");
  EXPECT_EQ(unanswered(Step::connect).status, "connection");
  EXPECT_EQ(unanswered(Step::proxy).status, "proxy");
  EXPECT_EQ(unanswered(Step::tls).status, "tls");
  EXPECT_EQ(unanswered(Step::tls).what, "words of the step");
  EXPECT_NE(unanswered(Step::tls).advice.find("egress: {ca: FILE}"), std::string::npos);
  EXPECT_EQ(unanswered(Step::none).status, "connection");
  EXPECT_EQ(unanswered(Step::none, ErrorKind::upstream_timeout).status, "timeout");
}

TEST(Diagnosis, ToldByTheStatus) {
  EXPECT_EQ(status(400), "refused");
  EXPECT_EQ(status(401), "credentials");
  EXPECT_EQ(status(403), "permission");
  EXPECT_EQ(status(404), "model");
  EXPECT_EQ(status(405), "wrong_path");
  EXPECT_EQ(status(307), "wrong_path");
  EXPECT_EQ(status(402), "quota");
  EXPECT_EQ(status(429), "rate_limit");
  EXPECT_EQ(status(500), "provider_error");
  EXPECT_EQ(status(503), "overloaded");
  EXPECT_EQ(status(529), "overloaded");
}

TEST(Diagnosis, AKnownCredentialIsToldFromAnUnknownOne) {
  EXPECT_EQ(status(403, "bedrock", "{}", "UnrecognizedClientException"), "credentials");
  EXPECT_EQ(status(403, "bedrock", R"({"message":"The request signature we calculated does not match"})"),
            "credentials");
  EXPECT_EQ(status(403, "bedrock", "{}", "AccessDeniedException"), "permission");
}

TEST(Diagnosis, AModelIsToldFromAPath) {
  EXPECT_EQ(status(404, "azure_openai", R"({"error":{"code":"DeploymentNotFound","message":"x"}})"), "model");
  EXPECT_EQ(status(404, "azure_openai", R"({"error":{"code":"404","message":"Resource not found"}})"), "wrong_path");
  EXPECT_EQ(status(404, "openai_compatible", R"({"detail":"Not Found"})"), "wrong_path");
  EXPECT_EQ(status(400, "bedrock", R"({"message":"The provided model identifier is invalid."})"), "model");
  auto seen = evidence();
  seen.exchanges.push_back(answer(seen, 404));
  seen.exchanges.back().content_type = "text/html";
  EXPECT_EQ(diagnose(seen).status, "wrong_path");
  EXPECT_NE(diagnose(seen).what.find("api.example/v1"), std::string::npos);
}

TEST(Diagnosis, AQuotaIsToldFromARate) {
  auto seen = evidence();
  seen.error->code = "insufficient_quota";
  seen.exchanges.push_back(answer(seen, 429));
  EXPECT_EQ(diagnose(seen).status, "quota");
  EXPECT_EQ(status(429, "bedrock", R"({"message":"x"})", "ThrottlingException"), "rate_limit");
}

TEST(Diagnosis, AWebPageIsNoAnswer) {
  auto seen = evidence();
  seen.exchanges.push_back(answer(seen, 200));
  seen.exchanges.back().content_type = "text/html; charset=utf-8";
  EXPECT_EQ(diagnose(seen).status, "wrong_path");
  seen.exchanges.back().content_type = "application/json";
  EXPECT_EQ(diagnose(seen).status, "provider_error");
}

TEST(Diagnosis, AClockThatIsOffIsNamedWithItsDirection) {
  auto seen = evidence("bedrock");
  seen.exchanges.push_back(answer(seen, 403, "{}", "InvalidSignatureException"));
  seen.exchanges.back().seen_at = kNow + seconds(900);
  const auto ahead = diagnose(seen);
  EXPECT_EQ(ahead.status, "clock");
  EXPECT_EQ(ahead.what, "the clock of this machine is 900 s ahead of that of api.example");
  seen.exchanges.back().seen_at = kNow - seconds(301);
  EXPECT_EQ(diagnose(seen).what, "the clock of this machine is 301 s behind that of api.example");
  seen.exchanges.back().seen_at = kNow + seconds(299);
  EXPECT_EQ(diagnose(seen).status, "credentials");
  seen.exchanges.back().body_start = R"({"message":"Signature expired: 2026"})";
  EXPECT_EQ(diagnose(seen).status, "clock");
}

TEST(Diagnosis, ACredentialThatCouldNotBeObtainedNamesItsSourceAndWhatItSaid) {
  auto seen = evidence("bedrock");
  seen.credential = "the web identity's token file";
  seen.error = Error{.kind = ErrorKind::upstream_error, .message = "no", .code = "upstream_auth_error"};
  seen.credential_reason = "AWS STS answered 403 AccessDenied";
  const auto none_asked = diagnose(seen);
  EXPECT_EQ(none_asked.status, "credentials");
  EXPECT_EQ(none_asked.what,
            "no credential could be obtained from the web identity's token file: AWS STS answered 403 AccessDenied");
  auto token = answer(seen, 400);
  token.endpoint = endpoint("sts.example");
  token.seen_at = kNow - std::chrono::hours(1);
  seen.exchanges.push_back(token);
  EXPECT_EQ(diagnose(seen).status, "clock");
  seen.exchanges.back().status = 0;
  seen.exchanges.back().failure = Error{ErrorKind::upstream_error, "no"};
  seen.probe = ProbeResult{Step::name, "the name sts.example does not resolve"};
  EXPECT_EQ(diagnose(seen).status, "dns");
}

TEST(Diagnosis, ACallThatWasNeverSentIsTheRequestsFault) {
  auto seen = evidence("anthropic");
  seen.error = Error{ErrorKind::invalid_request, "this cannot be said"};
  EXPECT_EQ(diagnose(seen).status, "refused");
}

TEST(Diagnosis, QuotesNothingThatTheProviderWrote) {
  for (const int http_status : {200, 307, 400, 401, 402, 403, 404, 405, 429, 500, 503}) {
    for (const std::string kind : {"openai_compatible", "azure_openai", "anthropic", "bedrock", "vertex"}) {
      auto seen = evidence(kind);
      seen.exchanges.push_back(answer(seen, http_status, R"({"message":"account 4711 of planted"})"));
      const auto words = diagnose(seen);
      EXPECT_NE(words.status, "ok");
      EXPECT_FALSE(words.advice.empty()) << http_status << kind;
      EXPECT_EQ((words.what + words.advice).find("4711"), std::string::npos) << http_status << kind;
    }
  }
}

TEST(ErrorCodeIn, TakesPlainWordsOnly) {
  EXPECT_EQ(error_code_in("AccessDeniedException:http://internal.amazon.com/", "{}"), "AccessDeniedException");
  EXPECT_EQ(error_code_in("", R"({"error":{"message":"m","type":"t","code":"model_not_found"}})"), "model_not_found");
  EXPECT_EQ(error_code_in("", R"([{"error": {"code": 404, "message": "m", "status": "NOT_FOUND"}}])"), "NOT_FOUND");
  EXPECT_EQ(error_code_in("", R"({"error":{"code":"404","type":"invalid_request_error"}})"), "invalid_request_error");
  EXPECT_EQ(error_code_in("", R"({"error":"invalid_client","error_description":"AADSTS"})"), "invalid_client");
  EXPECT_EQ(error_code_in("", R"({"error":"two words"})"), "");
  EXPECT_EQ(error_code_in("", R"({"code":")" + std::string(80, 'a') + "\"}"), "");
  EXPECT_EQ(error_code_in("", "<html>"), "");
  EXPECT_EQ(error_code_in("", R"({"code":)"), "");
}

}  // namespace
}  // namespace tollgate::process
