#include "finops/ledger.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "finops/recovery.h"
#include "finops/ring.h"
#include "finops/ring_directory.h"
#include "finops/usage_store.h"
#include "gateway/base/thread_name.h"

namespace tollgate::finops {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kGroupRecords = 4096;
constexpr milliseconds kBusyPatience{250};
constexpr milliseconds kFirstRetry{10};
constexpr milliseconds kLongestRetry{1000};
constexpr milliseconds kStopPatience{2000};
constexpr double kHurryFill = 0.5;  // fuller than this, the thread does not sleep between groups

// A worker's ring with both its ends.
struct Channel {
  explicit Channel(std::unique_ptr<Ring> owned) : ring(std::move(owned)), writer(*ring), reader(*ring) {}
  std::uint64_t head() const { return ring->header().head.load(std::memory_order_acquire); }
  std::uint64_t tail() const { return ring->header().tail.load(std::memory_order_acquire); }

  std::unique_ptr<Ring> ring;
  RingWriter writer;
  RingReader reader;
};

class RingLedger final : public Ledger {
 public:
  RingLedger(LedgerOptions options, UsageStore store, const Uuid& owner, std::vector<std::unique_ptr<Channel>> channels,
             const LedgerStats& stats, Log& log)
      : options_(std::move(options)),
        store_(std::move(store)),
        owner_(owner),
        channels_(std::move(channels)),
        log_(log),
        stats_(stats),
        thread_([this] { run(); }) {}

  ~RingLedger() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      stop_deadline_ = std::chrono::steady_clock::now() + kStopPatience;
    }
    wake_.notify_all();
    thread_.join();
    for (const auto& channel : channels_)
      if (channel->head() == channel->tail()) channel->ring->unlink();
  }

  RingProducer& producer(std::size_t worker) override { return channels_.at(worker)->writer; }

  bool flush(milliseconds limit) override {
    std::vector<std::uint64_t> targets;
    targets.reserve(channels_.size());
    for (const auto& channel : channels_) targets.push_back(channel->head());
    const auto durable = [&] {
      for (std::size_t i = 0; i < targets.size(); ++i)
        if (channels_[i]->tail() < targets[i]) return false;
      return true;
    };
    std::unique_lock lock(mutex_);
    hurry_ = true;
    wake_.notify_all();
    return progress_.wait_for(lock, limit, durable);
  }

  LedgerStats stats() const override {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  void run() {
    name_this_thread("tollgate-ledger");
    while (sleep()) drain();
    drain();
  }

  // The longest a record waits: it was pushed just after the last look. A worker pays nothing to wake this thread,
  // so it looks by itself. False: the end was asked for.
  bool sleep() {
    std::unique_lock lock(mutex_);
    const bool filling = std::any_of(channels_.begin(), channels_.end(),
                                     [](const auto& channel) { return channel->writer.fill() > kHurryFill; });
    if (!filling) wake_.wait_for(lock, options_.commit_interval, [this] { return stopping_ || hurry_; });
    hurry_ = false;
    return !stopping_;
  }

  // Commits what is published now, in groups. What arrives meanwhile waits for the next look: a commit costs the same
  // pages and the same fdatasync for one record as for a hundred.
  void drain() {
    for (bool full = true; full;) {
      group_.clear();
      for (const auto& channel : channels_) collect(*channel);
      if (group_.records() == 0) return;
      full = group_.records() >= kGroupRecords;
      if (!commit()) return;
      for (const auto& channel : channels_) channel->reader.release();
      {
        const std::lock_guard lock(mutex_);  // so that no waiter sleeps between its look and this notification
      }
      progress_.notify_all();
    }
  }

  void collect(Channel& channel) {
    if (gather(channel.reader, group_, kGroupRecords, log_)) return;
    // Our own memory is not what we wrote: a bug, or a file changed by somebody else.
    const auto lost = channel.reader.skip_to_head();
    log_.write(LogLevel::error, "ledger_ring_damaged", "a ring in use was damaged; records are lost",
               {{"bytes", static_cast<std::int64_t>(lost)}});
    const std::lock_guard lock(mutex_);
    ++stats_.damaged;
  }

  // Tries until it succeeds; meanwhile the rings fill. False: the end came first.
  bool commit() {
    for (auto delay = kFirstRetry;; delay = std::min(2 * delay, kLongestRetry)) {
      const auto rows = store_.commit(group_, owner_);
      note(rows);
      if (rows) return true;
      if (!wait_to_retry(delay)) return false;
      if (!store_.sound()) reopen();
    }
  }

  void note(const Result<std::int64_t>& rows) {
    bool changed = false;
    {
      const std::lock_guard lock(mutex_);
      changed = stats_.stalled == rows.ok();
      stats_.stalled = !rows.ok();
      if (rows) {
        stats_.rows_committed += *rows;
        ++stats_.commits;
      } else {
        ++stats_.commit_failures;
      }
    }
    if (!changed) return;
    if (rows)
      log_.write(LogLevel::info, "ledger_recovered", "the ledger commits again", {});
    else
      log_.write(LogLevel::error, "ledger_stalled", rows.error().message, {});
  }

  bool wait_to_retry(milliseconds delay) {
    std::unique_lock lock(mutex_);
    if (!wake_.wait_for(lock, delay, [this] { return stopping_; })) return true;
    const bool time_left = std::chrono::steady_clock::now() < stop_deadline_;
    lock.unlock();
    std::this_thread::sleep_for(kFirstRetry);
    return time_left;
  }

  void reopen() {
    auto store = UsageStore::open(options_.sqlite);
    if (!store) return;  // the next attempt says why
    store_ = *std::move(store);
    store_.set_busy_timeout(kBusyPatience);
  }

  const LedgerOptions options_;
  UsageStore store_;  // the thread's
  const Uuid owner_;
  const std::vector<std::unique_ptr<Channel>> channels_;
  Log& log_;
  Group group_;  // the thread's

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable progress_;
  bool stopping_ = false;
  bool hurry_ = false;
  std::chrono::steady_clock::time_point stop_deadline_;
  LedgerStats stats_;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(LedgerOptions options, std::size_t workers, const Clock& clock, Log& log) {
  TG_TRY(auto store, UsageStore::open(options.sqlite));
  TG_TRY(const auto directory, RingDirectory::open(options.ring_directory));
  LedgerStats stats;
  TG_CHECK(recover(directory, store, stats, log));
  UuidSource ids;
  const Uuid owner = ids.next(clock.system_now());
  std::vector<std::unique_ptr<Channel>> channels;
  for (std::size_t worker = 0; worker < workers; ++worker) {
    TG_TRY(auto ring, directory.create(owner, worker, options.ring_bytes));
    channels.push_back(std::make_unique<Channel>(std::move(ring)));
  }
  store.set_busy_timeout(kBusyPatience);
  return std::unique_ptr<Ledger>(
      std::make_unique<RingLedger>(std::move(options), std::move(store), owner, std::move(channels), stats, log));
}

}  // namespace tollgate::finops
