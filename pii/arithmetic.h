#pragma once
// The arithmetic that check digits are made of.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pii/unit.h"

namespace tollgate::pii {

constexpr int digit_value(char c) { return c - '0'; }
// Digits as themselves, A is 10, Z is 35.
constexpr int base36(char c) { return is_digit(c) ? c - '0' : c - 'A' + 10; }

// `count` digits from `at`, as a number.
constexpr std::int64_t number_at(std::string_view s, std::size_t at, std::size_t count) {
  std::int64_t value = 0;
  for (const char c : s.substr(at, count)) value = value * 10 + digit_value(c);
  return value;
}

// The sum of the first characters, each times its weight.
template <std::size_t N>
constexpr int weighted(std::string_view s, const std::array<int, N>& weights) {
  int sum = 0;
  for (std::size_t i = 0; i < N; ++i) sum += base36(s[i]) * weights[i];
  return sum;
}

// ISO/IEC 7064 mod 97-10, letters as two digits; `rest` is that of what stands before. Valid where the whole leaves 1.
constexpr int mod_97(std::string_view s, int rest = 0) {
  constexpr std::int64_t kRoom = 1'000'000'000'000'000;  // for two more digits
  std::int64_t value = rest;
  for (const char c : s) {
    value = value * (is_digit(c) ? 10 : 100) + base36(c);
    if (value >= kRoom) value %= 97;  // not at every character: a division costs more than all else
  }
  return static_cast<int>(value % 97);
}

// A date of the proleptic Gregorian calendar. A year of two digits is one of this century or the last.
inline bool date_exists(std::int64_t year, std::int64_t month, std::int64_t day) {
  using namespace std::chrono;
  if (year < 100) year += 2000;  // whether the 29th of February is one: 1900 was no leap year, and few are left of it
  return year_month_day(std::chrono::year(static_cast<int>(year)), std::chrono::month(static_cast<unsigned>(month)),
                        std::chrono::day(static_cast<unsigned>(day)))
      .ok();
}
// YYMMDD at `at`.
inline bool yymmdd(std::string_view s, std::size_t at) {
  return date_exists(number_at(s, at, 2), number_at(s, at + 2, 2), number_at(s, at + 4, 2));
}
// DDMMYY at `at`.
inline bool ddmmyy(std::string_view s, std::size_t at) {
  return date_exists(number_at(s, at + 4, 2), number_at(s, at + 2, 2), number_at(s, at, 2));
}

inline bool one_digit_repeated(std::string_view s) { return s.find_first_not_of(s[0]) == std::string_view::npos; }

}  // namespace tollgate::pii
