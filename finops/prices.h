#pragma once
// What a token, a minute of sound and an hour of computing cost. Price lists are immutable and named; a row says which
// one rated it.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "finops/usage_record.h"
#include "gateway/base/result.h"

namespace tollgate::finops {

// Nano-units per million tokens: "2.50 USD per million" is 2 500 000 000. Sound and computing by their time.
struct Price {
  std::string provider;  // the provider id in config, or "*"
  std::string model;     // as the provider names it
  std::int64_t input = 0;
  std::int64_t cached_input = -1;  // -1: as input
  std::int64_t cache_write = -1;   // -1: as input
  std::int64_t output = 0;
  std::string currency = "USD";
  std::int64_t audio_minute = 0;  // per minute of sound
  std::int64_t compute_hour = 0;  // per hour of a model of our own at work
};

// Immutable; thread-safe. Of two prices for one target the later in the list wins: an overlay is appended.
class PriceBook {
 public:
  PriceBook(std::string version, std::vector<Price> prices);
  // Exact (provider, model), then ("*", model).
  const Price* find(std::string_view provider, std::string_view model) const;
  const std::string& version() const { return version_; }
  const std::vector<Price>& prices() const { return prices_; }

 private:
  std::string version_;
  std::vector<Price> prices_;  // sorted
};

// The list shipped with this build, "builtin@2026-11"; nullptr for a name it does not know.
std::shared_ptr<const PriceBook> builtin_prices(std::string_view name);

// Cost in nano-units, in 128-bit arithmetic: of tokens, of sound and of computing, each rounded half up once per row.
// Tokens: ((input - cached - write)*p_in + cached*p_cached + write*p_write + output*p_out) / 1e6.
std::int64_t cost_nano(const Price& price, const UsageRecord& usage);

// Fills cost_nano, currency and price_version ("builtin@2026-11:gpt-4o") from (provider, model_served), where a dated
// snapshot without a price of its own ("gpt-4o-2024-08-06") has that of its undated name. Where no price is known the
// cost is 0, price_version empty, and the currency stays as it was.
void rate(UsageRecord& record, const PriceBook& book);

}  // namespace tollgate::finops
