#include <algorithm>
#include <string>

#include "pii/arithmetic.h"
#include "pii/checks.h"
#include "pii/identifier_checks.h"

// The United States, Canada, Brazil, Mexico.
namespace tollgate::pii::check {

// IRS: the fourth and fifth digit of an ITIN are of these ranges.
bool us_itin(std::string_view s) {
  const auto group = number_at(s, 3, 2);
  return (group >= 50 && group <= 65) || (group >= 70 && group <= 88) || (group >= 90 && group <= 92) || group >= 94;
}

// American Bankers Association: Federal Reserve district, weights 3 7 1.
bool aba_routing(std::string_view s) {
  const auto district = number_at(s, 0, 2);
  const bool known =
      district <= 12 || (district >= 21 && district <= 32) || (district >= 61 && district <= 72) || district == 80;
  return known && !one_digit_repeated(s) && weighted<9>(s, {3, 7, 1, 3, 7, 1, 3, 7, 1}) % 10 == 0;
}

// CMS: Luhn over the number behind 80840, the prefix of US health cards.
bool us_npi(std::string_view s) { return (s[0] == '1' || s[0] == '2') && luhn_valid("80840" + std::string(s)); }

// DEA registration: odd digits and twice the even ones.
bool us_dea(std::string_view s) {
  if (std::string_view("ABCDEFGHJKLMPRSTUX").find(s[0]) == std::string_view::npos) return false;
  const auto d = [&](std::size_t i) { return digit_value(s[i + 1]); };
  return (d(1) + d(3) + d(5) + 2 * (d(2) + d(4) + d(6))) % 10 == d(7);
}

bool ca_sin(std::string_view s) { return s[0] != '0' && s[0] != '8' && luhn_valid(s); }

bool ca_ontario_health(std::string_view s) { return s[0] != '0' && luhn_valid(s.substr(0, 10)); }

namespace {

// Receita Federal: weights count up from 2 at the right, to 9 and over again, or to the length.
int receita_digit(std::string_view s, int highest) {
  int sum = 0;
  int weight = 2;
  for (auto it = s.rbegin(); it != s.rend(); ++it) {
    sum += (*it - '0') * weight;  // letters of the new CNPJ count by their ASCII code
    weight = weight == highest ? 2 : weight + 1;
  }
  const int rest = sum % 11;
  return rest < 2 ? 0 : 11 - rest;
}

bool receita(std::string_view s, int highest) {
  const std::size_t n = s.size();
  return !one_digit_repeated(s) && receita_digit(s.substr(0, n - 2), highest) == digit_value(s[n - 2]) &&
         receita_digit(s.substr(0, n - 1), highest) == digit_value(s[n - 1]);
}

}  // namespace

bool br_cpf(std::string_view s) { return receita(s, 99); }
bool br_cnpj(std::string_view s) { return receita(s, 9); }

// RENAPO: sex, state, and a check digit over values in which Ñ has a place after N.
bool mx_curp(std::string_view s) {
  if (s[10] != 'H' && s[10] != 'M' && s[10] != 'X') return false;
  if (!yymmdd(s, 4)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < 17; ++i) sum += (base36(s[i]) + (s[i] > 'N' ? 1 : 0)) * static_cast<int>(18 - i);
  return (10 - sum % 10) % 10 == digit_value(s[17]);
}

// SAT: the name's letters, a date, two of homonymy and a check character of modulus 11.
bool mx_rfc(std::string_view s) {
  if (!yymmdd(s, 4)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < 12; ++i) sum += (base36(s[i]) + (s[i] > 'N' ? 1 : 0)) * static_cast<int>(13 - i);
  const int rest = sum % 11;
  const char expected = rest == 0 ? '0' : rest == 1 ? 'A' : static_cast<char>('0' + 11 - rest);
  return s[12] == expected;
}

}  // namespace tollgate::pii::check
