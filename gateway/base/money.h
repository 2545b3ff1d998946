#pragma once
// Money is an integer: nano-units of a currency (1 USD = 1 000 000 000). No floating point touches an amount.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate {

struct Money {
  std::int64_t nano = 0;
  std::string currency = "USD";  // ISO 4217 code, upper case

  friend bool operator==(const Money&, const Money&) = default;
};

inline constexpr std::int64_t kNanoPerUnit = 1'000'000'000;

// "5000 USD", "0.15 EUR": a decimal of at most nine places, one space, three upper-case letters. Refuses anything else,
// negative amounts and overflow.
std::optional<Money> parse_money(std::string_view text);

// A bare decimal such as "2.5" as nano-units; at most nine places.
std::optional<std::int64_t> parse_nano(std::string_view decimal);

// Shortest exact decimal with at least `min_places` places: 1500000000 -> "1.50".
std::string format_nano(std::int64_t nano, int min_places = 2);

}  // namespace tollgate
