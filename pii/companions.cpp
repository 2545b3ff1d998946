// Secrets that have neither a form of their own nor a name before them, but a run of characters of the right length.
#include <algorithm>

#include "pii/secret_checks.h"
#include "pii/secrets.h"
#include "pii/unit.h"

namespace tollgate::pii {
namespace {

bool is_base64(char c) { return is_alnum(c) || c == '+' || c == '/'; }

}  // namespace

void detect_aws_secret(std::string_view text, std::size_t end, Findings& out) {
  constexpr std::size_t kReach = 200;
  constexpr std::size_t kLength = 40;
  const std::size_t limit = std::min(text.size(), end + kReach);
  for (std::size_t start = end; start < limit;) {
    std::size_t stop = start;
    while (stop < limit && is_base64(text[stop])) ++stop;
    const auto token = text.substr(start, stop - start);
    // 40 hex digits are a SHA-1.
    if (token.size() == kLength && looks_random(token, kLength) && !std::ranges::all_of(token, is_hex))
      out.push_back({EntityType::api_key, start, stop, 0.9, 0, {Term::entropy}});
    start = stop + 1;
  }
}

void detect_twilio_key(std::string_view text, std::size_t start, std::size_t end, Findings& out) {
  const auto run = text.substr(start, end - start);
  if (run.size() != 34 || !(run.starts_with("SK") || run.starts_with("AC"))) return;
  const bool hex = std::ranges::all_of(run.substr(2), [](char c) { return is_hex(c) && !is_upper(c); });
  if (hex && looks_random(run, run.size())) out.push_back({EntityType::api_key, start, end, 0.8, 0, {Term::entropy}});
}

}  // namespace tollgate::pii
