// `auth`: how the gateway shows a provider who it is.
#include <algorithm>
#include <initializer_list>

#include "config/format.h"
#include "providers/endpoint.h"
#include "providers/identity/aws_region.h"
#include "providers/kinds.h"

namespace tollgate::config {
namespace {

using namespace providers;  // the identities' own names
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// What stands in a configuration where check_identity() speaks of "source".
struct SourceName {
  std::string name;
  bool holds_fields = true;  // false: it is a secret by itself
};

std::string path_of_param(std::string_view param, const SourceName& source) {
  constexpr std::string_view kSource = "source";
  if (!param.starts_with(kSource)) return std::string(param);
  return source.holds_fields ? source.name + std::string(param.substr(kSource.size())) : source.name;
}

// Which of the mapping's sources is there; empty when none is. More than one is reported.
std::string source_of(Object& o, std::initializer_list<std::string_view> sources) {
  std::string found;
  for (const std::string_view name : sources) {
    if (!o.has(name)) continue;
    if (!found.empty()) o.problem(name, "cannot stand beside " + found + ": one of them says where credentials are");
    found = name;
  }
  return found;
}

void check(Object& o, const IdentityOptions& identity, const SourceName& source) {
  if (o.describing()) return;
  const Status sound = check_identity(identity);
  if (sound) return;
  const std::string& param = sound.error().param;
  if (o.offline() && param.starts_with("source")) return;  // secrets were not read
  o.problem(path_of_param(param, source), sound.error().message);
}

void secret(Object& o, std::string_view name, Secret& out, const About& about) {
  std::shared_ptr<const Secret> shared;
  o.secret(name, shared, about);
  if (shared) out = shared->clone();
}

void path(Object& o, std::string_view name, std::string& out, const About& about) {
  std::filesystem::path file;
  o.path(name, file, about);
  out = file.string();
}

// --- Amazon Web Services ---

void aws_keys(Object& o, AwsSource& out) {
  o.object("static_keys", {.doc = "An access key"}, [&](Object& k) {
    AwsStaticKeys keys;
    k.text("access_key_id", keys.access_key_id, kIdentifier, {.doc = "AKIA…, no secret", .required = true});
    secret(k, "secret_access_key", keys.secret_access_key, {.doc = "Its secret", .required = true});
    secret(k, "session_token", keys.session_token, {.doc = "Of temporary keys only"});
    out = std::move(keys);
  });
  o.object("environment", {.doc = "{}: AWS_ACCESS_KEY_ID and its companions"},
           [&](Object&) { out = AwsEnvironment{}; });
  o.object("profile", {.doc = "A section of the shared files"}, [&](Object& p) {
    AwsProfile profile;
    p.text("name", profile.name, kLine, {.doc = "Default: AWS_PROFILE, then \"default\""});
    path(p, "credentials_file", profile.credentials_file,
         {.doc = "Default: AWS_SHARED_CREDENTIALS_FILE, then ~/.aws/credentials"});
    path(p, "config_file", profile.config_file, {.doc = "Default: AWS_CONFIG_FILE, then ~/.aws/config"});
    out = std::move(profile);
  });
}

void aws_platforms(Object& o, AwsSource& out) {
  o.object("web_identity", {.doc = "A token in a file, exchanged for a role's keys (EKS)"}, [&](Object& w) {
    AwsWebIdentity web;
    w.text("role_arn", web.role_arn, kLine, {.doc = "Default: AWS_ROLE_ARN"});
    w.text("session_name", web.session_name, kLine, {.doc = "Default: AWS_ROLE_SESSION_NAME, then \"tollgate\""});
    path(w, "token_file", web.token_file, {.doc = "Read anew each time; default: AWS_WEB_IDENTITY_TOKEN_FILE"});
    out = std::move(web);
  });
  o.object("container", {.doc = "ECS tasks and EKS Pod Identity"}, [&](Object& c) {
    AwsContainer container;
    c.text("url", container.url, kUrl, {.doc = "Default: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI"});
    path(c, "token_file", container.token_file, {.doc = "Default: AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or …_TOKEN"});
    out = std::move(container);
  });
  o.object("instance", {.doc = "EC2 instance metadata, version 2"}, [&](Object& i) {
    AwsInstance instance;
    i.text("url", instance.url, kUrl, {.doc = "Default: AWS_EC2_METADATA_SERVICE_ENDPOINT, then 169.254.169.254"});
    out = std::move(instance);
  });
}

void aws_role(Object& o, std::optional<AwsRole>& out) {
  o.object("assume_role", {.doc = "A role taken on with the keys of the source"}, [&](Object& r) {
    AwsRole role;
    milliseconds duration = role.duration;
    r.text("role_arn", role.role_arn, kLine, {.doc = "arn:aws:iam::ACCOUNT:role/NAME", .required = true});
    r.text("session_name", role.session_name, kLine, {.doc = "What CloudTrail shows"});
    r.text("external_id", role.external_id, kLine, {.doc = "As the role's trust policy demands"});
    r.duration("duration", duration, {minutes(15), hours(12)}, {.doc = "Of the keys; at most 1h for chained roles"});
    role.duration = std::chrono::duration_cast<seconds>(duration);
    out = std::move(role);
  });
}

std::string region_in(const std::string& url) {
  const auto endpoint = parse_endpoint(url, PlainHttp::allowed);
  return endpoint ? std::string(aws_region_of(endpoint->host)) : std::string();
}

void aws_fields(Object& o, const std::string& url, const ProviderKind* kind,
                std::shared_ptr<const IdentityOptions>& out) {
  AwsIdentity aws;
  aws.region = region_in(url);
  if (kind != nullptr) aws.service = kind->aws_service;
  o.text("region", aws.region, kIdentifier, {.doc = "Default: the one in the endpoint's name"});
  o.text("service", aws.service, kIdentifier,
         {.doc = "What signatures are for: bedrock, bedrock-mantle, sagemaker, comprehend"});
  const std::string source =
      source_of(o, {"static_keys", "environment", "profile", "web_identity", "container", "instance"});
  aws_keys(o, aws.source);
  aws_platforms(o, aws.source);
  aws_role(o, aws.assume_role);
  o.text("sts_url", aws.sts_url, kUrl, {.doc = "Default: https://sts.REGION.amazonaws.com"});
  out = std::make_shared<const IdentityOptions>(std::move(aws));
  check(o, *out, {source});
}

// --- Google Cloud ---

void google_fields(Object& o, std::shared_ptr<const IdentityOptions>& out) {
  GoogleIdentity google;
  const std::string source = source_of(o, {"credentials", "metadata"});
  if (source.empty()) o.problem("", "needs credentials (the JSON file of an account) or metadata: {}");
  std::shared_ptr<const Secret> credentials;
  o.secret("credentials", credentials,
           {.doc = "JSON of a service account, of workload identity federation, or of a developer's login"});
  if (credentials) google.source = GoogleCredentials{credentials->clone()};
  o.object("metadata", {.doc = "The metadata service of Compute Engine, GKE and Cloud Run"}, [&](Object& m) {
    GoogleMetadata metadata;
    m.text("url", metadata.url, kUrl, {.doc = "Default: GCE_METADATA_HOST, then http://metadata.google.internal"});
    m.text("account", metadata.account, kLine, {.doc = "Or the e-mail address of a service account"});
    google.source = std::move(metadata);
  });
  o.text("scope", google.scope, kLine, {.doc = "Of the access token"});
  o.text("quota_project", google.quota_project, kIdentifier, {.doc = "Sent as x-goog-user-project"});
  out = std::make_shared<const IdentityOptions>(std::move(google));
  if (!source.empty()) check(o, *out, {source == "credentials" ? SourceName{source, false} : SourceName{source}});
}

// --- Microsoft Entra ---

void entra_platforms(Object& o, EntraSource& out) {
  o.object("workload_identity", {.doc = "A token in a file, exchanged for ours (AKS)"}, [&](Object& w) {
    EntraFederated federated;
    path(w, "token_file", federated.token_file, {.doc = "Read anew each time; default: AZURE_FEDERATED_TOKEN_FILE"});
    out = std::move(federated);
  });
  o.object("managed_identity", {.doc = "Of a virtual machine; client_id or one of these where it has several"},
           [&](Object& m) {
             EntraManaged managed;
             m.text("object_id", managed.object_id, kIdentifier, {.doc = "Of a user-assigned identity"});
             m.text("resource_id", managed.resource_id, kLine, {.doc = "Of a user-assigned identity"});
             m.text("url", managed.url, kUrl, {.doc = "Default: http://169.254.169.254"});
             out = std::move(managed);
           });
  o.object("app_service", {.doc = "{}: managed identity in App Service, Functions and Container Apps"},
           [&](Object&) { out = EntraAppService{}; });
}

void entra_fields(Object& o, const ProviderKind* kind, std::shared_ptr<const IdentityOptions>& out) {
  EntraIdentity entra;
  if (kind != nullptr) entra.scope = kind->entra_scope;
  const std::string source = source_of(o, {"client_secret", "workload_identity", "managed_identity", "app_service"});
  if (source.empty()) o.problem("", "needs client_secret, workload_identity, managed_identity or app_service");
  o.text("tenant", entra.tenant, kIdentifier, {.doc = "Id or domain; default: AZURE_TENANT_ID"});
  o.text("client_id", entra.client_id, kIdentifier, {.doc = "Of the application or the identity"});
  std::shared_ptr<const Secret> client_secret;
  o.secret("client_secret", client_secret, {.doc = "Of the application"});
  if (client_secret) entra.source = EntraSecret{client_secret->clone()};
  entra_platforms(o, entra.source);
  o.text("scope", entra.scope, kLine,
         {.doc = "What Microsoft says the endpoint wants; https://ai.azure.com/.default for some of the v1 routes"});
  o.text("authority", entra.authority, kUrl, {.doc = "Default: AZURE_AUTHORITY_HOST, then Microsoft's public cloud"});
  out = std::make_shared<const IdentityOptions>(std::move(entra));
  if (!source.empty()) check(o, *out, {source == "client_secret" ? SourceName{source, false} : SourceName{source}});
}

// --- the forms together ---

void take_key(Object& o, std::string_view name, KeyIdentity key, std::shared_ptr<const IdentityOptions>& out) {
  out = std::make_shared<const IdentityOptions>(std::move(key));
  const Status sound = check_identity(*out);
  if (!sound) o.problem(name, sound.error().message);
}

// The kinds that `auth` is read for, and the one at hand: null where that was not read.
struct Kinds {
  std::span<const ProviderKind> all;
  const std::string& name;
  const ProviderKind* row() const {
    const auto found = std::ranges::find(all, name, &ProviderKind::name);
    return found == all.end() ? nullptr : &*found;
  }
};

void key_fields(Object& o, const Kinds& kinds, std::shared_ptr<const IdentityOptions>& out) {
  std::shared_ptr<const Secret> key;
  o.secret("bearer", key, {.doc = "A key, sent as Authorization: Bearer"});
  if (key) take_key(o, "bearer", {KeyIdentity::Header::bearer, key->clone()}, out);
  key = nullptr;
  o.secret("api_key", key,
           {.doc = "A key, sent in the header that the kind wants it in, such as api-key or x-api-key"});
  for_kinds(o, "api_key", kinds.name, [](const ProviderKind& row) { return row.key_header.has_value(); }, kinds.all);
  const ProviderKind* row = kinds.row();
  const bool own = row != nullptr && row->key_header;
  if (key) take_key(o, "api_key", {own ? *row->key_header : KeyIdentity::Header::bearer, key->clone()}, out);
}

}  // namespace

void auth_fields(Object& o, std::span<const ProviderKind> all, ProviderDraft& out) {
  ProviderOptions& options = out.options;
  const Kinds kinds{all, options.kind};
  o.exactly_one("bearer, api_key, aws, google or entra");
  key_fields(o, kinds, options.identity);
  o.object("aws", {.doc = "Signatures; without a source: what AWS's SDKs would find"},
           [&](Object& a) { aws_fields(a, out.url, kinds.row(), options.identity); });
  for_kinds(o, "aws", kinds.name, [](const ProviderKind& row) { return row.aws; }, all);
  o.object("google", {.doc = "Google Cloud's access tokens"}, [&](Object& g) { google_fields(g, options.identity); });
  for_kinds(o, "google", kinds.name, [](const ProviderKind& row) { return row.google; }, all);
  o.object("entra", {.doc = "Microsoft Entra's access tokens"},
           [&](Object& e) { entra_fields(e, kinds.row(), options.identity); });
  for_kinds(o, "entra", kinds.name, [](const ProviderKind& row) { return row.entra; }, all);
}

}  // namespace tollgate::config
