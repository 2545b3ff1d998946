#include "providers/identity/aws_source.h"

#include "providers/identity/aws_region.h"
#include "providers/identity/json_fields.h"
#include "providers/identity/sigv4.h"
#include "providers/identity/sts_xml.h"
#include "providers/identity/token_url.h"
#include "providers/identity/url_text.h"

namespace tollgate::providers {
namespace {

using Fetched = Result<Credential>;

constexpr std::string_view kMetadata = "http://169.254.169.254";
constexpr std::string_view kContainer = "http://169.254.170.2";
constexpr std::string_view kMetadataTokenLife = "21600";  // seconds, the longest there is

Error problem(std::string_view what, bool retryable = false) {
  return no_credential("AWS: " + std::string(what), retryable);
}

std::string or_env(const std::string& value, const Fetcher& fetcher, const std::string& name) {
  return value.empty() ? fetcher.env(name) : value;
}

Fetched static_keys(const AwsStaticKeys& keys) {
  Credential out;
  out.access_key_id = keys.access_key_id;
  out.secret = keys.secret_access_key.clone();
  out.session_token = keys.session_token.clone();
  return out;
}

Fetched environment_keys(const Fetcher& fetcher) {
  Credential out;
  out.access_key_id = fetcher.env("AWS_ACCESS_KEY_ID");
  out.secret = Secret(fetcher.env("AWS_SECRET_ACCESS_KEY"));
  out.session_token = Secret(fetcher.env("AWS_SESSION_TOKEN"));
  if (out.access_key_id.empty() || out.secret.empty())
    return problem("AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set");
  return out;
}

// --- STS ---

std::string sts_url(const AwsIdentity& identity) {
  if (!identity.sts_url.empty()) return identity.sts_url;
  return "https://sts." + identity.region + "." + std::string(aws_domain(identity.region));
}

TokenRequest sts_post(const AwsIdentity& identity, std::string body) {
  TokenRequest out;
  out.url = sts_url(identity);
  out.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}, {"accept", "text/xml"}};
  out.body = std::move(body);
  return out;
}

Fetched read_sts_reply(const TokenReply& reply) {
  if (reply.status == 200) return parse_sts_credentials(reply.body.reveal());
  return token_refusal("AWS STS", reply.status, parse_sts_error_code(reply.body.reveal()));
}

net::Task<Fetched> from_web_identity(const AwsIdentity& identity, const AwsWebIdentity& source, Fetcher& fetcher) {
  const std::string role = or_env(source.role_arn, fetcher, "AWS_ROLE_ARN");
  std::string session = or_env(source.session_name, fetcher, "AWS_ROLE_SESSION_NAME");
  std::string file = or_env(source.token_file, fetcher, "AWS_WEB_IDENTITY_TOKEN_FILE");
  if (session.empty()) session = "tollgate";
  if (role.empty() || file.empty()) co_return problem("web identity wants a role and a token file");
  TG_CO_TRY(const Secret token, co_await fetcher.read_file(std::move(file)));
  std::string body = form({FormField("Action", "AssumeRoleWithWebIdentity"), FormField("Version", "2011-06-15"),
                           FormField("RoleArn", role), FormField("RoleSessionName", session),
                           FormField("WebIdentityToken", strip(token.reveal()))});
  TokenRequest request = sts_post(identity, std::move(body));
  TG_CO_TRY(const TokenReply reply, co_await fetcher.send(std::move(request)));
  co_return read_sts_reply(reply);
}

Status sign_for_sts(TokenRequest& request, const AwsIdentity& identity, const Credential& keys, SystemTime now) {
  TG_TRY(const TokenUrl url, parse_token_url(request.url));
  const std::string_view target = url.path;
  const auto query = std::min(target.find('?'), target.size());
  SigningRequest to_sign{.method = request.method,
                         .path = target.substr(0, query),
                         .query = target.substr(std::min(query + 1, target.size())),
                         .headers = {{"host", url.endpoint.host_header()}, request.headers.front()},
                         .body = request.body};
  const SigningScope scope{.region = identity.region, .service = "sts"};
  for (auto& header : sign_v4(std::move(to_sign), keys, scope, now)) request.headers.push_back(std::move(header));
  return {};
}

net::Task<Fetched> assume(const AwsIdentity& identity, const AwsRole& role, const Credential& keys, Fetcher& fetcher) {
  const std::string duration = std::to_string(role.duration.count());
  std::string body = form({FormField("Action", "AssumeRole"), FormField("Version", "2011-06-15"),
                           FormField("RoleArn", role.role_arn), FormField("RoleSessionName", role.session_name),
                           FormField("ExternalId", role.external_id), FormField("DurationSeconds", duration)});
  TokenRequest request = sts_post(identity, std::move(body));
  TG_CO_CHECK(sign_for_sts(request, identity, keys, fetcher.now()));
  TG_CO_TRY(const TokenReply reply, co_await fetcher.send(std::move(request)));
  co_return read_sts_reply(reply);
}

// --- container and instance ---

Fetched read_metadata_reply(std::string_view who, const TokenReply& reply) {
  if (reply.status != 200) return token_refusal(who, reply.status, "");
  return parse_aws_metadata(reply.body.reveal());
}

std::string container_url(const AwsContainer& source, const Fetcher& fetcher) {
  if (!source.url.empty()) return source.url;
  const std::string relative = fetcher.env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  if (!relative.empty()) return std::string(kContainer) + relative;
  return fetcher.env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
}

net::Task<Fetched> from_container(const AwsContainer& source, Fetcher& fetcher) {
  TokenRequest request;
  request.method = "GET";
  request.url = container_url(source, fetcher);
  if (request.url.empty()) co_return problem("no container credentials are offered in the environment");
  std::string token = fetcher.env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  std::string file = or_env(source.token_file, fetcher, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (!file.empty()) {
    TG_CO_TRY(const Secret content, co_await fetcher.read_file(std::move(file)));
    token = strip(content.reveal());
  }
  if (!token.empty()) request.headers.push_back({"authorization", std::move(token)});
  request.headers.push_back({"accept", "application/json"});
  TG_CO_TRY(const TokenReply reply, co_await fetcher.send(std::move(request)));
  co_return read_metadata_reply("the container credential service", reply);
}

// One question to the instance's metadata service, within a session.
net::Task<Result<Secret>> ask_instance(TokenRequest request, Fetcher& fetcher) {
  TG_CO_TRY(TokenReply reply, co_await fetcher.send(std::move(request)));
  if (reply.status != 200) co_return token_refusal("the instance metadata service", reply.status, "");
  co_return std::move(reply.body);
}

net::Task<Fetched> from_instance(const AwsInstance& source, Fetcher& fetcher) {
  std::string base = or_env(source.url, fetcher, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (base.empty()) base = kMetadata;
  while (base.ends_with('/')) base.pop_back();
  TokenRequest begin;
  begin.method = "PUT";
  begin.url = base + "/latest/api/token";
  begin.headers = {{"x-aws-ec2-metadata-token-ttl-seconds", std::string(kMetadataTokenLife)}};
  TG_CO_TRY(const Secret session, co_await ask_instance(std::move(begin), fetcher));
  if (!is_token_text(session.reveal())) co_return problem("the instance metadata service gave no session token");

  TokenRequest which;
  which.method = "GET";
  which.url = base + "/latest/meta-data/iam/security-credentials/";
  which.headers = {{"x-aws-ec2-metadata-token", std::string(session.reveal())}};
  TokenRequest get = which;
  TG_CO_TRY(const Secret names, co_await ask_instance(std::move(which), fetcher));
  const auto role = strip(names.reveal().substr(0, names.reveal().find('\n')));
  if (!is_word(role, "+=,.@-_")) co_return problem("the instance has no role");
  get.url.append(role);
  TG_CO_TRY(const Secret keys, co_await ask_instance(std::move(get), fetcher));
  co_return parse_aws_metadata(keys.reveal());
}

// --- which of them ---

// A file that is not there is as good as an empty one.
net::Task<Result<Secret>> shared_file(std::string path, Fetcher& fetcher) {
  auto content = co_await fetcher.read_file(std::move(path));
  if (!content && content.error().kind == ErrorKind::not_found) co_return Secret();
  co_return content;
}

std::string shared_path(const std::string& configured, const Fetcher& fetcher, const std::string& variable,
                        std::string_view in_home) {
  const std::string path = or_env(configured, fetcher, variable);
  return path.empty() ? fetcher.env("HOME") + std::string(in_home) : path;
}

net::Task<Result<AwsPlan>> make_plan(const AwsIdentity& identity, Fetcher& fetcher) {
  const auto* named = std::get_if<AwsProfile>(&identity.source);
  const AwsProfile none;
  const AwsProfile& profile = named != nullptr ? *named : none;
  AwsFiles files;
  std::string credentials =
      shared_path(profile.credentials_file, fetcher, "AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials");
  std::string config = shared_path(profile.config_file, fetcher, "AWS_CONFIG_FILE", "/.aws/config");
  TG_CO_TRY(files.credentials, co_await shared_file(std::move(credentials), fetcher));
  TG_CO_TRY(files.config, co_await shared_file(std::move(config), fetcher));
  std::string name = or_env(profile.name, fetcher, "AWS_PROFILE");
  if (name.empty()) name = "default";
  if (named != nullptr) co_return plan_of_profile(files, name);
  co_return default_aws_plan(fetcher.environment(), files, name);
}

net::Task<Fetched> from_source(const AwsIdentity& identity, const AwsSource& source, Fetcher& fetcher) {
  if (const auto* keys = std::get_if<AwsStaticKeys>(&source)) co_return static_keys(*keys);
  if (const auto* web = std::get_if<AwsWebIdentity>(&source))
    co_return co_await from_web_identity(identity, *web, fetcher);
  if (const auto* container = std::get_if<AwsContainer>(&source))
    co_return co_await from_container(*container, fetcher);
  if (const auto* instance = std::get_if<AwsInstance>(&source)) co_return co_await from_instance(*instance, fetcher);
  co_return environment_keys(fetcher);
}

net::Task<Fetched> from_plan(const AwsIdentity& identity, AwsPlan plan, Fetcher& fetcher) {
  auto keys = co_await from_source(identity, plan.source, fetcher);
  for (const AwsRole& role : plan.roles) {
    if (!keys) break;
    keys = co_await assume(identity, role, *keys, fetcher);
  }
  co_return keys;
}

net::Task<Fetched> source_keys(const AwsIdentity& identity, Fetcher& fetcher) {
  const bool planned =
      std::holds_alternative<AwsDefault>(identity.source) || std::holds_alternative<AwsProfile>(identity.source);
  if (!planned) co_return co_await from_source(identity, identity.source, fetcher);
  TG_CO_TRY(AwsPlan plan, co_await make_plan(identity, fetcher));
  co_return co_await from_plan(identity, std::move(plan), fetcher);
}

}  // namespace

net::Task<Result<Credential>> aws_keys(const AwsIdentity& identity, Fetcher& fetcher) {
  auto keys = co_await source_keys(identity, fetcher);
  if (!keys || !identity.assume_role) co_return keys;
  co_return co_await assume(identity, *identity.assume_role, *keys, fetcher);
}

Result<AwsPlan> default_aws_plan(const Environment& environment, const AwsFiles& files, std::string_view profile) {
  const auto is_set = [&](const std::string& name) { return environment(name).has_value(); };
  AwsPlan plan;
  if (is_set("AWS_ACCESS_KEY_ID") && is_set("AWS_SECRET_ACCESS_KEY")) {
    plan.source = AwsEnvironment{};
  } else if (is_set("AWS_WEB_IDENTITY_TOKEN_FILE") && is_set("AWS_ROLE_ARN")) {
    plan.source = AwsWebIdentity{};
  } else if (has_profile(files, profile)) {
    return plan_of_profile(files, profile);
  } else if (is_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") || is_set("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
    plan.source = AwsContainer{};
  } else if (environment("AWS_EC2_METADATA_DISABLED") != "true") {
    plan.source = AwsInstance{};
  } else {
    return problem("no credentials were found: not in the environment, the shared files, a container or an instance");
  }
  return plan;
}

Result<Credential> parse_aws_metadata(std::string_view json) {
  const auto fields = JsonFields::parse(json);
  if (!fields) return problem("the metadata service answered with " + fields.error().message);
  const auto code = fields->text("Code");  // the instance service only
  if (!code.empty() && code != "Success")
    return problem("the metadata service answered " + (is_word(code, "") ? std::string(code) : "with an error"), true);
  Credential out;
  out.access_key_id = fields->text("AccessKeyId");
  out.secret = Secret(std::string(fields->text("SecretAccessKey")));
  out.session_token = Secret(std::string(fields->text("Token")));
  out.expires_at = parse_rfc3339(fields->text("Expiration"));
  if (!is_word(out.access_key_id, "_") || !is_token_text(out.secret.reveal()) ||
      !is_token_text(out.session_token.reveal()) || !out.expires_at)
    return problem("the metadata service gave no complete credentials");
  return out;
}

}  // namespace tollgate::providers
