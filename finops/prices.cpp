#include "finops/prices.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tollgate::finops {
namespace {

// Input and output together are at most 2^64 tokens at 2^63 nano-units each, which fits.
using Wide = unsigned __int128;

constexpr std::uint64_t kTokensPerPrice = 1'000'000;
constexpr std::uint64_t kMsPerMinute = 60'000;
constexpr std::uint64_t kUsPerHour = 3'600'000'000;

std::uint64_t at_least_zero(std::int64_t value) { return value > 0 ? static_cast<std::uint64_t>(value) : 0; }

Wide product(std::uint64_t tokens, std::int64_t price) { return Wide{tokens} * at_least_zero(price); }

Wide rounded(Wide amount, std::uint64_t unit) { return (amount + unit / 2) / unit; }

using Key = std::pair<std::string_view, std::string_view>;

Key key(const Price& price) { return {price.model, price.provider}; }
bool before(const Price& price, const Key& wanted) { return key(price) < wanted; }

bool digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "gpt-4o-2024-08-06" and "claude-haiku-4-5-20251001" without their date; the name itself where there is none.
std::string_view undated(std::string_view model) {
  constexpr std::size_t kCompact = 9;  // -YYYYMMDD
  constexpr std::size_t kDashed = 11;  // -YYYY-MM-DD
  const auto n = model.size();
  if (n > kCompact && model[n - kCompact] == '-' && digits(model.substr(n - 8))) return model.substr(0, n - kCompact);
  if (n > kDashed && model[n - kDashed] == '-' && model[n - 6] == '-' && model[n - 3] == '-' &&
      digits(model.substr(n - 10, 4)) && digits(model.substr(n - 5, 2)) && digits(model.substr(n - 2)))
    return model.substr(0, n - kDashed);
  return model;
}

// Calls of a batch have prices of their own (OpenAI: half), which a list gives as "gpt-4o@batch". Without one they cost
// what other calls cost: never less than the invoice.
constexpr std::string_view kBatch = "@batch";

const Price* price_of(const UsageRecord& record, const PriceBook& book) {
  for (const std::string_view suffix : {kBatch, std::string_view()}) {
    if (!suffix.empty() && record.operation != "batches") continue;
    for (const std::string_view model : {std::string_view(record.model_served), undated(record.model_served)})
      if (const Price* price = book.find(record.provider, std::string(model).append(suffix))) return price;
  }
  return nullptr;
}

}  // namespace

PriceBook::PriceBook(std::string version, std::vector<Price> prices) : version_(std::move(version)) {
  for (auto& price : prices) {
    const auto at = std::lower_bound(prices_.begin(), prices_.end(), key(price), before);
    if (at != prices_.end() && key(*at) == key(price))
      *at = std::move(price);
    else
      prices_.insert(at, std::move(price));
  }
}

const Price* PriceBook::find(std::string_view provider, std::string_view model) const {
  for (const auto wanted : {provider, std::string_view("*")}) {
    const Key target(model, wanted);
    const auto at = std::lower_bound(prices_.begin(), prices_.end(), target, before);
    if (at != prices_.end() && key(*at) == target) return &*at;
  }
  return nullptr;
}

std::int64_t cost_nano(const Price& price, const UsageRecord& usage) {
  const auto input = at_least_zero(usage.input_tokens);
  const auto cached = std::min(at_least_zero(usage.cached_input_tokens), input);
  const auto write = std::min(at_least_zero(usage.cache_write_tokens), input - cached);
  const auto cached_price = price.cached_input < 0 ? price.input : price.cached_input;
  const auto write_price = price.cache_write < 0 ? price.input : price.cache_write;
  const Wide total = product(input - cached - write, price.input) + product(cached, cached_price) +
                     product(write, write_price) + product(at_least_zero(usage.output_tokens), price.output);
  const Wide nano = rounded(total, kTokensPerPrice) +
                    rounded(product(at_least_zero(usage.audio_ms), price.audio_minute), kMsPerMinute) +
                    rounded(product(at_least_zero(usage.compute_us), price.compute_hour), kUsPerHour);
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  return nano > Wide{static_cast<std::uint64_t>(kMost)} ? kMost : static_cast<std::int64_t>(nano);
}

void rate(UsageRecord& record, const PriceBook& book) {
  record.cost_nano = 0;
  record.price_version.clear();
  const Price* price = price_of(record, book);
  if (price == nullptr) return;
  record.cost_nano = cost_nano(*price, record);
  record.currency = price->currency;
  record.price_version.append(book.version()).append(":").append(price->model);
}

}  // namespace tollgate::finops
