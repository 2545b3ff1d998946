#include "providers/identity/google_key.h"

#include "providers/call.h"
#include "providers/identity/credential.h"
#include "providers/identity/crypto.h"
#include "providers/identity/json_fields.h"
#include "providers/identity/token_url.h"
#include "providers/identity/url_text.h"

namespace tollgate::providers {
namespace {

constexpr std::string_view kTokenUrl = "https://oauth2.googleapis.com/token";
constexpr std::chrono::seconds kAssertionLife(3'600);  // the longest that Google takes

Error refused(std::string_view what) { return no_credential("the Google credentials file " + std::string(what)); }

Status require(const JsonFields& fields, std::string_view name) {
  if (!fields.text(name).empty()) return {};
  return refused("has no " + std::string(name));
}

std::string or_else(std::string_view text, std::string_view fallback) {
  return std::string(text.empty() ? fallback : text);
}

Result<GoogleKey> service_account(const JsonFields& fields) {
  TG_CHECK(require(fields, "client_email"));
  TG_CHECK(require(fields, "private_key"));
  GoogleServiceAccount out;
  out.email = fields.text("client_email");
  out.key_id = fields.text("private_key_id");
  out.private_key = Secret(std::string(fields.text("private_key")));
  out.token_url = or_else(fields.text("token_uri"), kTokenUrl);
  TG_CHECK(check_rsa_key(out.private_key));
  TG_CHECK(parse_token_url(out.token_url));
  return GoogleKey(std::move(out));
}

// https://google.aip.dev/auth/4117
Status read_source(const JsonFields& fields, GoogleExternalAccount& out) {
  out.file = fields.text("credential_source.file");
  out.url = fields.text("credential_source.url");
  const bool aws = !fields.text("credential_source.environment_id").empty();
  if (aws || out.file.empty() == out.url.empty()) return refused("has a credential_source other than a file or a URL");
  if (!out.url.empty()) TG_CHECK(parse_token_url(out.url));
  for (const auto& [name, value] : fields.under("credential_source.headers")) out.headers.emplace(name, value);
  const auto format = fields.text("credential_source.format.type");
  out.json_member = fields.text("credential_source.format.subject_token_field_name");
  if (format == "json" && out.json_member.empty()) return refused("has no subject_token_field_name");
  if (format != "json" && format != "text" && !format.empty()) return refused("has a format other than json and text");
  if (format != "json") out.json_member.clear();
  return {};
}

Result<GoogleKey> external_account(const JsonFields& fields) {
  for (const auto* name : {"audience", "subject_token_type", "token_url"}) TG_CHECK(require(fields, name));
  if (!fields.text("client_id").empty()) return refused("has a client_id, which is not supported");
  GoogleExternalAccount out;
  out.audience = fields.text("audience");
  out.subject_token_type = fields.text("subject_token_type");
  out.token_url = fields.text("token_url");
  out.impersonation_url = fields.text("service_account_impersonation_url");
  out.workforce_project = fields.text("workforce_pool_user_project");
  if (!out.workforce_project.empty() && !is_word(out.workforce_project, "-_.:"))
    return refused("has a workforce_pool_user_project that cannot be one");
  TG_CHECK(parse_token_url(out.token_url));
  if (!out.impersonation_url.empty()) TG_CHECK(parse_token_url(out.impersonation_url));
  if (const auto life = fields.integer("service_account_impersonation.token_lifetime_seconds")) {
    if (*life < 600 || *life > 43'200) return refused("has a token_lifetime_seconds outside 600 to 43200");
    out.impersonation_life = std::chrono::seconds(*life);
  }
  TG_CHECK(read_source(fields, out));
  return GoogleKey(std::move(out));
}

Result<GoogleKey> user(const JsonFields& fields) {
  for (const auto* name : {"client_id", "client_secret", "refresh_token"}) TG_CHECK(require(fields, name));
  GoogleUser out;
  out.client_id = fields.text("client_id");
  out.client_secret = Secret(std::string(fields.text("client_secret")));
  out.refresh_token = Secret(std::string(fields.text("refresh_token")));
  out.token_url = or_else(fields.text("token_uri"), kTokenUrl);
  TG_CHECK(parse_token_url(out.token_url));
  return GoogleKey(std::move(out));
}

void add_member(std::string& json, std::string_view name, std::string_view value) {
  json.append(json.empty() ? "{\"" : ",\"").append(name).append("\":\"");
  append_json_escaped(json, value);
  json.append("\"");
}

}  // namespace

Result<GoogleKey> parse_google_key(const Secret& json) {
  const auto fields = JsonFields::parse(json.reveal());
  if (!fields) return refused("is " + fields.error().message);
  const auto type = fields->text("type");
  if (type == "service_account") return service_account(*fields);
  if (type == "external_account") return external_account(*fields);
  if (type == "authorized_user") return user(*fields);
  return refused("has a type other than service_account, external_account and authorized_user");
}

Result<std::string> google_assertion(const GoogleServiceAccount& account, std::string_view scope, SystemTime now) {
  const auto issued = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  std::string header = R"({"alg":"RS256","typ":"JWT")";
  if (!account.key_id.empty()) add_member(header, "kid", account.key_id);
  header.append("}");
  std::string claims;
  add_member(claims, "iss", account.email);
  add_member(claims, "scope", scope);
  add_member(claims, "aud", account.token_url);
  claims.append(",\"iat\":").append(std::to_string(issued.count()));
  claims.append(",\"exp\":").append(std::to_string((issued + kAssertionLife).count())).append("}");
  const std::string input = base64url(header) + "." + base64url(claims);
  TG_TRY(const std::string signature, sign_rs256(account.private_key, input));
  return input + "." + base64url(signature);
}

}  // namespace tollgate::providers
