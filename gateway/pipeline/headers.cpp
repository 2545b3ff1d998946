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

void add_level(std::string_view meter, const ratelimit::Level& level, std::vector<net::Header>& headers) {
  const std::string suffix(meter);
  headers.push_back({"x-ratelimit-limit-" + suffix, std::to_string(level.limit)});
  headers.push_back({"x-ratelimit-remaining-" + suffix, std::to_string(level.remaining)});
  headers.push_back({"x-ratelimit-reset-" + suffix, format_go_duration(level.reset)});
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

void add_rate_headers(const ratelimit::Verdict& verdict, std::vector<net::Header>& headers) {
  if (verdict.requests) add_level("requests", *verdict.requests, headers);
  if (verdict.tokens) add_level("tokens", *verdict.tokens, headers);
  if (verdict.degraded) headers.push_back({"x-tollgate-limits", "degraded"});
}

void add_retry_headers(const Error& error, std::vector<net::Header>& headers) {
  if (!error.retryable) headers.push_back({"x-should-retry", "false"});
  if (!error.retry_after) return;
  const auto ms = error.retry_after->count();
  headers.push_back({"retry-after", std::to_string((ms + 999) / 1000)});
  headers.push_back({"retry-after-ms", std::to_string(ms)});
}

}  // namespace tollgate::pipeline
