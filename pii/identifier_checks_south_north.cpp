#include <array>
#include <string>

#include "pii/arithmetic.h"
#include "pii/checks.h"
#include "pii/identifier_checks.h"

// Italy, Spain, Portugal, Poland, the Nordic countries, Turkey, South Africa.
namespace tollgate::pii::check {

namespace {

// Agenzia delle Entrate: what a character in an odd place is worth, digits as the letters A to J.
constexpr std::array kOddPlace = {1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                  20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
// Homonyms: a digit may be written as one of these letters.
constexpr std::string_view kOmocodia = "LMNPQRSTUV";

int fiscal_digit(char c) { return is_digit(c) ? digit_value(c) : static_cast<int>(kOmocodia.find(c)); }

bool fiscal_digits_ok(std::string_view s) {
  for (const std::size_t i : {6U, 7U, 9U, 10U, 12U, 13U, 14U})
    if (!is_digit(s[i]) && kOmocodia.find(s[i]) == std::string_view::npos) return false;
  return true;
}

}  // namespace

// Name, year, letter of the month, day (women: plus 40), place, check letter.
bool it_fiscal_code(std::string_view s) {
  if (!fiscal_digits_ok(s)) return false;
  const auto month = std::string_view("ABCDEHLMPRST").find(s[8]);
  const int day = 10 * fiscal_digit(s[9]) + fiscal_digit(s[10]);
  if (month == std::string_view::npos || day < 1 || day > 71 || (day > 31 && day < 41)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < 15; ++i) {
    const int place = is_digit(s[i]) ? digit_value(s[i]) : s[i] - 'A';
    sum += i % 2 == 0 ? kOddPlace[static_cast<std::size_t>(place)] : place;
  }
  return 'A' + sum % 26 == s[15];
}

// No letter that looks like a digit or another letter.
bool it_driver_license(std::string_view s) { return s.find_first_of("AEIOQV") >= 9; }

bool it_vat_code(std::string_view s) { return !one_digit_repeated(s) && s.substr(0, 7) != "0000000" && luhn_valid(s); }

namespace {

constexpr std::string_view kNifLetters = "TRWAGMYFPDXBNJZSQVHLCKE";

bool nif_letter(std::int64_t number, char letter) {
  return kNifLetters[static_cast<std::size_t>(number % 23)] == letter;
}

}  // namespace

bool es_nif(std::string_view s) { return nif_letter(number_at(s, 0, s.size() - 1), s.back()); }

// X, Y, Z are 0, 1, 2 before the number.
bool es_nie(std::string_view s) {
  const std::int64_t series = s[0] - 'X';
  return series >= 0 && series <= 2 && nif_letter(series * 10'000'000 + number_at(s, 1, 7), s.back());
}

// Province, number, and the two modulo 97: short numbers are put behind the province without their zeros.
bool es_social_security(std::string_view s) {
  const auto province = number_at(s, 0, 2);
  const auto number = number_at(s, 2, 8);
  const auto whole = number < 10'000'000 ? number + province * 10'000'000 : number_at(s, 0, 10);
  return province >= 1 && province <= 66 && whole % 97 == number_at(s, 10, 2);
}

bool pt_nif(std::string_view s) {
  if (std::string_view("1235689").find(s[0]) == std::string_view::npos) return false;
  const int rest = weighted<8>(s, {9, 8, 7, 6, 5, 4, 3, 2}) % 11;
  return (rest < 2 ? 0 : 11 - rest) == digit_value(s[8]);
}

// Instituto dos Registos e do Notariado: Luhn over letters as 10 to 35.
bool pt_citizen_card(std::string_view s) {
  int sum = 0;
  for (std::size_t i = 0; i < 12; ++i) {
    const int value = base36(s[i]) * (i % 2 == 0 ? 2 : 1);
    sum += i % 2 == 0 && value > 9 ? value - 9 : value;
  }
  return sum % 10 == 0;
}

bool pt_social_security(std::string_view s) {
  return (s[0] == '1' || s[0] == '2') &&
         9 - weighted<10>(s, {29, 23, 19, 17, 13, 11, 7, 5, 3, 2}) % 10 == digit_value(s[10]);
}

// The month says the century: plus 80, 0, 20, 40, 60.
bool pl_pesel(std::string_view s) {
  return date_exists(number_at(s, 0, 2), number_at(s, 2, 2) % 20, number_at(s, 4, 2)) &&
         (10 - weighted<10>(s, {1, 3, 7, 9, 1, 3, 7, 9, 1, 3}) % 10) % 10 == digit_value(s[10]);
}

bool pl_nip(std::string_view s) {
  return s[0] != '0' && !one_digit_repeated(s) && weighted<9>(s, {6, 5, 7, 2, 3, 4, 5, 6, 7}) % 11 == digit_value(s[9]);
}

bool pl_id_card(std::string_view s) { return weighted<9>(s, {7, 3, 1, 9, 7, 3, 1, 7, 3}) % 10 == 0; }
bool pl_passport(std::string_view s) { return weighted<9>(s, {7, 3, 9, 1, 7, 3, 1, 7, 3}) % 10 == 0; }

// Skatteverket: a birth date (co-ordination numbers add 60 to the day), Luhn over the last ten.
bool se_personnummer(std::string_view s) {
  const auto ten = s.substr(s.size() - 10);
  if (s.size() == 12 && !s.starts_with("19") && !s.starts_with("20") && !s.starts_with("18")) return false;
  const auto day = number_at(ten, 4, 2);
  return date_exists(number_at(ten, 0, 2), number_at(ten, 2, 2), day > 60 ? day - 60 : day) && luhn_valid(ten);
}

// Skatteetaten: two check digits of modulus 11; D-numbers add 40 to the day, other registers 40 to the month.
bool no_birth_number(std::string_view s) {
  const auto day = number_at(s, 0, 2);
  const auto month = number_at(s, 2, 2);
  if (!date_exists(number_at(s, 4, 2), month > 40 ? month % 40 : month, day > 40 ? day - 40 : day)) return false;
  return (weighted<9>(s, {3, 7, 6, 1, 8, 9, 4, 5, 2}) + digit_value(s[9])) % 11 == 0 &&
         (weighted<10>(s, {5, 4, 3, 2, 7, 6, 5, 4, 3, 2}) + digit_value(s[10])) % 11 == 0;
}

// Modulus 11 ran out in 2007: the date is all there is to check.
bool dk_cpr(std::string_view s) { return ddmmyy(s, 0); }

bool fi_identity_code(std::string_view s) {
  if (!ddmmyy(s, 0)) return false;
  if (s.size() == 11 && std::string_view("ABCDEFYXWVU").find(s[6]) == std::string_view::npos) return false;
  const std::size_t serial = s.size() - 4;
  const auto number = number_at(s, 0, 6) * 1000 + number_at(s, serial, 3);
  return number_at(s, serial, 3) >= 2 && "0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31] == s.back();
}

bool tr_national_id(std::string_view s) {
  if (s[0] == '0') return false;
  const auto d = [&](std::size_t i) { return digit_value(s[i]); };
  const int odd = d(0) + d(2) + d(4) + d(6) + d(8);
  const int even = d(1) + d(3) + d(5) + d(7);
  const int tenth = ((7 * odd - even) % 10 + 10) % 10;
  return tenth == d(9) && (odd + even + d(9)) % 10 == d(10);
}

// Home Affairs: birth date, sex, citizenship, an 8 or 9 that once meant race.
bool za_id_number(std::string_view s) { return yymmdd(s, 0) && s[10] <= '2' && s[11] >= '8' && luhn_valid(s); }

}  // namespace tollgate::pii::check
