// Hardware addresses, wallets and dates of birth.
#include <gtest/gtest.h>

#include <string>

#include "pii/pii.h"

namespace tollgate::pii {
namespace {

// "TYPE <value>" of everything certain, one a line.
std::string found(std::string_view text) {
  static const Scanner scanner;
  std::string out;
  for (const auto& f : scanner.scan(text)) {
    if (f.score < 0.5) continue;
    if (!out.empty()) out += "\n";
    out += std::string(to_string(f.type)) + " <" + std::string(text.substr(f.start, f.end - f.start)) + ">";
  }
  return out;
}

TEST(HardwareAddresses, AreFoundInTheirThreeForms) {
  for (const std::string address :
       {"00:1A:2B:3C:4D:5E", "00-1a-2b-3c-4d-5e", "001a.2b3c.4d5e", "00:11:22:33:44:55", "00%3A1A%3A2B%3A3C%3A4D%3A5E",
        "AC-DE-48-AB-CD-EF", "00:1A:2B\u200C:3C:4D:5E", "00:1A:2B\n:3C:4D:5E", "٠٠:١A:٢B:٣C:٤D:٥E"}) {
    EXPECT_EQ(found("mac " + address + ", x"), "MAC_ADDRESS <" + address + ">");
    EXPECT_EQ(found(address), "MAC_ADDRESS <" + address + ">");
  }
  EXPECT_EQ(found("900:1A:2B:3C:4D:5E"), "MAC_ADDRESS <00:1A:2B:3C:4D:5E>");
}

TEST(HardwareAddresses, AreNotEverythingWithColons) {
  for (const std::string text :
       {"FF:FF:FF:FF:FF:FF", "00:00:00:00:00:00", "10:2F:33-AC-29-C3", "ZZ:1A:2B:3C:4D:5E", "00:1A:2B:3C:4D",
        "00:1A:2B:3C:4D:5E:6F", "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01", "12-34-56-78-90-12",
        "x00:1A:2B:3C:4D:5E", "00:1A:2B:3C:4D:5Eg", "12:30:45 to 13:45:50", "2024-05-01 12:30:45"})
    EXPECT_EQ(found(text), "") << text;
}

TEST(Wallets, AreFoundByTheirCheckDigits) {
  for (const std::string wallet :
       {"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "0x52908400098527886E0F7030069857D2E4169EE7"}) {
    EXPECT_EQ(found("send it to " + wallet + "."), "CRYPTO <" + wallet + ">");
    std::string wrong = wallet;
    wrong.back() = wrong.back() == '2' ? '3' : '2';
    if (!wallet.starts_with("0x")) EXPECT_EQ(found("send it to " + wrong), "");
  }
}

TEST(Wallets, AreNotHashes) {
  EXPECT_EQ(found("commit 8f953371d3e85eddb89b05ed6b9e680791055315c73e1025ab5dba7bb2aee189"), "");
  EXPECT_EQ(found("tx 0x8f953371d3e85eddb89b05ed6b9e680791055315c73e1025ab5dba7bb2aee189"), "");
  EXPECT_EQ(found("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2x"), "");
}

struct Dated {
  const char* before;
  const char* date;
};

class BirthDates : public testing::TestWithParam<Dated> {};

TEST_P(BirthDates, AreFoundWithTheirWordAndOnlyThen) {
  const auto& [before, date] = GetParam();
  EXPECT_EQ(found(std::string(before) + date + ", x"), "DATE_OF_BIRTH <" + std::string(date) + ">");
  EXPECT_EQ(found("paid on " + std::string(date) + ", x"), "");
}

INSTANTIATE_TEST_SUITE_P(
    All, BirthDates,
    testing::Values(Dated{"born ", "12.03.1985"}, Dated{"DOB: ", "03/12/1985"}, Dated{"date of birth: ", "1985-03-12"},
                    Dated{"\"birthDate\":\"", "1985-03-12"}, Dated{"date_of_birth=", "19850312"},
                    Dated{"She was born in London on ", "12 March 1985"}, Dated{"born ", "March 12th, 1985"},
                    Dated{"geboren am ", "12. März 1985"}, Dated{"geb. ", "12.3.85"},
                    Dated{"Geburtsdatum: ", "12.03.1985"}, Dated{"née le ", "12 février 1985"},
                    Dated{"né le ", "1er août 1985"}, Dated{"date de naissance : ", "12/03/1985"},
                    Dated{"nacida el ", "12 de marzo de 1985"}, Dated{"fecha de nacimiento: ", "12/03/1985"},
                    Dated{"nato il ", "12 marzo 1985"}, Dated{"data di nascita ", "12/03/1985"},
                    Dated{"data de nascimento: ", "12 de março de 1985"}, Dated{"geboortedatum ", "12-03-1985"},
                    Dated{"geboren op ", "12 maart 1985"}, Dated{"data urodzenia: ", "12 marca 1985"},
                    Dated{"ur. ", "12.03.1985"}));

TEST(BirthDates, MustExist) {
  for (const std::string text : {"born 31.02.1985", "born 13.13.1985", "born 1850-01-01", "DOB: 32/01/1985",
                                 "born in 1985", "born March 1985", "NATO, 4 April 1949"})
    EXPECT_EQ(found(text), "") << text;
}

TEST(Timestamps, AreNothingButDatesOfBirthWhereTheyAreCalledThat) {
  EXPECT_EQ(found("2026-03-01T12:00:05.123Z, order 7, 2026-03-01 12:00:05,123 INFO"), "");
  EXPECT_EQ(found("{\"dob\": \"1980-03-01T00:00:00Z\"}"), "DATE_OF_BIRTH <1980-03-01>");
  EXPECT_EQ(found("2026-03-01T12:00:05 203.0.113.45 GET"), "IP_ADDRESS <203.0.113.45>");
  EXPECT_EQ(found("2026-03-01T12:00:05 call 415-555-0132"), "PHONE_NUMBER <415-555-0132>");
  EXPECT_EQ(found("2026-03-01 12:00:1A:2B:3C:4D"), "MAC_ADDRESS <12:00:1A:2B:3C:4D>");
}

TEST(Encoded, ValuesAreFoundInSmallBlobs) {
  EXPECT_EQ(found("card NDExMTExMTExMTExMTExMQ== x"), "CREDIT_CARD <NDExMTExMTExMTExMTExMQ==>");
  EXPECT_EQ(found("ssn NTM2LTIyLTgxNDU= x"), "US_SSN <NTM2LTIyLTgxNDU=>");
  EXPECT_EQ(found("c eyJ2IjogIjQxMTExMTExMTExMTExMTEifQ== x"), "CREDIT_CARD <eyJ2IjogIjQxMTExMTExMTExMTExMTEifQ==>");
  EXPECT_EQ(found("hex 2b343920333020393031383230 x"), "PHONE_NUMBER <2b343920333020393031383230>");
  EXPECT_EQ(found("VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcw== bm90aGluZyB0byBzZWUgaGVyZQ=="), "");
  EXPECT_EQ(found("aW1hZ2U" + std::string(600, 'A')), "") << "a file";
}

TEST(Marked, ValuesAreFoundThroughMarksOfBoldAndTheirLike) {
  for (const std::string card : {"41111111<b></b>11111111", "41111111**11111111", "4111 1111<b></b> 1111 1111"})
    EXPECT_EQ(found("card " + card + " x"), "CREDIT_CARD <" + card + ">");
  EXPECT_EQ(found("**jane.doe@example.com** x"), "EMAIL_ADDRESS <jane.doe@example.com>");
  EXPECT_EQ(found("<b>jane.doe@example.com</b> x"), "EMAIL_ADDRESS <jane.doe@example.com>");
  EXPECT_EQ(found("jane.doe@e<b></b>xample.com x"), "EMAIL_ADDRESS <jane.doe@e<b></b>xample.com>");
  EXPECT_EQ(found("jane.doe@e\nxample.com x"), "EMAIL_ADDRESS <jane.doe@e\nxample.com>");
  EXPECT_EQ(found("<td>4111</td><td>1111</td><td>1111</td><td>1111</td>"), "") << "cells of a table";
}

}  // namespace
}  // namespace tollgate::pii
