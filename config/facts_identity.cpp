#include "config/collector.h"

namespace tollgate::config {
namespace {

using namespace providers;  // the options' own names, one function each

const std::string kAws = "auth.aws.";
const std::string kGoogle = "auth.google.";
const std::string kEntra = "auth.entra.";

void put_facts(const NoIdentity&, Collector&) {}

void put_facts(const KeyIdentity& identity, Collector& out) {
  const bool bearer = identity.header == KeyIdentity::Header::bearer;
  out.secret(bearer ? "auth.bearer" : "auth.api_key", identity.key.reveal());
}

// --- AWS ---

void source_facts(const AwsDefault&, Collector& out) { out.put(kAws + "source", std::string("default")); }

void source_facts(const AwsEnvironment&, Collector& out) { out.put(kAws + "source", std::string("environment")); }

void source_facts(const AwsStaticKeys& keys, Collector& out) {
  out.put(kAws + "source", std::string("static_keys"));
  out.put(kAws + "static_keys.access_key_id", keys.access_key_id);
  out.secret(kAws + "static_keys.secret_access_key", keys.secret_access_key.reveal());
  out.secret(kAws + "static_keys.session_token", keys.session_token.reveal());
}

void source_facts(const AwsProfile& profile, Collector& out) {
  out.put(kAws + "source", std::string("profile"));
  out.put(kAws + "profile.name", profile.name);
  out.put(kAws + "profile.credentials_file", profile.credentials_file);
  out.put(kAws + "profile.config_file", profile.config_file);
}

void source_facts(const AwsWebIdentity& web, Collector& out) {
  out.put(kAws + "source", std::string("web_identity"));
  out.put(kAws + "web_identity.role_arn", web.role_arn);
  out.put(kAws + "web_identity.session_name", web.session_name);
  out.put(kAws + "web_identity.token_file", web.token_file);
}

void source_facts(const AwsContainer& container, Collector& out) {
  out.put(kAws + "source", std::string("container"));
  out.put(kAws + "container.url", container.url);
  out.put(kAws + "container.token_file", container.token_file);
}

void source_facts(const AwsInstance& instance, Collector& out) {
  out.put(kAws + "source", std::string("instance"));
  out.put(kAws + "instance.url", instance.url);
}

void put_facts(const AwsIdentity& identity, Collector& out) {
  out.put(kAws + "region", identity.region);
  out.put(kAws + "service", identity.service);
  out.put(kAws + "sts_url", identity.sts_url);
  std::visit([&out](const auto& source) { source_facts(source, out); }, identity.source);
  if (!identity.assume_role) return;
  const AwsRole& role = *identity.assume_role;
  out.put(kAws + "assume_role.role_arn", role.role_arn);
  out.put(kAws + "assume_role.session_name", role.session_name);
  out.put(kAws + "assume_role.external_id", role.external_id);
  out.duration(kAws + "assume_role.duration", role.duration);
}

// --- Google ---

void source_facts(const GoogleCredentials& credentials, Collector& out) {
  out.secret(kGoogle + "credentials", credentials.json.reveal());
}

void source_facts(const GoogleMetadata& metadata, Collector& out) {
  out.put(kGoogle + "metadata.account", metadata.account);
  out.put(kGoogle + "metadata.url", metadata.url);
}

void put_facts(const GoogleIdentity& identity, Collector& out) {
  std::visit([&out](const auto& source) { source_facts(source, out); }, identity.source);
  out.put(kGoogle + "scope", identity.scope);
  out.put(kGoogle + "quota_project", identity.quota_project);
}

// --- Entra ---

void source_facts(const EntraSecret& secret, Collector& out) {
  out.secret(kEntra + "client_secret", secret.client_secret.reveal());
}

void source_facts(const EntraFederated& federated, Collector& out) {
  out.put(kEntra + "source", std::string("workload_identity"));
  out.put(kEntra + "workload_identity.token_file", federated.token_file);
}

void source_facts(const EntraManaged& managed, Collector& out) {
  out.put(kEntra + "source", std::string("managed_identity"));
  out.put(kEntra + "managed_identity.object_id", managed.object_id);
  out.put(kEntra + "managed_identity.resource_id", managed.resource_id);
  out.put(kEntra + "managed_identity.url", managed.url);
}

void source_facts(const EntraAppService&, Collector& out) { out.put(kEntra + "source", std::string("app_service")); }

void put_facts(const EntraIdentity& identity, Collector& out) {
  out.put(kEntra + "tenant", identity.tenant);
  out.put(kEntra + "client_id", identity.client_id);
  std::visit([&out](const auto& source) { source_facts(source, out); }, identity.source);
  out.put(kEntra + "scope", identity.scope);
  out.put(kEntra + "authority", identity.authority);
}

}  // namespace

void identity_facts(const IdentityOptions& identity, Collector& out) {
  std::visit([&out](const auto& one) { put_facts(one, out); }, identity);
}

void egress_facts(const providers::Endpoint& endpoint, Collector& out) {
  if (endpoint.egress.connect_proxy_port != 0) {
    out.put("egress.proxy",
            endpoint.egress.connect_proxy_host + ":" + std::to_string(endpoint.egress.connect_proxy_port));
  }
  out.put("egress.proxy", endpoint.egress.curl_proxy);
  if (const auto& login = endpoint.egress.proxy_login) {
    out.put("egress.proxy_login.user", login->user);
    out.secret("egress.proxy_login.password", login->password);
  }
  std::string addresses;
  for (const auto& address : endpoint.addresses) addresses += (addresses.empty() ? "" : ", ") + address.to_string();
  out.put("egress.addresses", addresses);
  out.secret("egress.ca", std::string_view(endpoint.egress.ca_pem));
}

}  // namespace tollgate::config
