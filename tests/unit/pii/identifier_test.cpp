// National identifiers. The numbers are made up; an independent implementation of the rules gave them their check
// digits.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

#include "pii/identifier.h"
#include "pii/pii.h"

namespace tollgate::pii {
namespace {

struct Example {
  EntityType type;
  std::string_view before;
  std::string_view value;
};

using enum EntityType;

const auto kExamples = std::to_array<Example>({
    {us_itin, "ITIN ", "912-74-4321"},
    {us_passport, "passport ", "A12803456"},
    {us_driver_license, "driver license ", "H1234567"},
    {us_bank_number, "account number ", "945456787654"},
    {aba_routing_number, "routing number ", "038120509"},
    {us_npi, "NPI ", "1245319599"},
    {medical_license, "DEA number ", "BB1388568"},
    {ca_sin, "SIN: ", "628 194 821"},
    {ca_passport, "Canadian passport ", "GA302922"},
    {ca_health_card, "OHIP ", "9876-543-217-AB"},
    {br_cpf, "CPF ", "480.445.765-84"},
    {br_cnpj, "CNPJ ", "97.175.546/0001-15"},
    {mx_curp, "CURP ", "GOMC850715HDFMRL04"},
    {mx_rfc, "RFC ", "GOMC850715ABA"},
    {uk_nhs, "NHS number ", "535 690 4177"},
    {uk_nino, "National Insurance ", "AB 12 34 56 C"},
    {uk_utr, "UTR ", "59905 87811"},
    {uk_passport, "British passport ", "CD7654321"},
    {uk_driving_licence, "driving licence ", "MORGA657054SM9IJ"},
    {uk_bank_account, "sort code and account ", "20-00-00 55779911"},
    {ie_ppsn, "PPSN ", "6304145W"},
    {de_tax_id, "Steuer-ID: ", "81 397 054 826"},
    {de_tax_number, "Steuernummer ", "181/815/08155"},
    {de_vat_id, "USt-IdNr. ", "DE136695976"},
    {de_social_security, "Rentenversicherungsnummer ", "15070649C103"},
    {de_health_insurance, "Krankenversichertennummer ", "A123456780"},
    {de_id_card, "Personalausweis ", "C01234565"},
    {de_fuehrerschein, "Führerschein ", "B072RRE2I55"},
    {fr_nir, "numéro de sécurité sociale ", "1 85 07 75 116 120 69"},
    {fr_tax_id, "numéro fiscal ", "03 27 256 566 413"},
    {fr_id_card, "carte nationale d'identité ", "880692310285"},
    {fr_passport, "passeport ", "12AB34567"},
    {it_fiscal_code, "codice fiscale ", "RSSMRA85L15F205T"},
    {it_vat_code, "partita IVA ", "04136880996"},
    {it_identity_card, "carta d'identità ", "CA12345AA"},
    {it_driver_license, "patente ", "U1K711J11M"},
    {es_nif, "DNI ", "58668961-D"},
    {es_nie, "NIE ", "X6131793Q"},
    {es_social_security, "seguridad social ", "28/12345678/40"},
    {es_passport, "pasaporte ", "AAA123456"},
    {nl_bsn, "BSN ", "133333085"},
    {nl_id_document, "identiteitskaart ", "IR1234565"},
    {be_national_number, "rijksregisternummer ", "85.07.15-640.65"},
    {be_id_card, "identiteitskaart ", "591-6839189-15"},
    {at_social_security, "SVNR ", "6937 150785"},
    {at_tax_number, "Finanzamt, Steuernummer ", "46-093/8335"},
    {ch_ahv, "AHV ", "756.2992.5543.10"},
    {pl_pesel, "PESEL ", "85071570474"},
    {pl_nip, "NIP ", "695-922-27-02"},
    {pl_id_card, "dowód osobisty ", "ABA 300000"},
    {pt_nif, "contribuinte ", "226 402 290"},
    {pt_citizen_card, "cartão de cidadão ", "20545339 7 ZZ1"},
    {se_personnummer, "personnummer ", "850715-3438"},
    {no_birth_number, "fødselsnummer ", "150785 96276"},
    {dk_cpr, "CPR-nr. ", "150785-1234"},
    {fi_personal_identity_code, "hetu ", "150785-846J"},
    {tr_national_id, "TC Kimlik ", "41823780496"},
    {za_id_number, "ID number ", "8507156346088"},
    {au_tfn, "TFN ", "467 895 543"},
    {au_abn, "ABN ", "93 451 937 421"},
    {au_acn, "ACN ", "192 469 257"},
    {au_medicare, "Medicare ", "2123 45670 1"},
    {in_aadhaar, "Aadhaar ", "3607 2573 6420"},
    {in_pan, "PAN ", "AAPFU0939F"},
    {in_gstin, "GSTIN ", "27AAPFU0939F1ZV"},
    {in_voter, "voter id ", "WKH1186253"},
    {sg_nric_fin, "NRIC ", "S0000001I"},
    {jp_my_number, "マイナンバー ", "682126353930"},
    {kr_rrn, "주민등록번호 ", "850715-1234567"},
    {kr_frn, "외국인등록번호 ", "850715-5234567"},
    {kr_passport, "여권 ", "M901A7890"},
});

const Scanner& scanner() {
  static const Scanner instance;
  return instance;
}

std::vector<Finding> sure(std::string_view text, const TypeSet& types = TypeSet().set()) {
  auto out = scanner().scan(text, types);
  std::erase_if(out, [](const Finding& f) { return f.score < 0.5; });
  return out;
}

bool finds(const Example& e, const TypeSet& types = TypeSet().set()) {
  const std::string text = std::string(e.before) + std::string(e.value) + ", thank you";
  const auto found = sure(text, types);
  return std::any_of(found.begin(), found.end(), [&](const Finding& f) {
    return f.type == e.type && f.start == e.before.size() && f.end == e.before.size() + e.value.size();
  });
}

TypeSet home_of(const Example& e) { return types_for(std::vector<std::string>{std::string(entity(e.type).country)}); }

TEST(Identifier, IsFoundByItsNameWithItsExactSpan) {
  for (const auto& e : kExamples) EXPECT_TRUE(finds(e, home_of(e))) << e.before << e.value;
}

TEST(Identifier, OfAnotherCountryIsNotLookedFor) {
  for (const auto& e : kExamples) {
    const std::vector<std::string> elsewhere = {entity(e.type).country == "IE" ? "NO" : "IE"};
    EXPECT_FALSE(finds(e, types_for(elsewhere))) << e.before << e.value;
  }
}

TEST(Identifier, WithAWrongCheckDigitIsNone) {
  for (const auto type : {ca_sin,
                          br_cpf,
                          br_cnpj,
                          uk_nhs,
                          uk_utr,
                          de_vat_id,
                          fr_nir,
                          fr_tax_id,
                          it_vat_code,
                          nl_bsn,
                          be_national_number,
                          be_id_card,
                          at_social_security,
                          ch_ahv,
                          pl_pesel,
                          pl_nip,
                          pt_nif,
                          se_personnummer,
                          no_birth_number,
                          tr_national_id,
                          za_id_number,
                          au_tfn,
                          au_abn,
                          au_acn,
                          in_aadhaar,
                          jp_my_number,
                          us_npi,
                          aba_routing_number}) {
    const auto* e = std::find_if(kExamples.begin(), kExamples.end(), [&](const Example& x) { return x.type == type; });
    std::string wrong(e->value);
    const auto last = wrong.find_last_of("0123456789");
    wrong[last] = wrong[last] == '9' ? '0' : static_cast<char>(wrong[last] + 1);
    EXPECT_FALSE(finds({type, e->before, wrong})) << e->before << wrong;
  }
}

TEST(Identifier, IsOnePieceWhateverSeparatesItsGroups) {
  for (const std::string_view spelling : {"93 451 937 421", "93-451-937-421", "93451937421", "93 451 937 421"})
    EXPECT_TRUE(finds({au_abn, "ABN ", spelling})) << spelling;
}

TEST(Identifier, IsNamedByWhatStandsBehindItsOwnEnd) {
  // The name is too far behind the first group, which is looked at before both together.
  const std::string_view text = "7327775 1255945 as the client's own    account number";
  const auto found = sure(text);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(text.substr(found[0].start, found[0].end - found[0].start), "7327775 1255945");
}

TEST(Identifier, IsNotSeenInLongerRunsOfLettersAndDigits) {
  for (const std::string_view text : {"NIE qX6131793Qz", "cf RSSMRA85L15F205TX", "0x3438150785343815078534381507853438",
                                      "E12345678X90123456Z12345678"})
    EXPECT_TRUE(sure(text).empty()) << text;
}

TEST(Identifier, IsNotGuessedFromDigitsAlone) {
  std::mt19937 random(11);
  std::uniform_int_distribution<int> digit('0', '9');
  for (std::size_t length = 8; length <= 19; ++length) {
    std::map<EntityType, int> found;
    for (int i = 0; i < 1000; ++i) {
      std::string text(length, '0');
      for (char& c : text) c = static_cast<char>(digit(random));
      for (const auto& f : sure(text)) ++found[f.type];
    }
    for (const auto& [type, times] : found) {
      if (type != credit_card) EXPECT_LE(times, 10) << to_string(type) << " of " << length << " digits";
    }
  }
}

TEST(Identifier, TableHasARowForEveryTypeOfACountry) {
  std::set<EntityType> in_table = {us_ssn};  // numbers.cpp
  for (const auto& row : identifiers()) in_table.insert(row.type);
  for (std::size_t i = 0; i < kEntityTypes; ++i) {
    const auto type = static_cast<EntityType>(i);
    EXPECT_EQ(in_table.contains(type), !entity(type).country.empty()) << to_string(type);
  }
}

}  // namespace
}  // namespace tollgate::pii
