#include "gateway/process/upstreams.h"

#include "providers/curl_transport.h"
#include "providers/hot_transport.h"

namespace tollgate::process {
namespace {

// Token endpoints are reached as the provider itself is: by its trust, its proxy and its transport.
providers::TokenRoute token_route(const providers::Endpoint& endpoint, providers::Transport& transport) {
  return {.tls = endpoint.tls_context, .egress = endpoint.egress, .transport = &transport};
}

std::unique_ptr<providers::Transport> wrapped(const Surroundings& around,
                                              std::unique_ptr<providers::Transport> transport) {
  return around.wrap ? around.wrap(std::move(transport)) : std::move(transport);
}

std::shared_ptr<const providers::IdentityOptions> identity_of(const providers::ProviderOptions& provider) {
  static const auto kNone = std::make_shared<const providers::IdentityOptions>();
  return provider.identity ? provider.identity : kNone;
}

}  // namespace

Upstreams::Upstreams(const Surroundings& around)
    : log_(around.log),
      hot_(wrapped(around, providers::hot_transport(around.io, around.sweep, around.resolver))),
      curl_(wrapped(around, providers::curl_transport(around.io, around.log))),
      identities_({.io = around.io,
                   .transport = *hot_,
                   .files = around.credential_files,
                   .clock = around.clock,
                   .log = around.log}) {}

std::shared_ptr<providers::Upstream> Upstreams::make(const providers::ProviderOptions& provider) {
  providers::Transport& transport = provider.use_curl ? *curl_ : *hot_;
  auto authorizer =
      identities_.authorizer(provider.id, identity_of(provider), token_route(*provider.endpoint, transport));
  if (!authorizer) {
    log_.write(LogLevel::error, "identity_unusable", authorizer.error().message,
               {{"provider", std::string_view(provider.id)}, {"member", std::string_view(authorizer.error().param)}});
    return nullptr;
  }
  return providers::http_upstream(provider, *std::move(authorizer), transport);
}

}  // namespace tollgate::process
