#include "gateway/pipeline/headers.h"

namespace tollgate::pipeline {

namespace {

// "8.64s": seconds with up to three decimals, without trailing zeros.
std::string seconds_part(std::int64_t ms) {
  std::string out = std::to_string(ms / 1000);
  if (ms % 1000 != 0) {
    std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    out.append(".").append(fraction);
  }
  return out + "s";
}

struct LevelNames {
  std::string_view limit, remaining, reset;
};
constexpr LevelNames kRequests = {"x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
                                  "x-ratelimit-reset-requests"};
constexpr LevelNames kTokens = {"x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"};

void add_level(const LevelNames& names, const ratelimit::Level& level, server::HeaderLines& headers) {
  headers.add(names.limit, level.limit);
  headers.add(names.remaining, level.remaining);
  headers.add(names.reset, format_go_duration(level.reset));
}

}  // namespace

std::string format_go_duration(std::chrono::milliseconds duration) {
  const std::int64_t ms = duration.count() < 0 ? 0 : duration.count();
  if (ms == 0) return "0s";
  if (ms < 1000) return std::to_string(ms) + "ms";
  const std::int64_t hours = ms / 3'600'000;
  const std::int64_t minutes = ms / 60'000 % 60;
  std::string out;
  if (hours > 0) out += std::to_string(hours) + "h";
  if (hours > 0 || minutes > 0) out += std::to_string(minutes) + "m";
  return out + seconds_part(ms % 60'000);
}

void add_rate_headers(const ratelimit::Verdict& verdict, server::HeaderLines& headers) {
  if (verdict.requests) add_level(kRequests, *verdict.requests, headers);
  if (verdict.tokens) add_level(kTokens, *verdict.tokens, headers);
  if (verdict.degraded) headers.add("x-tollgate-limits", "degraded");
}

void add_retry_headers(const Error& error, server::HeaderLines& headers) {
  if (!error.retryable) headers.add("x-should-retry", "false");
  if (!error.retry_after) return;
  const auto ms = error.retry_after->count();
  headers.add("retry-after", (ms + 999) / 1000);
  headers.add("retry-after-ms", ms);
}

}  // namespace tollgate::pipeline
