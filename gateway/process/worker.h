#pragma once
// One loop, one thread, one core: sessions, upstream pools, the Redis link, a metrics shard and its own snapshot.
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <thread>

#include "gateway/net/resolver.h"
#include "gateway/net/tls.h"
#include "gateway/pipeline/services.h"
#include "gateway/process/local_models.h"
#include "gateway/process/upstreams.h"
#include "gateway/server/connection.h"

namespace tollgate::process {

// State that every worker shares and that survives reloads. Owned by main; outlives the workers.
struct Shared {
  const Clock& clock;
  Log& log;
  finops::Ledger& ledger;
  std::shared_ptr<ratelimit::MemoryStore> limits;
  routing::Health& health;
  pipeline::Estimator& estimator;
  const pii::Scanner& scanner;
  pii::ScanCache& scan_cache;
  pipeline::AnalyserBreaker& analyser_breaker;
  const auth::KeyHasher& hasher;
  const auth::Handles& handles;
  net::Resolver& resolver;
  providers::CredentialFiles& credential_files;
  const LocalModels& models;
  std::function<void(const std::string& credential)> note_use;
  std::atomic<std::uint64_t> bytes_in_flight{0};
  std::atomic<std::int64_t> connections{0};  // served
  std::atomic<std::int64_t> seats{0};        // of callers' sockets, those that still shake hands included
};

// One accepted configuration, ready for a worker.
struct Published {
  std::shared_ptr<const config::Snapshot> snapshot;
  std::shared_ptr<const auth::CredentialTable> credentials;
  net::TlsContext tls;  // null when plaintext
  std::unordered_map<std::string, std::shared_ptr<const pii::Pseudonymiser>> pseudonymisers;
};

// Public members may be called from any thread; everything else happens on the worker's own.
class Worker {
 public:
  Worker(std::size_t index, Shared& shared, observe::MetricsShard& metrics, Published first);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  void publish(Published next);
  net::asio::io_context& io() { return io_; }
  void take(net::Socket socket, server::Seat seat);  // a freshly accepted connection
  void drain();
  void cut();
  void stop();  // joins

 private:
  net::Task<void> greet(net::Socket socket, server::Seat seat);
  net::Task<void> handle(server::Exchange& exchange);
  net::Task<void> refuse(server::Exchange& exchange, Error error);
  net::Task<void> close();
  void apply(Published next);
  std::shared_ptr<providers::Upstream> make_upstream(const config::Snapshot& snapshot,
                                                     const providers::ProviderOptions& provider);
  std::optional<pipeline::AnalyserWay> analyser_way(const config::Snapshot& snapshot, const config::Analyser& analyser);
  void report_gauges();

  std::size_t index_;
  Shared& shared_;
  observe::MetricsShard& metrics_;
  net::asio::io_context io_{1};
  net::asio::executor_work_guard<net::Executor> work_;
  net::Sweep sweep_;
  UuidSource ids_;
  std::mt19937_64 random_;
  observe::OnceAMinute unknown_kinds_;
  observe::OnceAMinute failed_handshakes_;
  Upstreams upstreams_;
  ratelimit::RedisLimiter* redis_ = nullptr;  // limiter_, when it is that; initialised before it, because that sets it
  std::unique_ptr<ratelimit::Limiter> limiter_;
  std::shared_ptr<const pipeline::View> view_;
  net::TlsContext tls_;
  std::unique_ptr<pipeline::Services> services_;
  server::ConnectionContext context_;
  net::Deadline gauges_;
  std::thread thread_;
};

}  // namespace tollgate::process
