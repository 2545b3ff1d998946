// What each of Google's forms sends. The assertion is held to a golden value.
#include "providers/identity/google_key.h"
#include "tests/unit/providers/identity/cloud.h"
#include "tests/unit/providers/identity/fixture.h"

namespace tollgate::providers {
namespace {

using nlohmann::json;
using testing::header_of;
using testing::Reply;
using testing::url_of;

constexpr auto kToken = R"({"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"})";

class Google : public testing::Cloud {
 protected:
  Google() {
    cloud.answer = [](const HttpCall&) { return Reply{.body = kToken}; };
  }

  std::unique_ptr<Authorizer> with(const json& file) {
    GoogleIdentity identity;
    identity.source = GoogleCredentials{Secret(file.dump())};
    return authorizer(std::move(identity));
  }

  static json account() {
    return {{"type", "service_account"},
            {"project_id", "example-project"},
            {"private_key_id", "0123456789abcdef0123456789abcdef01234567"},
            {"private_key", std::string(testing::google_private_key().reveal())},
            {"client_email", "svc@example-project.iam.gserviceaccount.com"},
            {"token_uri", "https://oauth2.googleapis.com/token"}};
  }

  static json external() {
    return {{"type", "external_account"},
            {"audience", "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q"},
            {"subject_token_type", "urn:ietf:params:oauth:token-type:jwt"},
            {"token_url", "https://sts.googleapis.com/v1/token"}};
  }
};

TEST_F(Google, AServiceAccountSignsTheGoldenAssertion) {
  const auto by = with(account());
  EXPECT_EQ(header_of(authorized(*by), "authorization"), "Bearer ya29.x");
  ASSERT_EQ(cloud.calls.size(), 1U);
  EXPECT_EQ(url_of(cloud.calls[0]), "https://oauth2.googleapis.com/token");
  EXPECT_EQ(cloud.calls[0].body, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" +
                                     testing::google_vector()["assertion"].get<std::string>());
}

TEST_F(Google, TheMetadataServiceMustShowItsHeader) {
  bool genuine = false;
  cloud.answer = [&](const HttpCall&) {
    Reply reply{.body = kToken};
    if (genuine) reply.headers["metadata-flavor"] = "Google";
    return reply;
  };
  GoogleIdentity identity;
  identity.quota_project = "billing-1";
  const auto by = authorizer(std::move(identity));
  authorized(*by);
  EXPECT_TRUE(error) << "a captive portal was taken for Google";
  genuine = true;
  clock.advance(testing::seconds(60));
  const auto call = authorized(*by);
  EXPECT_EQ(header_of(call, "authorization"), "Bearer ya29.x");
  EXPECT_EQ(header_of(call, "x-goog-user-project"), "billing-1");
  EXPECT_EQ(url_of(cloud.calls.back()),
            "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
            "?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform");
  EXPECT_EQ(header_of(cloud.calls.back(), "metadata-flavor"), "Google");
}

TEST_F(Google, FederationExchangesTheTokenOfAFile) {
  json file = external();
  file["credential_source"] = {{"file", this->file("subject", "their.jwt\n")}};
  const auto by = with(file);
  EXPECT_EQ(header_of(authorized(*by), "authorization"), "Bearer ya29.x");
  ASSERT_EQ(cloud.calls.size(), 1U);
  EXPECT_EQ(url_of(cloud.calls[0]), "https://sts.googleapis.com/v1/token");
  EXPECT_EQ(cloud.calls[0].body,
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
            "&audience=%2F%2Fiam.googleapis.com%2Fprojects%2F1%2Flocations%2Fglobal%2FworkloadIdentityPools%2Fp"
            "%2Fproviders%2Fq&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform"
            "&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
            "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&subject_token=their.jwt");
}

TEST_F(Google, FederationAsksAUrlAndImpersonates) {
  json file = external();
  file["credential_source"] = {{"url", "http://169.254.169.254/metadata/identity/oauth2/token?resource=x"},
                               {"headers", {{"Metadata", "True"}}},
                               {"format", {{"type", "json"}, {"subject_token_field_name", "access_token"}}}};
  file["service_account_impersonation_url"] =
      "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b.iam.gserviceaccount.com:"
      "generateAccessToken";
  file["service_account_impersonation"] = {{"token_lifetime_seconds", 1200}};
  cloud.answer = [](const HttpCall& call) {
    if (call.endpoint->host == "169.254.169.254") return Reply{.body = R"({"access_token":"azure.jwt"})"};
    if (call.endpoint->host == "sts.googleapis.com") return Reply{.body = kToken};
    return Reply{.body = R"({"accessToken":"ya29.impersonated","expireTime":"2025-01-02T03:24:05Z"})"};
  };
  const auto by = with(file);
  EXPECT_EQ(header_of(authorized(*by), "authorization"), "Bearer ya29.impersonated");
  ASSERT_EQ(cloud.calls.size(), 3U);
  EXPECT_EQ(url_of(cloud.calls[0]), "http://169.254.169.254/metadata/identity/oauth2/token?resource=x");
  EXPECT_EQ(header_of(cloud.calls[0], "metadata"), "True");
  EXPECT_TRUE(cloud.calls[1].body.ends_with("&subject_token=azure.jwt"));
  EXPECT_EQ(header_of(cloud.calls[2], "authorization"), "Bearer ya29.x");
  EXPECT_EQ(cloud.calls[2].body, R"({"scope":["https://www.googleapis.com/auth/cloud-platform"],"lifetime":"1200s"})");
  clock.advance(testing::seconds(1'195));
  authorized(*by);
  EXPECT_EQ(cloud.calls.size(), 6U) << "expireTime was not read";
}

TEST_F(Google, ADeveloperRefreshes) {
  const auto by =
      with({{"type", "authorized_user"}, {"client_id", "c.apps"}, {"client_secret", "d-x"}, {"refresh_token", "1//r"}});
  EXPECT_EQ(header_of(authorized(*by), "authorization"), "Bearer ya29.x");
  EXPECT_EQ(cloud.calls.at(0).body,
            "grant_type=refresh_token&client_id=c.apps&client_secret=d-x&refresh_token=1%2F%2Fr");
}

TEST_F(Google, ARefusalIsNamedByItsCode) {
  cloud.answer = [](const HttpCall&) {
    return Reply{.status = 400, .body = R"({"error":"invalid_grant","error_description":"Invalid JWT Signature."})"};
  };
  const auto by = with(account());
  authorized(*by);
  EXPECT_TRUE(error);
  EXPECT_TRUE(log.mentions("reason=Google's token endpoint answered 400 invalid_grant "));
  EXPECT_EQ(cloud.calls.size(), 1U) << "a refusal that cannot pass was tried again";
}

TEST_F(Google, KeyFilesThatCannotWorkAreRefusedBeforeUse) {
  const auto refused = [](json file, std::string_view why) {
    const auto key = parse_google_key(Secret(file.dump()));
    ASSERT_FALSE(key) << why;
    EXPECT_NE(key.error().message.find(why), std::string::npos) << key.error().message;
  };
  json file = account();
  file["private_key"] = "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n";
  refused(file, "the private key is not readable PEM");
  file = account();
  file.erase("client_email");
  refused(file, "has no client_email");
  file = account();
  file["token_uri"] = "http://evil.example/token";
  refused(file, "plain http");
  file = external();
  refused(file, "credential_source");
  file["credential_source"] = {{"executable", {{"command", "/bin/sh"}}}};
  refused(file, "credential_source");
  file["credential_source"] = {{"environment_id", "aws1"}, {"url", "http://169.254.169.254/x"}};
  refused(file, "credential_source");
  file["credential_source"] = {{"file", "/x"}, {"format", {{"type", "xml"}}}};
  refused(file, "format");
  refused({{"type", "gdch_service_account"}}, "type");
  refused(json::array(), "no object");
}

}  // namespace
}  // namespace tollgate::providers
