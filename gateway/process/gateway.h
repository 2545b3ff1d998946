#pragma once
// The running gateway. Internal to this folder: the class is declared here because it is implemented in three files.
#include <boost/asio/basic_signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "gateway/auth/store.h"
#include "gateway/observe/json_log.h"
#include "gateway/process/admin.h"
#include "gateway/process/listener.h"
#include "gateway/process/operator_view.h"
#include "gateway/process/ops.h"
#include "gateway/process/reloader.h"
#include "gateway/process/state_files.h"
#include "gateway/process/worker.h"

namespace tollgate::process {

namespace asio = net::asio;

// Owns everything; members are built in order and die in reverse.
class Gateway {
 public:
  // `descriptors`: how many files this process may have open.
  Gateway(std::filesystem::path config_file, std::size_t descriptors);
  int run();

 private:
  // serve.cpp
  void load_models();
  AdminCommands admin_commands();
  void prefetch_names();
  void open_data_listener();
  void open_side_listeners();
  std::size_t max_connections() const;  // as configured, and no more than descriptors carry
  void tell_connection_limit();
  server::ConnectionContext side_context(std::function<net::Task<void>(server::Exchange&)> handler);
  void wait_for_signal();
  OperatorView view() const;
  const config::Snapshot& snapshot() const { return *published_.snapshot; }

  // gateway_reload.cpp: off the loops, one at a time, the last of several counts
  void begin_reload();
  void reopen_log();
  LocalModels::Loaded load_models_of(Prepared& prepared);
  void finish_reload(Prepared prepared, LocalModels::Loaded loaded);
  void publish_credentials(std::shared_ptr<const auth::CredentialTable> table);
  void put_in_force(Published next);
  void publish();

  // gateway_drain.cpp: stop accepting, let calls finish, flush the ledger
  void begin_drain();
  void poll_drain();
  void finish_drain();

  std::filesystem::path config_file_;
  RealClock clock_;
  Published published_;  // what the workers run on
  std::unique_ptr<observe::JsonLog> log_;
  std::optional<PidFile> pid_file_;
  auth::KeyHasher hasher_;
  auth::Handles handles_;
  net::Resolver resolver_;
  providers::CredentialFiles credential_files_;
  std::optional<LocalModels> models_;
  std::unique_ptr<finops::Ledger> ledger_;
  std::unique_ptr<finops::Shipper> shipper_;
  routing::Health health_;
  pipeline::Estimator estimator_;
  pii::Scanner scanner_;
  pii::ScanCache scan_cache_;
  pipeline::AnalyserBreaker analyser_breaker_{clock_};
  observe::Metrics metrics_;
  OpsFacts facts_;
  Secret admin_token_;
  AdminCommands admin_commands_ = admin_commands();

  asio::io_context io_{1};
  net::Sweep sweep_{io_};
  UuidSource ids_;
  asio::basic_signal_set<net::Executor> signals_{io_.get_executor()};
  net::Timer drain_timer_{io_.get_executor()};
  asio::thread_pool blocking_{1};
  std::unique_ptr<Shared> shared_;
  std::unique_ptr<auth::Refresher> refresher_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::size_t next_worker_ = 0;
  observe::MetricsShard* main_shard_ = nullptr;
  server::ConnectionContext ops_context_;
  server::ConnectionContext admin_context_;
  std::unique_ptr<Listener> data_listener_;
  std::unique_ptr<Listener> ops_listener_;
  std::unique_ptr<Listener> admin_listener_;
  ReloadStatus reload_status_;
  std::size_t carried_connections_ = 0;  // by the limit of open files
  bool reloading_ = false;
  bool reload_again_ = false;
  bool draining_ = false;
  bool drained_ = false;
  SteadyTime drain_until_{};
  SteadyTime started_ = clock_.steady_now();
};

}  // namespace tollgate::process
