// What is asked of Amazon Comprehend, and what its answers mean.
#include "gateway/pipeline/comprehend.h"

#include <gtest/gtest.h>

namespace tollgate::pipeline {
namespace {

config::Analyser analyser() {
  config::Analyser out;
  out.kind = config::Analyser::Kind::comprehend;
  out.language = "es";
  out.entities = {{.name = "NAME", .as = "NAME", .custom = 3},
                  {.name = "EMAIL", .as = "EMAIL", .type = pii::EntityType::email_address}};
  return out;
}

Result<std::vector<pii::Finding>> findings(std::string_view text, std::string_view answer) {
  TG_TRY(const DocumentFindings found, kComprehend.findings(analyser(), {std::string(text)}, answer));
  return found.at(0);
}

TEST(Comprehend, IsAskedByAwssJsonProtocol) {
  const AnalyserRequest asked = kComprehend.request(analyser(), {"di \"hola\"\n💚"});
  EXPECT_EQ(asked.path, "/");
  EXPECT_EQ(asked.body, "{\"LanguageCode\":\"es\",\"Text\":\"di \\\"hola\\\"\\n💚\"}");
  ASSERT_EQ(asked.headers.size(), 2U);
  EXPECT_EQ(asked.headers[0].value, "application/x-amz-json-1.1");
  EXPECT_EQ(asked.headers[1].name, "x-amz-target");
  EXPECT_EQ(asked.headers[1].value, "Comprehend_20171127.DetectPiiEntities");
  EXPECT_EQ(kComprehend.limits.documents, 1U);
  EXPECT_LT(kComprehend.limits.bytes, 100'000U);
}

TEST(Comprehend, CountsCodePointsAndWeCountBytes) {
  const std::string_view text = "💚 Zoe\xCC\x88 Müller";  // an accent of its own: two code points
  const auto found = findings(text, R"({"Entities":[{"BeginOffset":2,"EndOffset":13,"Score":0.9998,"Type":"NAME"}]})");
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(text.substr((*found)[0].start, (*found)[0].end - (*found)[0].start), "Zoe\xCC\x88 Müller");
  EXPECT_EQ((*found)[0].custom, 3);
}

TEST(Comprehend, LooksForEveryTypeAndTheOnesConfiguredCount) {
  const auto found = findings("Ana, ana@bank.example, 2026",
                              R"({"Entities":[{"Score":1.0,"Type":"DATE_TIME","BeginOffset":23,"EndOffset":27},
      {"Score":0.3,"Type":"NAME","BeginOffset":0,"EndOffset":3},
      {"Score":0.9,"Type":"EMAIL","BeginOffset":5,"EndOffset":21}]})");
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ((*found)[0].type, pii::EntityType::email_address);
  EXPECT_TRUE(findings("Ana", R"({"Entities":[]})")->empty());
}

class NoComprehendAnswer : public testing::TestWithParam<const char*> {};

TEST_P(NoComprehendAnswer, IsAnErrorAndNotNothing) { EXPECT_FALSE(findings("Anna", GetParam()).ok()); }

INSTANTIATE_TEST_SUITE_P(All, NoComprehendAnswer,
                         testing::Values("", "[]", "{}", R"({"Entities":null})", R"({"Entities":[1]})",
                                         R"({"Entities":[]} x)", R"({"Entities":[)",
                                         R"({"__type":"InvalidRequestException"})",
                                         R"({"Entities":[{"Type":"NAME","BeginOffset":0,"EndOffset":5,"Score":1}]})",
                                         R"({"Entities":[{"Type":"NAME","BeginOffset":-1,"EndOffset":2,"Score":1}]})",
                                         R"({"Entities":[{"Type":"NAME","BeginOffset":2,"EndOffset":2,"Score":1}]})",
                                         R"({"Entities":[{"Type":"NAME","BeginOffset":0,"EndOffset":2,"Score":1.5}]})",
                                         R"({"Entities":[{"Type":"NAME","BeginOffset":0,"EndOffset":2}]})",
                                         R"({"Entities":[{"Type":"NAME","EndOffset":2,"Score":1}]})",
                                         R"({"Entities":[{"BeginOffset":0,"EndOffset":2,"Score":1}]})",
                                         "{\"Entities\":[],\"\xFF\":1}"));

TEST(Comprehend, TellsARefusedCredentialByTheFaultsName) {
  const auto refuses = kComprehend.refuses_credential;
  EXPECT_TRUE(refuses(400, R"({"__type":"ExpiredTokenException","message":"x"})"));
  EXPECT_TRUE(refuses(400, R"({"__type":"com.amazon.coral.service#UnrecognizedClientException"})"));
  EXPECT_TRUE(refuses(403, "<html></html>"));
  EXPECT_FALSE(refuses(400, R"({"__type":"ThrottlingException"})"));
  EXPECT_FALSE(refuses(400, R"({"__type":"TextSizeLimitExceededException"})"));
  EXPECT_FALSE(refuses(500, ""));
}

}  // namespace
}  // namespace tollgate::pipeline
