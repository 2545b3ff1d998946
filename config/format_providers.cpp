// Providers: what all kinds have in common.
#include <algorithm>

#include "config/format.h"
#include "providers/kinds.h"

namespace tollgate::config {
namespace {

constexpr std::pair<std::string_view, local_backend::Isolation> kIsolations[] = {
    {"thread", local_backend::Isolation::thread}, {"process", local_backend::Isolation::process}};
constexpr std::pair<std::string_view, bool> kTransports[] = {{"hot", false}, {"curl", true}};

bool accepts_host(std::string_view text) {
  const auto good = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == '_' || c == ':';
  };
  return !text.empty() && text.size() <= 259 && std::all_of(text.begin(), text.end(), good);
}
const TextRule kHost{"a host name such as llama.team.example.com", "^[A-Za-z0-9._:-]{1,259}$", accepts_host};

void kind_field(Object& o, std::string& out) {
  std::vector<std::string_view> names;
  for (const providers::ProviderKind& kind : providers::provider_kinds()) names.push_back(kind.name);
  std::size_t at = names.size();
  o.word("kind", at, names, {.doc = "How it is spoken to", .required = true});
  if (at < names.size()) out = names[at];
}

}  // namespace

void egress_fields(Object& o, ProviderDraft& out) {
  out.proxy_where = o.where("proxy");
  o.text("proxy", out.proxy, kUrl, {.doc = "http://host:port (CONNECT); other schemes need transport: curl"});
  o.object("proxy_login", {.doc = "Where the proxy wants one; by Basic, or with transport: curl by what it asks for"},
           [&](Object& login) {
             login.text("user", out.proxy_user, kLine, {.doc = "The name", .required = true});
             login.secret("password", out.proxy_password, {.doc = "The password", .required = true});
           });
  out.addresses_where = o.where("addresses");
  o.texts("addresses", out.addresses, kIpAddress,
          {.doc = "IP addresses of the endpoint's host, tried in turn: its name is then never looked up"});
  o.certificate("ca", out.ca_pem, {.doc = "PEM file that replaces the system's authorities"});
  o.object("client_certificate", {.doc = "What we show to the provider"}, [&](Object& c) {
    c.certificate("certificate", out.certificate_pem, {.doc = "PEM file", .required = true});
    c.secret("key", out.key_pem, {.doc = "PEM private key", .required = true});
  });
}

void transport_field(Object& o, ProviderDraft& out) {
  o.choice("transport", out.options.use_curl, kTransports, {.doc = "curl: HTTP/2, SOCKS proxies"});
}

namespace {

void local_fields(Object& m, ProviderDraft& out) {
  local_backend::EngineOptions engine;
  std::filesystem::path directory;
  m.path("directory", directory, {.doc = "config.json, model.safetensors, tokenizer.json", .required = true});
  engine.model_directory = directory.string();
  m.choice("weights", engine.weights, local_backend::kWeightFormats,
           {.doc = "int8 and fp8 take half the memory of 16-bit files and cost a little accuracy"});
  m.number("max_running", engine.max_running, {1, 1024}, {.doc = "Sequences decoded together"});
  m.number("max_queued", engine.max_queued, {0, 1'000'000}, {.doc = "Beyond: 503"});
  m.number("max_queued_per_department", engine.max_queued_per_department, {0, 1'000'000},
           {.doc = "0: half of max_queued"});
  m.size("kv_cache", engine.kv_cache_bytes, {1 << 20, 1ULL << 42},
         {.doc = "At most, for keys and values; cuts the context where it is less"});
  m.number("threads", engine.threads, {0, 256}, {.doc = "That multiply; 0: half of the process's cores"});
  m.choice("isolation", engine.isolation, kIsolations,
           {.doc = "process: the model runs in one of its own, which may die without the gateway"});
  m.choice("device", engine.device, local_backend::kDevices,
           {.doc = "auto: the GPU where there is one, else the CPU; cuda: no start without one"});
  m.choice("cpu_kernels", engine.cpu_kernels, local_backend::kCpuKernels,
           {.doc = "auto: the fastest that the CPU has; avx512_bf16 and amx round activations of bf16 models"});
  out.local = std::move(engine);
}

// Without a secret nobody may call a pool, and curl loses what it tells at an answer's end.
void pool_needs(Object& o, const ProviderDraft& out) {
  const providers::ProviderOptions& options = out.options;
  if (!providers::is_pool(options.kind)) return;
  if (!o.has("auth")) o.problem("auth", "kind " + options.kind + " needs {bearer: …}: a secret of the pool's replicas");
  if (options.use_curl) o.problem("transport", "kind " + options.kind + " needs hot");
}

}  // namespace

void provider_fields(Object& o, ProviderDraft& out) {
  providers::ProviderOptions& options = out.options;
  o.text("id", options.id, kIdentifier, {.doc = "What targets name", .required = true});
  kind_field(o, options.kind);
  out.url_where = o.where("endpoint");
  o.text("endpoint", out.url, kUrl, {.doc = "https://host[:port][/base], such as https://api.openai.com/v1"});
  o.text(
      "host", out.host_name, kHost,
      {.doc = "Sent as the Host header, where a shared address tells its servers by that, such as KServe's ingress"});
  o.object("region", {.doc = "Where it works"}, [&](Object& r) {
    r.text("processing", options.processing_region, kIdentifier,
           {.doc = "Compared with a model's residency, written to the ledger", .required = true});
    std::string name;  // for people who read the file
    r.text("name", name, kLine, {.doc = "The provider's own name for it; not interpreted"});
  });
  o.object("auth", {.doc = "How we show who we are; absent: the server asks for nothing"},
           [&](Object& a) { auth_fields(a, providers::provider_kinds(), out); });
  server_fields(o, out);
  o.number(
      "default_max_tokens", options.default_max_tokens, {1, 10'000'000},
      {.doc =
           "Where the API demands a number (anthropic, bedrock, open_inference): sent when the caller sets no limit"});
  o.object("egress", {.doc = "The way out"}, [&](Object& e) { egress_fields(e, out); });
  transport_field(o, out);
  o.boolean("http2", out.http2, {.doc = "Needs transport: curl"});
  o.boolean("plain_http", out.plain_http, {.doc = "Allows an http:// endpoint"});
  o.number("max_idle", out.max_idle, {0, 100'000}, {.doc = "Kept connections per worker"});
  o.object("model", {.doc = "For kind local: the model to run"}, [&](Object& m) { local_fields(m, out); });
  pool_needs(o, out);
}

}  // namespace tollgate::config
