#pragma once
// What can be found: one row per type of personal data or secret. Adding a type is a name here and a row in entity.cpp.
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tollgate::pii {

// Presidio's names where it has one: people's policies already say them.
enum class EntityType : std::uint8_t {
  // Everywhere.
  credit_card,
  iban_code,
  phone_number,
  email_address,
  ip_address,
  mac_address,
  crypto,
  date_of_birth,
  api_key,
  private_key,
  connection_string,
  custom,
  // By country: national, tax, health, social security, passport, identity card, driving and bank numbers.
  us_ssn,
  us_itin,
  us_passport,
  us_driver_license,
  us_bank_number,
  aba_routing_number,
  us_npi,
  medical_license,
  uk_nhs,
  uk_nino,
  uk_utr,
  uk_passport,
  uk_driving_licence,
  uk_bank_account,
  de_tax_id,
  de_tax_number,
  de_vat_id,
  de_social_security,
  de_health_insurance,
  de_id_card,
  de_passport,
  de_fuehrerschein,
  fr_nir,
  fr_tax_id,
  fr_id_card,
  fr_passport,
  fr_driver_license,
  it_fiscal_code,
  it_vat_code,
  it_identity_card,
  it_driver_license,
  it_passport,
  es_nif,
  es_nie,
  es_social_security,
  es_passport,
  nl_bsn,
  nl_id_document,
  nl_driver_license,
  be_national_number,
  be_id_card,
  at_social_security,
  at_tax_number,
  at_passport,
  ch_ahv,
  ch_passport,
  pl_pesel,
  pl_nip,
  pl_id_card,
  pl_passport,
  pt_nif,
  pt_citizen_card,
  pt_social_security,
  se_personnummer,
  no_birth_number,
  dk_cpr,
  fi_personal_identity_code,
  ie_ppsn,
  ca_sin,
  ca_passport,
  ca_health_card,
  au_tfn,
  au_abn,
  au_acn,
  au_medicare,
  au_passport,
  in_aadhaar,
  in_pan,
  in_gstin,
  in_passport,
  in_voter,
  sg_nric_fin,
  jp_my_number,
  kr_rrn,
  kr_frn,
  kr_passport,
  br_cpf,
  br_cnpj,
  mx_curp,
  mx_rfc,
  za_id_number,
  tr_national_id,
};
inline constexpr std::size_t kEntityTypes = static_cast<std::size_t>(EntityType::tr_national_id) + 1;

// How two spellings of one value are known to be one.
enum class Spelling : std::uint8_t {
  digits,        // 4111-1111 is 41111111
  alphanumeric,  // de12 3456 is DE123456
  any_case,      // Anna@Example.com is anna@example.com
  exact,
};

struct Entity {
  EntityType type;
  std::string_view name;     // "CREDIT_CARD"
  std::string_view letters;  // two capitals, in tokens: what a model is told of the kind of thing
  std::string_view country;  // ISO 3166-1 alpha-2; empty = everywhere
  Spelling spelling;
};

const Entity& entity(EntityType type);
inline std::string_view to_string(EntityType type) { return entity(type).name; }
bool parse_entity_type(std::string_view name, EntityType& out);

using TypeSet = std::bitset<kEntityTypes>;
// What is found everywhere, and the identifiers of these countries (ISO 3166-1 alpha-2); of all countries where none is
// named.
TypeSet types_for(std::span<const std::string> countries);

}  // namespace tollgate::pii
