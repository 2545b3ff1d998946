#include <boost/asio/post.hpp>

#include "gateway/process/gateway.h"

namespace tollgate::process {

void Gateway::begin_reload() {
  if (draining_) return;
  if (reloading_) {
    reload_again_ = true;
    return;
  }
  reloading_ = true;
  asio::post(blocking_, [this, running = published_.snapshot] {
    reopen_log();
    auto prepared = std::make_shared<Prepared>(prepare(config_file_, running));
    auto loaded = std::make_shared<LocalModels::Loaded>(load_models_of(*prepared));
    asio::post(io_, [this, prepared, loaded] { finish_reload(std::move(*prepared), std::move(*loaded)); });
  });
}

// What rotates logs moves the file away and sends SIGHUP.
void Gateway::reopen_log() {
  if (auto reopened = log_->reopen(); !reopened)
    log_->write(LogLevel::error, "log_not_reopened", reopened.error().message, {});
}

// A model that cannot be loaded is a configuration that cannot be used.
LocalModels::Loaded Gateway::load_models_of(Prepared& prepared) {
  if (!prepared.ok) return {};
  auto loaded = models_->load_missing(prepared.published.snapshot->local_models);
  if (loaded) return *std::move(loaded);
  prepared.ok = false;
  prepared.lines = {loaded.error().message};
  return {};
}

void Gateway::finish_reload(Prepared prepared, LocalModels::Loaded loaded) {
  reloading_ = false;
  reload_status_.sequence += 1;
  reload_status_.ok = prepared.ok;
  reload_status_.lines = prepared.lines;
  for (const auto& line : prepared.lines)
    log_->write(prepared.ok ? LogLevel::info : LogLevel::error, prepared.ok ? "config_changed" : "config_refused", line,
                {});
  main_shard_->count("tollgate_config_reloads_total", {{"result", prepared.ok ? "ok" : "refused"}});
  if (prepared.ok) {
    models_->put(prepared.published.snapshot->local_models, std::move(loaded));
    put_in_force(std::move(prepared.published));
  }
  reload_status_.generation = snapshot().generation;
  log_->write(prepared.ok ? LogLevel::info : LogLevel::error, "reloaded",
              prepared.ok ? "the new configuration is in force" : "the configuration in force stays",
              {{"generation", snapshot().generation}});
  if (auto written = write_reload_status(snapshot().state_directory, reload_status_); !written)
    log_->write(LogLevel::error, "state_file", written.error().message, {});
  if (std::exchange(reload_again_, false)) begin_reload();
}

void Gateway::put_in_force(Published next) {
  next.credentials = published_.credentials;
  published_ = std::move(next);
  log_->set_level(observe::parse_log_level(snapshot().log.level));
  scan_cache_.set_max_bytes(snapshot().pii_cache_bytes);
  prefetch_names();
  tell_connection_limit();
  refresher_->set_extra(auth::hash_file_keys(snapshot().file_keys, hasher_));
  publish();
}

void Gateway::publish_credentials(std::shared_ptr<const auth::CredentialTable> table) {
  published_.credentials = std::move(table);
  publish();
}

void Gateway::publish() {
  for (auto& worker : workers_) worker->publish(published_);
}

}  // namespace tollgate::process
