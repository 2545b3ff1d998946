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

std::shared_ptr<providers::Authorizer> Upstreams::authorizer(const std::string& owner,
                                                             std::shared_ptr<const providers::IdentityOptions> identity,
                                                             const providers::Endpoint& endpoint, bool use_curl) {
  static const auto kNone = std::make_shared<const providers::IdentityOptions>();
  auto made =
      identities_.authorizer(owner, identity ? std::move(identity) : kNone, token_route(endpoint, transport(use_curl)));
  if (made) return *std::move(made);
  log_.write(LogLevel::error, "identity_unusable", made.error().message,
             {{"provider", std::string_view(owner)}, {"member", std::string_view(made.error().param)}});
  return nullptr;
}

std::shared_ptr<providers::Upstream> Upstreams::make(const providers::ProviderOptions& provider) {
  auto proof = authorizer(provider.id, provider.identity, *provider.endpoint, provider.use_curl);
  if (!proof) return nullptr;
  return providers::http_upstream(provider, std::move(proof), transport(provider.use_curl));
}

std::optional<pipeline::AnalyserWay> Upstreams::make(const config::Analyser& analyser) {
  auto proof = authorizer("analyser " + analyser.name, analyser.identity, *analyser.endpoint, analyser.use_curl);
  if (!proof) return std::nullopt;
  return pipeline::AnalyserWay{std::move(proof), &transport(analyser.use_curl)};
}

}  // namespace tollgate::process
