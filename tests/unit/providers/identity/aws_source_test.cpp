// Where AWS keys come from: what is asked, in which order, and how the answers are read.
#include "providers/identity/aws_source.h"

#include "tests/unit/providers/identity/cloud.h"

namespace tollgate::providers {
namespace {

using ::testing::HasSubstr;
using testing::header_of;
using testing::Reply;
using testing::seconds;
using ::testing::StartsWith;
using testing::url_of;

std::string sts_answer(const std::string& action, const std::string& id) {
  return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <" + action +
         "Result>\n    <Credentials>\n      <AccessKeyId>" + id +
         "</AccessKeyId>\n      <SecretAccessKey>sts/secret+key</SecretAccessKey>\n"
         "      <SessionToken>sts//token==</SessionToken>\n"
         "      <Expiration>2025-01-02T04:04:05Z</Expiration>\n    </Credentials>\n  </" +
         action + "Result>\n</" + action + "Response>";
}

constexpr auto kMetadataKeys =
    R"({"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ASIAMETA","SecretAccessKey":"meta/secret",)"
    R"("Token":"meta-token","Expiration":"2025-01-02T09:04:05Z","LastUpdated":"2025-01-02T03:00:00Z"})";

class Aws : public testing::Cloud {
 protected:
  Aws() { environment["HOME"] = "/nowhere"; }

  static AwsIdentity identity(AwsSource source) {
    AwsIdentity out;
    out.region = "eu-west-1";
    out.source = std::move(source);
    return out;
  }

  std::string authorization(Authorizer& by) { return header_of(authorized(by), "authorization"); }

  // The source is asked, and signs with keys of that id.
  void expect_key(AwsIdentity options, const std::string& id) {
    const auto by = authorizer(std::move(options));
    EXPECT_THAT(authorization(*by), StartsWith("AWS4-HMAC-SHA256 Credential=" + id + "/20250102/eu-west-1/bedrock/"))
        << (log.lines.empty() ? "" : log.lines.back());
  }
};

TEST_F(Aws, StaticKeysSignAsBotocoreDoes) {
  AwsIdentity options = identity(AwsStaticKeys{"AKIDEXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), {}});
  options.region = "us-east-1";
  const auto by = authorizer(std::move(options));
  HttpCall call = request();
  auto endpoint = std::make_shared<Endpoint>();
  endpoint->host = "bedrock-runtime.us-east-1.amazonaws.com";
  endpoint->base_path = "/model";
  call.endpoint = endpoint;
  call.path = "/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse";
  call.body = R"({"messages":[{"role":"user","content":[{"text":"hello"}]}]})";
  call.headers.push_back({"user-agent", "tollgate/0.1"});
  call.headers.push_back({"accept", "application/json"});
  call.headers.push_back({"authorization", "Bearer of somebody else"});
  const auto once = authorized(*by, std::move(call));
  const auto* const expected =
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250102/us-east-1/bedrock/aws4_request, "
      "SignedHeaders=content-type;host;x-amz-date, "
      "Signature=c89c3ca8f6673b369addc402b6602f50c2c10362938b3ae02cf13b8ce3cf3378";
  EXPECT_EQ(header_of(once, "authorization"), expected);
  EXPECT_EQ(header_of(once, "x-amz-date"), "20250102T030405Z");
  // A retry signs anew over what the first attempt left in the call.
  clock.advance(seconds(1));
  const auto again = authorized(*by, once);
  EXPECT_EQ(header_of(again, "x-amz-date"), "20250102T030406Z");
  EXPECT_NE(header_of(again, "authorization"), expected);
  EXPECT_EQ(again.headers.size(), once.headers.size());
  EXPECT_TRUE(cloud.calls.empty());
}

TEST_F(Aws, MidnightBringsAnotherSigningKey) {
  const auto fresh = [&] { return authorizer(identity(AwsStaticKeys{"AK", Secret("secret"), {}})); };
  const auto by = fresh();
  authorization(*by);
  clock.advance(std::chrono::hours(24));
  const auto kept = authorization(*by);
  EXPECT_THAT(kept, HasSubstr("Credential=AK/20250103/"));
  EXPECT_EQ(kept, authorization(*fresh()));
}

TEST_F(Aws, NewKeysBringAnotherSigningKey) {
  environment["AWS_ACCESS_KEY_ID"] = "AK";
  environment["AWS_SECRET_ACCESS_KEY"] = "one";
  const auto by = authorizer(identity(AwsEnvironment{}));
  const auto before = authorization(*by);
  environment["AWS_SECRET_ACCESS_KEY"] = "two";
  clock.advance(std::chrono::milliseconds(30'999));
  by->refused();
  const auto after = authorization(*by);
  const auto fresh = authorizer(identity(AwsStaticKeys{"AK", Secret("two"), {}}));
  EXPECT_EQ(after, authorization(*fresh));
  EXPECT_NE(after, before);
}

TEST_F(Aws, EnvironmentKeysAndTheirSessionToken) {
  environment["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  environment["AWS_SECRET_ACCESS_KEY"] = "secret";
  environment["AWS_SESSION_TOKEN"] = "session";
  const auto by = authorizer(identity(AwsEnvironment{}));
  const auto call = authorized(*by);
  EXPECT_THAT(header_of(call, "authorization"), HasSubstr("Credential=AKIAENV/"));
  EXPECT_THAT(header_of(call, "authorization"), HasSubstr("x-amz-security-token"));
  EXPECT_EQ(header_of(call, "x-amz-security-token"), "session");
}

TEST_F(Aws, WebIdentityIsExchangedUnsigned) {
  cloud.answer = [](const HttpCall&) { return Reply{.body = sts_answer("AssumeRoleWithWebIdentity", "ASIAWEB")}; };
  environment["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/r";
  environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = file("web", "web.id.token\n");
  expect_key(identity(AwsWebIdentity{}), "ASIAWEB");
  ASSERT_EQ(cloud.calls.size(), 1U);
  const auto& call = cloud.calls[0];
  EXPECT_EQ(url_of(call), "https://sts.eu-west-1.amazonaws.com/");
  EXPECT_EQ(call.body,
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr"
            "&RoleSessionName=tollgate&WebIdentityToken=web.id.token");
  EXPECT_EQ(header_of(call, "authorization"), "");
}

TEST_F(Aws, AssumeRoleIsSignedWithTheKeysOfTheSource) {
  cloud.answer = [](const HttpCall&) { return Reply{.body = sts_answer("AssumeRole", "ASIAROLE")}; };
  AwsIdentity options = identity(AwsStaticKeys{"AKIABASE", Secret("base"), Secret("base-session")});
  options.sts_url = "https://sts.example:8443";
  AwsRole role;
  role.role_arn = "arn:aws:iam::123456789012:role/r";
  role.external_id = "ext=1";
  options.assume_role = role;
  const auto by = authorizer(std::move(options));
  const auto call = authorized(*by);
  EXPECT_THAT(header_of(call, "authorization"), HasSubstr("Credential=ASIAROLE/"));
  EXPECT_EQ(header_of(call, "x-amz-security-token"), "sts//token==");
  ASSERT_EQ(cloud.calls.size(), 1U);
  const auto& asked = cloud.calls[0];
  EXPECT_EQ(url_of(asked), "https://sts.example:8443/");
  EXPECT_EQ(asked.body,
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr"
            "&RoleSessionName=tollgate&ExternalId=ext%3D1&DurationSeconds=3600");
  EXPECT_THAT(header_of(asked, "authorization"),
              StartsWith("AWS4-HMAC-SHA256 Credential=AKIABASE/20250102/eu-west-1/sts/aws4_request, "
                         "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "));
  EXPECT_EQ(header_of(asked, "x-amz-security-token"), "base-session");
}

TEST_F(Aws, TheSameRoleIsAssumedAgainBeforeItExpires) {
  cloud.answer = [](const HttpCall&) { return Reply{.body = sts_answer("AssumeRole", "ASIAROLE")}; };
  AwsIdentity options = identity(AwsStaticKeys{"AKIABASE", Secret("base"), {}});
  options.assume_role = AwsRole{};
  options.assume_role->role_arn = "arn";
  const auto by = authorizer(std::move(options));
  authorized(*by);
  clock.advance(seconds(2'699));
  authorized(*by);
  EXPECT_EQ(cloud.calls.size(), 1U);
  clock.advance(seconds(1));
  authorized(*by);
  turn();
  EXPECT_EQ(cloud.calls.size(), 2U);
}

TEST_F(Aws, ContainersAreAskedWithTheirToken) {
  cloud.answer = [](const HttpCall&) {
    return Reply{.body = R"({"AccessKeyId":"ASIACONT","SecretAccessKey":"s","Token":"t",)"
                         R"("Expiration":"2025-01-02T09:04:05Z","RoleArn":"arn"})"};
  };
  environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
  environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = file("pod", "pod.token\n");
  expect_key(identity(AwsContainer{}), "ASIACONT");
  EXPECT_EQ(url_of(cloud.calls.at(0)), "http://169.254.170.23/v1/credentials");
  EXPECT_EQ(header_of(cloud.calls[0], "authorization"), "pod.token");

  environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/x";
  environment.erase("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  expect_key(identity(AwsContainer{}), "ASIACONT");
  EXPECT_EQ(url_of(cloud.calls.at(1)), "http://169.254.170.2/v2/credentials/x");
  EXPECT_EQ(header_of(cloud.calls[1], "authorization"), "");
}

TEST_F(Aws, ContainerCredentialsDoNotComeOverPlainHttpFromAfar) {
  environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://203.0.113.5/credentials";
  const auto by = authorizer(identity(AwsContainer{}));
  authorized(*by);
  EXPECT_TRUE(error);
  EXPECT_TRUE(cloud.calls.empty());
}

TEST_F(Aws, TheInstanceIsAskedWithinASession) {
  cloud.answer = [](const HttpCall& call) {
    if (call.method == "PUT") return Reply{.body = "imds-session=="};
    if (call.path.ends_with('/')) return Reply{.body = "gateway-role\n"};
    return Reply{.body = kMetadataKeys};
  };
  expect_key(identity(AwsInstance{}), "ASIAMETA");
  ASSERT_EQ(cloud.calls.size(), 3U);
  EXPECT_EQ(url_of(cloud.calls[0]), "http://169.254.169.254/latest/api/token");
  EXPECT_EQ(header_of(cloud.calls[0], "x-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(url_of(cloud.calls[1]), "http://169.254.169.254/latest/meta-data/iam/security-credentials/");
  EXPECT_EQ(url_of(cloud.calls[2]), "http://169.254.169.254/latest/meta-data/iam/security-credentials/gateway-role");
  for (const auto i : {1U, 2U}) EXPECT_EQ(header_of(cloud.calls[i], "x-aws-ec2-metadata-token"), "imds-session==");
}

TEST_F(Aws, AnInstanceWithoutARoleOrWithAnErrorHasNoKeys) {
  for (const auto* body : {"<html>portal</html>", "", R"({"Code":"AssumeRoleUnauthorizedAccess"})"}) {
    cloud.answer = [&](const HttpCall& call) {
      if (call.method == "PUT") return Reply{.body = "s"};
      if (call.path.ends_with('/') && body[0] != '{') return Reply{.body = body};
      return Reply{.body = call.path.ends_with('/') ? "role" : body};
    };
    const auto by = authorizer(identity(AwsInstance{}));
    authorized(*by);
    EXPECT_TRUE(error) << body;
  }
}

TEST_F(Aws, TheDefaultTakesTheFirstSourceInTheSdksOrder) {
  cloud.answer = [](const HttpCall& call) {
    if (call.method == "PUT") return Reply{.body = "s"};
    if (call.endpoint->host.starts_with("sts."))
      return Reply{.body = sts_answer("AssumeRoleWithWebIdentity", "ASIAWEB")};
    if (call.endpoint->host == "169.254.170.2")
      return Reply{.body = R"({"AccessKeyId":"ASIACONT","SecretAccessKey":"s","Token":"t",)"
                           R"("Expiration":"2025-01-02T09:04:05Z"})"};
    return Reply{.body = call.path.ends_with('/') ? "role" : kMetadataKeys};
  };
  expect_key(identity(AwsDefault{}), "ASIAMETA");
  environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/x";
  expect_key(identity(AwsDefault{}), "ASIACONT");
  environment["AWS_SHARED_CREDENTIALS_FILE"] =
      file("credentials", "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = x\n");
  expect_key(identity(AwsDefault{}), "AKIAFILE");
  environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = file("web", "w");
  environment["AWS_ROLE_ARN"] = "arn";
  expect_key(identity(AwsDefault{}), "ASIAWEB");
  environment["AWS_ACCESS_KEY_ID"] = "AKIAENV";
  environment["AWS_SECRET_ACCESS_KEY"] = "x";
  expect_key(identity(AwsDefault{}), "AKIAENV");
}

TEST_F(Aws, WithNothingThereItSaysWhereItLooked) {
  environment["AWS_EC2_METADATA_DISABLED"] = "true";
  const auto by = authorizer(identity(AwsDefault{}));
  authorized(*by);
  EXPECT_TRUE(error);
  EXPECT_TRUE(log.mentions("no credentials were found"));
  EXPECT_TRUE(cloud.calls.empty());
}

TEST_F(Aws, AProfileMayLeadThroughOtherProfilesToRoles) {
  const auto config = file("config",
                           "[profile app]\nrole_arn = arn:aws:iam::1:role/app\nsource_profile = hub\n"
                           "[profile hub]\nrole_arn = arn:aws:iam::1:role/hub\nsource_profile = default\n"
                           "[default]\naws_access_key_id = AKIABASE\naws_secret_access_key = x\n");
  int roles = 0;
  cloud.answer = [&](const HttpCall&) {
    return Reply{.body = sts_answer("AssumeRole", "ASIA" + std::to_string(++roles))};
  };
  AwsProfile profile;
  profile.name = "app";
  profile.config_file = config;
  expect_key(identity(std::move(profile)), "ASIA2");
  ASSERT_EQ(cloud.calls.size(), 2U);
  EXPECT_THAT(cloud.calls[0].body, HasSubstr("role%2Fhub"));
  EXPECT_THAT(header_of(cloud.calls[0], "authorization"), HasSubstr("Credential=AKIABASE/"));
  EXPECT_THAT(cloud.calls[1].body, HasSubstr("role%2Fapp"));
  EXPECT_THAT(header_of(cloud.calls[1], "authorization"), HasSubstr("Credential=ASIA1/"));
}

TEST_F(Aws, ARefusalOfStsIsNamedByItsCode) {
  cloud.answer = [](const HttpCall&) {
    return Reply{.status = 403,
                 .body =
                     "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>"
                     "<Code>AccessDenied</Code><Message>User arn:aws:iam::1:user/x may not</Message></Error>"
                     "<RequestId>1</RequestId></ErrorResponse>"};
  };
  AwsIdentity options = identity(AwsStaticKeys{"AKIABASE", Secret("base"), {}});
  options.assume_role = AwsRole{};
  options.assume_role->role_arn = "arn";
  const auto by = authorizer(std::move(options));
  authorized(*by);
  EXPECT_TRUE(error);
  EXPECT_TRUE(log.mentions("reason=AWS STS answered 403 AccessDenied "));
  EXPECT_FALSE(log.mentions("may not"));
}

}  // namespace
}  // namespace tollgate::providers
