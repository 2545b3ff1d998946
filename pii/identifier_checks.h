#pragma once
// What makes a string of the right look a national identifier: check digits, birth dates, issued ranges. Pure functions
// of the characters (ASCII capitals and digits, no separators); each REQUIRES the look of its row in
// identifier_table.cpp. The rules are those that the issuing authorities publish.
#include <string_view>

namespace tollgate::pii::check {

bool us_itin(std::string_view s);
bool aba_routing(std::string_view s);
bool us_npi(std::string_view s);
bool us_dea(std::string_view s);
bool ca_sin(std::string_view s);
bool ca_ontario_health(std::string_view s);
bool br_cpf(std::string_view s);
bool br_cnpj(std::string_view s);  // with letters too, as issued from 2026
bool mx_curp(std::string_view s);
bool mx_rfc(std::string_view s);

bool uk_nhs(std::string_view s);
bool uk_nino(std::string_view s);
bool uk_utr(std::string_view s);
bool uk_driving_licence(std::string_view s);
bool ie_ppsn(std::string_view s);
// ISO/IEC 7064 mod 11,10.
bool mod_11_10(std::string_view s);
bool de_tax_id(std::string_view s);
bool de_tax_number(std::string_view s);  // thirteen digits
bool de_vat_id(std::string_view s);      // without DE
bool de_social_security(std::string_view s);
bool de_health_insurance(std::string_view s);
bool icao_document(std::string_view s);  // ICAO 9303: the last digit checks the rest
bool fr_nir(std::string_view s);
bool fr_tax_id(std::string_view s);
bool it_fiscal_code(std::string_view s);
bool it_driver_license(std::string_view s);  // the form since 2013
bool it_vat_code(std::string_view s);
bool es_nif(std::string_view s);
bool es_nie(std::string_view s);
bool es_social_security(std::string_view s);
bool pt_nif(std::string_view s);
bool pt_citizen_card(std::string_view s);
bool pt_social_security(std::string_view s);
bool nl_bsn(std::string_view s);
bool nl_document(std::string_view s);
bool be_national_number(std::string_view s);
bool be_id_card(std::string_view s);
bool at_social_security(std::string_view s);
bool at_tax_number(std::string_view s);
bool ch_ahv(std::string_view s);
bool pl_pesel(std::string_view s);
bool pl_nip(std::string_view s);
bool pl_id_card(std::string_view s);
bool pl_passport(std::string_view s);

bool se_personnummer(std::string_view s);  // ten or twelve digits
bool no_birth_number(std::string_view s);
bool dk_cpr(std::string_view s);
bool fi_identity_code(std::string_view s);  // without the sign of the century, or with it
bool tr_national_id(std::string_view s);
bool za_id_number(std::string_view s);

bool au_tfn(std::string_view s);
bool au_abn(std::string_view s);
bool au_acn(std::string_view s);
bool au_medicare(std::string_view s);
bool in_aadhaar(std::string_view s);
bool in_pan(std::string_view s);
bool in_gstin(std::string_view s);
bool sg_nric(std::string_view s);
bool jp_my_number(std::string_view s);
bool kr_rrn(std::string_view s);
bool kr_frn(std::string_view s);
bool kr_passport(std::string_view s);

}  // namespace tollgate::pii::check
