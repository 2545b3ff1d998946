// Provider drafts -> endpoints and TLS contexts.
#include <array>
#include <string_view>

#include "config/assemble.h"
#include "config/facts.h"
#include "gateway/net/tls.h"
#include "providers/endpoint.h"

namespace tollgate::config {
namespace {

// "digest of authorities:digest of certificate and key", the latter empty when there is none.
std::string tls_digest(const ProviderDraft& draft) {
  std::string digest = private_digest(draft.ca_pem) + ":";
  if (!draft.key_pem) return digest;
  const Secret identity(draft.certificate_pem + std::string(draft.key_pem->reveal()));
  return digest + private_digest(identity.reveal());
}

// One context for all providers with the same inputs: each costs the parsing of the system's authorities.
net::TlsContext tls_context(const ProviderDraft& draft, Session& session, Snapshot& out, const Snapshot* previous) {
  const std::string digest = tls_digest(draft);
  if (const auto known = out.client_tls.find(digest); known != out.client_tls.end()) return known->second;
  net::TlsContext context;
  if (previous != nullptr && previous->client_tls.contains(digest)) {
    context = previous->client_tls.at(digest);
  } else {
    net::ClientTlsOptions options{draft.ca_pem, draft.certificate_pem,
                                  draft.key_pem ? draft.key_pem->clone() : Secret()};
    auto made = net::client_tls(options);
    if (!made) {
      session.problem(draft.where, "TLS: " + made.error().message);
      return nullptr;
    }
    context = std::move(*made);
  }
  out.client_tls[digest] = context;
  return context;
}

void apply_proxy(const ProviderDraft& draft, Session& session, providers::Endpoint& out) {
  if (draft.proxy.empty()) {
    if (!draft.proxy_user.empty()) session.problem(draft.where, "egress.proxy_login has no use without egress.proxy");
    return;
  }
  if (draft.proxy_user.find(':') != std::string::npos)  // RFC 7617 §2: the password would begin there
    return session.problem(draft.where, "egress.proxy_login.user cannot have a colon");
  if (draft.proxy_password != nullptr)
    out.egress.proxy_login = std::make_shared<const providers::ProxyLogin>(draft.proxy_user, draft.proxy_password);
  if (draft.proxy.find('@') != std::string::npos) {
    return session.problem(draft.proxy_where, "a password does not belong into a URL: egress.proxy_login takes it");
  }
  if (draft.options.use_curl) {
    out.egress.curl_proxy = draft.proxy;
    return;
  }
  const auto proxy = draft.proxy.starts_with("http://")
                         ? providers::parse_endpoint(draft.proxy, providers::PlainHttp::allowed)
                         : Result<providers::Endpoint>(Error{});
  if (!proxy || !proxy->base_path.empty()) {
    return session.problem(draft.proxy_where, "expected http://host:port (other proxies need transport: curl)");
  }
  out.egress.connect_proxy_host = proxy->host;
  out.egress.connect_proxy_port = proxy->port;
}

// Addresses as the vendors write them lack what leads to the operation.
void complete_base_path(ProviderDraft& draft, Session& session, providers::Endpoint& out) {
  providers::ProviderOptions& options = draft.options;
  const bool serverless = out.host.ends_with(".models.ai.azure.com");
  if (options.kind == "azure_ai" && !serverless && options.api_version.empty())
    options.api_version = "2024-05-01-preview";
  if (!out.base_path.empty()) return;
  if (options.kind == "azure_ai") out.base_path = serverless ? "/v1" : "/models";
  if (options.kind == "azure_ml") out.base_path = "/v1";
  if (options.kind == "anthropic") out.base_path = "/v1";
  if (options.kind == "azure_openai") out.base_path = options.api_version.empty() ? "/openai/v1" : "/openai";
  if (options.kind == "vertex") {
    session.problem(draft.url_where,
                    "expected a path: /v1/projects/PROJECT/locations/LOCATION/publishers/google (Vertex AI), "
                    "/v1/publishers/google (with an API key), or /v1beta (Gemini API)");
  }
}

// The address of one operation, pasted from a vendor's example, would have the operation's path added to it.
void check_base_path(const ProviderDraft& draft, Session& session, const providers::Endpoint& endpoint) {
  constexpr std::array<std::string_view, 5> kOperations = {"/chat/completions", "/completions", "/responses",
                                                           "/embeddings", "/messages"};
  for (const std::string_view operation : kOperations) {
    if (!endpoint.base_path.ends_with(operation)) continue;
    return session.problem(
        draft.url_where, "expected the address up to " + std::string(operation) + ", which every call adds by itself");
  }
}

bool asks_for_tokens(const providers::ProviderOptions& options) {
  const auto* identity = options.identity.get();
  return identity != nullptr && !std::holds_alternative<providers::KeyIdentity>(*identity);
}

// What does not go together.
void check_combination(const ProviderDraft& draft, const providers::Endpoint& endpoint, Session& session) {
  const bool own_identity = !draft.certificate_pem.empty() || draft.key_pem != nullptr;
  if (draft.http2 && !draft.options.use_curl) session.problem(draft.where, "http2 needs transport: curl");
  if (!draft.addresses.empty() && !draft.proxy.empty())
    session.problem(draft.addresses_where, "have no use with a proxy, which looks names up by itself");
  if (draft.addresses.size() > 1 && draft.options.use_curl)
    session.problem(draft.addresses_where, "transport: curl takes one address");
  if (!endpoint.tls && (own_identity || !draft.ca_pem.empty())) {
    session.problem(draft.where, "certificates have no use with an http:// endpoint");
  }
}

}  // namespace

void build_endpoint(ProviderDraft& draft, Session& session, Snapshot& out, const Snapshot* previous) {
  if (draft.url.starts_with("http://") && !draft.plain_http) {
    return session.problem(draft.url_where,
                           "http:// sends prompts and keys in the clear: use https://, or say plain_http: true");
  }
  auto endpoint = providers::parse_endpoint(draft.url, providers::PlainHttp::allowed);
  if (!endpoint) return session.problem(draft.url_where, endpoint.error().message);
  check_combination(draft, *endpoint, session);
  apply_proxy(draft, session, *endpoint);
  check_base_path(draft, session, *endpoint);
  complete_base_path(draft, session, *endpoint);
  endpoint->egress.ca_pem = draft.ca_pem;
  if (draft.key_pem != nullptr)
    endpoint->egress.client_certificate =
        std::make_shared<const providers::ClientCertificate>(draft.certificate_pem, draft.key_pem);
  for (const std::string& address : draft.addresses)
    endpoint->addresses.push_back(net::asio::ip::make_address(address));
  endpoint->http2 = draft.http2;
  endpoint->host_name = draft.host_name;
  endpoint->max_idle = draft.max_idle;
  // Without TLS to the provider itself there may still be a token endpoint.
  const bool uses_tls = endpoint->tls || asks_for_tokens(draft.options);
  if (uses_tls && !session.offline) endpoint->tls_context = tls_context(draft, session, out, previous);
  draft.options.endpoint = std::make_shared<const providers::Endpoint>(std::move(*endpoint));
}

}  // namespace tollgate::config
