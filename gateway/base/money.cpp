#include "gateway/base/money.h"

#include <limits>

namespace tollgate {
namespace {

constexpr int kPlaces = 9;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Appends one decimal digit; false on overflow.
bool push_digit(std::int64_t& value, int digit) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  if (value > (kMax - digit) / 10) return false;
  value = value * 10 + digit;
  return true;
}

}  // namespace

std::optional<std::int64_t> parse_nano(std::string_view decimal) {
  std::int64_t value = 0;
  int places = -1;  // -1: before the point
  bool any = false;
  for (const char c : decimal) {
    if (c == '.') {
      if (places >= 0 || !any) return std::nullopt;
      places = 0;
      continue;
    }
    if (!is_digit(c) || places == kPlaces || !push_digit(value, c - '0')) return std::nullopt;
    any = true;
    if (places >= 0) ++places;
  }
  if (!any || places == 0) return std::nullopt;
  for (int i = places < 0 ? 0 : places; i < kPlaces; ++i)
    if (!push_digit(value, 0)) return std::nullopt;
  return value;
}

std::optional<Money> parse_money(std::string_view text) {
  const auto space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto currency = text.substr(space + 1);
  if (currency.size() != 3) return std::nullopt;
  for (const char c : currency)
    if (c < 'A' || c > 'Z') return std::nullopt;
  const auto nano = parse_nano(text.substr(0, space));
  if (!nano) return std::nullopt;
  return Money{*nano, std::string(currency)};
}

std::string format_nano(std::int64_t nano, int min_places) {
  const bool negative = nano < 0;
  // Through unsigned, so that the smallest int64 has a magnitude.
  const auto magnitude = negative ? 0 - static_cast<std::uint64_t>(nano) : static_cast<std::uint64_t>(nano);
  std::string fraction = std::to_string(magnitude % kNanoPerUnit);
  fraction.insert(0, kPlaces - fraction.size(), '0');
  auto keep = fraction.size();
  while (keep > static_cast<std::size_t>(min_places) && fraction[keep - 1] == '0') --keep;
  fraction.resize(keep);
  std::string out = negative ? "-" : "";
  out += std::to_string(magnitude / kNanoPerUnit);
  if (!fraction.empty()) out.append(".").append(fraction);
  return out;
}

}  // namespace tollgate
