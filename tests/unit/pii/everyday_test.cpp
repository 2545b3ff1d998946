// Values as mails, forms, logs and code write them: with labels, in several languages, escaped more than once.
#include <gtest/gtest.h>

#include <string>

#include "pii/pii.h"

namespace tollgate::pii {
namespace {

std::vector<Finding> certain(std::string_view text, const TypeSet& types) {
  static const Scanner scanner;
  auto out = scanner.scan(text, types);
  std::erase_if(out, [](const Finding& f) { return f.score < 0.5; });
  return out;
}

// ⟦ and ⟧ mark what is found; nothing else is. With the identifiers of `country` only.
struct Everyday {
  EntityType type;
  const char* country;
  std::string text;
};
void PrintTo(const Everyday& e, std::ostream* out) { *out << e.text; }

class EverydayText : public testing::TestWithParam<Everyday> {};

TEST_P(EverydayText, GivesTheMarkedValueAndNothingElse) {
  std::string text = GetParam().text;
  const std::size_t start = text.find("⟦");
  if (start != std::string::npos) text.erase(start, std::string_view("⟦").size());
  const std::size_t end = text.find("⟧");
  if (end != std::string::npos) text.erase(end, std::string_view("⟧").size());
  const auto found = certain(text, types_for(std::vector<std::string>{GetParam().country}));
  ASSERT_EQ(found.size(), start == std::string::npos ? 0U : 1U) << text;
  if (found.empty()) return;
  EXPECT_EQ(text.substr(found[0].start, found[0].end - found[0].start), text.substr(start, end - start));
  EXPECT_EQ(to_string(found[0].type), to_string(GetParam().type));
}

using enum EntityType;

INSTANTIATE_TEST_SUITE_P(HardwareAddressesBehindALabel, EverydayText,
                         testing::Values(Everyday{mac_address, "US", "MAC: ⟦2E:27:56:2D:16:5D⟧"},
                                         Everyday{mac_address, "US", "- ⟦2e-27-56-2d-16-5d⟧\n- none"},
                                         Everyday{mac_address, "US", "X-Device: ⟦2e27.562d.165d⟧\r\n"},
                                         Everyday{mac_address, "US", "2E:27:56:2D:16:5D:01: 2E:27:56:2D:16"},
                                         Everyday{mac_address, "US", "AB:2E:27:56:2D:16:5D"},
                                         Everyday{mac_address, "US", "nic ⟦4b‐13‐1f‐0a‐06‐3c⟧ is down"},
                                         Everyday{mac_address, "US",
                                                  "nic ⟦4\u200Bb\u200B:\u200B1\u200B3\u200B:\u200B1\u200Bf\u200B:\u200B"
                                                  "0\u200Ba\u200B:\u200B0\u200B6\u200B:\u200B3\u200Bc⟧ is down"}));

INSTANTIATE_TEST_SUITE_P(IdentifiersByTheNameOfAField, EverydayText,
                         testing::Values(Everyday{us_bank_number, "US", R"({"account_number":"⟦418149997027⟧"})"},
                                         Everyday{us_bank_number, "US", "bank-account: ⟦418149997027⟧"},
                                         Everyday{uk_bank_account, "GB", "account_number=⟦55779911⟧"},
                                         Everyday{uk_bank_account, "GB", "deposit 55779911"},
                                         Everyday{uk_nino, "GB", "national_insurance_number: ⟦AB 123456 C⟧"},
                                         Everyday{za_id_number, "ZA", "ID no. ⟦850715 6346 08 8⟧"},
                                         Everyday{se_personnummer, "SE", "Personnr ⟦8507153438⟧"},
                                         Everyday{at_tax_number, "AT", "FASTNR ⟦460938335⟧"},
                                         Everyday{au_acn, "AU", "A.C.N. ⟦192469257⟧"},
                                         Everyday{fr_tax_id, "FR", "NIF : ⟦0327256566413⟧"},
                                         Everyday{de_id_card, "DE", "Personalausweis-Nr. ⟦T22000129⟧"},
                                         Everyday{de_id_card, "DE", "Bauteil T22000129"},
                                         Everyday{in_gstin, "IN", "GSTIN ⟦27ABCDE1234F1Z9⟧"},
                                         Everyday{in_gstin, "IN", "27ABCDE1234F1Z9"}));

INSTANTIATE_TEST_SUITE_P(TelephoneNumbers, EverydayText,
                         testing::Values(Everyday{phone_number, "US", "call ⟦646-716-2224x229⟧ or mail"},
                                         Everyday{phone_number, "US", "call ⟦(646) 716-2224 ext. 55⟧ now"},
                                         Everyday{phone_number, "US", "call ⟦+1 646 716 2224, extension 9⟧."},
                                         Everyday{phone_number, "US", "call ⟦+1 646 716 2224⟧ x 7 people"},
                                         Everyday{phone_number, "US", "call ⟦646-716-2224⟧ exactly 5 times"},
                                         Everyday{phone_number, "US", "646-716-2224x2048px"},
                                         Everyday{phone_number, "US", "⟦001 646-716-2224⟧ is his"},
                                         Everyday{phone_number, "ES", "WhatsApp ⟦650 33 30 85⟧"},
                                         Everyday{phone_number, "PT", "You can reach me on ⟦21 234 5676⟧."},
                                         Everyday{phone_number, "NL", "Bel ⟦010 234 5676⟧"},
                                         Everyday{phone_number, "NO", "Tlf. ⟦40 26 74 60⟧"},
                                         Everyday{phone_number, "FI", "Puhelin: ⟦041 2345678⟧"},
                                         Everyday{phone_number, "TR", "Telefonum ⟦0501 234 56 78⟧"}));

INSTANTIATE_TEST_SUITE_P(NumbersOfSomethingElse, EverydayText,
                         testing::Values(Everyday{phone_number, "DE", "Lieferschein 0842-402597"},
                                         Everyday{phone_number, "DE", "Bestellnummer: 0312-490501"},
                                         Everyday{phone_number, "FR", "facture 0529/91592"},
                                         Everyday{phone_number, "ES", "pedido 0529/91592"},
                                         Everyday{ip_address, "US", "\"left-pad\": \"^7.9.64.2\""},
                                         Everyday{ip_address, "US", "pip install tool==1.8.5.7"},
                                         Everyday{ip_address, "US", "tool>=1.8.5.7"},
                                         Everyday{ip_address, "US", "host=⟦10.8.5.7⟧"}));

INSTANTIATE_TEST_SUITE_P(CardsAndAccounts, EverydayText,
                         testing::Values(Everyday{credit_card, "DE", "Kartennummer: ⟦501810952009⟧"},
                                         Everyday{credit_card, "DK", "kortnummer ⟦6304417913043⟧"},
                                         Everyday{iban_code, "SA", "pay to ⟦SA0571ACMEPAYROLLMAINACC⟧ today"},
                                         Everyday{iban_code, "SA", "pay to ⟦sa0571acmepayrollmainacc⟧ today"},
                                         Everyday{iban_code, "SA", "pay to SA1571ACMEPAYROLLMAINACC today"}));

INSTANTIATE_TEST_SUITE_P(EscapedMoreThanOnce, EverydayText,
                         testing::Values(Everyday{email_address, "US", R"({"a":"{\"to\":\"⟦jane\\u0040acme.org⟧\"}"})"},
                                         Everyday{email_address, "US", R"(to ⟦jane\\\\u0040acme\\\\u002eorg⟧ now)"},
                                         Everyday{email_address, "US", R"({"a":"{\"to\":\"⟦jane@acme.org⟧\\nHi\"}"})"},
                                         Everyday{us_ssn, "US", R"(ssn ⟦\\u0035\\u0033\\u0036-22-8145⟧ here)"},
                                         Everyday{us_ssn, "US", R"(ssn ⟦536\\u002d22\\u002d8145⟧ here)"},
                                         Everyday{credit_card, "US", R"(card ⟦45391488\\n03436467⟧ now)"},
                                         Everyday{credit_card, "US", "pay ⟦4539%C2%A01488%C2%A00343%C2%A06467⟧ now"},
                                         Everyday{phone_number, "US", "call ⟦+49&nbsp;30&ndash;901820⟧ now"},
                                         Everyday{phone_number, "US", "call ⟦+49 30%E2%80%8B 901820⟧ now"},
                                         Everyday{us_ssn, "US", "ssn ⟦536-2&shy;2-8145⟧ here"}));

}  // namespace
}  // namespace tollgate::pii
