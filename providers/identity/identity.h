#pragma once
// Makes authorizers from configured identities, and runs the fetching of their tokens on one loop.
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/net/tls.h"
#include "providers/authorizer.h"
#include "providers/identity/credential_files.h"
#include "providers/identity/options.h"

namespace tollgate::providers {

// The value of an environment variable; nullopt when it is not set or empty. Called on the loop.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

// What all identities of one loop share. All of it outlives the IdentityService.
struct IdentityContext {
  net::asio::io_context& io;
  Transport& transport;
  CredentialFiles& files;
  const Clock& clock;
  Log& log;
  Environment environment = process_environment();
};

// How token endpoints of one provider are reached. Local metadata services are always reached directly, without TLS.
struct TokenRoute {
  net::TlsContext tls;  // REQUIRES: set, unless the identity asks only local services
  Egress egress;
  Transport* transport = nullptr;  // null: the context's. Outlives the IdentityService
};

class Flights;

// One per loop; not thread-safe. Tokens are kept per authorizer, fetched ahead of their expiry by one fetch at a time,
// and kept while they are valid when a fetch fails: the log then says so ("credential_renewal_failed"). What a caller
// gets to see is only that the gateway could not authenticate itself, with the code "upstream_auth_error".
class IdentityService {
 public:
  explicit IdentityService(IdentityContext context);
  // REQUIRES: close() has ended, or no fetch was ever started.
  ~IdentityService();
  IdentityService(const IdentityService&) = delete;
  IdentityService& operator=(const IdentityService&) = delete;

  // `provider` is the id that the log names. Errors: those of check_identity(). The authorizer must not outlive this;
  // destroying it ends its fetch, if one is under way, within a loop turn.
  Result<std::unique_ptr<Authorizer>> authorizer(std::string provider, std::shared_ptr<const IdentityOptions> options,
                                                 TokenRoute route);

  // Ends every fetch and returns when none is left. From then on authorize() fails where there is no valid credential.
  // A loop must be given the time for it before its transport and its sweep go.
  net::Task<void> close();

 private:
  IdentityContext context_;
  std::shared_ptr<Flights> flights_;
};

}  // namespace tollgate::providers
