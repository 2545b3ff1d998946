// Other people's detectors as they are configured: kinds, what proves us to them, their names of types and ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pii/custom.h"
#include "support.h"

namespace tollgate::config {
namespace {

using ::testing::ElementsAre;
using testing::Folder;
using ::testing::IsEmpty;
using testing::minimal;
using testing::problems_of;
using namespace providers;

const std::string kAzure =
    "name: a, kind: azure_language, url: https://a.cognitiveservices.azure.com, entities: {Person: PERSON, Email: "
    "EMAIL_ADDRESS}";
const std::string kComprehend =
    "name: a, kind: comprehend, url: https://comprehend.eu-west-1.amazonaws.com, entities: {NAME: PERSON}";
const std::string kPresidio = "name: a, url: https://presidio.internal, entities: [PERSON]";

class Analysers : public ::testing::Test {
 protected:
  Analysers() { folder_.write_secrets(); }

  LoadResult load_text(const std::string& analyser, std::shared_ptr<const Snapshot> previous = nullptr) {
    folder_.write("tollgate.yaml", minimal("pii: {analysers: [{" + analyser + "}]}\n"));
    LoadOptions options;
    options.previous = std::move(previous);
    return load(folder_.main(), options);
  }

  std::shared_ptr<const Snapshot> loaded(const std::string& analyser,
                                         std::shared_ptr<const Snapshot> previous = nullptr) {
    auto result = load_text(analyser, std::move(previous));
    EXPECT_THAT(problems_of(result), IsEmpty()) << analyser;
    return result.snapshot;
  }

  std::shared_ptr<const Analyser> made(const std::string& analyser) { return loaded(analyser)->pii_analysers.at("a"); }

  std::vector<std::string> refused(const std::string& analyser) { return problems_of(load_text(analyser)); }

  Folder folder_;
};

TEST_F(Analysers, PresidioIsTheDefaultAndAsksForNothing) {
  const auto analyser = made(kPresidio);
  EXPECT_EQ(analyser->kind, Analyser::Kind::presidio);
  EXPECT_EQ(analyser->identity, nullptr);
  ASSERT_EQ(analyser->entities.size(), 1U);
  EXPECT_EQ(analyser->entities[0].name, "PERSON");
  EXPECT_EQ(analyser->entities[0].as, "PERSON");
  const auto behind = made(kPresidio + ", auth: {bearer: {file: secret}}");
  EXPECT_EQ(std::get<KeyIdentity>(*behind->identity).header, KeyIdentity::Header::bearer);
}

TEST_F(Analysers, AzureTakesItsKeyInItsOwnHeaderOrATokenOfEntra) {
  const auto with_key = made(kAzure + ", auth: {api_key: {file: secret}}, api_version: 2025-11-01, domain: phi");
  EXPECT_EQ(with_key->kind, Analyser::Kind::azure_language);
  EXPECT_EQ(std::get<KeyIdentity>(*with_key->identity).header, KeyIdentity::Header::ocp_apim_key);
  EXPECT_EQ(with_key->api_version, "2025-11-01");
  EXPECT_TRUE(with_key->health);
  const auto with_token = made(kAzure + ", auth: {entra: {managed_identity: {}}}");
  EXPECT_EQ(std::get<EntraIdentity>(*with_token->identity).scope, "https://cognitiveservices.azure.com/.default");
  EXPECT_FALSE(with_token->health);
}

TEST_F(Analysers, ComprehendIsSignedForInTheRegionOfItsAddress) {
  const auto analyser = made(kComprehend + ", auth: {aws: {}}");
  const auto& aws = std::get<AwsIdentity>(*analyser->identity);
  EXPECT_EQ(aws.region, "eu-west-1");
  EXPECT_EQ(aws.service, "comprehend");
}

TEST_F(Analysers, TheirNamesOfTypesBecomeOurs) {
  const auto snapshot = loaded(kAzure + ", auth: {api_key: {file: secret}}");
  const auto& entities = snapshot->pii_analysers.at("a")->entities;
  ASSERT_EQ(entities.size(), 2U);
  EXPECT_EQ(entities[0].name, "Person");
  EXPECT_EQ(entities[0].as, "PERSON");
  EXPECT_EQ(entities[0].custom, snapshot->pii_detectors->number_of("PERSON"));
  EXPECT_NE(entities[0].custom, 0);
  EXPECT_EQ(entities[1].type, pii::EntityType::email_address);
  EXPECT_EQ(entities[1].custom, 0);
}

TEST_F(Analysers, AreReachedAsProvidersAre) {
  const auto analyser =
      made(kPresidio + ", egress: {proxy: 'http://proxy.example:3128', ca: tls.crt}, transport: curl");
  EXPECT_EQ(analyser->endpoint->egress.curl_proxy, "http://proxy.example:3128");
  EXPECT_FALSE(analyser->endpoint->egress.ca_pem.empty());
  EXPECT_TRUE(analyser->use_curl);
}

TEST_F(Analysers, WhatIsWrongIsSaidWhereItStands) {
  const std::string at = "tollgate.yaml:4 pii.analysers[0]";
  EXPECT_THAT(refused(kAzure), ElementsAre(at + ".auth: kind azure_language needs {api_key: …} or {entra: …}"));
  EXPECT_THAT(refused(kComprehend), ElementsAre(at + ".auth: kind comprehend needs {aws: …}"));
  EXPECT_THAT(refused(kComprehend + ", auth: {bearer: {file: secret}}"),
              ElementsAre(at + ".auth: kind comprehend needs {aws: …}"));
  EXPECT_THAT(refused(kPresidio + ", auth: {api_key: {file: secret}}"),
              ElementsAre(at + ".auth.api_key: is for kind azure_language"));
  EXPECT_THAT(refused(kPresidio + ", auth: {aws: {region: eu-west-1}}"),
              ElementsAre(at + ".auth.aws: is for kind comprehend"));
  EXPECT_THAT(refused(kPresidio + ", auth: {google: {metadata: {}}}"),
              ElementsAre(at + ".auth.google: no kind takes it here"));
  EXPECT_THAT(refused(kPresidio + ", ca: tls.crt, egress: {ca: tls.crt}"),
              ElementsAre(at + ".egress.ca: stands beside the analyser's ca: one of them says whom to trust"));
  EXPECT_THAT(refused(kPresidio + ", domain: phi"), ElementsAre(at + ".domain: is for kind azure_language"));
  EXPECT_THAT(refused("name: a, kind: macie, url: https://a.example, entities: [PERSON]"),
              ElementsAre(at + ".kind: expected one of presidio, azure_language, comprehend"));
}

TEST_F(Analysers, NamesOfTypesAreChecked) {
  const std::string at = "tollgate.yaml:4 pii.analysers[0].entities";
  const auto named = [&](const std::string& entities) {
    return refused("name: a, url: https://a.example, entities: " + entities);
  };
  EXPECT_THAT(named("[Person]"), ElementsAre(at + "[0]: expected a type of ours in capitals, such as PERSON"));
  EXPECT_THAT(named("{Person: Person}"),
              ElementsAre(at + ".Person: expected a type of ours in capitals, such as PERSON"));
  EXPECT_THAT(named("{'a b': PERSON}"),
              ElementsAre(at + ".a b: expected a type as the analyser names it, such as Person"));
  EXPECT_THAT(named("PERSON"), ElementsAre(at + ": expected a list"));
  EXPECT_THAT(refused("name: a, kind: azure_language, url: https://a.example, auth: {api_key: {file: secret}}, "
                      "entities: {All: PERSON}"),
              ElementsAre(at + ": 'All' stands for many types: name each"));
}

TEST_F(Analysers, AReloadKeepsWhatSaysTheSameAndNamesWhatDoesNot) {
  const std::string yaml = kAzure + ", auth: {api_key: {file: secret}}";
  const auto before = loaded(yaml);
  EXPECT_EQ(loaded(yaml, before)->pii_analysers.at("a"), before->pii_analysers.at("a"));
  folder_.write("secret", "rotated\n", 0600);
  const auto rotated = loaded(yaml, before);
  EXPECT_NE(rotated->pii_analysers.at("a"), before->pii_analysers.at("a"));
  EXPECT_EQ(rotated->pii_analysers.at("a")->endpoint, before->pii_analysers.at("a")->endpoint);
  EXPECT_EQ(rotated->pii_analysers.at("a")->scope, before->pii_analysers.at("a")->scope);
  EXPECT_THAT(semantic_diff(*before, *rotated), ElementsAre("analyser a: auth.api_key changed"));
  const auto asked = loaded(yaml + ", domain: phi, egress: {ca: tls.crt}", rotated);
  EXPECT_NE(asked->pii_analysers.at("a")->scope, rotated->pii_analysers.at("a")->scope);
  EXPECT_THAT(semantic_diff(*rotated, *asked),
              ElementsAre("analyser a: domain none -> phi", "analyser a: egress.ca set"));
}

TEST_F(Analysers, FindingsOfAnotherKindOrUnderOtherNamesAreNotRemembered) {
  const auto presidio = made("name: a, url: https://a.example, entities: {NAME: PERSON}");
  const auto other_name = made("name: a, url: https://a.example, entities: {NAME: EMAIL_ADDRESS}");
  const auto other_kind = made(
      "name: a, kind: azure_language, auth: {bearer: {file: secret}}, url: https://a.example, entities: {NAME: "
      "PERSON}");
  EXPECT_NE(presidio->scope, other_name->scope);
  const auto without_serial = [](const std::string& scope) { return scope.substr(0, scope.find("https")); };
  EXPECT_NE(without_serial(presidio->scope), without_serial(other_kind->scope));
}

}  // namespace
}  // namespace tollgate::config
