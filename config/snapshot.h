#pragma once
// One validated, immutable configuration, assembled from each module's own options. Shared pointers to parts: a reload
// shares what did not change, and a call keeps what it started with.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "finops/ledger.h"
#include "finops/prices.h"
#include "gateway/base/secret.h"
#include "gateway/net/http1.h"
#include "gateway/net/tls.h"
#include "local_backend/api.h"
#include "pii/policy.h"
#include "providers/upstream.h"
#include "ratelimit/limiter.h"
#include "routing/routing.h"

namespace tollgate::config {

// `limits` are as configured; `scope` is what an admission is asked with, null where nothing is limited.

// [reload] = a SIGHUP applies it; [restart] = read once at start (a change is reported, and ignored until then:
// without_restart() in load.h).

struct Timeouts {  // [reload]
  std::chrono::milliseconds handshake{10'000};
  std::chrono::milliseconds head{10'000};          // whole head, not per read
  std::chrono::milliseconds body{30'000};          // whole body
  std::chrono::milliseconds idle{75'000};          // keep-alive between calls
  std::chrono::milliseconds write_stall{60'000};   // a client that does not read its stream
  std::chrono::milliseconds commit_after{10'000};  // headers leave with the first content, or after this with pings
  std::chrono::milliseconds drain{30'000};         // SIGTERM: open calls may finish this long
};

struct Listen {
  std::string address = "127.0.0.1";      // [restart]
  std::uint16_t port = 8443;              // [restart] 0 = any free port (logged)
  bool plaintext = false;                 // [restart] opt-in: no TLS (behind a TLS terminator, or for a benchmark)
  std::string certificate_pem;            // [reload] read from the configured file
  std::shared_ptr<const Secret> key_pem;  // [reload]
  net::HttpLimits http;                   // [reload]
  Timeouts timeouts;                      // [reload]
  std::size_t max_connections = 20'000;   // [reload]
  std::uint64_t max_upload_bytes = 512ULL << 20;     // [reload] a form with files: passed on as it comes
  std::uint64_t max_upload_held = 32ULL << 20;       // [reload] of it, what may stand before the model's name
  std::uint64_t max_bytes_in_flight = 512ULL << 20;  // [reload] request bodies held at once; beyond: 503
};

struct OpsListen {  // [restart]
  std::string address = "127.0.0.1";
  std::uint16_t port = 9464;
};

struct AdminListen {  // [restart] loopback only (a wider address is a config error until it speaks mTLS)
  std::string address = "127.0.0.1";
  std::uint16_t port = 9443;
};

struct Application {
  std::string id;
  std::string purpose;
  std::string owner;
  std::string use_case;
  std::string criticality = "high";               // "low", "medium", "high"
  std::string data;                               // classification, free text
  ratelimit::Limits limits;                       // of all its calls together
  ratelimit::Limits key_limits;                   // of each of its credentials by itself
  std::shared_ptr<const ratelimit::Scope> scope;  // of `limits`: "application:<department>/<id>"
  std::shared_ptr<const pii::PolicyOptions> pii;  // null: none of its own
};

inline constexpr std::string_view kAlways = "1970-01-01";  // from when a cost center without a date counts
struct DatedCostCenter {
  std::string from;  // ISO date, UTC
  std::string id;
};

// Somebody else's detector of personal data, asked over HTTP about every text that a policy asks it about.
struct Analyser {  // [reload]
  enum class Kind : std::uint8_t { presidio, azure_language, comprehend };
  struct Entity {
    std::string name;  // the analyser's name for it
    std::string as;    // ours
    pii::EntityType type = pii::EntityType::custom;
    std::uint8_t custom = 0;  // of pii_detectors, where the type is the house's own
  };
  std::string name;
  Kind kind = Kind::presidio;
  std::string url;
  std::string language = "en";
  std::string api_version = "2024-11-01";  // of azure_language
  bool health = false;                     // azure_language: the domain phi
  std::chrono::milliseconds timeout{500};  // for all texts of one call together
  std::int64_t max_failures = 5;           // in a row; then it is not asked for `pause`
  std::chrono::milliseconds pause{10'000};
  double min_score = 0.5;
  std::vector<Entity> entities;
  std::string scope;  // all that its findings in a text depend on
  std::shared_ptr<const providers::Endpoint> endpoint;
  std::shared_ptr<const providers::IdentityOptions> identity;  // null: it asks for nothing
  bool use_curl = false;
};

struct Department {  // [reload]
  std::string id;
  std::vector<DatedCostCenter> cost_centers;  // ascending by date
  std::vector<std::string> models;            // names callers may use, sorted
  ratelimit::Limits limits;
  std::shared_ptr<const ratelimit::Scope> scope;  // "department:<id>"
  std::shared_ptr<const pii::PolicyOptions> pii;  // null: none of its own
  std::vector<Application> applications;
  std::vector<std::string> countries;  // of its national identifiers, beside those that its policies name

  bool may_use(const std::string& model) const;
  // The cost center in force at `when`; empty when none is.
  const std::string& cost_center_at(std::chrono::system_clock::time_point when) const;
  const Application* application(const std::string& id) const;
};

struct Model {  // [reload] what callers name
  std::string name;
  std::int64_t created = 0;                       // Unix seconds, for /v1/models
  std::string residency;                          // processing regions allowed; empty = any
  std::int64_t default_max_tokens = 1024;         // reserved when the caller set no cap
  bool refuse_lossy = false;                      // a call that a target would get in part is a 400
  ratelimit::Limits limits;                       // of all its callers together
  std::shared_ptr<const ratelimit::Scope> scope;  // "model:<name>"
  std::shared_ptr<const pii::PolicyOptions> pii;  // null: none of its own
  routing::Route route;
};

// A key written into the config file for the first hour: hashed at load, literal never kept.
struct FileKey {
  std::string id;
  std::string department;
  std::string application;
  std::string pii;  // name of a policy; empty: none of its own
  std::shared_ptr<const Secret> key;
};

struct CredentialStoreOptions {  // [restart]
  std::filesystem::path sqlite;  // default: <state directory>/credentials.db
  std::string postgres_url;      // when set, the store of a fleet; `sqlite` is then the local copy
  std::shared_ptr<const Secret> postgres_password;
};

struct LogOptions {
  std::string level = "info";  // [reload]
  std::string file;            // [restart] empty: standard error
};

struct LocalModel {  // [reload]: the new model is loaded before the old one goes
  std::string provider = "local";
  local_backend::EngineOptions engine;
};

// A replica of the gateway that may call this process as its pool of models. Several may share a secret; a second one
// beside it lets them change.
struct Replica {  // [reload]
  std::string id;
  std::shared_ptr<const Secret> secret;
};

// The whole. `generation` counts accepted configurations since the process started.
struct Snapshot {
  std::int64_t generation = 1;
  std::string organisation = "default";           // [restart]
  ratelimit::Limits limits;                       // [reload] of everybody together
  std::shared_ptr<const ratelimit::Scope> scope;  // "organisation"
  Listen listen;
  OpsListen ops;
  AdminListen admin;
  std::shared_ptr<const Secret> master_key;  // [restart] 32 bytes; subkeys by crypto_kdf
  std::filesystem::path state_directory;     // [restart]
  std::size_t workers = 0;                   // [restart] 0 = one per core the process may use
  CredentialStoreOptions credentials;
  std::vector<FileKey> file_keys;
  std::unordered_map<std::string, std::shared_ptr<const Department>> departments;
  std::map<std::string, std::shared_ptr<const Model>> models;
  std::unordered_map<std::string, std::shared_ptr<const providers::ProviderOptions>> providers;
  std::map<std::string, std::shared_ptr<const pii::PolicyOptions>> pii_policies;
  std::shared_ptr<const pii::PolicyOptions> pii;              // [reload] of every call; null: none
  std::shared_ptr<const pii::CustomDetectors> pii_detectors;  // [reload] null: none
  std::string pii_detectors_digest;  // of what they were made from; nothing outside this process
  std::map<std::string, std::shared_ptr<const Analyser>> pii_analysers;
  std::uint64_t pii_key_epoch = 1;                           // [reload] of the keys of pseudonyms
  std::uint64_t pii_cache_bytes = std::uint64_t{32} << 20U;  // [reload] of what texts held when they were last scanned
  std::optional<ratelimit::RedisOptions> redis;              // [restart] absent: in memory
  finops::LedgerOptions ledger;                              // [restart]
  std::optional<finops::ShipperOptions> postgres_ledger;     // [restart]
  std::shared_ptr<const finops::PriceBook> prices;           // [reload] builtin list, or builtin overlaid by the file's
  LogOptions log;
  std::vector<LocalModel> local_models;
  std::vector<Replica> replicas;  // not empty: this process is a pool of models
  // By "digest of authorities:digest of certificate and key": what endpoints use. A reload keeps those whose inputs did
  // not change, and so the endpoints and their pools.
  std::map<std::string, net::TlsContext> client_tls;
};

}  // namespace tollgate::config
