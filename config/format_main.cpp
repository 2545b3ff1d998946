// The main file.
#include <algorithm>
#include <limits>

#include "config/format.h"
#include "config/scalars.h"
#include "providers/endpoint.h"

namespace tollgate::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr Applies kRestart = Applies::restart;
constexpr Range<std::int64_t> kPort{0, 65'535};
constexpr Range<milliseconds> kWait{milliseconds(1), hours(24)};
constexpr Range<milliseconds> kWaitOrNone{milliseconds(0), hours(24)};

void limit_fields(Object& o, Listen& out) {
  o.size("head", out.http.max_head_bytes, {1024, 1 << 20}, {.doc = "Request line and headers together"});
  o.number("headers", out.http.max_headers, {1, 1000}, {.doc = "Headers of a request"});
  o.size("target", out.http.max_target_bytes, {64, 1 << 20}, {.doc = "Request target"});
  o.size("body", out.http.max_body_bytes, {1024, 1ULL << 30}, {.doc = "Request body"});
  o.size("upload", out.max_upload_bytes, {1024, 1ULL << 40},
         {.doc = "Form with files, which is passed on as it comes"});
  o.size("upload_held", out.max_upload_held, {1024, 1ULL << 30},
         {.doc = "What of a form may come before the model's name"});
  o.number("connections", out.max_connections, {1, 10'000'000}, {.doc = "Open client connections; more are refused"});
  o.size("bytes_in_flight", out.max_bytes_in_flight, {1 << 20, 1ULL << 40},
         {.doc = "Request bodies held at once; beyond it 503"});
}

void timeout_fields(Object& o, Timeouts& out) {
  o.duration("handshake", out.handshake, kWait, {.doc = "TLS handshake"});
  o.duration("head", out.head, kWait, {.doc = "The whole head, not each read"});
  o.duration("body", out.body, kWait, {.doc = "The whole body; of an upload each silence"});
  o.duration("idle", out.idle, kWait, {.doc = "A kept connection between two calls"});
  o.duration("write_stall", out.write_stall, kWait, {.doc = "A client that does not read its stream"});
  o.duration("commit_after", out.commit_after, kWaitOrNone,
             {.doc = "Response headers leave with the first content, or after this time"});
  o.duration("drain", out.drain, kWaitOrNone, {.doc = "How long open calls may go on after SIGTERM"});
}

void listen_fields(Object& o, Draft& out) {
  Listen& listen = out.snapshot.listen;
  o.text("address", listen.address, kIpAddress, {.doc = "Address to listen on", .applies = kRestart});
  o.number("port", listen.port, kPort, {.doc = "0: any free port", .applies = kRestart});
  o.boolean("plaintext", listen.plaintext, {.doc = "No TLS: behind a TLS terminator", .applies = kRestart});
  out.has_tls = o.object("tls", {.doc = "Server certificate and its key"}, [&](Object& tls) {
    tls.certificate("certificate", listen.certificate_pem,
                    {.doc = "PEM file, leaf first, with its chain", .required = true});
    tls.secret("key", listen.key_pem, {.doc = "PEM private key", .required = true});
  });
  o.object("limits", {.doc = "What one client may ask of the process"}, [&](Object& l) { limit_fields(l, listen); });
  o.object("timeouts", {.doc = "Deadlines towards clients"}, [&](Object& t) { timeout_fields(t, listen.timeouts); });
}

void admin_fields(Object& o, AdminListen& out) {
  o.text("address", out.address, kIpAddress, {.doc = "A loopback address", .applies = kRestart});
  if (!o.describing() && !out.address.starts_with("127.") && out.address != "::1") {
    o.problem("address", "the admin listener stays on loopback (127.0.0.1 or ::1): it does not speak mTLS yet");
  }
  o.number("port", out.port, kPort, {.doc = "0: any free port", .applies = kRestart});
}

// The parts of redis://host[:port][/database].
void redis_url(Object& o, const std::string& url, ratelimit::RedisOptions& out) {
  if (url.empty()) return;
  std::string_view rest = url;
  const auto refuse = [&] { o.problem("url", "expected redis://host[:port][/database], without a password"); };
  if (rest.starts_with("rediss://")) return o.problem("url", "TLS to Redis is not supported yet: use redis://");
  if (!rest.starts_with("redis://")) return refuse();
  rest.remove_prefix(8);
  std::string_view database;
  if (const auto slash = rest.find('/'); slash != rest.npos) {
    database = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
  }
  if (!database.empty()) {
    const auto number = parse_integer(database);
    if (!number || *number < 0 || *number > 1'000'000) return refuse();
    out.database = static_cast<int>(*number);
  }
  const auto endpoint = providers::parse_endpoint("http://" + std::string(rest), providers::PlainHttp::allowed);
  if (!endpoint) return refuse();
  out.host = endpoint->host;
  const bool has_port = rest.rfind(':') != rest.npos && rest.back() != ']';
  out.port = has_port ? endpoint->port : 6379;
}

void redis_fields(Object& o, std::optional<ratelimit::RedisOptions>& out) {
  static constexpr std::pair<std::string_view, ratelimit::OnStoreLoss> kOnLoss[] = {
      {"local_share", ratelimit::OnStoreLoss::local_share},
      {"closed", ratelimit::OnStoreLoss::closed},
      {"open", ratelimit::OnStoreLoss::open}};
  ratelimit::RedisOptions redis;
  std::string url;
  o.text("url", url, kUrl, {.doc = "redis://host[:port][/database]", .applies = kRestart, .required = true});
  redis_url(o, url, redis);
  o.secret("password", redis.password, {.doc = "Sent with AUTH", .applies = kRestart});
  o.text("prefix", redis.prefix, kIdentifier, {.doc = "Of every key", .applies = kRestart});
  o.duration("timeout", redis.timeout, {milliseconds(1), std::chrono::seconds(10)},
             {.doc = "Of one admission", .applies = kRestart});
  o.choice("on_loss", redis.on_loss, kOnLoss, {.doc = "While Redis is away", .applies = kRestart});
  o.number("replicas", redis.replicas, {1, 1000},
           {.doc = "Gateways that share the limits: local_share gives each 1/N", .applies = kRestart});
  out = std::move(redis);
}

void postgres_url(Object& o, std::string& url, std::shared_ptr<const Secret>& password) {
  o.text("url", url, kUrl, {.doc = "postgresql://user@host/database", .applies = kRestart, .required = true});
  const auto authority = url.find("://");
  if (authority != url.npos) {
    const bool known = url.starts_with("postgresql://") || url.starts_with("postgres://");
    const std::string user = url.substr(authority + 3, url.find('@') - authority - 3);
    const bool has_user = url.find('@') != url.npos;
    if (!known) o.problem("url", "expected postgresql://user@host/database");
    if ((has_user && user.find(':') != user.npos) || url.find("password=") != url.npos) {
      o.problem("url", "a password does not belong into a URL: use password: {file: …}");
    }
  }
  o.secret("password", password, {.doc = "As libpq finds it when absent", .applies = kRestart});
}

void ledger_fields(Object& o, Snapshot& out) {
  o.path("sqlite", out.ledger.sqlite, {.doc = "Default: ledger.db in the state directory", .applies = kRestart});
  o.path("rings", out.ledger.ring_directory, {.doc = "Default: rings in the state directory", .applies = kRestart});
  o.size("ring_size", out.ledger.ring_bytes, {finops::kSmallestRing, finops::kLargestRing},
         {.doc = "Per worker", .applies = kRestart});
  o.duration("commit_interval", out.ledger.commit_interval, {milliseconds(1), std::chrono::seconds(10)},
             {.doc = "The longest a record waits for its commit", .applies = kRestart});
  o.object("postgres", {.doc = "Where rows are shipped to"}, [&](Object& p) {
    finops::ShipperOptions shipper;
    postgres_url(p, shipper.url, shipper.password);
    p.duration("interval", shipper.interval, {milliseconds(10), hours(1)},
               {.doc = "Between two shipments", .applies = kRestart});
    p.number("batch", shipper.batch, {1, 100'000}, {.doc = "Rows of one COPY", .applies = kRestart});
    out.postgres_ledger = std::move(shipper);
  });
}

void credential_fields(Object& o, CredentialStoreOptions& out) {
  o.path("sqlite", out.sqlite, {.doc = "Default: credentials.db in the state directory", .applies = kRestart});
  o.object("postgres", {.doc = "The store of a fleet; sqlite is then the local copy"},
           [&](Object& p) { postgres_url(p, out.postgres_url, out.postgres_password); });
}

void price_fields(Object& o, Draft& out) {
  out.prices_where = o.where("catalog");
  o.text("catalog", out.price_catalog, kModelName, {.doc = "A price list of this build, pinned"});
  o.list("overrides", {.doc = "Own prices per million tokens; the later wins"}, [&](Object& p) {
    finops::Price price;
    price.provider = "*";
    p.text("provider", price.provider, kProviderOrAll, {.doc = "Provider id, or \"*\""});
    p.text("model", price.model, kModelName, {.doc = "As the provider names it", .required = true});
    p.price("input", price.input, {.doc = "Such as 2.50 USD", .required = true});
    p.price("cached_input", price.cached_input, {.doc = "Default: as input"});
    p.price("cache_write", price.cache_write, {.doc = "Default: as input"});
    p.price("output", price.output, {.doc = "Such as 10 USD", .required = true});
    p.price("audio_minute", price.audio_minute, {.doc = "Per minute of sound that is billed by its length"});
    p.price("compute_hour", price.compute_hour, {.doc = "Per hour that the embedded model works"});
    out.price_overrides.push_back(std::move(price));
  });
}

void log_fields(Object& o, LogOptions& out) {
  static const std::pair<std::string_view, std::string> kLevels[] = {
      {"debug", "debug"}, {"info", "info"}, {"warn", "warn"}, {"error", "error"}};
  o.choice("level", out.level, kLevels, {.doc = "Least severity written"});
  std::filesystem::path file;
  o.path("file", file, {.doc = "Default: standard error", .applies = kRestart});
  out.file = file.string();
}

void key_fields(Object& o, KeyDraft& out) {
  out.where = o.where();
  o.text("id", out.key.id, kIdentifier, {.doc = "The id inside the key", .required = true});
  o.reference("department", out.key.department, Reference::To::department, kIdentifier,
              {.doc = "Department id", .required = true});
  o.text("application", out.key.application, kIdentifier, {.doc = "Application of that department", .required = true});
  o.reference("pii", out.key.pii, Reference::To::pii_policy, kIdentifier,
              {.doc = "Policy name; joins its application's"});
  o.secret("key", out.key.key, {.doc = "The whole key as callers send it", .required = true});
}

void replica_fields(Object& o, std::vector<Replica>& out) {
  constexpr std::size_t kLeast = 32;
  Replica replica;
  o.text("id", replica.id, kIdentifier, {.doc = "For the log", .required = true});
  o.secret("secret", replica.secret, {.doc = "At least 32 characters, as the replicas have it", .required = true});
  if (std::ranges::find(out, replica.id, &Replica::id) != out.end())
    o.problem("id", "replica '" + replica.id + "' is defined twice");
  const bool read = replica.secret && !replica.secret->empty();  // not offline
  if (read && replica.secret->reveal().size() < kLeast)
    o.problem("secret", "needs at least 32 characters, such as `openssl rand -hex 32` makes");
  out.push_back(std::move(replica));
}

void pool_fields(Object& o, std::vector<Replica>& out) {
  o.list("replicas", {.doc = "Who may call; several secrets let them change one after the other"},
         [&](Object& r) { replica_fields(r, out); });
  if (!o.describing() && out.empty()) o.problem("replicas", "a pool needs at least one replica that may call");
}

void stores(Object& o, Draft& out) {
  Snapshot& snapshot = out.snapshot;
  o.object("redis", {.doc = "Limits shared by replicas; absent: in memory"},
           [&](Object& r) { redis_fields(r, snapshot.redis); });
  o.object("ledger", {.doc = "Usage records"}, [&](Object& l) { ledger_fields(l, snapshot); });
  o.object("credentials", {.doc = "Where keys are kept"},
           [&](Object& c) { credential_fields(c, snapshot.credentials); });
  out.prices_where = o.where();
  o.object("prices", {.doc = "What tokens cost"}, [&](Object& p) { price_fields(p, out); });
}

void parts(Object& o, Draft& out) {
  out.include_where = o.where("include");
  o.texts("include", out.include, kLine,
          {.doc = "conf.d/** (everything below), conf.d/* (that directory) or one file; the directory a file lies in "
                  "says what it holds: providers, models, departments or policies"});
  for (const PartKind& kind : part_kinds()) {
    if (kind.directory == "policies") continue;  // inline they stand under pii.policies
    o.list(
        kind.directory, {.doc = "As in included files"}, [&](Object& part) { kind.read(part, out); }, kind.definition);
  }
  o.object("pii", {.doc = "Personal data"}, [&](Object& p) { pii_fields(p, out); });
  o.named_references("groups", Reference::To::model, kModelName,
                     {.doc = "Names for lists of models, used as group:NAME"},
                     [&](const std::string& name, const Where& where, std::vector<std::string> models) {
                       out.groups[name] = {where, std::move(models)};
                     });
  o.list("keys", {.doc = "A few keys for the first hour; the others live in the credential store"}, [&](Object& k) {
    KeyDraft draft;
    key_fields(k, draft);
    out.keys.push_back(std::move(draft));
  });
}

}  // namespace

void main_fields(Object& o, Draft& out) {
  Snapshot& snapshot = out.snapshot;
  snapshot.ledger.sqlite.clear();  // their defaults lie in the state directory
  snapshot.ledger.ring_directory.clear();
  std::int64_t schema = 1;
  o.integer("schema", schema, {1, 1}, {.doc = "Version of this format", .required = true});
  o.boolean("demo", out.demo, {.doc = "Secrets may be written as they are: never in production"});
  o.demo(out.demo);
  o.text("organisation", snapshot.organisation, kIdentifier, {.doc = "Who runs this gateway", .applies = kRestart});
  o.object("limits", {.doc = "Of all calls together; absent: unlimited"},
           [&](Object& l) { limits_fields(l, snapshot.limits); });
  o.path("state_directory", snapshot.state_directory,
         {.doc = "Databases and rings; default: state, beside this file", .applies = kRestart});
  o.number("workers", snapshot.workers, {0, 1024}, {.doc = "0: one per core", .applies = kRestart});
  o.master_key("master_key", snapshot.master_key,
               {.doc = "32 bytes, shared by replicas; every other key is derived from it",
                .applies = kRestart,
                .required = true});
  out.listen = o.where("listen");
  o.object("listen", {.doc = "Where callers connect"}, [&](Object& l) { listen_fields(l, out); });
  o.object("ops", {.doc = "Health and metrics only"}, [&](Object& ops) {
    ops.text("address", snapshot.ops.address, kIpAddress, {.doc = "Address to listen on", .applies = kRestart});
    ops.number("port", snapshot.ops.port, kPort, {.doc = "0: any free port", .applies = kRestart});
  });
  o.object("admin", {.doc = "Everything else that is not a call"}, [&](Object& a) { admin_fields(a, snapshot.admin); });
  o.object("log", {.doc = "Log"}, [&](Object& l) { log_fields(l, snapshot.log); });
  o.object("pool",
           {.doc = "This process holds models for replicas of the gateway, which call it as kind tollgate_pool"},
           [&](Object& p) { pool_fields(p, snapshot.replicas); });
  stores(o, out);
  parts(o, out);
  o.unsupported("local", "local models are providers of kind local: {id: local, kind: local, model: {directory: …}}");
  o.unsupported("budgets", "budgets are not supported yet");
}

}  // namespace tollgate::config
