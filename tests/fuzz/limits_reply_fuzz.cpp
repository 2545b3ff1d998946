// Whatever lies in Redis under a scope's key: it is refused, or gives levels that a bucket can have.
#include <cstdint>
#include <string>

#include "ratelimit/redis_script.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tollgate::ratelimit;
  using Kind = RedisReply::Kind;
  Limits limits;
  limits.requests_per_minute = limits.tokens_per_minute = 60;
  limits.requests_per_day = limits.tokens_per_day = 86'400;
  limits.concurrent = 5;
  static const Scopes kScopes = {make_scope("a", limits)};
  static const AdmitRequest kRequest{{}, kScopes, 10};
  static const std::vector<Asked> kAsked = {{&kRequest, 10}};

  RedisReply reply{Kind::array, {}, 0, {}};
  reply.elements.push_back({Kind::text, "0", 0, {}});
  reply.elements.push_back({Kind::text, std::string(reinterpret_cast<const char*>(data), size), 0, {}});
  reply.elements.push_back({Kind::integer, {}, 1'760'000'000'000, {}});
  const auto admissions = parse_admissions(reply, kAsked);
  if (!admissions) return 0;
  require(admissions->size() == 1, "one answer to one question");
  const Admission* const admission = &admissions->front();
  require(!admission->admitted && admission->readings.size() == 1, "one reading per scope");
  const Reading& reading = admission->readings.front();
  require(reading.running >= 0, "leases are counted");
  for (std::size_t i = 0; i < kBuckets; ++i) {
    require(reading.levels[i] <= kScopes.front()->rates[i]->capacity, "no bucket holds more than its burst");
  }
  Verdict verdict;
  verdict.denial = find_denial(kScopes, admission->readings, 10, admission->now);
  describe_levels(verdict, kScopes, admission->readings, admission->now);
  require(verdict.requests && verdict.requests->remaining >= 0, "remaining is never negative");
  require(!verdict.denial || verdict.denial->retry_after.count() > 0, "a refusal waits");
  return 0;
}
