// What is asked of Azure AI Language, and what its answers mean: several documents in one, each judged or not.
#include "gateway/pipeline/azure_language.h"

#include <gtest/gtest.h>

namespace tollgate::pipeline {
namespace {

config::Analyser analyser() {
  config::Analyser out;
  out.kind = config::Analyser::Kind::azure_language;
  out.language = "de";
  out.entities = {{.name = "Person", .as = "Person", .custom = 3},
                  {.name = "Email", .as = "Email", .type = pii::EntityType::email_address}};
  return out;
}

const Documents kTwo = {"💚 Zoe\xCC\x88 Müller", "an anna@bank.example"};

Result<DocumentFindings> findings(const std::string& documents, const std::string& errors = "[]") {
  return kAzureLanguage.findings(analyser(), kTwo,
                                 R"({"kind":"PiiEntityRecognitionResults","results":{"documents":)" + documents +
                                     R"(,"errors":)" + errors + R"(,"modelVersion":"2025-11-01"}})");
}

std::string document(const std::string& id, const std::string& entities, const std::string& warnings = "[]") {
  return R"({"redactedText":"***","entities":)" + entities + R"(,"warnings":)" + warnings + R"(,"id":")" + id + "\"}";
}

std::string entity(const std::string& category, int offset, int length, const std::string& score = "0.9") {
  return R"({"text":"x","category":")" + category + R"(","offset":)" + std::to_string(offset) + R"(,"length":)" +
         std::to_string(length) + R"(,"confidenceScore":)" + score + "}";
}

TEST(AzureLanguage, IsAskedAboutSeveralDocumentsInCodePoints) {
  const AnalyserRequest asked = kAzureLanguage.request(analyser(), {"sag \"hi\"\n", "💚"});
  EXPECT_EQ(asked.path, "/language/:analyze-text?api-version=2024-11-01");
  EXPECT_EQ(asked.body,
            R"({"kind":"PiiEntityRecognition","parameters":{"loggingOptOut":true,)"
            R"("stringIndexType":"UnicodeCodePoint","piiCategories":["Person","Email"]},"analysisInput":{"documents":[)"
            R"({"id":"0","language":"de","text":"sag \"hi\"\n"},{"id":"1","language":"de","text":"💚"}]}})");
  config::Analyser health = analyser();
  health.health = true;
  EXPECT_NE(kAzureLanguage.request(health, {"a"}).body.find(R"("domain":"phi",)"), std::string::npos);
  EXPECT_EQ(kAzureLanguage.limits.documents, 5U);
  EXPECT_EQ(kAzureLanguage.limits.code_points, 5'120U);
}

TEST(AzureLanguage, FindsInEachDocumentWhateverTheirOrder) {
  const auto found = findings("[" + document("1", "[" + entity("Email", 3, 17) + "]") + "," +
                              document("0", "[" + entity("Person", 2, 11) + "]") + "]");
  ASSERT_TRUE(found.ok());
  ASSERT_EQ((*found)[0].size(), 1U);
  ASSERT_EQ((*found)[1].size(), 1U);
  const pii::Finding name = (*found)[0][0];
  EXPECT_EQ(kTwo[0].substr(name.start, name.end - name.start), "Zoe\xCC\x88 Müller");
  EXPECT_EQ(name.custom, 3);
  EXPECT_EQ((*found)[1][0].type, pii::EntityType::email_address);
}

TEST(AzureLanguage, AFinerTypeMayBeWhatWasAskedFor) {
  const std::string finer = R"([{"category":"Name","type":"Person","offset":0,"length":1,"confidenceScore":1}])";
  const auto found = findings("[" + document("0", finer) + "," + document("1", "[]") + "]");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ((*found)[0].size(), 1U);
  const std::string both = R"([{"category":"Email","type":"Person","offset":0,"length":1,"confidenceScore":1}])";
  const auto general = findings("[" + document("0", both) + "," + document("1", "[]") + "]");
  ASSERT_TRUE(general.ok());
  EXPECT_EQ((*general)[0].at(0).type, pii::EntityType::email_address) << "the category says it first";
}

TEST(AzureLanguage, WhatWasNotAskedForOrIsTooUnsureIsLeftOut) {
  const auto found = findings("[" + document("0", "[" + entity("Organization", 0, 1) + "]") + "," +
                              document("1", "[" + entity("Person", 0, 2, "0.4") + "]") + "]");
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE((*found)[0].empty() && (*found)[1].empty());
}

TEST(AzureLanguage, ADocumentThatWasNotJudgedIsAFailureOfItsOwn) {
  const std::string one = "[" + document("0", "[]") + "]";
  const auto error = findings(one, R"([{"id":"1","error":{"code":"InvalidArgument","message":"Invalid Document"}}])");
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().code, "document");
  const auto truncated = findings("[" + document("0", "[]") + "," +
                                  document("1", "[]", R"([{"code":"DocumentTruncated","message":"x"}])") + "]");
  ASSERT_FALSE(truncated.ok());
  EXPECT_EQ(truncated.error().code, "document");
  EXPECT_TRUE(
      findings("[" + document("0", "[]", R"([{"code":"LongWordsInDocument"}])") + "," + document("1", "[]") + "]")
          .ok());
}

TEST(AzureLanguage, EveryDocumentIsAnsweredOnce) {
  EXPECT_FALSE(findings("[]").ok());
  EXPECT_FALSE(findings("[" + document("0", "[]") + "]").ok());
  EXPECT_FALSE(findings("[" + document("0", "[]") + "," + document("0", "[]") + "]").ok());
  EXPECT_FALSE(findings("[" + document("0", "[]") + "," + document("1", "[]") + "," + document("0", "[]") + "]").ok());
  EXPECT_FALSE(findings("[" + document("0", "[]") + "," + document("2", "[]") + "]").ok());
  EXPECT_FALSE(findings("[" + document("0", "[]") + R"(,{"id":"1"}])").ok());
}

TEST(AzureLanguage, AFindingOutsideOfItsDocumentIsNoFinding) {
  for (const std::string& bad :
       {entity("Person", 13, 1), entity("Person", 0, 14), entity("Person", -1, 3), entity("Person", 3, 0),
        entity("Person", 0, 1, "2"), std::string(R"({"category":"Person","offset":0,"length":1})"),
        std::string(R"({"category":"Person","offset":9223372036854775807,"length":9223372036854775807,)"
                    R"("confidenceScore":1})"),
        std::string(R"({"offset":0,"length":1,"confidenceScore":1})"), std::string("7")})
    EXPECT_FALSE(findings("[" + document("0", "[" + bad + "]") + "," + document("1", "[]") + "]").ok()) << bad;
}

class NoAzureAnswer : public testing::TestWithParam<const char*> {};

TEST_P(NoAzureAnswer, IsAnErrorAndNotNothing) {
  EXPECT_FALSE(kAzureLanguage.findings(analyser(), {"Anna"}, GetParam()).ok());
}

INSTANTIATE_TEST_SUITE_P(All, NoAzureAnswer,
                         testing::Values("", "[]", "{}", "null", "<html></html>", R"({"results":null})",
                                         R"({"results":{}})", R"({"results":{"documents":{}}})",
                                         R"({"results":{"documents":[1]}})",
                                         R"({"results":{"documents":[{"id":"0","entities":[]}]})",
                                         R"({"results":{"documents":[{"id":"0","entities":[]}]}} 1)",
                                         R"({"error":{"code":"401","message":"Access denied"}})",
                                         "{\"results\":{\"documents\":[{\"id\":\"0\",\"entities\":[]}]},\"\xFF\":1}"));

}  // namespace
}  // namespace tollgate::pipeline
