#include "providers/identity/google_source.h"

#include "providers/identity/google_key.h"
#include "providers/identity/json_fields.h"
#include "providers/identity/oauth.h"
#include "providers/identity/url_text.h"

namespace tollgate::providers {
namespace {

using Fetched = Result<Credential>;

constexpr std::string_view kCloudScope = "https://www.googleapis.com/auth/cloud-platform";
constexpr std::string_view kAccessToken = "urn:ietf:params:oauth:token-type:access_token";

TokenRequest form_post(std::string url, std::string body) {
  TokenRequest out;
  out.url = std::move(url);
  out.headers = {{"content-type", "application/x-www-form-urlencoded"}};
  out.body = std::move(body);
  return out;
}

Error unusable(std::string_view who, std::string_view why) {
  return no_credential(std::string(who) + " answered with " + std::string(why));
}

// The metadata service proves itself with the header it asks for.
net::Task<Fetched> from_metadata(const GoogleIdentity& identity, const GoogleMetadata& source, Fetcher& fetcher) {
  const std::string host = fetcher.env("GCE_METADATA_HOST");
  std::string base = source.url;
  if (base.empty()) base = "http://" + (host.empty() ? std::string("metadata.google.internal") : host);
  TokenRequest request;
  request.method = "GET";
  request.url = base + "/computeMetadata/v1/instance/service-accounts/" + url_encode(source.account, "@") +
                "/token?scopes=" + url_encode(identity.scope);
  request.headers = {{"metadata-flavor", "Google"}};
  request.header_wanted = "metadata-flavor";
  const SystemTime asked_at = fetcher.now();
  TG_CO_TRY(const TokenReply reply, co_await fetcher.send(std::move(request)));
  if (reply.header != "Google")
    co_return unusable("Google's metadata service", "no Metadata-Flavor: it is something else");
  co_return read_token_reply("Google's metadata service", reply, asked_at);
}

net::Task<Fetched> from_form(std::string url, std::string body, Fetcher& fetcher) {
  auto request = form_post(std::move(url), std::move(body));
  const SystemTime asked_at = fetcher.now();
  TG_CO_TRY(const TokenReply reply, co_await fetcher.send(std::move(request)));
  co_return read_token_reply("Google's token endpoint", reply, asked_at);
}

// RFC 7523 §2.1
net::Task<Fetched> from_account(const GoogleServiceAccount& account, std::string_view scope, Fetcher& fetcher) {
  TG_CO_TRY(const std::string assertion, google_assertion(account, scope, fetcher.now()));
  const FormField grant("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
  std::string body = form({grant, FormField("assertion", assertion)});
  co_return co_await from_form(account.token_url, std::move(body), fetcher);
}

// RFC 6749 §6
net::Task<Fetched> from_user(const GoogleUser& user, Fetcher& fetcher) {
  std::string body = form({FormField("grant_type", "refresh_token"), FormField("client_id", user.client_id),
                           FormField("client_secret", user.client_secret.reveal()),
                           FormField("refresh_token", user.refresh_token.reveal())});
  co_return co_await from_form(user.token_url, std::move(body), fetcher);
}

net::Task<Result<Secret>> subject_content(const GoogleExternalAccount& account, Fetcher& fetcher) {
  if (!account.file.empty()) co_return co_await fetcher.read_file(account.file);
  TokenRequest request;
  request.method = "GET";
  request.url = account.url;
  for (const auto& [name, value] : account.headers) request.headers.push_back({name, value});
  TG_CO_TRY(TokenReply reply, co_await fetcher.send(std::move(request)));
  if (reply.status != 200) co_return token_refusal("the source of the subject token", reply.status, "");
  co_return std::move(reply.body);
}

net::Task<Result<Secret>> subject_token(const GoogleExternalAccount& account, Fetcher& fetcher) {
  TG_CO_TRY(const Secret content, co_await subject_content(account, fetcher));
  std::string_view token = strip(content.reveal());
  const auto fields = JsonFields::parse(account.json_member.empty() ? "{}" : content.reveal());
  if (!fields) co_return unusable("the source of the subject token", fields.error().message);
  if (!account.json_member.empty()) token = fields->text(account.json_member);
  if (!is_token_text(token)) co_return unusable("the source of the subject token", "no token");
  co_return Secret(std::string(token));
}

// RFC 8693 §2.1
std::string exchange_body(const GoogleExternalAccount& account, std::string_view scope, std::string_view subject) {
  const std::string options =
      account.workforce_project.empty() ? std::string() : R"({"userProject":")" + account.workforce_project + R"("})";
  return form({{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"},
               {"audience", account.audience},
               {"scope", scope},
               {"requested_token_type", kAccessToken},
               {"subject_token_type", account.subject_token_type},
               {"subject_token", subject},
               {"options", options}});
}

Fetched read_impersonated(const TokenReply& reply) {
  constexpr std::string_view kWho = "Google's credentials service";
  if (reply.status != 200) return read_token_reply(kWho, reply, {});
  const auto fields = JsonFields::parse(reply.body.reveal());
  if (!fields) return unusable(kWho, fields.error().message);
  const auto token = fields->text("accessToken");
  Credential out;
  out.secret = Secret(std::string(token));
  out.expires_at = parse_rfc3339(fields->text("expireTime"));
  if (!is_token_text(token) || !out.expires_at) return unusable(kWho, "no token, or one without a readable expiry");
  return out;
}

// https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
net::Task<Fetched> impersonate(const GoogleExternalAccount& account, std::string_view scope, const Credential& ours,
                               Fetcher& fetcher) {
  TokenRequest request;
  request.url = account.impersonation_url;
  request.headers = {{"content-type", "application/json"},
                     {"authorization", "Bearer " + std::string(ours.secret.reveal())}};
  request.body = R"({"scope":[")" + std::string(scope) + R"("],"lifetime":")" +
                 std::to_string(account.impersonation_life.count()) + "s\"}";
  TG_CO_TRY(const TokenReply reply, co_await fetcher.send(std::move(request)));
  co_return read_impersonated(reply);
}

net::Task<Fetched> from_external(const GoogleExternalAccount& account, std::string_view scope, Fetcher& fetcher) {
  TG_CO_TRY(const Secret subject, co_await subject_token(account, fetcher));
  const bool impersonates = !account.impersonation_url.empty();
  std::string body = exchange_body(account, impersonates ? kCloudScope : scope, subject.reveal());
  auto ours = co_await from_form(account.token_url, std::move(body), fetcher);
  if (!ours || !impersonates) co_return ours;
  co_return co_await impersonate(account, scope, *ours, fetcher);
}

}  // namespace

net::Task<Result<Credential>> google_token(const GoogleIdentity& identity, Fetcher& fetcher) {
  if (const auto* metadata = std::get_if<GoogleMetadata>(&identity.source))
    co_return co_await from_metadata(identity, *metadata, fetcher);
  TG_CO_TRY(const GoogleKey key, parse_google_key(std::get<GoogleCredentials>(identity.source).json));
  if (const auto* account = std::get_if<GoogleServiceAccount>(&key))
    co_return co_await from_account(*account, identity.scope, fetcher);
  if (const auto* account = std::get_if<GoogleExternalAccount>(&key))
    co_return co_await from_external(*account, identity.scope, fetcher);
  co_return co_await from_user(std::get<GoogleUser>(key), fetcher);
}

}  // namespace tollgate::providers
