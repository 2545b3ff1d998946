#include "gateway/pipeline/admission.h"

#include "gateway/pipeline/headers.h"

namespace tollgate::pipeline {

using net::Task;

namespace {

using ratelimit::Meter;

std::string_view words_of(Meter meter) {
  switch (meter) {
    case Meter::requests_per_minute:
      return "requests per minute";
    case Meter::tokens_per_minute:
      return "tokens per minute";
    case Meter::requests_per_day:
      return "requests per day";
    case Meter::tokens_per_day:
      return "tokens per day";
    case Meter::concurrent:
      return "calls at the same time";
  }
  return "";
}

// "department:retail" -> "department 'retail'"; "organisation" -> "the organisation".
std::string name_of(std::string_view scope) {
  const auto colon = scope.find(':');
  if (colon == scope.npos) return "the " + std::string(scope);
  return std::string(scope.substr(0, colon)) + " '" + std::string(scope.substr(colon + 1)) + "'";
}

Error denied(const ratelimit::Denial& denial) {
  if (denial.store_lost)
    return Error{.kind = ErrorKind::overloaded,
                 .message = "The store that holds the limits of this call cannot be reached. Try again shortly.",
                 .code = "limits_unavailable",
                 .retry_after = std::chrono::milliseconds(1'000)};
  std::string message = "Rate limit reached for " + name_of(denial.scope) + " on " +
                        std::string(words_of(denial.meter)) + ": limit " + std::to_string(denial.limit) +
                        ", requested " + std::to_string(denial.requested) + ". Please try again in " +
                        format_go_duration(denial.retry_after) + ".";
  return Error{.kind = ErrorKind::rate_limited,
               .message = std::move(message),
               .code = "rate_limit_exceeded",
               .param = ratelimit::counts_tokens(denial.meter) ? "tokens" : "requests",
               .retry_after = denial.retry_after,
               // Beyond a minute two major SDKs ignore the hint and retry sooner (wire facts: SDK sources).
               .retryable = denial.retry_after <= std::chrono::minutes(1)};
}

// Everything that limits this call, narrow to wide. What a configuration limits was prepared when it was read; only a
// key's own scope is made here, where its application has any.
ratelimit::Scopes scopes_of(const config::Snapshot& snapshot, const auth::Principal& who, const config::Model* model) {
  ratelimit::Scopes scopes;
  if (who.relayed_as) return scopes;  // the replica has counted it
  const auto add = [&scopes](std::shared_ptr<const ratelimit::Scope> scope) {
    if (scope) scopes.push_back(std::move(scope));
  };
  scopes.reserve(5);
  if (who.application != nullptr) {
    const ratelimit::Limits& each_key = who.application->key_limits;
    if (!ratelimit::unlimited(each_key)) add(ratelimit::make_scope("key:" + who.credential, each_key));
    add(who.application->scope);
  }
  add(who.department->scope);
  if (model != nullptr) add(model->scope);
  add(snapshot.scope);
  return scopes;
}

}  // namespace

Task<Result<Admitted>> admit(const Services& services, const View& view, const auth::Principal& who,
                             const config::Model* model, std::int64_t tokens, Report& report) {
  ratelimit::AdmitRequest request;
  request.scopes = scopes_of(*view.snapshot, who, model);
  if (request.scopes.empty()) {
    services.metrics.count("tollgate_limit_admits_total");
    co_return Admitted{};
  }
  request.id = services.ids.next(services.clock.system_now());
  request.tokens = ratelimit::clip_reservation(tokens, request.scopes);
  ratelimit::Settlement settlement{request.id, request.scopes, request.tokens, request.tokens};
  auto verdict = co_await services.limiter.admit(std::move(request));
  if (verdict.degraded) services.metrics.count("tollgate_limit_degraded_total");
  if (verdict.denial) {
    services.metrics.count("tollgate_limit_denials_total",
                           {{"department", who.department->id}, {"meter", to_string(verdict.denial->meter)}});
    server::HeaderLines levels;
    add_rate_headers(verdict, levels);
    report.refused_at(std::move(levels));
    co_return denied(*verdict.denial);
  }
  services.metrics.count("tollgate_limit_admits_total");
  Admitted admitted{ratelimit::Ticket(services.limiter, std::move(settlement)), {}};
  add_rate_headers(verdict, admitted.headers);
  co_return admitted;
}

}  // namespace tollgate::pipeline
