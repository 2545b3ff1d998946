#include "pii/checks.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "pii/arithmetic.h"

namespace tollgate::pii {
namespace {

int leading(std::string_view digits, std::size_t count) { return static_cast<int>(number_at(digits, 0, count)); }

// Leading digits [first, last], all of the same count, and the lengths an issuer uses.
struct Issuer {
  int first;
  int last;
  std::size_t prefix;
  std::size_t shortest;
  std::size_t longest;
};

constexpr std::array kIssuers = {
    Issuer{4, 4, 1, 13, 13},        // Visa, old
    Issuer{4, 4, 1, 16, 16},        // Visa
    Issuer{4, 4, 1, 19, 19},        //
    Issuer{51, 55, 2, 16, 16},      // Mastercard
    Issuer{2221, 2720, 4, 16, 16},  //
    Issuer{34, 34, 2, 15, 15},      // American Express
    Issuer{37, 37, 2, 15, 15},      //
    Issuer{300, 305, 3, 14, 19},    // Diners Club
    Issuer{3095, 3095, 4, 14, 19},  //
    Issuer{36, 36, 2, 14, 19},      //
    Issuer{38, 39, 2, 14, 19},      //
    Issuer{6011, 6011, 4, 16, 19},  // Discover
    Issuer{644, 649, 3, 16, 19},    //
    Issuer{65, 65, 2, 16, 19},      //
    Issuer{35, 35, 2, 16, 16},      // JCB: 3528-3589, and its neighbours, which test data is full of
    Issuer{3528, 3589, 4, 17, 19},  //
    Issuer{1800, 1800, 4, 15, 15},  //
    Issuer{2131, 2131, 4, 15, 15},  //
    Issuer{62, 62, 2, 16, 19},      // UnionPay
    Issuer{81, 81, 2, 16, 19},      //
    Issuer{2200, 2204, 4, 16, 19},  // Mir
    Issuer{9792, 9792, 4, 16, 16},  // Troy
    Issuer{50, 50, 2, 12, 19},      // Maestro
    Issuer{56, 58, 2, 12, 19},      //
    Issuer{60, 60, 2, 16, 19},      // RuPay and Maestro
    Issuer{63, 63, 2, 12, 19},      //
    Issuer{67, 67, 2, 12, 19},      //
};

// The lengths of cards by their first two digits, a bit for each.
constexpr std::size_t kLongestCard = 19;
constexpr auto kCardLengths = [] {
  std::array<std::uint32_t, 100> out{};
  for (const Issuer& issuer : kIssuers) {
    const int unit = issuer.prefix == 1 ? 1 : issuer.prefix == 2 ? 10 : issuer.prefix == 3 ? 100 : 1000;
    for (int two = 0; two < 100; ++two)
      if (two >= issuer.first * 10 / unit && two <= (issuer.last * 10 + 9) / unit)
        for (std::size_t length = issuer.shortest; length <= issuer.longest; ++length)
          out[static_cast<std::size_t>(two)] |= 1U << length;
  }
  return out;
}();

struct IbanCountry {
  char first;
  char second;
  std::uint8_t length;
};

constexpr auto kIbanCountries = std::to_array<IbanCountry>({
    {'A', 'D', 24}, {'A', 'E', 23}, {'A', 'L', 28}, {'A', 'O', 25}, {'A', 'T', 20}, {'A', 'Z', 28}, {'B', 'A', 20},
    {'B', 'E', 16}, {'B', 'F', 28}, {'B', 'G', 22}, {'B', 'H', 22}, {'B', 'I', 27}, {'B', 'J', 28}, {'B', 'R', 29},
    {'B', 'Y', 28}, {'C', 'F', 27}, {'C', 'G', 27}, {'C', 'H', 21}, {'C', 'I', 28}, {'C', 'M', 27}, {'C', 'R', 22},
    {'C', 'V', 25}, {'C', 'Y', 28}, {'C', 'Z', 24}, {'D', 'E', 22}, {'D', 'J', 27}, {'D', 'K', 18}, {'D', 'O', 28},
    {'D', 'Z', 26}, {'E', 'E', 20}, {'E', 'G', 29}, {'E', 'S', 24}, {'F', 'I', 18}, {'F', 'K', 18}, {'F', 'O', 18},
    {'F', 'R', 27}, {'G', 'A', 27}, {'G', 'B', 22}, {'G', 'E', 22}, {'G', 'I', 23}, {'G', 'L', 18}, {'G', 'Q', 27},
    {'G', 'R', 27}, {'G', 'T', 28}, {'G', 'W', 25}, {'H', 'N', 28}, {'H', 'R', 21}, {'H', 'U', 28}, {'I', 'E', 22},
    {'I', 'L', 23}, {'I', 'Q', 23}, {'I', 'R', 26}, {'I', 'S', 26}, {'I', 'T', 27}, {'J', 'O', 30}, {'K', 'M', 27},
    {'K', 'W', 30}, {'K', 'Z', 20}, {'L', 'B', 28}, {'L', 'C', 32}, {'L', 'I', 21}, {'L', 'T', 20}, {'L', 'U', 20},
    {'L', 'V', 21}, {'L', 'Y', 25}, {'M', 'A', 28}, {'M', 'C', 27}, {'M', 'D', 24}, {'M', 'E', 22}, {'M', 'G', 27},
    {'M', 'K', 19}, {'M', 'L', 28}, {'M', 'N', 20}, {'M', 'R', 27}, {'M', 'T', 31}, {'M', 'U', 30}, {'M', 'Z', 25},
    {'N', 'E', 28}, {'N', 'I', 28}, {'N', 'L', 18}, {'N', 'O', 15}, {'O', 'M', 23}, {'P', 'K', 24}, {'P', 'L', 28},
    {'P', 'S', 29}, {'P', 'T', 25}, {'Q', 'A', 29}, {'R', 'O', 24}, {'R', 'S', 22}, {'R', 'U', 33}, {'S', 'A', 24},
    {'S', 'C', 31}, {'S', 'D', 18}, {'S', 'E', 24}, {'S', 'I', 19}, {'S', 'K', 24}, {'S', 'M', 27}, {'S', 'N', 28},
    {'S', 'O', 23}, {'S', 'T', 25}, {'S', 'V', 28}, {'T', 'D', 27}, {'T', 'G', 28}, {'T', 'L', 23}, {'T', 'N', 24},
    {'T', 'R', 26}, {'U', 'A', 29}, {'V', 'A', 22}, {'V', 'G', 24}, {'X', 'K', 20}, {'Y', 'E', 30},
});

constexpr auto kIbanLengths = [] {
  std::array<std::uint8_t, 26UL * 26UL> out{};
  for (const auto& country : kIbanCountries)
    out[static_cast<std::size_t>((country.first - 'A') * 26 + country.second - 'A')] = country.length;
  return out;
}();

// Lengths of the national part. Countries that are not listed: 4 to 12.
struct NationalLength {
  int code;
  std::size_t shortest;
  std::size_t longest;
};

constexpr std::array kNationalLengths = {
    NationalLength{20, 8, 10}, NationalLength{27, 5, 10},  NationalLength{30, 10, 12}, NationalLength{31, 7, 11},
    NationalLength{32, 8, 9},  NationalLength{33, 9, 9},   NationalLength{34, 9, 9},   NationalLength{36, 8, 9},
    NationalLength{39, 6, 12}, NationalLength{40, 9, 9},   NationalLength{41, 9, 12},  NationalLength{43, 4, 13},
    NationalLength{44, 7, 10}, NationalLength{45, 8, 8},   NationalLength{46, 7, 12},  NationalLength{47, 5, 12},
    NationalLength{48, 6, 10}, NationalLength{49, 4, 14},  NationalLength{51, 8, 11},  NationalLength{52, 10, 12},
    NationalLength{53, 6, 10}, NationalLength{54, 10, 11}, NationalLength{55, 8, 12},  NationalLength{56, 9, 11},
    NationalLength{57, 8, 11}, NationalLength{58, 10, 10}, NationalLength{60, 8, 10},  NationalLength{61, 5, 12},
    NationalLength{62, 7, 13}, NationalLength{63, 8, 13},  NationalLength{64, 5, 10},  NationalLength{65, 8, 11},
    NationalLength{66, 8, 13}, NationalLength{81, 8, 13},  NationalLength{82, 7, 13},  NationalLength{84, 7, 10},
    NationalLength{86, 7, 12}, NationalLength{90, 10, 12}, NationalLength{91, 8, 13},  NationalLength{92, 8, 12},
    NationalLength{93, 9, 9},  NationalLength{94, 9, 9},   NationalLength{98, 6, 10},
};

}  // namespace

bool luhn_valid(std::string_view digits) {
  int sum = 0;
  const char* const first = digits.data();
  const char* at = first + digits.size();
  for (; at - first >= 2; at -= 2) {
    const int twice = 2 * digit_value(at[-2]);
    sum += digit_value(at[-1]) + (twice > 9 ? twice - 9 : twice);
  }
  if (at != first) sum += digit_value(*first);
  return sum % 10 == 0;
}

bool card_issuer_known(std::string_view digits) {
  if (digits.size() > kLongestCard) return false;
  // Of ten numbers that begin at random, nine end here.
  const auto two = static_cast<std::size_t>(digit_value(digits[0]) * 10 + digit_value(digits[1]));
  if (((kCardLengths[two] >> digits.size()) & 1U) == 0) return false;
  std::array<int, 5> starts{};  // the first one, two, three, four digits
  for (std::size_t i = 1; i < starts.size(); ++i) starts[i] = starts[i - 1] * 10 + digit_value(digits[i - 1]);
  return std::any_of(kIssuers.begin(), kIssuers.end(), [&](const Issuer& issuer) {
    const int start = starts[issuer.prefix];
    return start >= issuer.first && start <= issuer.last && digits.size() >= issuer.shortest &&
           digits.size() <= issuer.longest;
  });
}

std::size_t iban_length(char first, char second) {
  if (!is_upper(first) || !is_upper(second)) return 0;
  return kIbanLengths[static_cast<std::size_t>((first - 'A') * 26 + second - 'A')];
}

bool iban_valid(std::string_view iban) {
  if (iban.size() < 4 || iban.size() != iban_length(iban[0], iban[1])) return false;
  const int check = leading(iban.substr(2), 2);
  if (!is_digit(iban[2]) || !is_digit(iban[3]) || check < 2 || check > 98) return false;
  return mod_97(iban.substr(0, 4), mod_97(iban.substr(4))) == 1;
}

bool ssn_valid(std::string_view digits) {
  if (digits.size() != 9) return false;
  const int area = leading(digits, 3);
  if (area == 0 || area == 666 || area >= 900) return false;
  if (digits.substr(3, 2) == "00" || digits.substr(5) == "0000") return false;
  return digits != "078051120" && digits.find_first_not_of(digits[0]) != std::string_view::npos;
}

bool nanp_valid(std::string_view digits) {
  const bool special = digits[1] == '1' && digits[2] == '1';
  return digits[0] >= '2' && digits[3] >= '2' && !special;
}

std::size_t calling_code_length(std::string_view digits) {
  if (digits.size() < 3) return 0;
  if (digits[0] == '1' || digits[0] == '7') return 1;
  static constexpr std::array kTwoDigits = {20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46,
                                            47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62, 63,
                                            64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98};
  const int two = leading(digits, 2);
  if (std::binary_search(kTwoDigits.begin(), kTwoDigits.end(), two)) return 2;
  // Three digits: these blocks of ten are in use (800, 808, 870, 88x and 979 are international services).
  static constexpr std::array kBlocks = {21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50,
                                         59, 67, 68, 69, 80, 85, 87, 88, 96, 97, 99};
  return std::binary_search(kBlocks.begin(), kBlocks.end(), two) ? 3 : 0;
}

bool international_length_ok(std::string_view digits) {
  const std::size_t code = calling_code_length(digits);
  if (code == 0 || digits.size() < 7 || digits.size() > 16) return false;
  const auto national = digits.substr(code);
  if (code == 1) return national.size() == 10 && (digits[0] == '7' || nanp_valid(national));
  const int number = leading(digits, code);
  const auto* it = std::find_if(kNationalLengths.begin(), kNationalLengths.end(),
                                [&](const NationalLength& entry) { return entry.code == number; });
  const std::size_t shortest = it == kNationalLengths.end() ? 4 : it->shortest;
  const std::size_t longest = it == kNationalLengths.end() ? 12 : it->longest;
  return national.size() >= shortest && national.size() <= longest;
}

}  // namespace tollgate::pii
