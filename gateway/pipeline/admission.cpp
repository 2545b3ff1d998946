#include "gateway/pipeline/admission.h"

#include "gateway/pipeline/headers.h"

namespace tollgate::pipeline {

using net::Task;

namespace {

Error denied(const ratelimit::Denial& denial) {
  if (denial.store_lost)
    return Error{.kind = ErrorKind::overloaded,
                 .message = "The store that holds this department's limits cannot be reached. Try again shortly.",
                 .code = "limits_unavailable",
                 .retry_after = std::chrono::milliseconds(1'000)};
  static constexpr std::string_view kMeters[] = {"requests per minute", "tokens per minute", "calls at the same time"};
  const auto meter = kMeters[static_cast<std::size_t>(denial.meter)];
  std::string message = "Rate limit reached for " + denial.scope_name + " on " + std::string(meter) + ": limit " +
                        std::to_string(denial.limit) + ", requested " + std::to_string(denial.requested) +
                        ". Please try again in " + format_go_duration(denial.retry_after) + ".";
  return Error{.kind = ErrorKind::rate_limited,
               .message = std::move(message),
               .code = "rate_limit_exceeded",
               .param = denial.meter == ratelimit::Meter::tokens ? "tokens" : "requests",
               .retry_after = denial.retry_after,
               // Beyond a minute two major SDKs ignore the hint and retry sooner (wire facts: SDK sources).
               .retryable = denial.retry_after <= std::chrono::minutes(1)};
}

std::vector<ratelimit::Scope> scopes_of(const auth::Principal& who) {
  return {{"department:" + who.department->id, "department '" + who.department->id + "'", who.department->limits}};
}

}  // namespace

Task<Result<Admitted>> admit(const Services& services, const View& /*view*/, const auth::Principal& who,
                             const config::Model& /*model*/, std::int64_t tokens) {
  ratelimit::AdmitRequest request;
  request.id = services.ids.next(services.clock.system_now());
  request.scopes = scopes_of(who);
  request.tokens = ratelimit::clip_reservation(tokens, request.scopes);
  ratelimit::Settlement settlement{request.id, request.scopes, request.tokens, request.tokens};
  auto verdict = co_await services.limiter.admit(std::move(request));
  if (verdict.degraded) services.metrics.count("tollgate_limit_degraded_total");
  if (verdict.denial) {
    static constexpr const char* kNames[] = {"requests", "tokens", "concurrent"};
    services.metrics.count(
        "tollgate_limit_denials_total",
        {{"department", who.department->id}, {"meter", kNames[static_cast<std::size_t>(verdict.denial->meter)]}});
    co_return denied(*verdict.denial);
  }
  services.metrics.count("tollgate_limit_admits_total");
  Admitted admitted{ratelimit::Ticket(services.limiter, std::move(settlement)), {}};
  add_rate_headers(verdict, admitted.headers);
  co_return admitted;
}

}  // namespace tollgate::pipeline
