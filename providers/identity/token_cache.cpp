#include "providers/identity/token_cache.h"

#include <algorithm>
#include <utility>

namespace tollgate::providers {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A credential is not used in its last seconds: the request has to arrive with it.
constexpr seconds kLastSeconds(10);

Error unauthenticated_gateway() {
  return Error{.kind = ErrorKind::upstream_error,
               .message = "The gateway could not authenticate itself to the provider.",
               .code = "upstream_auth_error"};
}

struct Waiter {
  Waiter(const void* id, net::Executor executor) : who(id), woken(std::move(executor)) {}
  const void* who;
  net::Signal woken;
  bool cancelled = false;
};

}  // namespace

struct TokenCache::State {
  State(const IdentityContext& in, std::shared_ptr<Flights> all, std::string name, CacheOptions how)
      : context(in), flights(std::move(all)), owner(std::move(name)), options(how) {}

  bool valid() const { return credential && (!usable_until || context.clock.system_now() < *usable_until); }
  bool due() const { return !valid() || (renew_at && context.clock.system_now() >= *renew_at); }
  bool may_start() const { return !flight && !flights->closed() && context.clock.steady_now() >= not_before; }
  void land(Result<Credential> result);
  void take(Credential fresh);
  void fail(const Error& error);
  void wake_all();

  const IdentityContext& context;
  const std::shared_ptr<Flights> flights;
  const std::string owner;
  const CacheOptions options;
  TokenRoute route;
  CredentialSource source;
  SharedCredential credential;
  std::optional<SystemTime> renew_at;
  std::optional<SystemTime> usable_until;
  SteadyTime obtained_at;
  SteadyTime not_before;  // of the next fetch
  milliseconds pause{0};
  std::shared_ptr<Flight> flight;
  std::vector<Waiter*> waiters;
};

void TokenCache::State::land(Result<Credential> result) {
  flight.reset();
  const auto now = context.clock.system_now();
  const bool expired = result && result->expires_at && *result->expires_at <= now;
  if (expired) {
    fail(Error{.kind = ErrorKind::upstream_error, .message = "a credential was given that has already expired"});
  } else if (result) {
    take(*std::move(result));
  } else {
    fail(result.error());
  }
  wake_all();
}

void TokenCache::State::take(Credential fresh) {
  const auto now = context.clock.system_now();
  renew_at.reset();
  usable_until.reset();
  if (fresh.expires_at) {
    const auto life = *fresh.expires_at - now;
    renew_at = *fresh.expires_at - std::min<SystemTime::duration>(options.ahead, life / 4);
    usable_until = *fresh.expires_at - std::min<SystemTime::duration>(kLastSeconds, life / 8);
  }
  credential = std::make_shared<const Credential>(std::move(fresh));
  obtained_at = context.clock.steady_now();
  not_before = {};
  if (pause > milliseconds::zero())
    context.log.write(LogLevel::info, "credential_renewed", "a provider's credential could be obtained again",
                      {{"provider", std::string_view(owner)}});
  pause = milliseconds::zero();
}

void TokenCache::State::fail(const Error& error) {
  if (error.kind == ErrorKind::cancelled) return;
  pause = std::clamp(2 * pause, options.first_pause, options.longest_pause);
  not_before = context.clock.steady_now() + pause;
  std::int64_t valid_for = 0;
  if (valid() && usable_until)
    valid_for = std::chrono::duration_cast<seconds>(*usable_until - context.clock.system_now()).count();
  context.log.write(valid() ? LogLevel::warning : LogLevel::error, "credential_renewal_failed",
                    valid() ? "a provider's credential could not be renewed; the valid one stays in use"
                            : "a provider's credential could not be obtained; calls to it fail",
                    {{"provider", std::string_view(owner)},
                     {"reason", std::string_view(error.message)},
                     {"valid_for_s", valid_for},
                     {"next_try_in_ms", std::int64_t{pause.count()}}});
}

void TokenCache::State::wake_all() {
  for (Waiter* const waiter : waiters) waiter->woken.notify();
}

TokenCache::TokenCache(const IdentityContext& context, std::shared_ptr<Flights> flights, std::string owner,
                       TokenRoute route, CredentialSource source, CacheOptions options)
    : state_(std::make_shared<State>(context, std::move(flights), std::move(owner), options)) {
  state_->route = std::move(route);
  state_->source = std::move(source);
}

TokenCache::~TokenCache() {
  if (state_->flight) state_->flight->stop();
  state_->flight.reset();
  state_->wake_all();
}

SharedCredential TokenCache::current() {
  State& state = *state_;
  if (state.due() && state.may_start()) {
    auto landed = [weak = std::weak_ptr(state_)](Result<Credential> result) {
      if (const auto owner = weak.lock()) owner->land(std::move(result));
    };
    state.flight =
        Flight::start(state.flights, state.context, state.route, state.source, state.options.flight, std::move(landed));
  }
  return state.valid() ? state.credential : nullptr;
}

net::Task<Result<SharedCredential>> TokenCache::wait(const void* who) {
  if (auto credential = current()) co_return credential;
  const auto state = state_;
  Waiter waiter(who, state->context.io.get_executor());
  const auto leave = [&state](Waiter* left) { std::erase(state->waiters, left); };
  const std::unique_ptr<Waiter, decltype(leave)> registered(&waiter, leave);
  state->waiters.push_back(&waiter);
  while (!state->valid() && state->flight && !waiter.cancelled) co_await waiter.woken.wait();
  if (waiter.cancelled) co_return Error{.kind = ErrorKind::cancelled, .message = "the call was cancelled"};
  if (!state->valid()) co_return unauthenticated_gateway();
  co_return state->credential;
}

void TokenCache::cancel(const void* who) {
  for (Waiter* const waiter : state_->waiters) {
    if (waiter->who != who) continue;
    waiter->cancelled = true;
    waiter->woken.notify();
  }
}

void TokenCache::refused() {
  State& state = *state_;
  if (!state.credential || state.context.clock.steady_now() - state.obtained_at < state.options.trust) return;
  state.credential.reset();
}

}  // namespace tollgate::providers
