#include "gateway/process/serve.h"

#include <sodium.h>
#include <sys/prctl.h>

#include <boost/asio/basic_signal_set.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>

#include "gateway/auth/store.h"
#include "gateway/observe/json_log.h"
#include "gateway/process/listener.h"
#include "gateway/process/operator_view.h"
#include "gateway/process/ops.h"
#include "gateway/process/reloader.h"
#include "gateway/process/state_files.h"
#include "gateway/process/worker.h"
#include "gateway/version.h"

namespace tollgate::process {
namespace {

namespace asio = net::asio;
using Signals = asio::basic_signal_set<net::Executor>;

constexpr std::chrono::milliseconds kDrainPoll{20};
constexpr std::chrono::milliseconds kCutGrace{2'000};

std::size_t worker_count(const config::Snapshot& snapshot) {
  if (snapshot.workers > 0) return snapshot.workers;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) return static_cast<std::size_t>(CPU_COUNT(&allowed));
  return std::max(1U, std::thread::hardware_concurrency());
}

// Start-up failures: one line on standard error says what to do.
struct StartError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T>
T or_fail(Result<T> result) {
  if (!result) throw StartError(result.error().message);
  return *std::move(result);
}

// Owns everything; members are built in order and die in reverse.
class Gateway {
 public:
  explicit Gateway(std::filesystem::path config_file);
  int run();

 private:
  void load_models();
  void open_data_listener();
  void open_side_listeners();
  server::ConnectionContext side_context(std::function<net::Task<void>(server::Exchange&)> handler);
  void wait_for_signal();
  void begin_reload();
  void finish_reload(Prepared prepared);
  void publish_credentials(std::shared_ptr<const auth::CredentialTable> table);
  void publish();
  void begin_drain();
  void poll_drain();
  void finish_drain();
  OperatorView view() const;
  void make_admin_token();

  std::filesystem::path config_file_;
  RealClock clock_;
  Prepared first_;
  std::shared_ptr<const config::Snapshot> snapshot_;
  std::unique_ptr<observe::JsonLog> log_;
  std::optional<PidFile> pid_file_;
  auth::KeyHasher hasher_;
  net::Resolver resolver_;
  std::map<std::string, std::unique_ptr<local_backend::Engine>> engines_;
  std::unique_ptr<finops::Ledger> ledger_;
  std::unique_ptr<finops::Shipper> shipper_;
  routing::Health health_;
  pipeline::Estimator estimator_;
  pii::Scanner scanner_;
  observe::Metrics metrics_;
  OpsFacts facts_;
  Secret admin_token_;

  asio::io_context io_{1};
  net::Sweep sweep_{io_};
  UuidSource ids_;
  Signals signals_{io_.get_executor()};
  net::Timer drain_timer_{io_.get_executor()};
  asio::thread_pool blocking_{1};
  Published published_;  // what the workers run on
  std::unique_ptr<Shared> shared_;
  std::unique_ptr<auth::Refresher> refresher_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::size_t next_worker_ = 0;
  std::size_t max_connections_ = 0;
  observe::MetricsShard* main_shard_ = nullptr;
  server::ConnectionContext ops_context_;
  server::ConnectionContext admin_context_;
  std::unique_ptr<Listener> data_listener_;
  std::unique_ptr<Listener> ops_listener_;
  std::unique_ptr<Listener> admin_listener_;
  ReloadStatus reload_status_;
  bool reloading_ = false;
  bool reload_again_ = false;
  bool draining_ = false;
  bool drained_ = false;
  SteadyTime drain_until_{};
  SteadyTime started_ = clock_.steady_now();
};

Prepared prepare_first(const std::filesystem::path& config_file) {
  auto prepared = prepare(config_file, nullptr);
  if (prepared.ok) return prepared;
  std::string all = "the configuration cannot be used:";
  for (const auto& line : prepared.lines) all += "\n  " + line;
  throw StartError(all);
}

PidFile take_pid_file(const config::Snapshot& snapshot) {
  std::error_code failure;
  std::filesystem::create_directories(snapshot.state_directory, failure);
  if (failure)
    throw StartError("cannot make the state directory " + snapshot.state_directory.string() + ": " + failure.message());
  return or_fail(PidFile::take(snapshot.state_directory));
}

Gateway::Gateway(std::filesystem::path config_file)
    : config_file_(std::move(config_file)),
      first_(prepare_first(config_file_)),
      snapshot_(first_.published.snapshot),
      log_(observe::make_json_log(observe::parse_log_level(snapshot_->log.level), snapshot_->log.file)),
      pid_file_(take_pid_file(*snapshot_)),
      hasher_(*snapshot_->master_key),
      resolver_(*log_),
      health_(clock_),
      ops_context_(side_context([this](server::Exchange& e) { return serve_ops(e, facts_, metrics_); })),
      admin_context_(side_context([this](server::Exchange& e) {
        return serve_admin(e, admin_token_, [this] { return status_json(view()); });
      })) {
  load_models();
  const auto workers = worker_count(*snapshot_);
  ledger_ = or_fail(finops::Ledger::open(snapshot_->ledger, workers, clock_, *log_));
  if (snapshot_->postgres_ledger)
    shipper_ = finops::Shipper::start(*snapshot_->postgres_ledger, snapshot_->ledger.sqlite, *log_);
  shared_.reset(
      new Shared{.clock = clock_,
                 .log = *log_,
                 .ledger = *ledger_,
                 .limits = ratelimit::make_memory_store(clock_),
                 .health = health_,
                 .estimator = estimator_,
                 .scanner = scanner_,
                 .hasher = hasher_,
                 .resolver = resolver_,
                 .engines = engines_,
                 .note_use = [this](const std::string& id) { refresher_->note_use(id, clock_.system_now()); }});
  published_ = std::move(first_.published);
  refresher_ = std::make_unique<auth::Refresher>(
      snapshot_->credentials, auth::hash_file_keys(snapshot_->file_keys, hasher_),
      [this](std::shared_ptr<const auth::CredentialTable> table) {
        asio::post(io_, [this, table = std::move(table)]() mutable { publish_credentials(std::move(table)); });
      },
      *log_);
  published_.credentials = refresher_->current();
  max_connections_ = snapshot_->listen.max_connections;
  main_shard_ = &metrics_.add_shard();
  for (std::size_t i = 0; i < workers; ++i)
    workers_.push_back(std::make_unique<Worker>(i, *shared_, metrics_.add_shard(), published_));
  metrics_.on_scrape([this](observe::MetricsShard& shard) { read_gauges(view(), shard); });
  make_admin_token();
  open_data_listener();
  open_side_listeners();
}

server::ConnectionContext Gateway::side_context(std::function<net::Task<void>(server::Exchange&)> handler) {
  return {.io = io_,
          .sweep = sweep_,
          .clock = clock_,
          .ids = ids_,
          .handler = std::move(handler),
          .refused = [](const Error&) {},
          .crashed = [this](std::string_view what) { log_->write(LogLevel::error, "session_crashed", what, {}); }};
}

void Gateway::load_models() {
  for (const auto& local : snapshot_->local_models) {
    log_->write(LogLevel::info, "model_loading", local.engine.model_directory, {});
    try {
      engines_[local.provider] = local_backend::Engine::load(local.engine);
    } catch (const std::exception& e) {
      throw StartError("provider " + local.provider + ": cannot load its model: " + e.what());
    }
  }
  for (const auto& [id, provider] : snapshot_->providers)
    if (provider->endpoint) resolver_.prefetch(provider->endpoint->host, provider->endpoint->port);
}

void Gateway::open_data_listener() {
  Listener::Hooks hooks;
  hooks.next_loop = [this]() -> asio::io_context& { return workers_[next_worker_]->io(); };
  hooks.deal = [this](net::Socket socket) {
    main_shard_->count("tollgate_connections_total");
    workers_[next_worker_]->take(std::move(socket));
    next_worker_ = (next_worker_ + 1) % workers_.size();
  };
  hooks.may_accept = [this] {
    return shared_->connections.load(std::memory_order_relaxed) < static_cast<std::int64_t>(max_connections_);
  };
  const auto& listen = snapshot_->listen;
  data_listener_ = or_fail(Listener::open(io_, listen.address, listen.port, std::move(hooks), *log_));
}

void Gateway::open_side_listeners() {
  const auto hooks_for = [this](server::ConnectionContext& context) {
    Listener::Hooks hooks;
    hooks.next_loop = [this]() -> asio::io_context& { return io_; };
    hooks.deal = [&context](net::Socket socket) { server::serve(context, net::plain_stream(std::move(socket))); };
    hooks.may_accept = [&context] { return context.open.size() < 256; };
    return hooks;
  };
  ops_listener_ =
      or_fail(Listener::open(io_, snapshot_->ops.address, snapshot_->ops.port, hooks_for(ops_context_), *log_));
  admin_listener_ =
      or_fail(Listener::open(io_, snapshot_->admin.address, snapshot_->admin.port, hooks_for(admin_context_), *log_));
}

void Gateway::make_admin_token() {
  std::array<unsigned char, 24> random{};
  randombytes_buf(random.data(), random.size());
  std::string text(sodium_base64_ENCODED_LEN(random.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), random.data(), random.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();  // the terminating zero
  const auto path = snapshot_->state_directory / "admin.token";
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  std::ofstream out(path);
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  out << text << "\n";
  if (!out.flush()) throw StartError("cannot write " + path.string());
  admin_token_ = Secret(std::move(text));
}

int Gateway::run() {
  for (auto& worker : workers_) worker->start();
  signals_.add(SIGHUP);
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  wait_for_signal();
  reload_status_ = {1, snapshot_->generation, true, {}};
  if (auto written = write_reload_status(snapshot_->state_directory, reload_status_); !written)
    throw StartError(written.error().message);
  facts_.ready = true;
  log_->write(LogLevel::info, "serving", "the gateway takes calls",
              {{"version", kVersion},
               {"address", std::string_view(snapshot_->listen.address)},
               {"port", std::int64_t{data_listener_->port()}},
               {"ops_port", std::int64_t{ops_listener_->port()}},
               {"admin_port", std::int64_t{admin_listener_->port()}},
               {"workers", static_cast<std::int64_t>(workers_.size())},
               {"generation", snapshot_->generation}});
  io_.run();
  return 0;
}

void Gateway::wait_for_signal() {
  signals_.async_wait([this](boost::system::error_code failure, int signal) {
    if (failure) return;
    if (signal == SIGHUP)
      begin_reload();
    else if (!draining_)
      begin_drain();
    else
      std::_Exit(1);  // a second SIGTERM: now means now
    if (!drained_) wait_for_signal();
  });
}

// --- reload: off the loops, one at a time, the last of several counts ---

void Gateway::begin_reload() {
  if (draining_) return;
  if (reloading_) {
    reload_again_ = true;
    return;
  }
  reloading_ = true;
  asio::post(blocking_, [this, running = snapshot_] {
    auto prepared = std::make_shared<Prepared>(prepare(config_file_, running));
    asio::post(io_, [this, prepared] { finish_reload(std::move(*prepared)); });
  });
}

void Gateway::finish_reload(Prepared prepared) {
  reloading_ = false;
  reload_status_.sequence += 1;
  reload_status_.ok = prepared.ok;
  reload_status_.lines = prepared.lines;
  for (const auto& line : prepared.lines)
    log_->write(prepared.ok ? LogLevel::info : LogLevel::error, prepared.ok ? "config_changed" : "config_refused", line,
                {});
  main_shard_->count("tollgate_config_reloads_total", {{"result", prepared.ok ? "ok" : "refused"}});
  if (prepared.ok) {
    prepared.published.credentials = published_.credentials;
    published_ = std::move(prepared.published);
    snapshot_ = published_.snapshot;
    reload_status_.generation = snapshot_->generation;
    max_connections_ = snapshot_->listen.max_connections;
    log_->set_level(observe::parse_log_level(snapshot_->log.level));
    for (const auto& [id, provider] : snapshot_->providers)
      if (provider->endpoint) resolver_.prefetch(provider->endpoint->host, provider->endpoint->port);
    refresher_->set_extra(auth::hash_file_keys(snapshot_->file_keys, hasher_));
    publish();
  }
  log_->write(prepared.ok ? LogLevel::info : LogLevel::error, "reloaded",
              prepared.ok ? "the new configuration is in force" : "the configuration in force stays",
              {{"generation", snapshot_->generation}});
  if (auto written = write_reload_status(snapshot_->state_directory, reload_status_); !written)
    log_->write(LogLevel::error, "state_file", written.error().message, {});
  if (std::exchange(reload_again_, false)) begin_reload();
}

void Gateway::publish_credentials(std::shared_ptr<const auth::CredentialTable> table) {
  published_.credentials = std::move(table);
  publish();
}

void Gateway::publish() {
  for (auto& worker : workers_) worker->publish(published_);
}

// --- drain: stop accepting, let calls finish, flush the ledger ---

void Gateway::begin_drain() {
  draining_ = true;
  facts_.draining = true;
  log_->write(LogLevel::info, "draining", "no new calls; open ones may finish",
              {{"connections", shared_->connections.load()}});
  data_listener_->close();
  for (auto& worker : workers_) worker->drain();
  drain_until_ = clock_.steady_now() + snapshot_->listen.timeouts.drain;
  poll_drain();
}

void Gateway::poll_drain() {
  const auto now = clock_.steady_now();
  const bool empty = shared_->connections.load() == 0;
  if (empty || now > drain_until_ + kCutGrace) return finish_drain();
  if (now > drain_until_)
    for (auto& worker : workers_) worker->cut();
  drain_timer_.expires_after(kDrainPoll);
  drain_timer_.async_wait([this](boost::system::error_code failure) {
    if (!failure) poll_drain();
  });
}

void Gateway::finish_drain() {
  drained_ = true;
  for (auto& worker : workers_) worker->stop();
  const bool flushed = ledger_->flush(std::chrono::seconds(10));
  log_->write(flushed ? LogLevel::info : LogLevel::error, "drained",
              flushed ? "the ledger is flushed" : "the ledger could not be flushed: its rings keep the records",
              {{"connections_cut", shared_->connections.load()}});
  ops_listener_->close();
  admin_listener_->close();
  server::cut(ops_context_);
  server::cut(admin_context_);
  signals_.cancel();
  sweep_.stop();
}

OperatorView Gateway::view() const {
  return {.ledger = *ledger_,
          .shipper = shipper_.get(),
          .workers = workers_.size(),
          .health = health_,
          .engines = engines_,
          .log = *log_,
          .snapshot = *snapshot_,
          .last_reload = reload_status_,
          .connections = shared_->connections.load(),
          .credentials = published_.credentials->size(),
          .draining = draining_,
          .uptime = std::chrono::duration_cast<std::chrono::seconds>(clock_.steady_now() - started_)};
}

}  // namespace

int serve(const std::filesystem::path& config_file) {
  // write(2) under OpenSSL is not covered by MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  // No core may hold a prompt or a key.
  ::prctl(PR_SET_DUMPABLE, 0);
  if (sodium_init() < 0) {
    std::fputs("tollgate: libsodium cannot start: the system has no source of randomness\n", stderr);
    return 1;
  }
  try {
    Gateway gateway(config_file);
    return gateway.run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tollgate: %s\n", e.what());
    return 1;
  }
}

}  // namespace tollgate::process
