#include "pii/checks.h"

#include <gtest/gtest.h>

#include <string>

namespace tollgate::pii {
namespace {

TEST(Luhn, TellsAValidCheckDigitFromTheNineOthers) {
  for (char last = '0'; last <= '9'; ++last)
    EXPECT_EQ(luhn_valid(std::string("411111111111111") + last), last == '1') << last;
  EXPECT_TRUE(luhn_valid("378282246310005"));   // odd length
  EXPECT_FALSE(luhn_valid("378282246310050"));  // neighbours swapped
}

struct IssuerCase {
  const char* start;
  std::size_t length;
  bool known;
};
class Issuer : public testing::TestWithParam<IssuerCase> {};

TEST_P(Issuer, IsKnownByStartAndLength) {
  const auto& c = GetParam();
  std::string digits(c.start);
  digits.append(c.length - digits.size(), '7');
  EXPECT_EQ(card_issuer_known(digits), c.known) << digits;
}

INSTANTIATE_TEST_SUITE_P(
    Ranges, Issuer,
    testing::Values(IssuerCase{"4", 16, true}, IssuerCase{"4", 13, true}, IssuerCase{"4", 19, true},
                    IssuerCase{"4", 15, false}, IssuerCase{"51", 16, true}, IssuerCase{"55", 16, true},
                    IssuerCase{"50", 16, true}, IssuerCase{"2220", 16, false}, IssuerCase{"2221", 16, true},
                    IssuerCase{"2720", 16, true}, IssuerCase{"2721", 16, false}, IssuerCase{"34", 15, true},
                    IssuerCase{"37", 15, true}, IssuerCase{"37", 16, false}, IssuerCase{"305", 14, true},
                    IssuerCase{"306", 14, false}, IssuerCase{"36", 14, true}, IssuerCase{"6011", 16, true},
                    IssuerCase{"643", 16, false}, IssuerCase{"644", 16, true}, IssuerCase{"649", 16, true},
                    IssuerCase{"65", 16, true}, IssuerCase{"3528", 19, true}, IssuerCase{"3590", 19, false},
                    IssuerCase{"2131", 15, true}, IssuerCase{"1800", 15, true}, IssuerCase{"62", 19, true},
                    IssuerCase{"81", 16, true}, IssuerCase{"67", 12, true}, IssuerCase{"59", 12, false},
                    IssuerCase{"1", 16, false}, IssuerCase{"9", 16, false}));

TEST(Iban, NeedsItsCountrysLengthAndCheckDigits) {
  EXPECT_TRUE(iban_valid("GB82WEST12345698765432"));
  EXPECT_TRUE(iban_valid("NO9386011117947"));
  EXPECT_FALSE(iban_valid("GB82WEST12345698765433"));  // check digits
  EXPECT_FALSE(iban_valid("GB82WEST1234569876543"));   // length
  EXPECT_FALSE(iban_valid("ZZ82WEST12345698765432"));  // country
  EXPECT_FALSE(iban_valid("GBA2WEST12345698765432"));  // no check digits
  EXPECT_FALSE(iban_valid("GB8"));
}

TEST(Iban, RefusesCheckDigitsThatTheAlgorithmNeverGives) {
  // 01 and 98 are congruent mod 97; only 98 can be computed.
  int valid = 0;
  for (int check = 0; check < 100; ++check) {
    const std::string digits = (check < 10 ? "0" : "") + std::to_string(check);
    valid += iban_valid("GB" + digits + "WEST12345698765432") ? 1 : 0;
  }
  EXPECT_EQ(valid, 1);
}

TEST(Iban, KnowsTheLengthsOfTheRegistry) {
  EXPECT_EQ(iban_length('D', 'E'), 22U);
  EXPECT_EQ(iban_length('F', 'R'), 27U);
  EXPECT_EQ(iban_length('M', 'T'), 31U);
  EXPECT_EQ(iban_length('N', 'O'), 15U);
  EXPECT_EQ(iban_length('U', 'S'), 0U);
}

TEST(Ssn, RefusesWhatWasNeverGivenOut) {
  EXPECT_TRUE(ssn_valid("536228145"));
  EXPECT_TRUE(ssn_valid("899018145"));
  EXPECT_FALSE(ssn_valid("000228145"));
  EXPECT_FALSE(ssn_valid("666228145"));
  EXPECT_FALSE(ssn_valid("900228145"));
  EXPECT_FALSE(ssn_valid("536008145"));
  EXPECT_FALSE(ssn_valid("536220000"));
  EXPECT_FALSE(ssn_valid("078051120"));
  EXPECT_FALSE(ssn_valid("555555555"));
  EXPECT_FALSE(ssn_valid("53622814"));
}

TEST(Phone, KnowsNorthAmericanRules) {
  EXPECT_TRUE(nanp_valid("4155550132"));
  EXPECT_FALSE(nanp_valid("1155550132"));
  EXPECT_FALSE(nanp_valid("4151550132"));
  EXPECT_FALSE(nanp_valid("9115550132"));
}

TEST(Phone, KnowsWhichCallingCodesAreAssigned) {
  EXPECT_EQ(calling_code_length("14155550132"), 1U);
  EXPECT_EQ(calling_code_length("4930901820"), 2U);
  EXPECT_EQ(calling_code_length("35312345678"), 3U);
  EXPECT_EQ(calling_code_length("28012345678"), 0U);
  EXPECT_EQ(calling_code_length("49"), 0U);
}

TEST(Phone, ChecksTheLengthOfTheCountry) {
  EXPECT_TRUE(international_length_ok("33142685300"));
  EXPECT_FALSE(international_length_ok("3314268530"));
  EXPECT_FALSE(international_length_ok("331426853001"));
  EXPECT_TRUE(international_length_ok("14155550132"));
  EXPECT_FALSE(international_length_ok("11155550132"));
  EXPECT_TRUE(international_length_ok("79161234567"));
  EXPECT_TRUE(international_length_ok("24762889"));
  EXPECT_FALSE(international_length_ok("290123"));
}

}  // namespace
}  // namespace tollgate::pii
