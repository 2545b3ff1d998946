#pragma once
// Private to providers/identity: one credential, kept fresh.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "gateway/net/signal.h"
#include "providers/identity/flight.h"

namespace tollgate::providers {

using SharedCredential = std::shared_ptr<const Credential>;

struct CacheOptions {
  // How long before its expiry a credential is renewed, but never before three quarters of its life are over.
  std::chrono::seconds ahead{300};
  std::chrono::milliseconds first_pause{1'000};  // after a failed fetch; doubled up to the next
  std::chrono::milliseconds longest_pause{60'000};
  std::chrono::seconds trust{30};  // a credential younger than this is not dropped because a provider refused it
  FlightOptions flight;
};

// For one authorizer on one loop; not thread-safe. One fetch at a time; it starts when somebody asks, in time before
// the expiry. A failed one leaves the valid credential in use, is logged, and is repeated no sooner than after a pause.
class TokenCache {
 public:
  // `context` outlives it; `owner` is the provider's id, for the log.
  TokenCache(const IdentityContext& context, std::shared_ptr<Flights> flights, std::string owner, TokenRoute route,
             CredentialSource source, CacheOptions options = {});
  ~TokenCache();
  TokenCache(const TokenCache&) = delete;
  TokenCache& operator=(const TokenCache&) = delete;

  // The valid credential, or null. Starts a renewal when one is due.
  SharedCredential current();
  // Waits for one when there is none. Errors: upstream_error with the code "upstream_auth_error" and a message fit for
  // callers, cancelled. `who` names this wait for cancel().
  net::Task<Result<SharedCredential>> wait(const void* who);
  void cancel(const void* who);
  // The provider refused the current one: it is dropped, unless it is fresh.
  void refused();

 private:
  struct State;
  std::shared_ptr<State> state_;  // with those who wait: what they find then is theirs to see
};

}  // namespace tollgate::providers
