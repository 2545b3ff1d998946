#pragma once
// The ways out of one loop: both transports, what proves us to providers, and an upstream for each configured provider.
#include <functional>
#include <memory>
#include <optional>

#include "gateway/net/deadline.h"
#include "gateway/net/resolver.h"
#include "gateway/pipeline/services.h"
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

  // The same for who is asked beside the calls: what proves us to it, and what carries the requests.
  std::optional<pipeline::AnalyserWay> make(const config::Analyser& analyser);

  // Ends what is being fetched: to be awaited on the loop before it stops.
  net::Task<void> close() { return identities_.close(); }

 private:
  providers::Transport& transport(bool use_curl) { return use_curl ? *curl_ : *hot_; }
  // `owner`: for the log.
  std::shared_ptr<providers::Authorizer> authorizer(const std::string& owner,
                                                    std::shared_ptr<const providers::IdentityOptions> identity,
                                                    const providers::Endpoint& endpoint, bool use_curl);

  Log& log_;
  std::unique_ptr<providers::Transport> hot_;
  std::unique_ptr<providers::Transport> curl_;
  providers::IdentityService identities_;
};

}  // namespace tollgate::process
