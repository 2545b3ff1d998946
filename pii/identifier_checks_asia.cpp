#include <array>

#include "pii/arithmetic.h"
#include "pii/identifier_checks.h"

// Australia, India, Singapore, Japan, Korea.
namespace tollgate::pii::check {

bool au_tfn(std::string_view s) { return weighted<9>(s, {1, 4, 3, 7, 5, 8, 6, 9, 10}) % 11 == 0; }

// One less in the first place, then modulus 89.
bool au_abn(std::string_view s) {
  return s[0] != '0' && (weighted<11>(s, {10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19}) - 10) % 89 == 0;
}

bool au_acn(std::string_view s) {
  return (10 - weighted<8>(s, {8, 7, 6, 5, 4, 3, 2, 1}) % 10) % 10 == digit_value(s[8]);
}

bool au_medicare(std::string_view s) {
  return s[0] >= '2' && s[0] <= '6' && weighted<8>(s, {1, 3, 7, 9, 1, 3, 7, 9}) % 10 == digit_value(s[8]);
}

namespace {

// Verhoeff's scheme: the dihedral group of order ten, and powers of one permutation.
constexpr std::array<std::array<std::uint8_t, 10>, 8> kPowers = {{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                                                                  {1, 5, 7, 6, 2, 8, 3, 0, 9, 4},
                                                                  {5, 8, 0, 3, 7, 9, 6, 1, 4, 2},
                                                                  {8, 9, 1, 6, 0, 4, 3, 5, 2, 7},
                                                                  {9, 4, 5, 3, 1, 2, 6, 8, 7, 0},
                                                                  {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
                                                                  {2, 7, 9, 3, 8, 0, 6, 4, 1, 5},
                                                                  {7, 0, 4, 6, 9, 1, 3, 2, 5, 8}}};

// Rotations are 0 to 4, reflections 5 to 9.
constexpr int dihedral(int a, int b) {
  const int turn = a < 5 ? (a + b) % 5 : (a - b + 10) % 5;
  if (a < 5) return b < 5 ? turn : turn + 5;
  return b < 5 ? turn + 5 : turn;
}

bool verhoeff_valid(std::string_view s) {
  int check = 0;
  for (std::size_t i = 0; i < s.size(); ++i)
    check = dihedral(check, kPowers[i % 8][static_cast<std::size_t>(digit_value(s[s.size() - 1 - i]))]);
  return check == 0;
}

}  // namespace

bool in_aadhaar(std::string_view s) {
  bool palindrome = true;
  for (std::size_t i = 0; i < s.size() / 2; ++i) palindrome = palindrome && s[i] == s[s.size() - 1 - i];
  return s[0] >= '2' && !palindrome && verhoeff_valid(s);
}

// The fourth letter says what kind of holder; the digits are never all zero.
bool in_pan(std::string_view s) {
  return std::string_view("ABCFGHJLPTK").find(s[3]) != std::string_view::npos && s.substr(5, 4) != "0000";
}

// A state, a PAN, an entity, Z, and a check character of modulus 36.
bool in_gstin(std::string_view s) {
  const auto state = number_at(s, 0, 2);
  if (state < 1 || (state > 38 && state != 97 && state != 99) || s[13] != 'Z' || !in_pan(s.substr(2, 10))) return false;
  int sum = 0;
  for (std::size_t i = 0; i < 14; ++i) {
    const int product = base36(s[i]) * (i % 2 == 0 ? 1 : 2);
    sum += product / 36 + product % 36;
  }
  return (36 - sum % 36) % 36 == base36(s[14]);
}

bool sg_nric(std::string_view s) {
  int sum = weighted<7>(s.substr(1), {2, 7, 6, 5, 4, 3, 2});
  if (s[0] == 'T' || s[0] == 'G') sum += 4;
  if (s[0] == 'M') sum += 3;
  const auto rest = static_cast<std::size_t>(sum % 11);
  if (s[0] == 'S' || s[0] == 'T') return s[8] == "JZIHGFEDCBA"[rest];
  if (s[0] == 'F' || s[0] == 'G') return s[8] == "XWUTRQPNMLK"[rest];
  return s[0] == 'M' && s[8] == "XWUTRQPNJLK"[rest];
}

// Ordinance of the Ministry of Internal Affairs: weights 2 to 7 from the right, and over again.
bool jp_my_number(std::string_view s) {
  const int rest = weighted<11>(s, {6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2}) % 11;
  return !one_digit_repeated(s) && (rest <= 1 ? 0 : 11 - rest) == digit_value(s[11]);
}

namespace {

// Numbers given out since October 2020 have no check digit, so that only the date and the place remain.
bool kr_birth(std::string_view s) { return yymmdd(s, 0) && number_at(s, 7, 2) <= 95; }

}  // namespace

bool kr_rrn(std::string_view s) { return (s[6] <= '4' || s[6] == '9') && kr_birth(s); }
bool kr_frn(std::string_view s) { return s[6] >= '5' && s[6] <= '8' && kr_birth(s); }

// Ordinary, residence, official, diplomatic.
bool kr_passport(std::string_view s) { return std::string_view("MSROD").find(s[0]) != std::string_view::npos; }

}  // namespace tollgate::pii::check
