#include "finops/prices.h"

#include <gtest/gtest.h>

#include <limits>

#include "gateway/base/money.h"
#include "samples.h"

namespace tollgate::finops {
namespace {

constexpr auto kMost = std::numeric_limits<std::int64_t>::max();

std::int64_t usd(std::string_view decimal) { return parse_nano(decimal).value(); }

UsageRecord usage(std::int64_t input, std::int64_t cached, std::int64_t write, std::int64_t output) {
  UsageRecord record;
  record.input_tokens = input;
  record.cached_input_tokens = cached;
  record.cache_write_tokens = write;
  record.output_tokens = output;
  return record;
}

TEST(Cost, IsTokensTimesPrice) {
  const Price gpt4o{"*", "gpt-4o", usd("2.5"), usd("1.25"), -1, usd("10")};
  EXPECT_EQ(cost_nano(gpt4o, usage(1000, 0, 0, 500)), usd("0.0075"));
  // 600 at 2.50 + 400 at 1.25 + 100 at 10.00, per million
  EXPECT_EQ(cost_nano(gpt4o, usage(1000, 400, 0, 100)), usd("0.003"));
}

TEST(Cost, ChargesCachedAndWrittenTokensOnce) {
  // A published case: 3 plain, 12304 written, 550 out at 3/3.75/15 per million. Input includes what was written.
  const Price sonnet{"*", "sonnet", usd("3"), usd("0.3"), usd("3.75"), usd("15")};
  EXPECT_EQ(cost_nano(sonnet, usage(3 + 12304, 0, 12304, 550)), usd("0.054399"));
}

TEST(Cost, RoundsHalfUpOncePerRow) {
  const Price tiny{"*", "tiny", 1, -1, -1, 1};
  EXPECT_EQ(cost_nano(tiny, usage(499'999, 0, 0, 0)), 0);
  EXPECT_EQ(cost_nano(tiny, usage(500'000, 0, 0, 0)), 1);
  EXPECT_EQ(cost_nano(tiny, usage(250'000, 0, 0, 250'000)), 1);  // two halves of a half: summed before rounding
  EXPECT_EQ(cost_nano(tiny, usage(1'499'999, 0, 0, 0)), 1);
}

TEST(Cost, IsMinutesOfSoundAndHoursOfComputingTimesTheirPrices) {
  UsageRecord call;
  call.audio_ms = 90'500;
  const Price whisper{.provider = "*", .model = "whisper-1", .audio_minute = usd("0.006")};
  EXPECT_EQ(cost_nano(whisper, call), usd("0.00905"));
  call.compute_us = 1'800'000'000;
  call.input_tokens = 1'000'000;
  Price local{.provider = "*", .model = "llama", .input = usd("1"), .compute_hour = usd("3")};
  EXPECT_EQ(cost_nano(local, call), usd("2.5"));
  local.audio_minute = 1;
  call.audio_ms = 30'000;
  EXPECT_EQ(cost_nano(local, call), usd("2.5") + 1) << "half of a nano-unit rounds up";
  call.audio_ms = call.compute_us = -1;
  EXPECT_EQ(cost_nano(local, call), usd("1"));
}

TEST(Cost, HoldsAtTheExtremes) {
  const Price dear{"*", "dear", kMost, kMost, kMost, kMost};
  EXPECT_EQ(cost_nano(dear, usage(kMost, kMost / 2, kMost / 2, kMost)), kMost);
  EXPECT_EQ(cost_nano(dear, usage(1'000'000, 0, 0, 0)), kMost);
  EXPECT_EQ(cost_nano(dear, usage(1'000'001, 0, 0, 0)), kMost);
  EXPECT_EQ(cost_nano(dear, usage(0, 0, 0, 0)), 0);
  const Price free{"*", "free", 0, 0, 0, 0};
  EXPECT_EQ(cost_nano(free, usage(kMost, 0, 0, kMost)), 0);
}

TEST(Cost, IsNeverNegativeWhateverAProviderReports) {
  const Price price{"*", "p", usd("1"), usd("0.1"), usd("2"), usd("4")};
  EXPECT_EQ(cost_nano(price, usage(-5, -5, -5, -5)), 0);
  // More cached than read: all input at the cached rate, nothing below zero.
  EXPECT_EQ(cost_nano(price, usage(100, 500, 500, 0)), usd("0.00001"));
}

TEST(PriceBook, PrefersTheProvidersOwnPrice) {
  const PriceBook book("list", {{"*", "m", 1}, {"azure", "m", 2}, {"azure", "n", 3}});
  EXPECT_EQ(book.find("azure", "m")->input, 2);
  EXPECT_EQ(book.find("openai", "m")->input, 1);
  EXPECT_EQ(book.find("openai", "n"), nullptr);
  EXPECT_EQ(book.find("*", "m")->input, 1);
  EXPECT_EQ(book.find("azure", ""), nullptr);
}

TEST(PriceBook, TakesTheLaterOfTwoPricesForOneTarget) {
  const PriceBook book("list", {{"*", "m", 1}, {"*", "a", 7}, {"*", "m", 2}});
  EXPECT_EQ(book.find("any", "m")->input, 2);
  EXPECT_EQ(book.prices().size(), 2U);
}

TEST(Rate, FillsCostCurrencyAndPriceVersion) {
  const auto book = builtin_prices("builtin@2026-11");
  ASSERT_NE(book, nullptr);
  auto record = samples::record(1);
  record.model_served = "gpt-4o";
  rate(record, *book);
  EXPECT_EQ(record.cost_nano, 450'000);  // 100 at 2.50 and 20 at 10.00
  EXPECT_EQ(record.currency, "USD");
  EXPECT_EQ(record.price_version, "builtin@2026-11:gpt-4o");
}

TEST(Rate, GivesADatedSnapshotThePriceOfItsName) {
  const auto book = builtin_prices("builtin@2026-11");
  auto record = samples::record(1);
  for (const auto& [served, entry] :
       {std::pair{"gpt-4o-2024-08-06", "gpt-4o"}, {"claude-haiku-4-5-20251001", "claude-haiku-4-5"}}) {
    record.model_served = served;
    rate(record, *book);
    EXPECT_EQ(record.price_version, std::string("builtin@2026-11:") + entry);
  }
  record.model_served = "gpt-4o-2024-05-13";  // has a price of its own: 100 at 5.00 and 20 at 15.00
  rate(record, *book);
  EXPECT_EQ(record.cost_nano, 800'000);
}

TEST(Rate, LeavesAModelWithoutAPriceUnpriced) {
  auto record = samples::record(1);
  for (const auto* model : {"no-such-model", "", "-20251001", "2024-08-06", "gpt-4o-2024-08-0x"}) {
    record.model_served = model;
    record.cost_nano = 99;
    record.price_version = "old";
    rate(record, *builtin_prices("builtin@2026-11"));
    EXPECT_EQ(record.cost_nano, 0) << model;
    EXPECT_EQ(record.price_version, "") << model;
    EXPECT_EQ(record.currency, "USD") << model;
  }
}

TEST(Rate, GivesABatchItsOwnPriceWhereTheListHasOne) {
  const PriceBook book("list", {{.provider = "*", .model = "gpt-4o", .input = 2'000, .output = 0},
                                {.provider = "*", .model = "gpt-4o@batch", .input = 1'000, .output = 0},
                                {.provider = "*", .model = "gpt-5", .input = 3'000, .output = 0}});
  const auto cost = [&](const char* operation, const char* model) {
    UsageRecord record;
    record.operation = operation;
    record.provider = "openai-eu";
    record.model_served = model;
    record.input_tokens = 1'000'000;
    rate(record, book);
    return record.cost_nano;
  };
  EXPECT_EQ(cost("chat", "gpt-4o-2024-08-06"), 2'000);
  EXPECT_EQ(cost("batches", "gpt-4o-2024-08-06"), 1'000);
  EXPECT_EQ(cost("batches", "gpt-5"), 3'000) << "never less than the invoice";
}

TEST(BuiltinPrices, AreKnownByTheirNameOnly) {
  EXPECT_EQ(builtin_prices("builtin@2020-01"), nullptr);
  EXPECT_EQ(builtin_prices(""), nullptr);
  EXPECT_EQ(builtin_prices("builtin@2026-11")->version(), "builtin@2026-11");
}

TEST(BuiltinPrices, AreAllReadable) {
  const auto book = builtin_prices("builtin@2026-11");
  EXPECT_GE(book->prices().size(), 30U);
  for (const auto& price : book->prices()) {
    EXPECT_GT(price.input + price.audio_minute, 0) << price.model;
    EXPECT_GE(price.output, 0) << price.model;
    EXPECT_LE(price.cached_input, price.input) << price.model;
    EXPECT_EQ(book->find("any", price.model), &price);
  }
  EXPECT_EQ(book->find("any", "gpt-5-nano")->cached_input, 5'000'000);
}

}  // namespace
}  // namespace tollgate::finops
