#include "gateway/process/serve.h"

#include <sched.h>
#include <sodium.h>
#include <sys/prctl.h>

#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdio>

#include "gateway/net/tls_memory.h"
#include "gateway/pipeline/call.h"
#include "gateway/process/descriptors.h"
#include "gateway/process/gateway.h"
#include "gateway/version.h"

namespace tollgate::process {
namespace {

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

// Says which key of the configuration asked for the address that cannot be had.
Result<std::unique_ptr<Listener>> named(const char* key, Result<std::unique_ptr<Listener>> opened) {
  if (opened) return opened;
  Error error = std::move(opened).error();
  error.message.append("; the address and the port are those of `").append(key).append("` in the configuration");
  return error;
}

Published load_first(const std::filesystem::path& config_file) {
  auto prepared = prepare(config_file, nullptr);
  if (prepared.ok) return std::move(prepared.published);
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

// On the side ports no path is that of an API.
net::Task<void> refuse(server::Exchange& exchange, Error error) {
  return pipeline::answer_error(exchange, providers::Api::chat, std::move(error));
}

}  // namespace

Gateway::Gateway(std::filesystem::path config_file, std::size_t descriptors)
    : config_file_(std::move(config_file)),
      published_(load_first(config_file_)),
      log_(observe::make_json_log(observe::parse_log_level(snapshot().log.level), snapshot().log.file)),
      pid_file_(take_pid_file(snapshot())),
      hasher_(*snapshot().master_key),
      handles_(*snapshot().master_key),
      resolver_(*log_),
      health_(clock_),
      scan_cache_(snapshot().pii_cache_bytes),
      ops_context_(side_context([this](server::Exchange& e) { return serve_ops(e, facts_, metrics_); })),
      admin_context_(
          side_context([this](server::Exchange& e) { return serve_admin(e, admin_token_, admin_commands_); })) {
  load_models();
  prefetch_names();
  const auto workers = worker_count(snapshot());
  ledger_ = or_fail(finops::Ledger::open(snapshot().ledger, workers, clock_, *log_));
  if (snapshot().postgres_ledger)
    shipper_ = finops::Shipper::start(*snapshot().postgres_ledger, snapshot().ledger.sqlite, *log_);
  shared_.reset(
      new Shared{.clock = clock_,
                 .log = *log_,
                 .ledger = *ledger_,
                 .limits = ratelimit::make_memory_store(clock_),
                 .health = health_,
                 .estimator = estimator_,
                 .scanner = scanner_,
                 .scan_cache = scan_cache_,
                 .analyser_breaker = analyser_breaker_,
                 .hasher = hasher_,
                 .handles = handles_,
                 .resolver = resolver_,
                 .credential_files = credential_files_,
                 .models = *models_,
                 .note_use = [this](const std::string& id) { refresher_->note_use(id, clock_.system_now()); }});
  refresher_ = std::make_unique<auth::Refresher>(
      snapshot().credentials, auth::hash_file_keys(snapshot().file_keys, hasher_),
      [this](std::shared_ptr<const auth::CredentialTable> table) {
        asio::post(io_, [this, table = std::move(table)]() mutable { publish_credentials(std::move(table)); });
      },
      *log_);
  published_.credentials = refresher_->current();
  main_shard_ = &metrics_.add_shard();
  for (std::size_t i = 0; i < workers; ++i)
    workers_.push_back(std::make_unique<Worker>(i, *shared_, metrics_.add_shard(), published_));
  metrics_.on_scrape([this](observe::MetricsShard& shard) { read_gauges(view(), shard); });
  admin_token_ = or_fail(make_admin_token(snapshot().state_directory));
  open_data_listener();
  open_side_listeners();
  carried_connections_ = carried_connections(descriptors, open_descriptors());
  tell_connection_limit();
}

server::ConnectionContext Gateway::side_context(std::function<net::Task<void>(server::Exchange&)> handler) {
  return {.io = io_,
          .sweep = sweep_,
          .clock = clock_,
          .ids = ids_,
          .handler = std::move(handler),
          .refused = refuse,
          .crashed = [this](std::string_view what) { log_->write(LogLevel::error, "session_crashed", what, {}); }};
}

void Gateway::load_models() {
  models_.emplace(*log_);
  models_->put(snapshot().local_models, or_fail(models_->load_missing(snapshot().local_models)));
}

AdminCommands Gateway::admin_commands() {
  return {.status = [this] { return status_json(view()); },
          .models = [this] { return models_json(*models_); },
          .load = [this](const std::string& provider,
                         const std::string& directory) { return models_->begin_load(provider, directory); },
          .swap = [this](const std::string& provider) { return models_->swap(provider); },
          .rollback = [this](const std::string& provider) { return models_->rollback(provider); }};
}

// So that the first call finds the addresses.
void Gateway::prefetch_names() {
  for (const auto& [id, provider] : snapshot().providers)
    if (provider->endpoint && provider->endpoint->addresses.empty())
      resolver_.prefetch(provider->endpoint->host, provider->endpoint->port);
}

void Gateway::open_data_listener() {
  Listener::Hooks hooks;
  hooks.next_loop = [this]() -> asio::io_context& { return workers_[next_worker_]->io(); };
  hooks.deal = [this](net::Socket socket) {
    main_shard_->count("tollgate_connections_total");
    workers_[next_worker_]->take(std::move(socket), server::take_seat(shared_->seats));
    next_worker_ = (next_worker_ + 1) % workers_.size();
  };
  hooks.may_accept = [this] {
    return shared_->seats.load(std::memory_order_relaxed) < static_cast<std::int64_t>(max_connections());
  };
  const auto& listen = snapshot().listen;
  data_listener_ = or_fail(named("listen", Listener::open(io_, listen.address, listen.port, std::move(hooks), *log_)));
}

std::size_t Gateway::max_connections() const {
  return std::min(snapshot().listen.max_connections, carried_connections_);
}

void Gateway::tell_connection_limit() {
  const std::size_t wanted = snapshot().listen.max_connections;
  if (wanted <= carried_connections_) return;
  log_->write(LogLevel::warning, "connections_limited",
              "the limit of open files carries fewer connections than listen.limits.connections allows; raise it "
              "(LimitNOFILE of the service, ulimit -Hn)",
              {{"connections", static_cast<std::int64_t>(carried_connections_)},
               {"configured", static_cast<std::int64_t>(wanted)}});
}

void Gateway::open_side_listeners() {
  const auto hooks_for = [this](server::ConnectionContext& context) {
    Listener::Hooks hooks;
    hooks.next_loop = [this]() -> asio::io_context& { return io_; };
    hooks.deal = [&context](net::Socket socket) { server::serve(context, net::plain_stream(std::move(socket)), {}); };
    hooks.may_accept = [&context] { return context.open.size() < 256; };
    return hooks;
  };
  const auto& ops = snapshot().ops;
  ops_listener_ = or_fail(named("ops", Listener::open(io_, ops.address, ops.port, hooks_for(ops_context_), *log_)));
  const auto& admin = snapshot().admin;
  admin_listener_ =
      or_fail(named("admin", Listener::open(io_, admin.address, admin.port, hooks_for(admin_context_), *log_)));
}

int Gateway::run() {
  for (auto& worker : workers_) worker->start();
  signals_.add(SIGHUP);
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  wait_for_signal();
  reload_status_ = {1, snapshot().generation, true, {}};
  if (auto written = write_reload_status(snapshot().state_directory, reload_status_); !written)
    throw StartError(written.error().message);
  facts_.ready = true;
  log_->write(LogLevel::info, "serving", "the gateway takes calls",
              {{"version", kVersion},
               {"address", std::string_view(snapshot().listen.address)},
               {"port", std::int64_t{data_listener_->port()}},
               {"ops_port", std::int64_t{ops_listener_->port()}},
               {"admin_port", std::int64_t{admin_listener_->port()}},
               {"workers", static_cast<std::int64_t>(workers_.size())},
               {"generation", snapshot().generation}});
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

OperatorView Gateway::view() const {
  return {.ledger = *ledger_,
          .shipper = shipper_.get(),
          .scan_cache = scan_cache_,
          .workers = workers_.size(),
          .health = health_,
          .models = *models_,
          .log = *log_,
          .snapshot = snapshot(),
          .last_reload = reload_status_,
          .connections = shared_->seats.load(),
          .max_connections = max_connections(),
          .credentials = published_.credentials->size(),
          .draining = draining_,
          .uptime = std::chrono::duration_cast<std::chrono::seconds>(clock_.steady_now() - started_)};
}

int serve(const std::filesystem::path& config_file) {
  net::keep_tls_buffers();
  // write(2) under OpenSSL is not covered by MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  // No core may hold a prompt or a key.
  ::prctl(PR_SET_DUMPABLE, 0);
  if (sodium_init() < 0) {
    std::fputs("tollgate: libsodium cannot start: the system has no source of randomness\n", stderr);
    return 1;
  }
  try {
    Gateway gateway(config_file, raise_descriptor_limit());
    return gateway.run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tollgate: %s\n", e.what());
    return 1;
  }
}

}  // namespace tollgate::process
