// What a provider refuses, and what the three kinds of callers hear: status, type and code. The words of the bodies are
// as the vendors' API references have them; "471100004711" stands for what only the operator may read.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "providers/dialect.h"
#include "providers/front_end.h"

namespace tollgate::providers {
namespace {

using Json = nlohmann::json;

struct Row {
  const char* provider;  // openai, anthropic, bedrock, gemini, vertex_claude
  int status;
  const char* body;
  const char* aws_type = "";
  // What callers hear.
  int heard = 0;
  const char* openai_type = "";
  const char* code = nullptr;
  const char* anthropic_type = "";
  bool retryable = true;
};

constexpr const char* kRequest = "invalid_request_error";

const Row kRows[] = {
    // OpenAI
    {"openai", 400,
     R"({"error":{"message":"m","type":"invalid_request_error","param":"x","code":"unknown_parameter"}})", "", 400,
     kRequest, "unknown_parameter", kRequest, false},
    {"openai", 401, R"({"error":{"message":"471100004711","type":"x","param":null,"code":"invalid_api_key"}})", "", 502,
     "server_error", "upstream_auth_error", "api_error", false},
    {"openai", 403, R"({"error":{"message":"471100004711","type":"x","param":null,"code":null}})", "", 502,
     "server_error", "upstream_auth_error", "api_error", false},
    {"openai", 404, R"({"error":{"message":"m","type":"invalid_request_error","param":null,"code":"model_not_found"}})",
     "", 404, kRequest, "model_not_found", "not_found_error", false},
    {"openai", 408, "{}", "", 504, "timeout", "upstream_timeout", "timeout_error"},
    {"openai", 409, "{}", "", 503, "service_unavailable", "upstream_overloaded", "overloaded_error"},
    {"openai", 413, "{}", "", 413, kRequest, nullptr, "request_too_large", false},
    {"openai", 422, R"({"detail":"m"})", "", 400, kRequest, nullptr, kRequest, false},
    {"openai", 425, "{}", "", 503, "service_unavailable", "upstream_overloaded", "overloaded_error"},
    {"openai", 429,
     R"({"error":{"message":"org-471100004711","type":"tokens","param":null,"code":"rate_limit_exceeded"}})", "", 429,
     "tokens", "rate_limit_exceeded", "rate_limit_error"},
    {"openai", 429,
     R"({"error":{"message":"471100004711","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})", "",
     429, "insufficient_quota", "insufficient_quota", "rate_limit_error", false},
    {"openai", 500, R"({"error":{"message":"471100004711","type":"server_error","param":null,"code":null}})", "", 502,
     "server_error", "upstream_error", "api_error"},
    {"openai", 502, "<html>471100004711</html>", "", 502, "server_error", "upstream_error", "api_error"},
    {"openai", 503, "471100004711", "", 503, "service_unavailable", "upstream_overloaded", "overloaded_error"},
    {"openai", 504, "", "", 504, "timeout", "upstream_timeout", "timeout_error"},
    {"openai", 522, "<html>", "", 502, "server_error", "upstream_error", "api_error"},
    // Azure OpenAI
    {"openai", 429, R"({"error":{"code":"429","message":"471100004711"}})", "", 429, "requests", "rate_limit_exceeded",
     "rate_limit_error"},
    {"openai", 429, R"({"statusCode":429,"message":"471100004711"})", "", 429, "requests", "rate_limit_exceeded",
     "rate_limit_error"},
    {"openai", 400, R"({"error":{"message":"m","type":null,"param":"prompt","code":"content_filter","status":400}})",
     "", 400, nullptr, "content_filter", kRequest, false},
    {"openai", 404, R"({"error":{"code":"DeploymentNotFound","message":"471100004711"}})", "", 404, kRequest,
     "model_not_found", "not_found_error", false},
    {"openai", 401, R"({"error":{"code":"401","message":"471100004711"}})", "", 502, "server_error",
     "upstream_auth_error", "api_error", false},
    {"openai", 424, R"({"error":{"message":"471100004711"}})", "", 502, "server_error", "upstream_error", "api_error"},
    // vLLM, TGI, Google's endpoint of this API
    {"openai", 400,
     R"({"error":{"message":"This model's maximum context length is 5","type":"BadRequestError","param":null,"code":400}})",
     "", 400, kRequest, "context_length_exceeded", kRequest, false},
    {"openai", 429, R"({"error":"Model is overloaded","error_type":"overloaded"})", "", 429, "requests",
     "rate_limit_exceeded", "rate_limit_error"},
    {"openai", 429, R"([{"error":{"code":429,"message":"471100004711","status":"RESOURCE_EXHAUSTED"}}])", "", 429,
     "requests", "rate_limit_exceeded", "rate_limit_error"},
    // Anthropic
    {"anthropic", 400, R"({"type":"error","error":{"type":"invalid_request_error","message":"m"}})", "", 400, kRequest,
     nullptr, kRequest, false},
    {"anthropic", 400,
     R"({"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"}})",
     "", 400, kRequest, "context_length_exceeded", kRequest, false},
    {"anthropic", 401, R"({"type":"error","error":{"type":"authentication_error","message":"471100004711"}})", "", 502,
     "server_error", "upstream_auth_error", "api_error", false},
    {"anthropic", 402, R"({"type":"error","error":{"type":"billing_error","message":"471100004711"}})", "", 429,
     "insufficient_quota", "insufficient_quota", "rate_limit_error", false},
    {"anthropic", 403, R"({"type":"error","error":{"type":"permission_error","message":"471100004711"}})", "", 502,
     "server_error", "upstream_auth_error", "api_error", false},
    {"anthropic", 404, R"({"type":"error","error":{"type":"not_found_error","message":"model: x"}})", "", 404, kRequest,
     "model_not_found", "not_found_error", false},
    {"anthropic", 413, R"({"type":"error","error":{"type":"request_too_large","message":"m"}})", "", 413, kRequest,
     nullptr, "request_too_large", false},
    {"anthropic", 429, R"({"type":"error","error":{"type":"rate_limit_error","message":"471100004711"}})", "", 429,
     "requests", "rate_limit_exceeded", "rate_limit_error"},
    {"anthropic", 500, R"({"type":"error","error":{"type":"api_error","message":"471100004711"}})", "", 502,
     "server_error", "upstream_error", "api_error"},
    {"anthropic", 504, R"({"type":"error","error":{"type":"timeout_error","message":"471100004711"}})", "", 504,
     "timeout", "upstream_timeout", "timeout_error"},
    {"anthropic", 529, R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})", "", 503,
     "service_unavailable", "upstream_overloaded", "overloaded_error"},
    // Bedrock
    {"bedrock", 403, R"({"Message":"User: arn:aws:iam::471100004711:user/x is not authorized"})",
     "AccessDeniedException", 502, "server_error", "upstream_auth_error", "api_error", false},
    {"bedrock", 403, R"({"message":"471100004711"})", "UnrecognizedClientException", 502, "server_error",
     "upstream_auth_error", "api_error", false},
    {"bedrock", 403, R"({"message":"471100004711"})", "InvalidSignatureException", 502, "server_error",
     "upstream_auth_error", "api_error", false},
    {"bedrock", 400, R"({"message":"471100004711"})", "ExpiredTokenException", 502, "server_error",
     "upstream_auth_error", "api_error", false},
    {"bedrock", 400, R"({"message":"m"})", "ValidationException:http://internal.amazon.com/coral/", 400, kRequest,
     nullptr, kRequest, false},
    {"bedrock", 400, R"({"message":"Input is too long for requested model."})", "ValidationException", 400, kRequest,
     "context_length_exceeded", kRequest, false},
    {"bedrock", 400, R"({"message":"The provided model identifier is invalid 471100004711."})", "ValidationException",
     404, kRequest, "model_not_found", "not_found_error", false},
    {"bedrock", 400, R"({"message":"471100004711"})", "ServiceQuotaExceededException", 429, "requests",
     "rate_limit_exceeded", "rate_limit_error"},
    {"bedrock", 400, R"({"message":"471100004711"})", "ConflictException", 503, "service_unavailable",
     "upstream_overloaded", "overloaded_error"},
    {"bedrock", 404, R"({"message":"m"})", "ResourceNotFoundException", 404, kRequest, "model_not_found",
     "not_found_error", false},
    {"bedrock", 408, R"({"message":"471100004711"})", "ModelTimeoutException", 504, "timeout", "upstream_timeout",
     "timeout_error"},
    {"bedrock", 424, R"({"message":"m","originalStatusCode":400})", "ModelErrorException", 400, kRequest, nullptr,
     kRequest, false},
    {"bedrock", 424, R"({"message":"471100004711","originalStatusCode":500})", "ModelErrorException", 502,
     "server_error", "upstream_error", "api_error"},
    {"bedrock", 424, R"({"message":"471100004711"})", "ModelStreamErrorException", 502, "server_error",
     "upstream_error", "api_error"},
    {"bedrock", 429, R"({"message":"471100004711"})", "ThrottlingException", 429, "requests", "rate_limit_exceeded",
     "rate_limit_error"},
    {"bedrock", 429, R"({"message":"471100004711"})", "ModelNotReadyException", 503, "service_unavailable",
     "upstream_overloaded", "overloaded_error"},
    {"bedrock", 500, R"({"message":"471100004711"})", "InternalServerException", 502, "server_error", "upstream_error",
     "api_error"},
    {"bedrock", 503, R"({"message":"471100004711"})", "ServiceUnavailableException", 503, "service_unavailable",
     "upstream_overloaded", "overloaded_error"},
    // Google
    {"gemini", 400, R"({"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}})", "", 400, kRequest, nullptr,
     kRequest, false},
    {"gemini", 400,
     R"({"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed (8)."}})",
     "", 400, kRequest, "context_length_exceeded", kRequest, false},
    {"gemini", 400, R"({"error":{"code":400,"message":"API key not valid. 471100004711","status":"INVALID_ARGUMENT"}})",
     "", 502, "server_error", "upstream_auth_error", "api_error", false},
    {"gemini", 401, R"([{"error":{"code":401,"message":"471100004711","status":"UNAUTHENTICATED"}}])", "", 502,
     "server_error", "upstream_auth_error", "api_error", false},
    {"gemini", 403, R"({"error":{"code":403,"message":"471100004711","status":"PERMISSION_DENIED"}})", "", 502,
     "server_error", "upstream_auth_error", "api_error", false},
    {"gemini", 404, R"({"error":{"code":404,"message":"projects/471100004711 was not found","status":"NOT_FOUND"}})",
     "", 404, kRequest, "model_not_found", "not_found_error", false},
    {"gemini", 404, "<html>471100004711</html>", "", 404, kRequest, "model_not_found", "not_found_error", false},
    {"gemini", 429, R"({"error":{"code":429,"message":"471100004711","status":"RESOURCE_EXHAUSTED"}})", "", 429,
     "requests", "rate_limit_exceeded", "rate_limit_error"},
    {"gemini", 499, R"({"error":{"code":499,"message":"471100004711","status":"CANCELLED"}})", "", 502, "server_error",
     "upstream_error", "api_error"},
    {"gemini", 500, R"({"error":{"code":500,"message":"471100004711","status":"INTERNAL"}})", "", 502, "server_error",
     "upstream_error", "api_error"},
    {"gemini", 503, R"({"error":{"code":503,"message":"471100004711","status":"UNAVAILABLE"}})", "", 503,
     "service_unavailable", "upstream_overloaded", "overloaded_error"},
    {"gemini", 504, R"({"error":{"code":504,"message":"471100004711","status":"DEADLINE_EXCEEDED"}})", "", 504,
     "timeout", "upstream_timeout", "timeout_error"},
    // Claude on Vertex AI: Google in front, Anthropic's form behind
    {"vertex_claude", 429, R"({"error":{"code":429,"message":"471100004711","status":"RESOURCE_EXHAUSTED"}})", "", 429,
     "requests", "rate_limit_exceeded", "rate_limit_error"},
    {"vertex_claude", 400, R"({"type":"error","error":{"type":"invalid_request_error","message":"m"}})", "", 400,
     kRequest, nullptr, kRequest, false},
};

Error decoded(const Row& row) {
  const ErrorAnswer answer{row.status, row.body, {}, {}, {}, row.aws_type};
  const std::string_view provider = row.provider;
  if (provider == "openai") return decode_error_reply(row.status, row.body, {}, {});
  if (provider == "anthropic") return kAnthropicDialect.decode_error(answer);
  if (provider == "bedrock") return kBedrockDialect.decode_error(answer);
  if (provider == "gemini") return kGeminiDialect.decode_error(answer);
  return kVertexClaudeDialect.decode_error(answer);
}

Json text_or_null(const char* text) { return text == nullptr ? Json(nullptr) : Json(text); }

class Refusals : public testing::TestWithParam<Row> {};

TEST_P(Refusals, AreToldInEveryCallersForm) {
  const Row& row = GetParam();
  Error error = decoded(row);
  EXPECT_EQ(http_status(error.kind), row.heard) << row.body;
  EXPECT_EQ(error.retryable, row.retryable) << row.body;
  for (const Api api : {Api::chat, Api::responses}) {
    const Json body = Json::parse(front_end(api).error_body(error, "ours"));
    ASSERT_EQ(body["error"].count("message"), 1u);
    EXPECT_EQ(body["error"]["type"], text_or_null(row.openai_type)) << row.body;
    EXPECT_EQ(body["error"]["code"], text_or_null(row.code)) << row.body;
    EXPECT_TRUE(body["error"].contains("param")) << row.body;
    EXPECT_EQ(body.dump().find("471100004711"), std::string::npos) << body;
  }
  error.upstream_body.clear();  // a body in OpenAI's form is none of Anthropic's
  const Json body = Json::parse(front_end(Api::messages).error_body(error, "ours"));
  EXPECT_EQ(body["type"], "error");
  EXPECT_EQ(body["request_id"], "ours");
  EXPECT_EQ(body["error"]["type"], row.anthropic_type) << row.body;
  EXPECT_EQ(body.dump().find("471100004711"), std::string::npos) << body;
}

INSTANTIATE_TEST_SUITE_P(Table, Refusals, testing::ValuesIn(kRows), [](const auto& info) {
  return std::string(info.param.provider) + "_" + std::to_string(info.param.status) + "_" + std::to_string(info.index);
});

}  // namespace
}  // namespace tollgate::providers
