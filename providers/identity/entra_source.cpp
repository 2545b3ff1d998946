#include "providers/identity/entra_source.h"

#include "providers/identity/oauth.h"
#include "providers/identity/url_text.h"

namespace tollgate::providers {
namespace {

using Fetched = Result<Credential>;

constexpr std::string_view kEntra = "Entra";
constexpr std::string_view kAuthority = "https://login.microsoftonline.com";
constexpr std::string_view kMetadata = "http://169.254.169.254";
constexpr std::string_view kAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

std::string or_env(const std::string& value, Fetcher& fetcher, const std::string& name) {
  return value.empty() ? fetcher.env(name) : value;
}

Error missing(std::string_view what) { return no_credential("Entra: " + std::string(what) + " is not set"); }

// The managed forms want the audience, which is the scope without its ending.
std::string resource_of(std::string_view scope) {
  constexpr std::string_view kEnding = "/.default";
  if (scope.ends_with(kEnding)) scope.remove_suffix(kEnding.size());
  return url_encode(scope);
}

void add_query(std::string& url, std::string_view name, std::string_view value) {
  if (!value.empty()) url.append("&").append(name).append("=").append(url_encode(value));
}

Result<TokenRequest> token_post(const EntraIdentity& identity, Fetcher& fetcher, std::string_view proof_fields) {
  const std::string tenant = or_env(identity.tenant, fetcher, "AZURE_TENANT_ID");
  if (!is_word(tenant, ".-")) return missing("the tenant");
  std::string authority = or_env(identity.authority, fetcher, "AZURE_AUTHORITY_HOST");
  if (authority.empty()) authority = kAuthority;
  while (authority.ends_with('/')) authority.pop_back();
  TokenRequest out;
  out.url = authority + "/" + tenant + "/oauth2/v2.0/token";
  out.headers = {{"content-type", "application/x-www-form-urlencoded"}};
  out.body = proof_fields;
  return out;
}

net::Task<Fetched> ask(TokenRequest request, Fetcher& fetcher) {
  const SystemTime asked_at = fetcher.now();
  TG_CO_TRY(const TokenReply reply, co_await fetcher.send(std::move(request)));
  co_return read_token_reply(kEntra, reply, asked_at);
}

// RFC 6749 §4.4
net::Task<Fetched> from_secret(const EntraIdentity& identity, const EntraSecret& source, Fetcher& fetcher) {
  const std::string body =
      form({FormField("grant_type", "client_credentials"), FormField("client_id", identity.client_id),
            FormField("scope", identity.scope), FormField("client_secret", source.client_secret.reveal())});
  TG_CO_TRY(TokenRequest request, token_post(identity, fetcher, body));
  co_return co_await ask(std::move(request), fetcher);
}

// RFC 7523 §2.2; the assertion is the platform's token, which it replaces about once an hour.
net::Task<Fetched> from_federation(const EntraIdentity& identity, const EntraFederated& source, Fetcher& fetcher) {
  const std::string client = or_env(identity.client_id, fetcher, "AZURE_CLIENT_ID");
  std::string file = or_env(source.token_file, fetcher, "AZURE_FEDERATED_TOKEN_FILE");
  if (client.empty()) co_return missing("the client id");
  if (file.empty()) co_return missing("the token file");
  TG_CO_TRY(const Secret content, co_await fetcher.read_file(std::move(file)));
  const std::string body = form({FormField("grant_type", "client_credentials"), FormField("client_id", client),
                                 FormField("scope", identity.scope), FormField("client_assertion_type", kAssertionType),
                                 FormField("client_assertion", strip(content.reveal()))});
  TG_CO_TRY(TokenRequest request, token_post(identity, fetcher, body));
  co_return co_await ask(std::move(request), fetcher);
}

net::Task<Fetched> from_machine(const EntraIdentity& identity, const EntraManaged& source, Fetcher& fetcher) {
  std::string base = or_env(source.url, fetcher, "AZURE_POD_IDENTITY_AUTHORITY_HOST");
  if (base.empty()) base = kMetadata;
  TokenRequest request;
  request.method = "GET";
  request.url = base + "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" + resource_of(identity.scope);
  add_query(request.url, "client_id", identity.client_id);
  add_query(request.url, "object_id", source.object_id);
  add_query(request.url, "msi_res_id", source.resource_id);
  request.headers = {{"metadata", "true"}};
  const SystemTime asked_at = fetcher.now();
  TG_CO_TRY(const TokenReply reply, co_await fetcher.send(std::move(request)));
  auto token = read_token_reply("Azure's metadata service", reply, asked_at);
  // It answers so while it is being renewed.
  if (!token && (reply.status == 404 || reply.status == 410)) token.error().retryable = true;
  co_return token;
}

net::Task<Fetched> from_app_service(const EntraIdentity& identity, Fetcher& fetcher) {
  const std::string endpoint = fetcher.env("IDENTITY_ENDPOINT");
  const std::string header = fetcher.env("IDENTITY_HEADER");
  if (endpoint.empty() || header.empty()) co_return missing("IDENTITY_ENDPOINT or IDENTITY_HEADER");
  TokenRequest request;
  request.method = "GET";
  request.url = endpoint + "?api-version=2019-08-01&resource=" + resource_of(identity.scope);
  add_query(request.url, "client_id", identity.client_id);
  request.headers = {{"x-identity-header", header}};
  co_return co_await ask(std::move(request), fetcher);
}

}  // namespace

net::Task<Result<Credential>> entra_token(const EntraIdentity& identity, Fetcher& fetcher) {
  if (const auto* secret = std::get_if<EntraSecret>(&identity.source))
    co_return co_await from_secret(identity, *secret, fetcher);
  if (const auto* federated = std::get_if<EntraFederated>(&identity.source))
    co_return co_await from_federation(identity, *federated, fetcher);
  if (const auto* managed = std::get_if<EntraManaged>(&identity.source))
    co_return co_await from_machine(identity, *managed, fetcher);
  co_return co_await from_app_service(identity, fetcher);
}

}  // namespace tollgate::providers
