#include "pii/entity.h"

#include <algorithm>
#include <array>

namespace tollgate::pii {
namespace {

constexpr std::array<Entity, kEntityTypes> kEntities = {{
    {EntityType::credit_card, "CREDIT_CARD", "CC", "", Spelling::digits},
    {EntityType::iban_code, "IBAN_CODE", "IB", "", Spelling::alphanumeric},
    {EntityType::phone_number, "PHONE_NUMBER", "PH", "", Spelling::digits},
    {EntityType::email_address, "EMAIL_ADDRESS", "EM", "", Spelling::any_case},
    {EntityType::ip_address, "IP_ADDRESS", "IP", "", Spelling::any_case},
    {EntityType::mac_address, "MAC_ADDRESS", "MC", "", Spelling::alphanumeric},
    {EntityType::crypto, "CRYPTO", "CW", "", Spelling::exact},
    {EntityType::date_of_birth, "DATE_OF_BIRTH", "DB", "", Spelling::alphanumeric},
    {EntityType::api_key, "API_KEY", "AK", "", Spelling::exact},
    {EntityType::private_key, "PRIVATE_KEY", "PK", "", Spelling::exact},
    {EntityType::connection_string, "CONNECTION_STRING", "CS", "", Spelling::exact},
    {EntityType::custom, "CUSTOM", "CU", "", Spelling::exact},
    {EntityType::us_ssn, "US_SSN", "SS", "US", Spelling::digits},
    {EntityType::us_itin, "US_ITIN", "TX", "US", Spelling::alphanumeric},
    {EntityType::us_passport, "US_PASSPORT", "PP", "US", Spelling::alphanumeric},
    {EntityType::us_driver_license, "US_DRIVER_LICENSE", "DL", "US", Spelling::alphanumeric},
    {EntityType::us_bank_number, "US_BANK_NUMBER", "BA", "US", Spelling::alphanumeric},
    {EntityType::aba_routing_number, "ABA_ROUTING_NUMBER", "BA", "US", Spelling::alphanumeric},
    {EntityType::us_npi, "US_NPI", "ML", "US", Spelling::alphanumeric},
    {EntityType::medical_license, "MEDICAL_LICENSE", "ML", "US", Spelling::alphanumeric},
    {EntityType::uk_nhs, "UK_NHS", "HE", "GB", Spelling::alphanumeric},
    {EntityType::uk_nino, "UK_NINO", "SS", "GB", Spelling::alphanumeric},
    {EntityType::uk_utr, "UK_UTR", "TX", "GB", Spelling::alphanumeric},
    {EntityType::uk_passport, "UK_PASSPORT", "PP", "GB", Spelling::alphanumeric},
    {EntityType::uk_driving_licence, "UK_DRIVING_LICENCE", "DL", "GB", Spelling::alphanumeric},
    {EntityType::uk_bank_account, "UK_BANK_ACCOUNT", "BA", "GB", Spelling::alphanumeric},
    {EntityType::de_tax_id, "DE_TAX_ID", "TX", "DE", Spelling::alphanumeric},
    {EntityType::de_tax_number, "DE_TAX_NUMBER", "TX", "DE", Spelling::alphanumeric},
    {EntityType::de_vat_id, "DE_VAT_ID", "TX", "DE", Spelling::alphanumeric},
    {EntityType::de_social_security, "DE_SOCIAL_SECURITY", "SS", "DE", Spelling::alphanumeric},
    {EntityType::de_health_insurance, "DE_HEALTH_INSURANCE", "HE", "DE", Spelling::alphanumeric},
    {EntityType::de_id_card, "DE_ID_CARD", "NI", "DE", Spelling::alphanumeric},
    {EntityType::de_passport, "DE_PASSPORT", "PP", "DE", Spelling::alphanumeric},
    {EntityType::de_fuehrerschein, "DE_FUEHRERSCHEIN", "DL", "DE", Spelling::alphanumeric},
    {EntityType::fr_nir, "FR_NIR", "NI", "FR", Spelling::alphanumeric},
    {EntityType::fr_tax_id, "FR_TAX_ID", "TX", "FR", Spelling::alphanumeric},
    {EntityType::fr_id_card, "FR_ID_CARD", "NI", "FR", Spelling::alphanumeric},
    {EntityType::fr_passport, "FR_PASSPORT", "PP", "FR", Spelling::alphanumeric},
    {EntityType::fr_driver_license, "FR_DRIVER_LICENSE", "DL", "FR", Spelling::alphanumeric},
    {EntityType::it_fiscal_code, "IT_FISCAL_CODE", "TX", "IT", Spelling::alphanumeric},
    {EntityType::it_vat_code, "IT_VAT_CODE", "TX", "IT", Spelling::alphanumeric},
    {EntityType::it_identity_card, "IT_IDENTITY_CARD", "NI", "IT", Spelling::alphanumeric},
    {EntityType::it_driver_license, "IT_DRIVER_LICENSE", "DL", "IT", Spelling::alphanumeric},
    {EntityType::it_passport, "IT_PASSPORT", "PP", "IT", Spelling::alphanumeric},
    {EntityType::es_nif, "ES_NIF", "NI", "ES", Spelling::alphanumeric},
    {EntityType::es_nie, "ES_NIE", "NI", "ES", Spelling::alphanumeric},
    {EntityType::es_social_security, "ES_SOCIAL_SECURITY", "SS", "ES", Spelling::alphanumeric},
    {EntityType::es_passport, "ES_PASSPORT", "PP", "ES", Spelling::alphanumeric},
    {EntityType::nl_bsn, "NL_BSN", "NI", "NL", Spelling::alphanumeric},
    {EntityType::nl_id_document, "NL_ID_DOCUMENT", "NI", "NL", Spelling::alphanumeric},
    {EntityType::nl_driver_license, "NL_DRIVER_LICENSE", "DL", "NL", Spelling::alphanumeric},
    {EntityType::be_national_number, "BE_NATIONAL_NUMBER", "NI", "BE", Spelling::alphanumeric},
    {EntityType::be_id_card, "BE_ID_CARD", "NI", "BE", Spelling::alphanumeric},
    {EntityType::at_social_security, "AT_SOCIAL_SECURITY", "SS", "AT", Spelling::alphanumeric},
    {EntityType::at_tax_number, "AT_TAX_NUMBER", "TX", "AT", Spelling::alphanumeric},
    {EntityType::at_passport, "AT_PASSPORT", "PP", "AT", Spelling::alphanumeric},
    {EntityType::ch_ahv, "CH_AHV", "SS", "CH", Spelling::alphanumeric},
    {EntityType::ch_passport, "CH_PASSPORT", "PP", "CH", Spelling::alphanumeric},
    {EntityType::pl_pesel, "PL_PESEL", "NI", "PL", Spelling::alphanumeric},
    {EntityType::pl_nip, "PL_NIP", "TX", "PL", Spelling::alphanumeric},
    {EntityType::pl_id_card, "PL_ID_CARD", "NI", "PL", Spelling::alphanumeric},
    {EntityType::pl_passport, "PL_PASSPORT", "PP", "PL", Spelling::alphanumeric},
    {EntityType::pt_nif, "PT_NIF", "TX", "PT", Spelling::alphanumeric},
    {EntityType::pt_citizen_card, "PT_CITIZEN_CARD", "NI", "PT", Spelling::alphanumeric},
    {EntityType::pt_social_security, "PT_SOCIAL_SECURITY", "SS", "PT", Spelling::alphanumeric},
    {EntityType::se_personnummer, "SE_PERSONNUMMER", "NI", "SE", Spelling::alphanumeric},
    {EntityType::no_birth_number, "NO_BIRTH_NUMBER", "NI", "NO", Spelling::alphanumeric},
    {EntityType::dk_cpr, "DK_CPR", "NI", "DK", Spelling::alphanumeric},
    {EntityType::fi_personal_identity_code, "FI_PERSONAL_IDENTITY_CODE", "NI", "FI", Spelling::alphanumeric},
    {EntityType::ie_ppsn, "IE_PPSN", "SS", "IE", Spelling::alphanumeric},
    {EntityType::ca_sin, "CA_SIN", "SS", "CA", Spelling::alphanumeric},
    {EntityType::ca_passport, "CA_PASSPORT", "PP", "CA", Spelling::alphanumeric},
    {EntityType::ca_health_card, "CA_HEALTH_CARD", "HE", "CA", Spelling::alphanumeric},
    {EntityType::au_tfn, "AU_TFN", "TX", "AU", Spelling::alphanumeric},
    {EntityType::au_abn, "AU_ABN", "TX", "AU", Spelling::alphanumeric},
    {EntityType::au_acn, "AU_ACN", "TX", "AU", Spelling::alphanumeric},
    {EntityType::au_medicare, "AU_MEDICARE", "HE", "AU", Spelling::alphanumeric},
    {EntityType::au_passport, "AU_PASSPORT", "PP", "AU", Spelling::alphanumeric},
    {EntityType::in_aadhaar, "IN_AADHAAR", "NI", "IN", Spelling::alphanumeric},
    {EntityType::in_pan, "IN_PAN", "TX", "IN", Spelling::alphanumeric},
    {EntityType::in_gstin, "IN_GSTIN", "TX", "IN", Spelling::alphanumeric},
    {EntityType::in_passport, "IN_PASSPORT", "PP", "IN", Spelling::alphanumeric},
    {EntityType::in_voter, "IN_VOTER", "NI", "IN", Spelling::alphanumeric},
    {EntityType::sg_nric_fin, "SG_NRIC_FIN", "NI", "SG", Spelling::alphanumeric},
    {EntityType::jp_my_number, "JP_MY_NUMBER", "NI", "JP", Spelling::alphanumeric},
    {EntityType::kr_rrn, "KR_RRN", "NI", "KR", Spelling::alphanumeric},
    {EntityType::kr_frn, "KR_FRN", "NI", "KR", Spelling::alphanumeric},
    {EntityType::kr_passport, "KR_PASSPORT", "PP", "KR", Spelling::alphanumeric},
    {EntityType::br_cpf, "BR_CPF", "NI", "BR", Spelling::alphanumeric},
    {EntityType::br_cnpj, "BR_CNPJ", "TX", "BR", Spelling::alphanumeric},
    {EntityType::mx_curp, "MX_CURP", "NI", "MX", Spelling::alphanumeric},
    {EntityType::mx_rfc, "MX_RFC", "TX", "MX", Spelling::alphanumeric},
    {EntityType::za_id_number, "ZA_ID_NUMBER", "NI", "ZA", Spelling::alphanumeric},
    {EntityType::tr_national_id, "TR_NATIONAL_ID", "NI", "TR", Spelling::alphanumeric},
}};

static_assert([] {
  for (std::size_t i = 0; i < kEntities.size(); ++i)
    if (static_cast<std::size_t>(kEntities[i].type) != i) return false;
  return true;
}());

}  // namespace

const Entity& entity(EntityType type) { return kEntities[static_cast<std::size_t>(type)]; }

bool parse_entity_type(std::string_view name, EntityType& out) {
  const auto* it = std::ranges::find(kEntities, name, &Entity::name);
  if (it == kEntities.end()) return false;
  out = it->type;
  return true;
}

TypeSet types_for(std::span<const std::string> countries) {
  TypeSet out;
  for (const auto& row : kEntities)
    if (row.country.empty() || countries.empty() || std::ranges::find(countries, row.country) != countries.end())
      out.set(static_cast<std::size_t>(row.type));
  return out;
}

}  // namespace tollgate::pii
