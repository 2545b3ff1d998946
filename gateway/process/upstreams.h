#pragma once
// The ways out of one loop: both transports, what proves us to providers, and an upstream for each configured provider.
#include <functional>
#include <memory>

#include "gateway/net/deadline.h"
#include "gateway/net/resolver.h"
#include "providers/identity/identity.h"
#include "providers/upstream.h"

namespace tollgate::process {

// What the upstreams of one loop are made with. All of it outlives them.
struct Surroundings {
  net::asio::io_context& io;
  net::Sweep& sweep;
  net::Resolver& resolver;
  providers::CredentialFiles& credential_files;
  const Clock& clock;
  Log& log;
  // Puts itself between the upstreams and each of their transports, for those who want to see what passes.
  std::function<std::unique_ptr<providers::Transport>(std::unique_ptr<providers::Transport>)> wrap = {};
};

// One per loop; not thread-safe. Upstreams and their streams must not outlive it.
class Upstreams {
 public:
  explicit Upstreams(const Surroundings& around);

  // For any kind but "local". Nothing is sent and no token is fetched before the first call. Null where the identity
  // is unusable, which a loaded configuration rules out; the log says why.
  std::shared_ptr<providers::Upstream> make(const providers::ProviderOptions& provider);

  // To whoever is no provider.
  providers::Transport& transport() { return *hot_; }

  // Ends what is being fetched: to be awaited on the loop before it stops.
  net::Task<void> close() { return identities_.close(); }

 private:
  Log& log_;
  std::unique_ptr<providers::Transport> hot_;
  std::unique_ptr<providers::Transport> curl_;
  providers::IdentityService identities_;
};

}  // namespace tollgate::process
