// What is asked of Presidio, and what its answers mean: offsets of code points become bytes, and what is no answer is
// not taken for "nothing found".
#include "gateway/pipeline/presidio.h"

#include <gtest/gtest.h>

namespace tollgate::pipeline {
namespace {

// Of the one text that a request has.
Result<std::vector<pii::Finding>> presidio_findings(const config::Analyser& analyser, std::string_view text,
                                                    std::string_view answer) {
  TG_TRY(const DocumentFindings found, kPresidio.findings(analyser, {std::string(text)}, answer));
  return found.at(0);
}

config::Analyser analyser() {
  config::Analyser out;
  out.entities = {{.name = "PERSON", .as = "PERSON", .custom = 3},
                  {.name = "EMAIL_ADDRESS", .as = "EMAIL_ADDRESS", .type = pii::EntityType::email_address}};
  return out;
}

TEST(Presidio, IsAskedForTheTypesThatAreConfigured) {
  const AnalyserRequest asked = kPresidio.request(analyser(), {"say \"hi\"\n"});
  EXPECT_EQ(asked.path, "/analyze");
  EXPECT_EQ(asked.body, R"({"text":"say \"hi\"\n","language":"en","entities":["PERSON","EMAIL_ADDRESS"]})");
}

TEST(Presidio, CountsCodePointsAndWeCountBytes) {
  const std::string_view text = "💚 Zoë Müller";
  const auto found = presidio_findings(
      analyser(), text, R"([{"entity_type":"PERSON","start":2,"end":12,"score":0.85,"analysis_explanation":null}])");
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(text.substr((*found)[0].start, (*found)[0].end - (*found)[0].start), "Zoë Müller");
  EXPECT_EQ((*found)[0].custom, 3);
}

TEST(Presidio, WhatWasNotAskedForOrIsTooUnsureIsLeftOut) {
  const auto found = presidio_findings(analyser(), "Anna", R"([{"entity_type":"NRP","start":0,"end":4,"score":1},
      {"entity_type":"PERSON","start":0,"end":4,"score":0.49}])");
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found->empty());
}

class NoAnswer : public testing::TestWithParam<const char*> {};

TEST_P(NoAnswer, IsAnErrorAndNotNothing) { EXPECT_FALSE(presidio_findings(analyser(), "Anna", GetParam()).ok()); }

INSTANTIATE_TEST_SUITE_P(All, NoAnswer,
                         testing::Values("", "null", "{}", "[", "[1]", "[{}]", "[] []",
                                         R"({"error":"No text provided"})", "<html></html>",
                                         R"([{"entity_type":"PERSON","start":0,"end":5,"score":0.8}])",
                                         R"([{"entity_type":"PERSON","start":-1,"end":2,"score":0.8}])",
                                         R"([{"entity_type":"PERSON","start":2,"end":2,"score":0.8}])",
                                         R"([{"entity_type":"PERSON","start":0.5,"end":2,"score":0.8}])",
                                         R"([{"entity_type":"PERSON","start":0,"end":2}])",
                                         R"([{"entity_type":"PERSON","start":0,"end":2,"score":7}])",
                                         R"([{"start":0,"end":2,"score":0.7}])", "[{\"entity_type\":\"\xFF\"}]"));

}  // namespace
}  // namespace tollgate::pipeline
