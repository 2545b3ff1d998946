// What is wrong with an identity is said before anything is sent; and the simple keys.
#include "providers/identity/options.h"

#include "tests/unit/providers/identity/cloud.h"

namespace tollgate::providers {
namespace {

using testing::header_of;

std::string fault(const IdentityOptions& options) {
  const auto checked = check_identity(options);
  return checked ? std::string() : checked.error().param;
}

TEST(CheckIdentity, NamesTheMemberAtFault) {
  EXPECT_EQ(fault(NoIdentity{}), "");
  EXPECT_EQ(fault(KeyIdentity{KeyIdentity::Header::bearer, Secret("a\nb")}), "key");

  const auto aws = [](auto change) {
    AwsIdentity identity;
    identity.region = "eu-west-1";
    change(identity);
    return fault(std::move(identity));
  };
  EXPECT_EQ(aws([](AwsIdentity&) {}), "");
  EXPECT_EQ(aws([](AwsIdentity& i) { i.region = ""; }), "region");
  EXPECT_EQ(aws([](AwsIdentity& i) { i.region = "evil.example/"; }), "region");
  EXPECT_EQ(aws([](AwsIdentity& i) { i.service = "a/b"; }), "service");
  EXPECT_EQ(aws([](AwsIdentity& i) { i.source = AwsStaticKeys{}; }), "source.access_key_id");
  EXPECT_EQ(aws([](AwsIdentity& i) { i.source = AwsStaticKeys{"A", Secret(), Secret()}; }), "source.secret_access_key");
  EXPECT_EQ(aws([](AwsIdentity& i) { i.sts_url = "http://sts.example"; }), "sts_url");
  EXPECT_EQ(aws([](AwsIdentity& i) { i.assume_role.emplace(); }), "assume_role.role_arn");
  const auto role = [&](auto change) {
    return aws([&](AwsIdentity& i) {
      i.assume_role.emplace().role_arn = "arn:aws:iam::1:role/x";
      change(*i.assume_role);
    });
  };
  EXPECT_EQ(role([](AwsRole&) {}), "");
  EXPECT_EQ(role([](AwsRole& r) { r.duration = std::chrono::seconds(60); }), "assume_role.duration");
  EXPECT_EQ(role([](AwsRole& r) { r.session_name = "a b"; }), "assume_role.session_name");

  GoogleIdentity google;
  google.source = GoogleCredentials{Secret("{}")};
  EXPECT_EQ(fault(std::move(google)), "source.json");

  const auto entra = [](auto change) {
    EntraIdentity identity;
    change(identity);
    return fault(std::move(identity));
  };
  EXPECT_EQ(entra([](EntraIdentity&) {}), "");
  EXPECT_EQ(entra([](EntraIdentity& i) { i.tenant = "a/../b"; }), "tenant");
  EXPECT_EQ(entra([](EntraIdentity& i) { i.authority = "http://login.example"; }), "authority");
  EXPECT_EQ(entra([](EntraIdentity& i) { i.source = EntraSecret{Secret("s")}; }), "client_id");
  EXPECT_EQ(entra([](EntraIdentity& i) {
              i.client_id = "c";
              i.source = EntraSecret{};
            }),
            "source.client_secret");
  EXPECT_EQ(entra([](EntraIdentity& i) {
              i.client_id = "c";
              i.source = EntraManaged{"o", "", ""};
            }),
            "source");
}

class Keys : public testing::Cloud {};

TEST_F(Keys, StandInTheHeaderTheirProviderReads) {
  using Header = KeyIdentity::Header;
  const std::pair<Header, std::string> expected[] = {{Header::bearer, "authorization: Bearer k-1"},
                                                     {Header::api_key, "api-key: k-1"},
                                                     {Header::x_api_key, "x-api-key: k-1"},
                                                     {Header::x_goog_api_key, "x-goog-api-key: k-1"}};
  for (const auto& [header, line] : expected) {
    const auto by = authorizer(KeyIdentity{header, Secret("k-1")});
    HttpCall call = request();
    call.headers.push_back({"Authorization", "Bearer earlier"});
    const auto done = authorized(*by, std::move(call));
    EXPECT_EQ(done.headers.back().name + ": " + done.headers.back().value, line);
    if (header == Header::bearer) EXPECT_EQ(done.headers.size(), 2U) << "an earlier proof was left in";
  }
}

TEST_F(Keys, NothingIsAddedWhereNothingIsConfigured) {
  for (const auto& by : {authorizer(NoIdentity{}), authorizer(KeyIdentity{})})
    EXPECT_EQ(authorized(*by).headers.size(), 1U);
}

}  // namespace
}  // namespace tollgate::providers
