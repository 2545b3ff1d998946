// AWS's own signing suite, and what it leaves out: model names with ':' and '/' in the path.
#include "providers/identity/sigv4.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "providers/identity/url_text.h"

namespace tollgate::providers {
namespace {

using nlohmann::json;

json vectors(const std::string& name) {
  std::ifstream file("tests/unit/providers/identity/vectors/" + name);
  return json::parse(file);
}

SystemTime at(const std::string& amz) {
  const std::string rfc = amz.substr(0, 4) + "-" + amz.substr(4, 2) + "-" + amz.substr(6, 5) + ":" + amz.substr(11, 2) +
                          ":" + amz.substr(13, 2) + "Z";
  return parse_rfc3339(rfc).value();
}

Credential keys(const json& file, const json& one) {
  Credential out;
  out.access_key_id = file["access_key_id"];
  out.secret = Secret(file["secret_access_key"].get<std::string>());
  if (one.contains("session_token") && one["session_token"].is_string())
    out.session_token = Secret(one["session_token"].get<std::string>());
  return out;
}

std::string value_of(const std::vector<net::Header>& headers, std::string_view name) {
  for (const auto& header : headers)
    if (header.name == name) return header.value;
  return {};
}

// The canonical request that sign_v4 made: the same headers as it adds, but for the last.
std::string canonical_of(SigningRequest request, const SigningScope& scope, const std::vector<net::Header>& added) {
  for (const auto& header : added) {
    const bool is_unsigned =
        header.name == "authorization" || (header.name == "x-amz-security-token" && !scope.sign_session_token);
    if (!is_unsigned) request.headers.push_back(header);
  }
  return canonical_request(request, scope).text;
}

TEST(SigV4, SignsAsTheSuiteOfAwsSays) {
  const json file = vectors("sigv4_suite.json");
  ASSERT_EQ(file["cases"].size(), 38U);
  for (const auto& one : file["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const std::string method = one["method"];
    const std::string path = one["path"];
    const std::string query = one["query"];
    const std::string body = one.value("body", "");
    SigningRequest request{.method = method, .path = path, .query = query, .headers = {}, .body = body};
    for (const auto& header : one["headers"]) request.headers.push_back({header[0], header[1]});
    const std::string region = file["region"];
    const std::string service = file["service"];
    const SigningScope scope{.region = region,
                             .service = service,
                             .normalize_path = one.value("normalize", true),
                             .content_sha256_header = one.value("sign_body", false),
                             .sign_session_token = !one.value("omit_session_token", false)};
    const auto added = sign_v4(request, keys(file, one), scope, at(file["date"]));
    EXPECT_EQ(canonical_of(request, scope, added), one["canonical_request"].get<std::string>());
    const std::string proof = value_of(added, "authorization");
    EXPECT_TRUE(proof.ends_with("Signature=" + one["signature"].get<std::string>())) << proof;
  }
}

TEST(SigV4, EncodesModelNamesASecondTimeAsBotocoreDoes) {
  const json file = vectors("sigv4_bedrock.json");
  for (const auto& one : file["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const std::string method = one["method"];
    const std::string path = one["wire_path"];
    const std::string body = one["body"];
    const std::string region = one["region"];
    const std::string service = one["service"];
    SigningRequest request{.method = method,
                           .path = path,
                           .query = {},
                           .headers = {{"Host", one["host"]}, {"Content-Type", "application/json"}},
                           .body = body};
    const std::string expected = one["canonical_request"];
    if (expected.find("\naccept:") != std::string::npos) request.headers.push_back({"Accept", "application/json"});
    const SigningScope scope{.region = region, .service = service};
    const auto added = sign_v4(request, keys(file, one), scope, at(file["date"]));
    EXPECT_EQ(canonical_of(request, scope, added), expected);
    EXPECT_EQ(value_of(added, "authorization"), one["authorization"].get<std::string>());
  }
}

TEST(SigV4, SignsTheHashOfTheBodyWhereAskedTo) {
  const json file = vectors("sigv4_bedrock.json");
  const json& one = file["mantle"];
  const std::string path = one["path"];
  const std::string body = one["body"];
  SigningRequest request{.method = "POST",
                         .path = path,
                         .query = {},
                         .headers = {{"host", one["host"]}, {"content-type", "application/json"}},
                         .body = body};
  const SigningScope scope{.region = "us-east-1", .service = "bedrock-mantle", .content_sha256_header = true};
  const auto added = sign_v4(request, keys(file, one), scope, at(file["date"]));
  EXPECT_EQ(value_of(added, "authorization"), one["authorization"].get<std::string>());
}

TEST(SigV4, LeavesOutWhatProxiesChange) {
  for (const auto* name : {"Authorization", "connection", "User-Agent", "TE", "transfer-encoding", "x-amzn-trace-id",
                           "expect", "content-length"})
    EXPECT_FALSE(signable(name)) << name;
  for (const auto* name : {"host", "content-type", "x-amz-date", "x-amzn-bedrock-accept"}) EXPECT_TRUE(signable(name));
}

TEST(SigV4, EveryPartOfTheRequestChangesTheSignature) {
  const auto sign = [](std::string_view method, std::string_view path, std::string_view query, std::string_view body,
                       std::string_view region) {
    Credential keys;
    keys.access_key_id = "AK";
    keys.secret = Secret("secret");
    const SigningScope scope{.region = region, .service = "bedrock"};
    SigningRequest request{.method = method, .path = path, .query = query, .headers = {{"host", "h"}}, .body = body};
    return value_of(sign_v4(std::move(request), keys, scope, SystemTime(std::chrono::seconds(1'700'000'000))),
                    "authorization");
  };
  const auto base = sign("POST", "/a", "x=1", "b", "eu-west-1");
  EXPECT_EQ(base, sign("POST", "/a", "x=1", "b", "eu-west-1"));
  EXPECT_NE(base, sign("GET", "/a", "x=1", "b", "eu-west-1"));
  EXPECT_NE(base, sign("POST", "/a%2F", "x=1", "b", "eu-west-1"));
  EXPECT_NE(base, sign("POST", "/a", "x=2", "b", "eu-west-1"));
  EXPECT_NE(base, sign("POST", "/a", "x=1", "c", "eu-west-1"));
  EXPECT_NE(base, sign("POST", "/a", "x=1", "b", "eu-west-2"));
}

TEST(SigV4, WritesTheTimeInUtc) {
  EXPECT_EQ(amz_date(parse_rfc3339("2025-01-02T05:04:05.999+02:00").value()), "20250102T030405Z");
}

}  // namespace
}  // namespace tollgate::providers
