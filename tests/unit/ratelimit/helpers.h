#pragma once
// Shared by the tests of the limiter: short ways to say scopes, calls and ids.
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "ratelimit/limiter.h"

namespace tollgate::ratelimit {

using std::chrono::milliseconds;

inline Uuid id_of(std::uint64_t number) {
  Uuid id;
  std::memcpy(id.bytes.data() + 8, &number, sizeof(number));
  return id;
}

inline Limits requests_limit(std::int64_t per_minute, std::int64_t burst) {
  Limits limits;
  limits.requests_per_minute = per_minute;
  limits.requests_burst = burst;
  return limits;
}

inline Limits tokens_limit(std::int64_t per_minute, std::int64_t burst) {
  Limits limits;
  limits.tokens_per_minute = per_minute;
  limits.tokens_burst = burst;
  return limits;
}

inline Limits slots_limit(std::int64_t slots) {
  Limits limits;
  limits.concurrent = slots;
  return limits;
}

inline Limits daily_requests_limit(std::int64_t per_day, std::int64_t burst) {
  Limits limits;
  limits.requests_per_day = per_day;
  limits.requests_day_burst = burst;
  return limits;
}

inline Limits daily_tokens_limit(std::int64_t per_day, std::int64_t burst) {
  Limits limits;
  limits.tokens_per_day = per_day;
  limits.tokens_day_burst = burst;
  return limits;
}

inline std::shared_ptr<const Scope> scope_of(std::string key, const Limits& limits) {
  return make_scope(std::move(key), limits);
}

inline AdmitRequest call(std::uint64_t id, Scopes scopes, std::int64_t tokens = 0,
                         milliseconds lease = milliseconds(600'000)) {
  return AdmitRequest{id_of(id), std::move(scopes), tokens, lease};
}

inline Settlement end_of(const AdmitRequest& request, std::int64_t actual_tokens) {
  return Settlement{request.id, request.scopes, clip_reservation(request.tokens, request.scopes), actual_tokens};
}

}  // namespace tollgate::ratelimit
