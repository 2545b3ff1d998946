#include "config/facts.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "config/collector.h"
#include "providers/abilities.h"
#include "providers/kinds.h"

namespace tollgate::config {
namespace {

constexpr Applies kRestart = Applies::restart;

std::string_view name_of(routing::FallbackCause cause) {
  switch (cause) {
    case routing::FallbackCause::error:
      return "error";
    case routing::FallbackCause::throttled:
      return "throttled";
    case routing::FallbackCause::timeout:
      return "timeout";
  }
  return "";
}

std::string_view name_of(ratelimit::OnStoreLoss policy) {
  switch (policy) {
    case ratelimit::OnStoreLoss::local_share:
      return "local_share";
    case ratelimit::OnStoreLoss::closed:
      return "closed";
    case ratelimit::OnStoreLoss::open:
      return "open";
  }
  return "";
}

// The word that a configuration has for it.
template <class Table, class Value>
std::string word_of(const Table& table, const Value& value) {
  const auto* const row = std::ranges::find(table, value, [](const auto& entry) { return entry.second; });
  return row == std::ranges::end(table) ? "" : std::string(row->first);
}

std::string timing(const routing::Target& target) {
  return "connect " + format_duration(target.timeouts.connect) + ", first content " +
         format_duration(target.timeouts.first_content) + ", idle " + format_duration(target.timeouts.idle) +
         ", cool down " + format_duration(target.cool_down);
}

std::string shown(const routing::Fallback& fallback) {
  std::string text = fallback.target.key();
  for (std::size_t i = 0; i < fallback.when.size(); ++i) {
    text += (i == 0 ? " on " : ", ") + std::string(name_of(fallback.when[i]));
  }
  if (!fallback.only_criticality.empty()) text += " for criticality " + fallback.only_criticality;
  return text + " (" + timing(fallback.target) + ")";
}

void limits_facts(const std::string& prefix, const ratelimit::Limits& limits, Collector& out) {
  out.put(prefix + "requests_per_minute", limits.requests_per_minute);
  out.put(prefix + "requests_burst", limits.requests_burst);
  out.put(prefix + "tokens_per_minute", limits.tokens_per_minute);
  out.put(prefix + "tokens_burst", limits.tokens_burst);
  out.put(prefix + "requests_per_day", limits.requests_per_day);
  out.put(prefix + "requests_day_burst", limits.requests_day_burst);
  out.put(prefix + "tokens_per_day", limits.tokens_per_day);
  out.put(prefix + "tokens_day_burst", limits.tokens_day_burst);
  out.put(prefix + "concurrent", limits.concurrent);
}

// A fact per field: one text of all could read the same for different applications.
void application_facts(const Application& application, Collector& out) {
  const std::string name = "application " + application.id + " ";
  out.put(name + "criticality", application.criticality);
  out.put(name + "purpose", application.purpose);
  out.put(name + "owner", application.owner);
  out.put(name + "use_case", application.use_case);
  out.put(name + "data", application.data);
  if (application.pii) out.put(name + "pii", application.pii->name);
  limits_facts(name, application.limits, out);
  limits_facts(name + "key_limits.", application.key_limits, out);
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return all;
}

// The shortest decimal that reads back as the same value.
std::string exact(double value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

std::string hex(std::string_view bytes) {
  std::string text;
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4U];
    text += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return text;
}

void listen_facts(const Listen& listen, Collector& out) {
  out.put("listen.address", listen.address, kRestart);
  out.put("listen.port", listen.port, kRestart);
  out.flag("listen.plaintext", listen.plaintext, kRestart);
  out.secret("listen.tls.certificate", listen.certificate_pem);
  out.secret("listen.tls.key", listen.key_pem);
  out.size("listen.limits.head", listen.http.max_head_bytes);
  out.put("listen.limits.headers", static_cast<std::int64_t>(listen.http.max_headers));
  out.size("listen.limits.target", listen.http.max_target_bytes);
  out.size("listen.limits.body", listen.http.max_body_bytes);
  out.size("listen.limits.upload", listen.max_upload_bytes);
  out.size("listen.limits.upload_held", listen.max_upload_held);
  out.put("listen.limits.connections", static_cast<std::int64_t>(listen.max_connections));
  out.size("listen.limits.bytes_in_flight", listen.max_bytes_in_flight);
  const Timeouts& timeouts = listen.timeouts;
  out.duration("listen.timeouts.handshake", timeouts.handshake);
  out.duration("listen.timeouts.head", timeouts.head);
  out.duration("listen.timeouts.body", timeouts.body);
  out.duration("listen.timeouts.idle", timeouts.idle);
  out.duration("listen.timeouts.write_stall", timeouts.write_stall);
  out.duration("listen.timeouts.commit_after", timeouts.commit_after);
  out.duration("listen.timeouts.drain", timeouts.drain);
}

void store_facts(const Snapshot& snapshot, Collector& out) {
  if (const auto& redis = snapshot.redis) {
    out.put("redis.url",
            "redis://" + redis->host + ":" + std::to_string(redis->port) + "/" + std::to_string(redis->database),
            kRestart);
    out.secret("redis.password", redis->password, kRestart);
    out.put("redis.prefix", redis->prefix, kRestart);
    out.duration("redis.timeout", redis->timeout, kRestart);
    out.put("redis.on_loss", std::string(name_of(redis->on_loss)), kRestart);
    out.put("redis.replicas", redis->replicas, kRestart);
  }
  out.put("ledger.sqlite", snapshot.ledger.sqlite.string(), kRestart);
  out.put("ledger.rings", snapshot.ledger.ring_directory.string(), kRestart);
  out.size("ledger.ring_size", snapshot.ledger.ring_bytes, kRestart);
  out.duration("ledger.commit_interval", snapshot.ledger.commit_interval, kRestart);
  if (const auto& shipper = snapshot.postgres_ledger) {
    out.put("ledger.postgres.url", shipper->url, kRestart);
    out.secret("ledger.postgres.password", shipper->password, kRestart);
    out.duration("ledger.postgres.interval", shipper->interval, kRestart);
    out.put("ledger.postgres.batch", static_cast<std::int64_t>(shipper->batch), kRestart);
  }
  out.put("credentials.sqlite", snapshot.credentials.sqlite.string(), kRestart);
  out.put("credentials.postgres.url", snapshot.credentials.postgres_url, kRestart);
  out.secret("credentials.postgres.password", snapshot.credentials.postgres_password, kRestart);
}

}  // namespace

std::string private_digest(std::string_view bytes) {
  static const std::array<unsigned char, crypto_generichash_KEYBYTES> kKey = [] {
    std::array<unsigned char, crypto_generichash_KEYBYTES> key{};
    randombytes_buf(key.data(), key.size());
    return key;
  }();
  std::array<unsigned char, 16> digest{};
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                     kKey.data(), kKey.size());
  return hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string public_digest(std::string_view bytes) {
  std::array<unsigned char, crypto_generichash_BYTES> digest{};
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                     nullptr, 0);
  return hex({reinterpret_cast<const char*>(digest.data()), 6});
}

namespace {

bool same_login(const providers::Egress& a, const providers::Egress& b) {
  if (!a.proxy_login || !b.proxy_login) return a.proxy_login == b.proxy_login;
  return a.proxy_login->user == b.proxy_login->user &&
         a.proxy_login->password->reveal() == b.proxy_login->password->reveal();
}

}  // namespace

bool same_endpoint(const providers::Endpoint& a, const providers::Endpoint& b) {
  const auto fields = [](const providers::Endpoint& e) {
    return std::tie(e.host, e.port, e.tls, e.tls_context, e.base_path, e.egress.connect_proxy_host,
                    e.egress.connect_proxy_port, e.egress.curl_proxy, e.http2, e.egress.ca_pem, e.max_idle, e.host_name,
                    e.addresses);
  };
  return fields(a) == fields(b) && same_login(a.egress, b.egress);
}

Facts facts_of(const Department& department) {
  Collector out;
  for (const DatedCostCenter& dated : department.cost_centers) out.put("cost_center from " + dated.from, dated.id);
  out.put("models", joined(department.models));
  out.put("countries", joined(department.countries));
  limits_facts("", department.limits, out);
  if (department.pii) out.put("pii", department.pii->name);
  for (const Application& application : department.applications) application_facts(application, out);
  return out.take();
}

Facts facts_of(const Model& model) {
  Collector out;
  out.put("created", model.created);
  out.put("residency", model.residency);
  out.put("default_max_tokens", model.default_max_tokens);
  if (model.refuse_lossy) out.put("on_lossy", "refuse");
  limits_facts("", model.limits, out);
  if (model.pii) out.put("pii", model.pii->name);
  for (const routing::Target& target : model.route.targets) {
    out.put("target " + target.key(), "weight " + std::to_string(target.weight) + " (" + timing(target) + ")");
  }
  for (std::size_t i = 0; i < model.route.fallbacks.size(); ++i) {
    out.put("fallback " + std::to_string(i + 1), shown(model.route.fallbacks[i]));
  }
  return out.take();
}

namespace {

void quirk_facts(const providers::ChatQuirks& quirks, Collector& out) {
  out.flag("quirks.stream_options", quirks.stream_options);
  out.flag("quirks.old_cap_only", quirks.old_cap_only);
  out.flag("quirks.top_k", quirks.top_k);
  out.flag("quirks.any_for_required", quirks.any_for_required);
  out.flag("quirks.random_seed", quirks.random_seed);
  out.flag("quirks.argument_objects", quirks.argument_objects);
  out.flag("quirks.short_tool_ids", quirks.short_tool_ids);
  static constexpr std::string_view kHistories[] = {"never", "tool_loop", "always"};
  out.put("quirks.reasoning_history", std::string(kHistories[static_cast<std::size_t>(quirks.reasoning_history)]));
  out.flag("quirks.short_reasoning_name", quirks.short_reasoning_name);
  out.flag("quirks.call_signatures", quirks.call_signatures);
}

void container_facts(const providers::ProviderOptions& provider, Collector& out) {
  const providers::GenerateOptions& generate = provider.generate;
  static constexpr std::string_view kPrompts[] = {"none", "labelled", "chatml"};
  static constexpr std::string_view kParameters[] = {"kserve", "triton", "tensors"};
  out.put("generate.prompt", std::string(kPrompts[static_cast<std::size_t>(generate.prompt)]));
  out.put("generate.parameters", std::string(kParameters[static_cast<std::size_t>(generate.parameters)]));
  out.put("generate.version", generate.version);
  out.flag("generate.cumulative", generate.cumulative);
  const bool tgi = provider.sagemaker.body == providers::SageMakerOptions::Body::tgi;
  if (provider.kind == "sagemaker") out.put("sagemaker.body", std::string(tgi ? "tgi" : "chat"));
  out.put("sagemaker.model", provider.sagemaker.model);
}

}  // namespace

Facts facts_of(const providers::ProviderOptions& provider) {
  Collector out;
  out.put("kind", provider.kind);
  out.put("region.processing", provider.processing_region);
  if (provider.identity) identity_facts(*provider.identity, out);
  out.put("api_version", provider.api_version);
  if (!providers::speaks_openai(provider.kind) && provider.kind != "vertex" && provider.kind != "local")
    out.put("default_max_tokens", provider.default_max_tokens);
  for (const net::Header& header : provider.headers) out.put("header " + header.name, header.value);
  if (provider.kind == "sagemaker" || provider.kind == "open_inference") container_facts(provider, out);
  if (providers::speaks_openai(provider.kind) || provider.kind == "sagemaker") quirk_facts(provider.quirks, out);
  if (providers::speaks_openai(provider.kind)) {
    std::string apis;
    for (const providers::Api api : provider.apis) apis += (apis.empty() ? "" : ", ") + std::string(to_string(api));
    out.put("apis", apis);
    out.put("max_tokens_name", std::string(provider.max_completion_tokens ? "max_completion_tokens" : "max_tokens"));
  }
  out.put("transport", std::string(provider.use_curl ? "curl" : "hot"));
  if (!provider.endpoint) return out.take();
  const providers::Endpoint& endpoint = *provider.endpoint;
  out.put("endpoint", (endpoint.tls ? "https://" : "http://") + endpoint.authority() + endpoint.base_path);
  if (!endpoint.host_name.empty()) out.put("host", endpoint.host_name);
  out.flag("http2", endpoint.http2);
  out.put("max_idle", static_cast<std::int64_t>(endpoint.max_idle));
  egress_facts(endpoint, out);
  return out.take();
}

void rule_facts(const std::string& prefix, const pii::TypeRule& rule, Collector& out) {
  out.put(prefix + "action", std::string(to_string(rule.action)));
  out.put(prefix + "threshold", exact(rule.threshold));
  if (rule.action == pii::Action::mask) out.put(prefix + "keep_last", std::to_string(rule.keep_last));
}

Facts facts_of(const pii::PolicyOptions& policy) {
  Collector out;
  rule_facts("", policy.rule, out);
  for (const auto& [type, rule] : policy.types)
    rule_facts("types." + std::string(pii::to_string(type)) + ".", rule, out);
  for (const auto& [name, rule] : policy.custom) rule_facts("detectors." + name + ".", rule, out);
  out.put("countries", joined(policy.countries));
  out.put("analysers", joined(policy.analysers));
  for (const std::string& value : policy.never) out.secret("never", value);
  out.flag("restore", policy.restore);
  out.put("rule_pack", policy.rule_pack);
  out.put("on_error", std::string(policy.on_error == pii::PolicyOptions::OnError::block ? "block" : "pass"));
  out.put("on_opaque", std::string(to_string(policy.on_opaque)));
  return out.take();
}

Facts facts_of(const Analyser& analyser) {
  Collector out;
  static constexpr std::string_view kKinds[] = {"presidio", "azure_language", "comprehend"};
  out.put("kind", std::string(kKinds[static_cast<std::size_t>(analyser.kind)]));
  out.put("url", analyser.url);
  if (analyser.identity) identity_facts(*analyser.identity, out);
  if (analyser.kind == Analyser::Kind::azure_language) {
    out.put("api_version", analyser.api_version);
    out.put("domain", std::string(analyser.health ? "phi" : "none"));
  }
  out.put("language", analyser.language);
  out.duration("timeout", analyser.timeout);
  out.put("max_failures", std::to_string(analyser.max_failures));
  out.duration("pause", analyser.pause);
  out.put("min_score", exact(analyser.min_score));
  for (const auto& entity : analyser.entities) out.put("entities." + entity.name, entity.as);
  out.put("transport", std::string(analyser.use_curl ? "curl" : "hot"));
  if (analyser.endpoint) egress_facts(*analyser.endpoint, out);
  return out.take();
}

Facts facts_of(const FileKey& key) {
  Collector out;
  out.put("department", key.department);
  out.put("application", key.application);
  if (!key.pii.empty()) out.put("pii", key.pii);
  out.secret("key", key.key);
  return out.take();
}

Facts facts_of(const LocalModel& model) {
  Collector out;
  out.put("model.directory", model.engine.model_directory);
  out.put("model.weights", word_of(local_backend::kWeightFormats, model.engine.weights));
  out.put("model.device", word_of(local_backend::kDevices, model.engine.device));
  out.put("model.cpu_kernels", word_of(local_backend::kCpuKernels, model.engine.cpu_kernels));
  out.put("model.isolation", model.engine.isolation == local_backend::Isolation::process ? "process" : "thread");
  out.put("model.max_running", model.engine.max_running);
  out.put("model.max_queued", model.engine.max_queued);
  out.put("model.max_queued_per_department", model.engine.max_queued_per_department);
  out.size("model.kv_cache", model.engine.kv_cache_bytes);
  out.put("model.threads", model.engine.threads);
  return out.take();
}

Facts settings_of(const Snapshot& snapshot) {
  Collector out;
  out.put("organisation", snapshot.organisation, kRestart);
  limits_facts("limits.", snapshot.limits, out);
  out.put("state_directory", snapshot.state_directory.string(), kRestart);
  out.put("workers", static_cast<std::int64_t>(snapshot.workers), kRestart);
  out.secret("master_key", snapshot.master_key, kRestart);
  listen_facts(snapshot.listen, out);
  out.put("ops.address", snapshot.ops.address, kRestart);
  out.put("ops.port", snapshot.ops.port, kRestart);
  out.put("admin.address", snapshot.admin.address, kRestart);
  out.put("admin.port", snapshot.admin.port, kRestart);
  out.put("log.level", snapshot.log.level);
  out.put("log.file", snapshot.log.file, kRestart);
  if (snapshot.pii) out.put("pii.policy", snapshot.pii->name);
  out.put("pii.key_epoch", static_cast<std::int64_t>(snapshot.pii_key_epoch));
  out.put("pii.cache_bytes", static_cast<std::int64_t>(snapshot.pii_cache_bytes));
  store_facts(snapshot, out);
  for (const Replica& replica : snapshot.replicas) out.secret("pool.replicas." + replica.id, replica.secret);
  if (snapshot.prices) out.put("prices.catalog", snapshot.prices->version());
  return out.take();
}

}  // namespace tollgate::config
