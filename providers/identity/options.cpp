#include "providers/identity/options.h"

#include "providers/identity/google_key.h"
#include "providers/identity/token_url.h"
#include "providers/identity/url_text.h"

namespace tollgate::providers {
namespace {

using std::chrono::seconds;

Error bad(std::string param, std::string message) {
  return Error{.kind = ErrorKind::invalid_request, .message = std::move(message), .param = std::move(param)};
}

Status check_url(std::string_view url, std::string_view param) {
  if (url.empty()) return {};
  const auto parsed = parse_token_url(url);
  if (!parsed) return bad(std::string(param), parsed.error().message);
  return {};
}

// Goes into a header, a form or a JSON text as it is.
Status check_text(std::string_view text, std::string_view param, bool required) {
  if (text.empty() && !required) return {};
  if (is_token_text(text) && text.find_first_of("\"\\") == std::string_view::npos) return {};
  return bad(std::string(param), text.empty() ? "is missing" : "has characters that cannot be sent");
}

Status check_secret(const Secret& secret, std::string_view param, bool required) {
  if (secret.empty() && !required) return {};
  if (is_token_text(secret.reveal())) return {};
  return bad(std::string(param), secret.empty() ? "is missing" : "has characters that cannot be sent");
}

Status check(const NoIdentity&) { return {}; }

Status check(const KeyIdentity& identity) { return check_secret(identity.key, "key", false); }

// --- AWS ---

Status check_source(const AwsSource& source) {
  if (const auto* keys = std::get_if<AwsStaticKeys>(&source)) {
    if (!is_word(keys->access_key_id, "_")) return bad("source.access_key_id", "is missing, or no access key id");
    TG_CHECK(check_secret(keys->secret_access_key, "source.secret_access_key", true));
    return check_secret(keys->session_token, "source.session_token", false);
  }
  if (const auto* web = std::get_if<AwsWebIdentity>(&source)) {
    TG_CHECK(check_text(web->role_arn, "source.role_arn", false));
    return check_text(web->session_name, "source.session_name", false);
  }
  if (const auto* container = std::get_if<AwsContainer>(&source)) return check_url(container->url, "source.url");
  if (const auto* instance = std::get_if<AwsInstance>(&source)) return check_url(instance->url, "source.url");
  return {};
}

Status check_role(const AwsRole& role) {
  TG_CHECK(check_text(role.role_arn, "assume_role.role_arn", true));
  TG_CHECK(check_text(role.external_id, "assume_role.external_id", false));
  // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
  const bool fits = role.session_name.size() >= 2 && role.session_name.size() <= 64;
  if (!fits || !is_word(role.session_name, "_+=,.@-"))
    return bad("assume_role.session_name", "takes 2 to 64 letters, digits and _+=,.@-");
  if (role.duration < seconds(900) || role.duration > seconds(43'200))
    return bad("assume_role.duration", "lies between 15 minutes and 12 hours");
  return {};
}

Status check(const AwsIdentity& identity) {
  if (!is_word(identity.region, "-")) return bad("region", "is missing, or no region's name such as eu-west-1");
  if (!is_word(identity.service, "-")) return bad("service", "is missing, or no signing name such as bedrock");
  if (identity.assume_role) TG_CHECK(check_role(*identity.assume_role));
  TG_CHECK(check_url(identity.sts_url, "sts_url"));
  return check_source(identity.source);
}

// --- Google ---

Status check(const GoogleIdentity& identity) {
  TG_CHECK(check_text(identity.scope, "scope", true));
  TG_CHECK(check_text(identity.quota_project, "quota_project", false));
  if (const auto* metadata = std::get_if<GoogleMetadata>(&identity.source)) {
    TG_CHECK(check_text(metadata->account, "source.account", true));
    return check_url(metadata->url, "source.url");
  }
  const auto key = parse_google_key(std::get<GoogleCredentials>(identity.source).json);
  if (!key) return bad("source.json", key.error().message);
  return {};
}

// --- Entra ---

Status check(const EntraIdentity& identity) {
  TG_CHECK(check_text(identity.scope, "scope", true));
  TG_CHECK(check_url(identity.authority, "authority"));
  if (!identity.tenant.empty() && !is_word(identity.tenant, ".-")) return bad("tenant", "is no tenant's id or domain");
  TG_CHECK(check_text(identity.client_id, "client_id", false));
  if (const auto* secret = std::get_if<EntraSecret>(&identity.source)) {
    if (identity.client_id.empty()) return bad("client_id", "is missing");
    if (secret->client_secret.empty()) return bad("source.client_secret", "is missing");
  }
  if (const auto* managed = std::get_if<EntraManaged>(&identity.source)) {
    const int named = (identity.client_id.empty() ? 0 : 1) + (managed->object_id.empty() ? 0 : 1) +
                      (managed->resource_id.empty() ? 0 : 1);
    if (named > 1) return bad("source", "names the managed identity in more than one way");
    return check_url(managed->url, "source.url");
  }
  return {};
}

}  // namespace

Status check_identity(const IdentityOptions& options) {
  return std::visit([](const auto& identity) { return check(identity); }, options);
}

}  // namespace tollgate::providers
