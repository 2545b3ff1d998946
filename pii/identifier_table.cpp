#include <array>

#include "pii/identifier.h"
#include "pii/identifier_checks.h"

namespace tollgate::pii {
namespace {

using enum EntityType;

// Odds of a look before its check: digits in a row are nearly always something else; letters and digits in fixed places
// are less often; forms without a check or a name beside them are next to nothing.
constexpr double kBare = 1e-4;
constexpr double kMixed = 2e-2;
constexpr double kDistinct = 0.3;
constexpr double kNamedOnly = 4e-4;
constexpr double kGrouped = 4e-4;  // digits whose groups are telling

constexpr std::string_view kPassport =
    "passport|reisepass|passnummer|passeport|pasaporte|passaporto|passaporte|paspoort|paszport|pasaport|passi|"
    "паспорт|여권|旅券|护照|travel document";
constexpr std::string_view kDriving =
    "driver|drivers|driving|licence|license|dl|dln|dmv|führerschein|fuehrerschein|fahrerlaubnis|permis de conduire|"
    "permis|patente|rijbewijs|permiso de conducir|carnet de conducir|carta de condução|prawo jazdy|körkort|førerkort|"
    "kørekort|ajokortti|lic";

constexpr auto kIdentifiers = std::to_array<Identifier>({
    // --- United States ---
    {us_itin, "9dd-dddddd", 5e-3, check::us_itin, 2, "itin|individual taxpayer|taxpayer|tin|tax id|tax"},
    {us_itin, "9dddd-dddd", 5e-3, check::us_itin, 2, "itin|individual taxpayer|taxpayer|tin|tax id|tax"},
    {us_itin, "9dd-dd-dddd", 5e-3, check::us_itin, 2, "itin|individual taxpayer|taxpayer|tin|tax id|tax"},
    {us_passport, "ddddddddd", 5e-4, nullptr, 1, "passport|passport#|travel document"},
    {us_passport, "adddddddd", 5e-4, nullptr, 1, "passport|passport#|travel document"},
    {us_driver_license, "addddddd", kNamedOnly, nullptr, 1, kDriving},
    {us_driver_license, "addddddddddd", kNamedOnly, nullptr, 1, kDriving},
    {us_driver_license, "addd-dddd-dddd", kNamedOnly, nullptr, 1, kDriving},
    {us_driver_license, "addd-ddd-dd-ddd-d", kNamedOnly, nullptr, 1, kDriving},
    {us_driver_license, "aadddddd", kNamedOnly, nullptr, 1, kDriving},
    {us_driver_license, "adddddddd", kNamedOnly, nullptr, 1, kDriving},
    {us_driver_license, "d{7,14}", kNamedOnly, nullptr, 1, kDriving},
    {us_bank_number, "d{8,17}", kNamedOnly, nullptr, 1,
     "account number|bank account|checking account|savings account|account no|acct|account#|account #"},
    {aba_routing_number, "ddddddddd", kBare, check::aba_routing, 20, "aba|routing|rtn|transit number|bank routing"},
    {aba_routing_number, "dddd-dddd-d", kGrouped, check::aba_routing, 20,
     "aba|routing|rtn|transit number|bank routing"},
    {us_npi, "dddddddddd", kBare, check::us_npi, 50, "npi|national provider|provider|taxonomy"},
    {us_npi, "dddd-ddd-ddd", kBare, check::us_npi, 50, "npi|national provider|provider|taxonomy"},
    {medical_license, "aaddddddd", kMixed, check::us_dea, 15,
     "dea|medical|certificate|prescriber|controlled substance"},
    {medical_license, "a9ddddddd", kMixed, check::us_dea, 15,
     "dea|medical|certificate|prescriber|controlled substance"},
    // --- Canada ---
    {ca_sin, "ddd-ddd-ddd", kGrouped, check::ca_sin, 12, "sin|social insurance|nas|assurance sociale"},
    {ca_passport, "aadddddd", kNamedOnly, nullptr, 1, kPassport},
    {ca_passport, "addddddaa", kNamedOnly, nullptr, 1, kPassport},
    {ca_health_card, "dddd-ddd-ddd-aa", kMixed, check::ca_ontario_health, 11,
     "health card|ohip|health number|carte santé"},
    {ca_health_card, "dddd-ddd-ddd", kBare, check::ca_ontario_health, 11, "health card|ohip|health number|carte santé"},
    {ca_health_card, "aaaa dddd dddd", kNamedOnly, nullptr, 1, "ramq|assurance maladie|health card|health insurance"},
    // --- Brazil, Mexico ---
    {br_cpf, "ddd.ddd.ddd-dd", kBare, check::br_cpf, 100, "cpf|cadastro de pessoas|contribuinte"},
    {br_cnpj, "dd.ddd.ddd/dddd-dd", kBare, check::br_cnpj, 100, "cnpj|cadastro nacional|empresa"},
    {br_cnpj, "xx.xxx.xxx/xxxx-dd", kBare, check::br_cnpj, 100, "cnpj|cadastro nacional|empresa"},
    {mx_curp, "aaaaddddddaaaaaaxd", 1, check::mx_curp, 400, "curp|clave única|clave unica"},
    {mx_rfc, "aaaaddddddxxx", kMixed, check::mx_rfc, 300, "rfc|registro federal"},
    // --- United Kingdom, Ireland ---
    {uk_nhs, "ddd ddd dddd", 4e-3, check::uk_nhs, 11, "nhs|national health|health service|health authority"},
    {uk_nino, "aa dd dd dd a", kDistinct, check::uk_nino, 12, "national insurance|nino|ni number|ni no|ni"},
    {uk_nino, "aa dddddd a", 5e-4, check::uk_nino, 12, "national insurance|nino|ni number|ni no|ni"},
    {uk_utr, "ddddd ddddd", kBare, check::uk_utr, 11, "utr|unique taxpayer|self assessment|hmrc|tax reference"},
    {uk_passport, "ddddddddd", kNamedOnly, nullptr, 1, kPassport},
    {uk_passport, "aaddddddd", 5e-4, nullptr, 1, kPassport},
    {uk_driving_licence, "xxxxx dddddd xxxxx", kMixed, check::uk_driving_licence, 300, kDriving},
    {uk_driving_licence, "xxxxx dddddd xx xxx", kMixed, check::uk_driving_licence, 300, kDriving},
    {uk_bank_account, "dd-dd-dd dddddddd", 5e-2, nullptr, 1, "sort code|sort|account"},
    {uk_bank_account, "dddddddd", kNamedOnly, nullptr, 1, "sort code|bank account|account number|account no|a/c"},
    {ie_ppsn, "ddddddda", kMixed, check::ie_ppsn, 23, "pps|ppsn|pps number|personal public service|revenue"},
    {ie_ppsn, "dddddddaa", kMixed, check::ie_ppsn, 60, "pps|ppsn|pps number|personal public service|revenue"},
    // --- Germany, Austria, Switzerland ---
    {de_tax_id, "dd ddd ddd ddd", 2.5e-3, check::de_tax_id, 500,
     "steuer-id|steuer id|steueridentifikationsnummer|steuerliche identifikationsnummer|idnr|id-nr|tax id|"
     "identifikationsnummer|bzst|tin|steuer"},
    {de_tax_id, "dd ddd ddd ddd", kBare, check::mod_11_10, 10, "steuer-id|steuer id|steueridentifikationsnummer|idnr"},
    {de_tax_number, "dd/ddd/ddddd", 5e-3, nullptr, 1, "steuernummer|steuer-nr|st-nr|stnr|finanzamt|tax number"},
    {de_tax_number, "ddd/ddd/ddddd", 5e-3, nullptr, 1, "steuernummer|steuer-nr|st-nr|stnr|finanzamt|tax number"},
    {de_tax_number, "ddd/dddd/dddd", 5e-3, nullptr, 1, "steuernummer|steuer-nr|st-nr|stnr|finanzamt|tax number"},
    {de_tax_number, "ddddddddddddd", kBare, check::de_tax_number, 40,
     "steuernummer|steuer-nr|st-nr|stnr|finanzamt|tax number"},
    {de_vat_id, "DE ddddddddd", kDistinct, check::de_vat_id, 11, "ust-idnr|ust-id|ustid|umsatzsteuer|vat|mwst"},
    {de_vat_id, "DE ddd ddd ddd", kDistinct, check::de_vat_id, 11, "ust-idnr|ust-id|ustid|umsatzsteuer|vat|mwst"},
    {de_social_security, "dd dddddd a ddd", kMixed, check::de_social_security, 270,
     "rentenversicherung|rentenversicherungsnummer|rvnr|rv-nummer|svnr|sv-nummer|sozialversicherungsnummer|"
     "sozialversicherung|versicherungsnummer"},
    {de_health_insurance, "addddddddd", 5e-2, check::de_health_insurance, 10,
     "krankenversichertennummer|krankenversicherung|krankenkasse|kvnr|kv-nummer|egk|versichertennummer|"
     "gesundheitskarte"},
    {de_id_card, "axxxxxxxd", 5e-2, check::icao_document, 14,
     "personalausweis|ausweisnummer|ausweis|ausweis-nr|id card"},
    {de_id_card, "Tdddddddd", kNamedOnly, nullptr, 1, "personalausweis|ausweisnummer|ausweis|ausweis-nr|id card"},
    {de_passport, "axxxxxxxd", 5e-2, check::icao_document, 14, "reisepass|passnummer|pass-nr|passport|pass"},
    {de_fuehrerschein, "xddxxxxxxdx", kNamedOnly, nullptr, 1,
     "führerschein|fuehrerschein|fahrerlaubnis|führerscheinnummer"},
    {de_fuehrerschein, "aaddddddddx", kNamedOnly, nullptr, 1,
     "führerschein|fuehrerschein|fahrerlaubnis|führerscheinnummer"},
    {at_social_security, "dddd dddddd", kBare, check::at_social_security, 80,
     "sozialversicherungsnummer|sozialversicherung|svnr|sv-nummer|sv-nr|svnummer|versicherungsnummer|e-card"},
    {at_tax_number, "dd-ddd/dddd", 1e-2, check::at_tax_number, 10,
     "steuernummer|abgabenkontonummer|finanzamt|st.nr|fastnr"},
    {at_passport, "addddddd", kNamedOnly, nullptr, 1, kPassport},
    {ch_ahv, "756.dddd.dddd.dd", kBare, check::ch_ahv, 10'000, "ahv|avs|ahv-nummer|navs|oasi|sozialversicherung"},
    {ch_passport, "addddddd", kNamedOnly, nullptr, 1, kPassport},
    // --- France, Belgium, the Netherlands ---
    {fr_nir, "d dd dd xx ddd ddd dd", 5e-3, check::fr_nir, 400,
     "sécurité sociale|securite sociale|nir|numéro de sécu|insee|carte vitale|secu|sécu"},
    {fr_nir, "ddddddddddddd dd", 5e-3, check::fr_nir, 400, "sécurité sociale|securite sociale|nir|insee|carte vitale"},
    {fr_tax_id, "dd dd ddd ddd ddd", kBare, check::fr_tax_id, 1200,
     "numéro fiscal|numero fiscal|spi|nif|impôts|impots|fiscal"},
    {fr_id_card, "dddddddddddd", kNamedOnly, nullptr, 1, "carte d'identité|carte nationale|cni|carte d'identite"},
    {fr_id_card, "xxxxxxxxx", kNamedOnly, nullptr, 1, "carte d'identité|carte nationale|cni|carte d'identite"},
    {fr_passport, "ddaaddddd", kMixed, nullptr, 1, kPassport},
    {fr_driver_license, "dddddddddddd", kNamedOnly, nullptr, 1, "permis de conduire|permis"},
    {be_national_number, "dd.dd.dd-ddd.dd", kBare, check::be_national_number, 200,
     "rijksregister|rijksregisternummer|registre national|numéro national|national number|insz|niss|nrn|nn|bis"},
    {be_id_card, "ddd-ddddddd-dd", 1e-3, check::be_id_card, 97,
     "identiteitskaart|carte d'identité|eid|id card|kaartnummer"},
    {nl_bsn, "ddddddddd", kBare, check::nl_bsn, 11, "bsn|burgerservicenummer|sofinummer|sofi|burger service"},
    {nl_bsn, "dddd.dd.ddd", kBare, check::nl_bsn, 11, "bsn|burgerservicenummer|sofinummer|sofi|burger service"},
    {nl_bsn, "ddd ddd ddd", kGrouped, check::nl_bsn, 11, "bsn|burgerservicenummer|sofinummer|sofi|burger service"},
    {nl_id_document, "aaxxxxxxd", kNamedOnly, check::nl_document, 1,
     "paspoort|identiteitskaart|id-kaart|documentnummer|passport|paspoortnummer"},
    {nl_driver_license, "dddddddddd", kNamedOnly, nullptr, 1, "rijbewijs|rijbewijsnummer"},
    // --- Italy, Spain, Portugal ---
    {it_fiscal_code, "aaaaaaxxaxxaxxxa", 0.5, check::it_fiscal_code, 600, "codice fiscale|cf|c.f|cod. fisc"},
    {it_vat_code, "ddddddddddd", kBare, check::it_vat_code, 10, "piva|p.iva|partita iva|p. iva|pi|vat"},
    {it_vat_code, "IT ddddddddddd", kDistinct, check::it_vat_code, 10, "piva|p.iva|partita iva|p. iva|pi|vat"},
    {it_identity_card, "aaddddddd", kNamedOnly, nullptr, 1,
     "carta d'identità|carta di identità|carta identità|carta d'identita|cie|documento"},
    {it_identity_card, "aadddddaa", 1.2, nullptr, 1,
     "carta d'identità|carta di identità|carta identità|carta d'identita|cie|documento"},
    {it_driver_license, "aaddddddda", kNamedOnly, nullptr, 1, "patente|patente di guida|guida"},
    {it_driver_license, "U1xxxxxxxa", 1.5, check::it_driver_license, 1, "patente|patente di guida|guida"},
    {it_passport, "aaddddddd", kNamedOnly, nullptr, 1, "passaporto|passport"},
    {es_nif, "dddddddd-a", kDistinct, check::es_nif, 23, "dni|nif|n.i.f|documento nacional|identificación fiscal"},
    {es_nif, "ddddddd-a", kMixed, check::es_nif, 23, "dni|nif|n.i.f|documento nacional|identificación fiscal"},
    {es_nif, "dd.ddd.ddd-a", kDistinct, check::es_nif, 23, "dni|nif|n.i.f|documento nacional|identificación fiscal"},
    {es_nie, "a-ddddddd-a", kDistinct, check::es_nie, 190, "nie|n.i.e|extranjero|identidad de extranjero"},
    {es_nie, "adddddddd-a", kMixed, check::es_nie, 190, "nie|n.i.e|extranjero|identidad de extranjero"},
    {es_social_security, "dd/dddddddd/dd", kBare, check::es_social_security, 140,
     "seguridad social|nss|nuss|naf|número de afiliación|afiliación"},
    {es_passport, "aaadddddd", kNamedOnly, nullptr, 1, "pasaporte|passport"},
    {es_passport, "aaadddddda", kNamedOnly, nullptr, 1, "pasaporte|passport"},
    {pt_nif, "ddd ddd ddd", kGrouped, check::pt_nif, 14, "nif|contribuinte|número de identificação fiscal|nipc"},
    {pt_citizen_card, "dddddddd d xxd", kMixed, check::pt_citizen_card, 10,
     "cartão de cidadão|cartao de cidadao|cc|bi"},
    {pt_social_security, "ddddddddddd", kBare, check::pt_social_security, 50, "niss|segurança social|seguranca social"},
    // --- Poland ---
    {pl_pesel, "ddddddddddd", kBare, check::pl_pesel, 55, "pesel"},
    {pl_nip, "ddd-ddd-dd-dd", kBare, check::pl_nip, 11, "nip|numer identyfikacji podatkowej"},
    {pl_nip, "dddddddddd", kBare, check::pl_nip, 11, "nip|numer identyfikacji podatkowej"},
    {pl_id_card, "aaa dddddd", kMixed, check::pl_id_card, 10, "dowód osobisty|dowod osobisty|dowód|dowodu|nr dowodu"},
    {pl_passport, "aa ddddddd", 1e-3, check::pl_passport, 10, "paszport|paszportu|passport"},
    // --- Nordic countries ---
    {se_personnummer, "dddddd-dddd", kBare, check::se_personnummer, 270,
     "personnummer|samordningsnummer|pnr|person nr|personnr"},
    {se_personnummer, "dddddddd-dddd", 2e-4, check::se_personnummer, 9000,
     "personnummer|samordningsnummer|pnr|person nr|personnr"},
    {no_birth_number, "dddddd ddddd", 6e-4, check::no_birth_number, 2000,
     "fødselsnummer|fodselsnummer|personnummer|fnr|d-nummer|fødselsnr"},
    {dk_cpr, "dddddd-dddd", 1e-4, check::dk_cpr, 27, "cpr|cpr-nr|cpr-nummer|personnummer|cprnr"},
    {fi_personal_identity_code, "dddddd-dddx", kBare, check::fi_identity_code, 800,
     "hetu|henkilötunnus|henkilotunnus|personbeteckning|personbeteckningen"},
    {fi_personal_identity_code, "ddddddadddx", kDistinct, check::fi_identity_code, 800,
     "hetu|henkilötunnus|henkilotunnus|personbeteckning|personbeteckningen"},
    // --- Turkey, South Africa ---
    {tr_national_id, "ddddddddddd", kBare, check::tr_national_id, 100,
     "tc kimlik|kimlik|tckn|t.c|kimlik no|vatandaşlık|tc no"},
    {za_id_number, "dddddd dddd ddd", 3e-4, check::za_id_number, 4500,
     "id number|id no|identity number|rsa id|said|sa id|south african id|identity"},
    {za_id_number, "dddddd dddd dd d", 3e-4, check::za_id_number, 4500,
     "id number|id no|identity number|rsa id|said|sa id|south african id|identity"},
    {za_id_number, "ddddddddddddd", 3e-4, check::za_id_number, 4500,
     "id number|id no|identity number|rsa id|said|sa id|south african id|identity"},
    // --- Australia ---
    {au_tfn, "ddd ddd ddd", kGrouped, check::au_tfn, 11, "tfn|t.f.n|tax file"},
    {au_abn, "dd ddd ddd ddd", kBare, check::au_abn, 89, "abn|a.b.n|australian business"},
    {au_acn, "ddd ddd ddd", kGrouped, check::au_acn, 10, "acn|a.c.n|australian company"},
    {au_medicare, "dddd ddddd d", kBare, check::au_medicare, 20, "medicare"},
    {au_passport, "addddddd", kNamedOnly, nullptr, 1, kPassport},
    {au_passport, "aaddddddd", kNamedOnly, nullptr, 1, kPassport},
    // --- India, Singapore ---
    {in_aadhaar, "dddd dddd dddd", kGrouped, check::in_aadhaar, 12, "aadhaar|aadhar|uidai|आधार"},
    {in_pan, "aaaaadddda", 1, check::in_pan, 3, "pan|permanent account|income tax"},
    {in_pan, "aaaaadddda", kNamedOnly, nullptr, 1, "pan|permanent account"},
    {in_gstin, "ddaaaaaddddaxZx", 0.5, check::in_gstin, 100, "gstin|gst|goods and services"},
    {in_gstin, "ddaaaaaddddaxZx", kNamedOnly, nullptr, 1, "gstin|gst|goods and services"},
    {in_passport, "addddddd", 5e-4, nullptr, 1, kPassport},
    {in_voter, "aaaddddddd", 1e-3, nullptr, 1, "voter|epic|elector|voter id|electoral"},
    {sg_nric_fin, "addddddda", 0.05, check::sg_nric, 57, "nric|fin|ic number|identity card"},
    // --- Japan, Korea ---
    {jp_my_number, "dddd dddd dddd", kGrouped, check::jp_my_number, 11,
     "マイナンバー|個人番号|my number|mynumber|individual number"},
    {kr_rrn, "dddddd-ddddddd", 1e-3, check::kr_rrn, 80, "주민등록번호|주민번호|rrn|resident registration|주민"},
    {kr_frn, "dddddd-ddddddd", 1e-3, check::kr_frn, 80,
     "외국인등록번호|frn|foreigner registration|alien registration|arc|외국인"},
    {kr_passport, "adddddddd", kNamedOnly, nullptr, 1, "여권|passport"},
    {kr_passport, "adddadddd", kDistinct, check::kr_passport, 5, "여권|passport"},
});

}  // namespace

std::span<const Identifier> identifiers() { return kIdentifiers; }

}  // namespace tollgate::pii
