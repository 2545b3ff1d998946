#include <array>
#include <charconv>
#include <string>

#include "pii/arithmetic.h"
#include "pii/checks.h"
#include "pii/identifier_checks.h"

// The United Kingdom, Ireland, Germany, Austria, Switzerland, France, Belgium, the Netherlands, and ICAO's documents.
namespace tollgate::pii::check {

bool uk_nhs(std::string_view s) {
  if (one_digit_repeated(s)) return false;
  const int check = 11 - weighted<9>(s, {10, 9, 8, 7, 6, 5, 4, 3, 2}) % 11;
  return (check == 11 ? 0 : check) == digit_value(s[9]);
}

// HMRC, NIM39110: letters and pairs of letters that are not given out.
bool uk_nino(std::string_view s) {
  if (std::string_view("DFIQUV").find(s[0]) != std::string_view::npos) return false;
  if (std::string_view("DFIOQUV").find(s[1]) != std::string_view::npos) return false;
  for (const std::string_view barred : {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})
    if (s.starts_with(barred)) return false;
  return s[8] >= 'A' && s[8] <= 'D';
}

bool uk_utr(std::string_view s) {
  const int rest = weighted<9>(s.substr(1), {6, 7, 8, 9, 10, 5, 4, 3, 2}) % 11;
  return "21987654321"[static_cast<std::size_t>(rest)] == s[0];
}

// DVLA: five of the surname, filled up with 9; decade, month (women: plus 50), day, year; initials; three of its own.
bool uk_driving_licence(std::string_view s) {
  if (!is_alpha(s[0])) return false;
  for (std::size_t i = 1; i < 5; ++i)
    if (!is_alpha(s[i]) && s[i] != '9') return false;
  for (std::size_t i = 1; i < 5; ++i)
    if (s[i - 1] == '9' && s[i] != '9') return false;
  const auto month = number_at(s, 6, 2) % 50;
  const auto day = number_at(s, 8, 2);
  return number_at(s, 6, 2) <= 62 && month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
         (is_alpha(s[11]) || s[11] == '9') && (is_alpha(s[12]) || s[12] == '9');
}

bool ie_ppsn(std::string_view s) {
  int sum = weighted<7>(s, {8, 7, 6, 5, 4, 3, 2});
  if (s.size() == 9) {
    if (s[8] != 'W' && !(s[8] >= 'A' && s[8] <= 'I')) return false;
    sum += 9 * (s[8] == 'W' ? 0 : s[8] - 'A' + 1);
  }
  return "WABCDEFGHIJKLMNOPQRSTUV"[sum % 23] == s[7];
}

bool mod_11_10(std::string_view s) {
  int check = 10;
  for (const char c : s.substr(0, s.size() - 1)) {
    const int sum = (check + digit_value(c)) % 10;
    check = (sum == 0 ? 10 : sum) * 2 % 11;
  }
  return (11 - check) % 10 == digit_value(s.back());
}

namespace {

int digits_summed(int value) { return value / 10 + value % 10; }

}  // namespace

// Bundeszentralamt für Steuern: of the first ten digits one stands twice or three times, the rest once at most.
bool de_tax_id(std::string_view s) {
  if (s[0] == '0') return false;
  std::array<int, 10> seen{};
  for (const char c : s.substr(0, 10)) ++seen[static_cast<std::size_t>(digit_value(c))];
  int repeated = 0;
  for (const int times : seen) {
    if (times > 3) return false;
    if (times > 1) ++repeated;
  }
  return repeated == 1 && mod_11_10(s);
}

// The number of the state, and the zero that ELSTER puts in the fifth place.
bool de_tax_number(std::string_view s) {
  const auto state = number_at(s, 0, 2);
  return s[4] == '0' &&
         ((state >= 10 && state <= 11) || (state >= 21 && state <= 32) || state == 40 || state == 41 || state == 51 ||
          state == 52 || state == 53 || state == 54 || state == 55 || state == 56 || state == 91 || state == 92);
}

bool de_vat_id(std::string_view s) {
  const auto digits = s.substr(s.size() - 9);
  return digits[0] != '0' && mod_11_10(digits);
}

// Deutsche Rentenversicherung: area, birth date, first letter of the name at birth, serial, check digit.
bool de_social_security(std::string_view s) {
  const auto day = number_at(s, 2, 2);  // a serial that ran out adds 50
  if (!date_exists(number_at(s, 6, 2), number_at(s, 4, 2), day > 50 ? day - 50 : day)) return false;
  const int letter = s[8] - 'A' + 1;
  const std::string digits = std::string(s.substr(0, 8)) + static_cast<char>('0' + letter / 10) +
                             static_cast<char>('0' + letter % 10) + std::string(s.substr(9, 2));
  static constexpr std::array kWeights = {2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1};
  int sum = 0;
  for (std::size_t i = 0; i < kWeights.size(); ++i) sum += digits_summed(digit_value(digits[i]) * kWeights[i]);
  return sum % 10 == digit_value(s[11]);
}

// GKV: a letter as two digits, weights 1 and 2 in turn, the sums of their digits.
bool de_health_insurance(std::string_view s) {
  const int letter = s[0] - 'A' + 1;
  int sum = letter / 10 + digits_summed(letter % 10 * 2);
  for (std::size_t i = 1; i < 9; ++i) sum += digits_summed(digit_value(s[i]) * (i % 2 == 1 ? 1 : 2));
  return sum % 10 == digit_value(s[9]);
}

// ICAO Doc 9303: weights 7 3 1. German cards and passports use no letters that can be read as something else.
bool icao_document(std::string_view s) {
  if (s.find_first_of("ABDEIOQSU") != std::string_view::npos) return false;
  static constexpr std::array kWeights = {7, 3, 1};
  int sum = 0;
  const std::size_t last = s.size() - 1;
  for (std::size_t i = 0; i < last; ++i) sum += base36(s[i]) * kWeights[i % 3];
  return is_digit(s[last]) && sum % 10 == digit_value(s[last]);
}

// INSEE: sex, year, month (or a code where it is unknown), department (2A and 2B are Corsica), and 97 less the rest.
bool fr_nir(std::string_view s) {
  if (std::string_view("123478").find(s[0]) == std::string_view::npos) return false;
  const auto month = number_at(s, 3, 2);
  if (month == 0 || (month > 12 && month < 20) || (month > 42 && month < 50)) return false;
  std::string digits(s);
  if (is_alpha(s[6])) {
    if (s[5] != '2' || s[6] > 'B') return false;
    digits[5] = '1';
    digits[6] = s[6] == 'A' ? '9' : '8';
  }
  return 97 - number_at(digits, 0, 13) % 97 == number_at(digits, 13, 2);
}

// Direction générale des Finances publiques: the last three digits are the first ten modulo 511.
bool fr_tax_id(std::string_view s) { return s[0] <= '3' && number_at(s, 0, 10) % 511 == number_at(s, 10, 3); }

bool nl_bsn(std::string_view s) {
  return !one_digit_repeated(s) && (weighted<8>(s, {9, 8, 7, 6, 5, 4, 3, 2}) - digit_value(s[8])) % 11 == 0;
}

// Passports and identity cards: no letter O, a digit at the end.
bool nl_document(std::string_view s) { return s.find('O') == std::string_view::npos && is_digit(s[8]); }

// Rijksregister: birth date, a serial, and 97 less the rest; births since 2000 count with a 2 before.
bool be_national_number(std::string_view s) {
  const auto month = number_at(s, 2, 2);  // the bis number of those who are not registered adds 20 or 40
  if (month % 20 > 12 || month > 52 || number_at(s, 4, 2) > 31) return false;
  const auto body = number_at(s, 0, 9);
  const auto check = number_at(s, 9, 2);
  return 97 - body % 97 == check || 97 - (2'000'000'000 + body) % 97 == check;
}

bool be_id_card(std::string_view s) {
  const auto rest = number_at(s, 0, 10) % 97;
  return (rest == 0 ? 97 : rest) == number_at(s, 10, 2);
}

// Dachverband der Sozialversicherungsträger: serial, check digit in the fourth place, birth date.
bool at_social_security(std::string_view s) {
  static constexpr std::array kWeights = {3, 7, 9, 0, 5, 8, 4, 2, 1, 6};
  return s[0] != '0' && number_at(s, 6, 2) >= 1 && number_at(s, 6, 2) <= 15 && number_at(s, 4, 2) <= 31 &&
         weighted<10>(s, kWeights) % 11 == digit_value(s[3]);
}

bool at_tax_number(std::string_view s) { return luhn_valid(s); }

// Zentrale Ausgleichsstelle: 756 is Switzerland, the rest is checked as an article number is (GS1).
bool ch_ahv(std::string_view s) {
  return s.starts_with("756") &&
         (10 - weighted<12>(s, {1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3}) % 10) % 10 == digit_value(s[12]);
}

}  // namespace tollgate::pii::check
