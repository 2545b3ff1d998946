#include "gateway/process/gateway.h"

namespace tollgate::process {
namespace {

constexpr std::chrono::milliseconds kDrainPoll{20};
constexpr std::chrono::milliseconds kCutGrace{2'000};

}  // namespace

void Gateway::begin_drain() {
  draining_ = true;
  facts_.draining = true;
  log_->write(LogLevel::info, "draining", "no new calls; open ones may finish",
              {{"connections", shared_->connections.load()}});
  data_listener_->close();
  for (auto& worker : workers_) worker->drain();
  drain_until_ = clock_.steady_now() + snapshot().listen.timeouts.drain;
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

}  // namespace tollgate::process
