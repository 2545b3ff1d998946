#include "pii/custom.h"

#include <gtest/gtest.h>

namespace tollgate::pii {
namespace {

CustomDetectorOptions pattern(std::string text) {
  CustomDetectorOptions out;
  out.name = "STAFF";
  out.pattern = std::move(text);
  return out;
}

std::vector<std::string> found(CustomDetectorOptions options, std::string_view text) {
  std::vector<CustomDetectorOptions> all;
  all.push_back(std::move(options));
  const auto detectors = CustomDetectors::make(std::move(all));
  EXPECT_TRUE(detectors.ok());
  std::vector<Finding> findings;
  (*detectors)->detect(1, text, findings);
  std::vector<std::string> out;
  for (const auto& f : findings) {
    EXPECT_EQ(f.type, EntityType::custom);
    EXPECT_EQ(f.custom, 1);
    out.emplace_back(text.substr(f.start, f.end - f.start));
  }
  return out;
}

std::string why_refused(CustomDetectorOptions options) {
  std::vector<CustomDetectorOptions> all;
  all.push_back(std::move(options));
  const auto detectors = CustomDetectors::make(std::move(all));
  return detectors.ok() ? "" : detectors.error().message;
}

using Texts = std::vector<std::string>;

TEST(Custom, FindsEveryMatchOfAPattern) {
  EXPECT_EQ(found(pattern(R"(\bE\d{6}\b)"), "E123456, E654321 and E1234567"), (Texts{"E123456", "E654321"}));
}

TEST(Custom, TheFirstGroupIsTheFinding) {
  EXPECT_EQ(found(pattern(R"(account:\s*(\w+))"), "account: abc1 account:  xyz"), (Texts{"abc1", "xyz"}));
}

TEST(Custom, AChecksumDecidesBetweenNumbersOfOneForm) {
  auto options = pattern(R"(\b[\d-]{9,13}X?\b)");
  options.checksum = "luhn";
  EXPECT_EQ(found(options, "79927398713 79927398710"), Texts{"79927398713"});
  options.checksum = "mod11";
  EXPECT_EQ(found(options, "0-306-40615-2 0-306-40615-3 080442957X"), (Texts{"0-306-40615-2", "080442957X"}));
  options = pattern(R"(\b\w{3}\b)");
  options.checksum = "mod97";  // 195, and A68, which is 1068, leave 1
  EXPECT_EQ(found(options, "195 196 A68 B12"), (Texts{"195", "A68"}));
}

TEST(Custom, AKeywordHasToStandNear) {
  auto options = pattern(R"(\b\d{6}\b)");
  options.keywords = {"Personalnummer", "staff no"};
  EXPECT_EQ(found(options, "Personalnummer: 123456"), Texts{"123456"});
  EXPECT_EQ(found(options, "123456 (staff no.)"), Texts{"123456"});
  EXPECT_EQ(found(options, "order 123456"), Texts{});
  EXPECT_EQ(found(options, "Personalnummer " + std::string(70, '.') + " 123456"), Texts{});
}

TEST(Custom, WordsAreFoundLikeAPattern) {
  CustomDetectorOptions options;
  options.name = "PROJECT";
  options.words = {"Blue Falcon"};
  EXPECT_EQ(found(options, "the blue falcon deal"), Texts{"blue falcon"});
}

TEST(Custom, PatternsThatCannotBeRunAreRefusedInWords) {
  EXPECT_NE(why_refused(pattern("(")).find("cannot be read"), std::string::npos);
  EXPECT_NE(why_refused(pattern("a*")).find("empty text"), std::string::npos);
  EXPECT_NE(why_refused(pattern("\\pL{50}")).find("too large"), std::string::npos);
  EXPECT_NE(why_refused(pattern(std::string(1025, 'a'))).find("longer"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::pii
