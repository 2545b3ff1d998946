#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "finops/ledger.h"
#include "finops/ledger_reader.h"
#include "finops/postgres_ledger.h"
#include "gateway/base/thread_name.h"

namespace tollgate::finops {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstRetry{200};
constexpr milliseconds kLongestRetry{10'000};

// Readable once the end was asked for.
class StopSignal {
 public:
  StopSignal() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal() { ::close(fd_); }
  void raise() const { ::eventfd_write(fd_, 1); }
  int fd() const { return fd_; }

 private:
  int fd_;
};

class PostgresShipper final : public Shipper {
 public:
  PostgresShipper(ShipperOptions options, std::filesystem::path sqlite, Log& log)
      : options_(std::move(options)), sqlite_(std::move(sqlite)), log_(log), thread_([this] { run(); }) {}

  ~PostgresShipper() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_.raise();
    wake_.notify_all();
    thread_.join();
  }

  ShipperStats stats() const override {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  void run() {
    name_this_thread("tollgate-ship");
    auto retry = kFirstRetry;
    for (;;) {
      const auto shipped = ship();
      note(shipped);
      auto pause = options_.interval;
      if (shipped) {
        retry = kFirstRetry;
        if (*shipped == options_.batch) pause = milliseconds(0);
      } else {
        target_.reset();
        source_.reset();
        pause = retry;
        retry = std::min(2 * retry, kLongestRetry);
      }
      if (!sleep(pause)) return;
    }
  }

  bool sleep(milliseconds pause) {
    std::unique_lock lock(mutex_);
    return !wake_.wait_for(lock, pause, [this] { return stopping_; });
  }

  // One batch. Returns its size.
  Result<std::size_t> ship() {
    if (!source_) {
      TG_TRY(auto source, LedgerReader::open(sqlite_));
      source_.emplace(std::move(source));
    }
    TG_CHECK(update_backlog(*source_));
    if (!target_) {
      TG_TRY(auto target, PostgresLedger::connect({options_.url, options_.password, stop_.fd()}, source_->ledger_id()));
      target_.emplace(std::move(target));
      connected();
    }
    TG_TRY(const auto batch, target_->ship(*source_, options_.batch));
    shipped_to_ = batch.watermark;
    TG_CHECK(update_backlog(*source_));
    return batch.rows;
  }

  // An upper bound: row ids may have gaps.
  Status update_backlog(LedgerReader& source) {
    TG_TRY(const auto newest, source.newest_id());
    const std::lock_guard lock(mutex_);
    stats_.backlog = std::max<std::int64_t>(0, newest - shipped_to_);
    return {};
  }

  void connected() {
    {
      const std::lock_guard lock(mutex_);
      stats_.connected = true;
    }
    log_.write(LogLevel::info, "ledger_shipping", "connected to PostgreSQL", {});
  }

  void note(const Result<std::size_t>& shipped) {
    bool news = false;
    {
      const std::lock_guard lock(mutex_);
      if (shipped) {
        stats_.shipped += static_cast<std::int64_t>(*shipped);
        failing_ = false;
        return;
      }
      if (stopping_) return;
      stats_.connected = false;
      ++stats_.failures;
      news = !failing_;
      failing_ = true;
    }
    // Once per outage; the count goes on in the metrics.
    if (news) log_.write(LogLevel::warning, "ledger_shipping_failed", shipped.error().message, {});
  }

  const ShipperOptions options_;
  const std::filesystem::path sqlite_;
  Log& log_;
  const StopSignal stop_;

  // The thread's.
  std::optional<LedgerReader> source_;
  std::optional<PostgresLedger> target_;
  std::int64_t shipped_to_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool failing_ = false;
  ShipperStats stats_;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace

std::unique_ptr<Shipper> Shipper::start(ShipperOptions options, std::filesystem::path sqlite, Log& log) {
  return std::make_unique<PostgresShipper>(std::move(options), std::move(sqlite), log);
}

}  // namespace tollgate::finops
