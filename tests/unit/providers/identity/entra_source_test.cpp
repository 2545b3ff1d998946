// What each of Entra's forms sends, and what is read from the answers.
#include "tests/unit/providers/identity/cloud.h"

namespace tollgate::providers {
namespace {

using testing::header_of;
using testing::Reply;
using testing::seconds;
using testing::url_of;

class Entra : public testing::Cloud {
 protected:
  Entra() {
    cloud.answer = [](const HttpCall&) {
      return Reply{.body =
                       R"({"token_type":"Bearer","expires_in":3599,"ext_expires_in":7199,"access_token":"eyJ.a.b"})"};
    };
  }
};

TEST_F(Entra, ClientSecretAsksTheTokenEndpointOfTheTenant) {
  EntraIdentity identity;
  identity.tenant = "11111111-2222-3333-4444-555555555555";
  identity.client_id = "app-1";
  identity.source = EntraSecret{Secret("s~ecret&=+")};
  identity.scope = "https://ai.azure.com/.default";
  const auto by = authorizer(std::move(identity));
  EXPECT_EQ(header_of(authorized(*by), "authorization"), "Bearer eyJ.a.b");
  ASSERT_EQ(cloud.calls.size(), 1U);
  const auto& call = cloud.calls[0];
  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(url_of(call), "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token");
  EXPECT_EQ(header_of(call, "content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(call.body,
            "grant_type=client_credentials&client_id=app-1&scope=https%3A%2F%2Fai.azure.com%2F.default"
            "&client_secret=s~ecret%26%3D%2B");
}

TEST_F(Entra, FederationReadsItsFileAnewForEachToken) {
  environment = {{"AZURE_TENANT_ID", "contoso.example"},
                 {"AZURE_CLIENT_ID", "app-2"},
                 {"AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"},
                 {"AZURE_FEDERATED_TOKEN_FILE", file("token", "first.jwt\n")}};
  EntraIdentity identity;
  identity.source = EntraFederated{};
  const auto by = authorizer(std::move(identity));
  authorized(*by);
  file("token", "second.jwt");
  clock.advance(seconds(3'600));
  authorized(*by);
  ASSERT_EQ(cloud.calls.size(), 2U);
  EXPECT_EQ(url_of(cloud.calls[0]), "https://login.microsoftonline.us/contoso.example/oauth2/v2.0/token");
  EXPECT_EQ(cloud.calls[0].body,
            "grant_type=client_credentials&client_id=app-2"
            "&scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default"
            "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
            "&client_assertion=first.jwt");
  EXPECT_TRUE(cloud.calls[1].body.ends_with("&client_assertion=second.jwt"));
}

TEST_F(Entra, AMissingFileIsNamedInTheLogOnly) {
  EntraIdentity identity;
  identity.tenant = "contoso.example";
  identity.client_id = "app-2";
  identity.source = EntraFederated{"/nowhere/token"};
  const auto by = authorizer(std::move(identity));
  authorized(*by);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message, "The gateway could not authenticate itself to the provider.");
  EXPECT_TRUE(log.mentions("the file /nowhere/token could not be read: No such file"));
  EXPECT_TRUE(cloud.calls.empty());
}

TEST_F(Entra, ManagedIdentityAsksTheMachineForTheAudience) {
  cloud.answer = [](const HttpCall&) {
    return Reply{.body = R"({"access_token":"m","client_id":"x","expires_in":"86399","expires_on":"1735873444",)"
                         R"("not_before":"1735787044","resource":"https://ml.azure.com","token_type":"Bearer"})"};
  };
  EntraIdentity identity;
  identity.scope = "https://ml.azure.com/.default";
  identity.client_id = "user-assigned";
  const auto by = authorizer(std::move(identity));
  EXPECT_EQ(header_of(authorized(*by), "authorization"), "Bearer m");
  const auto& call = cloud.calls.at(0);
  EXPECT_EQ(call.method, "GET");
  EXPECT_EQ(url_of(call),
            "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
            "&resource=https%3A%2F%2Fml.azure.com&client_id=user-assigned");
  EXPECT_EQ(header_of(call, "metadata"), "true");
  EXPECT_FALSE(call.endpoint->tls);
  EXPECT_TRUE(call.endpoint->egress.connect_proxy_host.empty());
  clock.advance(seconds(86'000));
  authorized(*by);
  EXPECT_EQ(cloud.calls.size(), 1U) << "the string in expires_in was not read";
}

TEST_F(Entra, TheMachineMayBeRenewingItsService) {
  int asked = 0;
  cloud.answer = [&](const HttpCall&) {
    if (++asked == 1) return Reply{.status = 410};
    return Reply{.body = R"({"access_token":"m","expires_in":"3600"})"};
  };
  const auto by = authorizer(EntraIdentity{});
  EXPECT_EQ(header_of(authorized(*by), "authorization"), "Bearer m");
}

TEST_F(Entra, AppServiceIsAskedWithItsHeader) {
  environment = {{"IDENTITY_ENDPOINT", "http://127.0.0.1:41741/msi/token/"}, {"IDENTITY_HEADER", "853b9a84"}};
  cloud.answer = [](const HttpCall&) {
    return Reply{.body = R"({"access_token":"a","expires_on":"1735790645","resource":"r","token_type":"Bearer"})"};
  };
  EntraIdentity identity;
  identity.source = EntraAppService{};
  const auto by = authorizer(std::move(identity));
  EXPECT_EQ(header_of(authorized(*by), "authorization"), "Bearer a");
  EXPECT_EQ(url_of(cloud.calls.at(0)),
            "http://127.0.0.1:41741/msi/token/?api-version=2019-08-01"
            "&resource=https%3A%2F%2Fcognitiveservices.azure.com");
  EXPECT_EQ(header_of(cloud.calls[0], "x-identity-header"), "853b9a84");
  clock.advance(seconds(3'591));
  authorized(*by);
  EXPECT_EQ(cloud.calls.size(), 2U) << "expires_on was not read";
}

TEST_F(Entra, AnAnswerWithoutATokenIsNone) {
  for (const auto* body : {"", "[]", "{}", R"({"access_token":"t"})", R"({"access_token":"","expires_in":10})",
                           R"({"access_token":"t","expires_in":0})", R"({"access_token":"t","expires_in":-5})",
                           R"({"access_token":"t","expires_in":10,"token_type":"mac"})",
                           R"({"access_token":"a b","expires_in":10})", "<html>"}) {
    cloud.answer = [&](const HttpCall&) { return Reply{.body = body}; };
    EntraIdentity identity;
    identity.tenant = "t";
    identity.client_id = "c";
    identity.source = EntraSecret{Secret("s")};
    const auto by = authorizer(std::move(identity));
    authorized(*by);
    EXPECT_TRUE(error) << body;
  }
}

}  // namespace
}  // namespace tollgate::providers
