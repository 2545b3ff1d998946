// Public list prices in USD per million tokens (sound: per minute), read on 2026-11-21 from two open price lists:
// pydantic/genai-prices (commit 47df840, 2026-08-21) and BerriAI/litellm (model_prices_and_context_window.json,
// 2026-08-20). Where they differ the first is followed, because it dates its entries. They are third parties' readings
// of the vendors' pages; who has a contract needs a list of their own.
//
// Not expressed: the surcharge some models ask above 200,000 or 272,000 input tokens, batch and priority tiers, and
// Bedrock's regional uplift. A released list is never edited: new prices are a new list under a new name.
#include <array>

#include "finops/prices.h"
#include "gateway/base/money.h"

namespace tollgate::finops {
namespace {

constexpr std::string_view kName = "builtin@2026-11";
constexpr std::string_view kAsInput = "";

// USD per million tokens, and per minute of sound.
struct Row {
  std::string_view model;
  std::string_view input;
  std::string_view cached_input;
  std::string_view cache_write;
  std::string_view output;
  std::string_view audio_minute = "0";
};

constexpr std::array kRows = {
    // OpenAI, also as Azure deploys it
    Row{"gpt-5.4", "2.5", "0.25", kAsInput, "15"},
    Row{"gpt-5.4-mini", "0.75", "0.075", kAsInput, "4.5"},
    Row{"gpt-5.2", "1.75", "0.175", kAsInput, "14"},
    Row{"gpt-5.1", "1.25", "0.125", kAsInput, "10"},
    Row{"gpt-5", "1.25", "0.125", kAsInput, "10"},
    Row{"gpt-5-mini", "0.25", "0.025", kAsInput, "2"},
    Row{"gpt-5-nano", "0.05", "0.005", kAsInput, "0.4"},
    Row{"gpt-4.1", "2", "0.5", kAsInput, "8"},
    Row{"gpt-4.1-mini", "0.4", "0.1", kAsInput, "1.6"},
    Row{"gpt-4.1-nano", "0.1", "0.025", kAsInput, "0.4"},
    Row{"gpt-4o", "2.5", "1.25", kAsInput, "10"},
    Row{"gpt-4o-2024-05-13", "5", kAsInput, kAsInput, "15"},  // dearer than its successors
    Row{"gpt-4o-mini", "0.15", "0.075", kAsInput, "0.6"},
    Row{"gpt-3.5-turbo", "0.5", kAsInput, kAsInput, "1.5"},
    Row{"o3", "2", "0.5", kAsInput, "8"},
    Row{"o3-mini", "1.1", "0.55", kAsInput, "4.4"},
    Row{"o4-mini", "1.1", "0.275", kAsInput, "4.4"},
    Row{"text-embedding-3-small", "0.02", kAsInput, kAsInput, "0"},
    Row{"text-embedding-3-large", "0.13", kAsInput, kAsInput, "0"},
    Row{"whisper-1", "0", kAsInput, kAsInput, "0", "0.006"},  // by the minute
    // Anthropic; cache writes at the 5-minute rate
    Row{"claude-opus-4-6", "5", "0.5", "6.25", "25"},
    Row{"claude-opus-4-5", "5", "0.5", "6.25", "25"},
    Row{"claude-opus-4-1", "15", "1.5", "18.75", "75"},
    Row{"claude-sonnet-4-6", "3", "0.3", "3.75", "15"},
    Row{"claude-sonnet-4-5", "3", "0.3", "3.75", "15"},
    Row{"claude-haiku-4-5", "1", "0.1", "1.25", "5"},
    // Anthropic on Bedrock, global endpoints
    Row{"global.anthropic.claude-sonnet-4-5-20250929-v1:0", "3", "0.3", "3.75", "15"},
    Row{"global.anthropic.claude-haiku-4-5-20251001-v1:0", "1", "0.1", "1.25", "5"},
    // Google
    Row{"gemini-3-pro-preview", "2", "0.2", kAsInput, "12"},
    Row{"gemini-3-flash-preview", "0.5", "0.05", kAsInput, "3"},
    Row{"gemini-2.5-pro", "1.25", "0.125", kAsInput, "10"},
    Row{"gemini-2.5-flash", "0.3", "0.03", kAsInput, "2.5"},
    Row{"gemini-2.5-flash-lite", "0.1", "0.01", kAsInput, "0.4"},
    // Mistral
    Row{"mistral-large-2512", "0.5", "0.05", kAsInput, "1.5"},
    Row{"mistral-medium-3", "0.4", kAsInput, kAsInput, "2"},
    Row{"mistral-small-2603", "0.15", "0.015", kAsInput, "0.6"},
    Row{"codestral-2508", "0.3", "0.03", kAsInput, "0.9"},
    Row{"ministral-3b-2512", "0.1", "0.01", kAsInput, "0.1"},
    Row{"mistral.mistral-large-2402-v1:0", "4", kAsInput, kAsInput, "12"},
    // Llama and Titan on Bedrock
    Row{"meta.llama3-3-70b-instruct-v1:0", "0.72", kAsInput, kAsInput, "0.72"},
    Row{"meta.llama3-2-3b-instruct-v1:0", "0.15", kAsInput, kAsInput, "0.15"},
    Row{"meta.llama3-1-70b-instruct-v1:0", "0.72", kAsInput, kAsInput, "0.72"},
    Row{"meta.llama3-1-8b-instruct-v1:0", "0.22", kAsInput, kAsInput, "0.22"},
    Row{"amazon.titan-text-express-v1", "0.2", kAsInput, kAsInput, "0.6"},
    Row{"amazon.titan-text-lite-v1", "0.15", kAsInput, kAsInput, "0.2"},
    Row{"amazon.titan-embed-text-v1", "0.1", kAsInput, kAsInput, "0"},
    // The bundled demo model: our own figure, above zero so that a first report shows a cost
    Row{"tollgate-demo", "0.01", kAsInput, kAsInput, "0.02"},
};

// kAsInput is no number: it becomes -1, as Price says.
std::int64_t nano(std::string_view decimal) { return parse_nano(decimal).value_or(-1); }

std::shared_ptr<const PriceBook> make_book() {
  std::vector<Price> prices;
  prices.reserve(kRows.size());
  for (const auto& row : kRows)
    prices.push_back(Price{"*", std::string(row.model), nano(row.input), nano(row.cached_input), nano(row.cache_write),
                           nano(row.output), "USD", nano(row.audio_minute)});
  return std::make_shared<const PriceBook>(std::string(kName), std::move(prices));
}

}  // namespace

std::shared_ptr<const PriceBook> builtin_prices(std::string_view name) {
  if (name != kName) return nullptr;
  static const auto kBook = make_book();
  return kBook;
}

}  // namespace tollgate::finops
