// How each cloud's identity is written, and what is said about one that cannot work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support.h"

namespace tollgate::config {
namespace {

using ::testing::ElementsAre;
using testing::Folder;
using ::testing::IsEmpty;
using testing::load_offline;
using testing::minimal;
using testing::problems_of;
using namespace providers;

std::string provider(const std::string& kind, const std::string& auth) {
  const std::string host = kind == "bedrock" ? "bedrock-runtime.eu-west-1.amazonaws.com"
                                             : "a.example" + std::string(kind == "vertex" ? "/v1" : "");
  return "providers: [{id: p, kind: " + kind + ", endpoint: https://" + host + ", auth: " + auth + "}]\n";
}

class Auth : public ::testing::Test {
 protected:
  Auth() {
    folder_.write_secrets();
    folder_.write("account.json",
                  R"({"type": "authorized_user", "client_id": "c", "client_secret": "s",)"
                  R"("refresh_token": "r"})",
                  0600);
  }

  LoadResult load_text(const std::string& yaml, std::shared_ptr<const Snapshot> previous = nullptr) {
    folder_.write("tollgate.yaml", minimal(yaml));
    LoadOptions options;
    options.previous = std::move(previous);
    return load(folder_.main(), options);
  }

  template <class Identity>
  const Identity& identity(const std::string& kind, const std::string& auth) {
    auto result = load_text(provider(kind, auth));
    EXPECT_THAT(problems_of(result), IsEmpty()) << auth;
    kept_ = result.snapshot->providers.at("p")->identity;
    return std::get<Identity>(*kept_);
  }

  std::vector<std::string> refused(const std::string& kind, const std::string& auth) {
    return problems_of(load_text(provider(kind, auth)));
  }

  Folder folder_;
  std::shared_ptr<const IdentityOptions> kept_;
};

TEST_F(Auth, AwsWithoutASourceIsWhatTheSdksFindAndTheEndpointNamesTheRegion) {
  const auto& aws = identity<AwsIdentity>("bedrock", "{aws: {}}");
  EXPECT_TRUE(std::holds_alternative<AwsDefault>(aws.source));
  EXPECT_EQ(aws.region, "eu-west-1");
  EXPECT_EQ(aws.service, "bedrock");
  EXPECT_EQ(identity<AwsIdentity>("bedrock", "{aws: {region: us-east-1}}").region, "us-east-1");
}

TEST_F(Auth, EverySourceOfAwsKeys) {
  const auto& fixed = identity<AwsIdentity>(
      "bedrock", "{aws: {static_keys: {access_key_id: AKIA1, secret_access_key: {file: secret}}}}");
  EXPECT_EQ(std::get<AwsStaticKeys>(fixed.source).secret_access_key.reveal(), "sk-planted-secret");
  EXPECT_TRUE(
      std::holds_alternative<AwsEnvironment>(identity<AwsIdentity>("bedrock", "{aws: {environment: {}}}").source));
  const auto& profile = identity<AwsIdentity>("bedrock", "{aws: {profile: {name: prod, config_file: aws/config}}}");
  EXPECT_EQ(std::get<AwsProfile>(profile.source).name, "prod");
  EXPECT_EQ(std::get<AwsProfile>(profile.source).config_file, (folder_.path() / "aws/config").string());
  const auto& web = identity<AwsIdentity>("bedrock", "{aws: {web_identity: {role_arn: arn, token_file: /t}}}");
  EXPECT_EQ(std::get<AwsWebIdentity>(web.source).token_file, "/t");
  const auto& container = identity<AwsIdentity>("bedrock", "{aws: {container: {url: \"http://127.0.0.1:1/c\"}}}");
  EXPECT_EQ(std::get<AwsContainer>(container.source).url, "http://127.0.0.1:1/c");
  EXPECT_TRUE(std::holds_alternative<AwsInstance>(identity<AwsIdentity>("bedrock", "{aws: {instance: {}}}").source));
}

TEST_F(Auth, ARoleIsAssumedWithTheKeysOfTheSource) {
  const auto& aws = identity<AwsIdentity>(
      "bedrock", "{aws: {assume_role: {role_arn: arn:aws:iam::1:role/x, external_id: e, duration: 30m}}}");
  EXPECT_EQ(aws.assume_role->role_arn, "arn:aws:iam::1:role/x");
  EXPECT_EQ(aws.assume_role->duration, std::chrono::minutes(30));
  EXPECT_EQ(aws.assume_role->session_name, "tollgate");
}

TEST_F(Auth, EveryFormOfGoogleAndEntra) {
  const auto& key =
      identity<GoogleIdentity>("vertex", "{google: {credentials: {file: account.json}, quota_project: q}}");
  EXPECT_TRUE(std::holds_alternative<GoogleCredentials>(key.source));
  EXPECT_EQ(key.quota_project, "q");
  const auto& machine = identity<GoogleIdentity>("openai_compatible", "{google: {metadata: {account: a@b.example}}}");
  EXPECT_EQ(std::get<GoogleMetadata>(machine.source).account, "a@b.example");

  const auto& secret =
      identity<EntraIdentity>("azure_openai", "{entra: {tenant: t, client_id: c, client_secret: {file: secret}}}");
  EXPECT_EQ(std::get<EntraSecret>(secret.source).client_secret.reveal(), "sk-planted-secret");
  EXPECT_EQ(secret.scope, "https://cognitiveservices.azure.com/.default");
  const auto& managed = identity<EntraIdentity>("azure_openai", "{entra: {managed_identity: {object_id: o}}}");
  EXPECT_EQ(std::get<EntraManaged>(managed.source).object_id, "o");
  const auto& federated = identity<EntraIdentity>("azure_openai", "{entra: {workload_identity: {token_file: /t}}}");
  EXPECT_EQ(std::get<EntraFederated>(federated.source).token_file, "/t");
  const auto& service = identity<EntraIdentity>("azure_openai", "{entra: {app_service: {}}}");
  EXPECT_TRUE(std::holds_alternative<EntraAppService>(service.source));
}

TEST_F(Auth, WhatIsWrongIsSaidWhereItStands) {
  const std::string at = "tollgate.yaml:4 providers[0].auth";
  EXPECT_THAT(refused("openai_compatible", "{aws: {}}"),
              ElementsAre(at + ".aws.region: is missing, or no region's name such as eu-west-1"));
  EXPECT_THAT(refused("bedrock", "{aws: {static_keys: {access_key_id: A.B, secret_access_key: {file: secret}}}}"),
              ElementsAre(at + ".aws.static_keys.access_key_id: is missing, or no access key id"));
  EXPECT_THAT(
      refused("bedrock", "{aws: {instance: {}, environment: {}}}"),
      ElementsAre(at + ".aws.instance: cannot stand beside environment: one of them says where credentials are"));
  EXPECT_THAT(refused("bedrock", "{aws: {assume_role: {role_arn: a, session_name: \"a b\"}}}"),
              ElementsAre(at + ".aws.assume_role.session_name: takes 2 to 64 letters, digits and _+=,.@-"));
  EXPECT_THAT(refused("bedrock", "{google: {metadata: {}}}"),
              ElementsAre(at + ".google: is for kinds openai_compatible, vertex"));
  EXPECT_THAT(refused("vertex", "{entra: {app_service: {}}}"),
              ElementsAre(at + ".entra: is for kinds openai_compatible, azure_openai, azure_ai, azure_ml, anthropic"));
  EXPECT_THAT(refused("anthropic", "{aws: {region: eu-west-1}}"),
              ElementsAre(at + ".aws: is for kinds openai_compatible, bedrock, sagemaker"));
  EXPECT_THAT(refused("vertex", "{google: {}}"),
              ElementsAre(at + ".google: needs credentials (the JSON file of an account) or metadata: {}"));
  EXPECT_THAT(refused("azure_openai", "{entra: {client_secret: {file: secret}}}"),
              ElementsAre(at + ".entra.client_id: is missing"));
  EXPECT_THAT(refused("azure_openai", "{entra: {tenant: t}}"),
              ElementsAre(at + ".entra: needs client_secret, workload_identity, managed_identity or app_service"));
  EXPECT_THAT(refused("bedrock", "{aws: {}, bearer: {file: secret}}"),
              ElementsAre(at + ": needs exactly one of bearer, api_key, aws, google or entra"));
  folder_.write("two-lines", "one\ntwo", 0600);
  EXPECT_THAT(refused("anthropic", "{api_key: {file: two-lines}}"),
              ElementsAre(at + ".api_key: has characters that cannot be sent"));
}

TEST_F(Auth, ABrokenCredentialsFileIsNotQuoted) {
  folder_.write("account.json", R"({"type": "service_account", "private_key": "planted"})", 0600);
  const auto problems = refused("vertex", "{google: {credentials: {file: account.json}}}");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0], ::testing::HasSubstr("auth.google.credentials: "));
  EXPECT_THAT(problems[0], ::testing::Not(::testing::HasSubstr("planted")));
}

TEST_F(Auth, OfflineNoSecretIsNeeded) {
  const Folder empty;
  const std::string keys = "{aws: {static_keys: {access_key_id: A, secret_access_key: {file: none}}}}";
  EXPECT_THAT(problems_of(load_offline(empty, minimal(provider("bedrock", keys)))), IsEmpty());
  EXPECT_THAT(problems_of(load_offline(empty, minimal(provider("vertex", "{google: {credentials: {file: none}}}")))),
              IsEmpty());
}

TEST_F(Auth, ALocalModelHasNoIdentity) {
  EXPECT_THAT(problems_of(load_text(
                  "providers: [{id: l, kind: local, model: {directory: model}, auth: {aws: {region: r}}}]\n")),
              ::testing::Contains("tollgate.yaml:4 providers[0]: kind local takes no auth"));
}

TEST_F(Auth, AReloadKeepsWhatSaysTheSameAndNoticesAChangedSecret) {
  const std::string yaml =
      provider("bedrock", "{aws: {static_keys: {access_key_id: AKIA1, secret_access_key: {file: secret}}}}");
  const auto before = load_text(yaml).snapshot;
  const auto same = load_text(yaml, before).snapshot;
  EXPECT_EQ(same->providers.at("p"), before->providers.at("p"));
  folder_.write("secret", "rotated\n", 0600);
  const auto after = load_text(yaml, before).snapshot;
  EXPECT_NE(after->providers.at("p"), before->providers.at("p"));
  EXPECT_EQ(after->providers.at("p")->endpoint, before->providers.at("p")->endpoint);
  EXPECT_THAT(semantic_diff(*before, *after),
              ElementsAre("provider p: auth.aws.static_keys.secret_access_key changed"));
  const auto moved = load_text(provider("bedrock", "{aws: {environment: {}}}"), before).snapshot;
  EXPECT_THAT(semantic_diff(*before, *moved),
              ElementsAre("provider p: auth.aws.source static_keys -> environment",
                          "provider p: auth.aws.static_keys.access_key_id removed (was AKIA1)",
                          "provider p: auth.aws.static_keys.secret_access_key removed"));
}

}  // namespace
}  // namespace tollgate::config
