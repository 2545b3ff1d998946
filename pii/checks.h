#pragma once
// What makes a number more than digits: check digits, issuers, allocated ranges. Pure functions of ASCII strings.
#include <cstddef>
#include <string_view>

namespace tollgate::pii {

// ISO/IEC 7812-1 annex B. REQUIRES: digits only.
bool luhn_valid(std::string_view digits);

// Whether an issuer gives out numbers with this start and length (12-19 digits).
bool card_issuer_known(std::string_view digits);

// The length of an IBAN of that country (upper case), or 0 where there is none (SWIFT registry, and countries that
// issue IBANs of their own).
std::size_t iban_length(char first, char second);
// ISO 13616 / ISO 7064 mod 97-10. REQUIRES: upper-case letters and digits only.
bool iban_valid(std::string_view iban);

// Nine digits that the Social Security Administration may have given out: no area 000, 666 or 9xx, no group 00, no
// serial 0000, not one digit repeated, not the number printed in wallets.
bool ssn_valid(std::string_view digits);

// North American numbering: area and exchange start with 2-9, the area code is no N11. REQUIRES: ten digits.
bool nanp_valid(std::string_view digits);
// How many of the leading digits are an assigned ITU country calling code; 0 = none.
std::size_t calling_code_length(std::string_view digits);
// Whether `digits` (calling code first) could be a number of that country, by its length.
bool international_length_ok(std::string_view digits);

}  // namespace tollgate::pii
