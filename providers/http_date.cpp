#include "providers/http_date.h"

#include <charconv>

namespace tollgate::providers {
namespace {

// -1 unless the field is all digits.
int digits(std::string_view field) {
  int value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  const bool good = error == std::errc() && end == field.data() + field.size() && field.front() != '-';
  return good ? value : -1;
}

unsigned month_number(std::string_view name) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto at = kMonths.find(name);
  return at == std::string_view::npos || at % 3 != 0 ? 0 : static_cast<unsigned>(at / 3 + 1);
}

}  // namespace

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
  namespace c = std::chrono;
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return std::nullopt;
  if (text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':') return std::nullopt;
  const int day = digits(text.substr(5, 2));
  const int year = digits(text.substr(12, 4));
  const int hour = digits(text.substr(17, 2));
  const int minute = digits(text.substr(20, 2));
  const int second = digits(text.substr(23, 2));
  if (day < 0 || year < 0 || hour < 0 || minute < 0 || second < 0) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const c::year_month_day date{c::year(year), c::month(month_number(text.substr(8, 3))),
                               c::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return c::sys_days(date) + c::hours(hour) + c::minutes(minute) + c::seconds(second);
}

}  // namespace tollgate::providers
