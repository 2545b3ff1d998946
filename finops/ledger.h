#pragma once
// From a worker's memcpy to a durable row: ring (file-backed, survives kill -9) -> ledger thread -> SQLite.
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "finops/usage_record.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/result.h"
#include "gateway/base/secret.h"

namespace tollgate::finops {

inline constexpr std::size_t kSmallestRing = 128 * 1024;  // bytes
inline constexpr std::size_t kLargestRing = 1024 * 1024 * 1024;

struct LedgerOptions {
  std::filesystem::path sqlite = "ledger.db";
  std::filesystem::path ring_directory = "rings";  // the runtime directory; rings found here at start are adopted
  std::size_t ring_bytes = 8 * 1024 * 1024;        // per worker; allocated in full and touched at start
  std::chrono::milliseconds commit_interval{10};   // the longest a record waits for its group commit
};

// One producer (a worker), one consumer (the ledger thread), over one file. push() is a memcpy: no system call, no
// lock.
class RingProducer {
 public:
  virtual ~RingProducer() = default;
  // false: full. The caller then refuses new calls (back-pressure); nothing is ever dropped silently. Intents are
  // refused while less than a quarter is free, so that calls already let in can still write their endings.
  [[nodiscard]] virtual bool push(const UsageRecord& record) = 0;
  // How long it has been refusing, nothing accepted in between; zero where it accepted the last record. The thread that
  // pushes.
  virtual std::chrono::milliseconds full_for() const = 0;
  // Share of the ring in use, 0..1. Any thread.
  virtual double fill() const = 0;
};

struct LedgerStats {
  std::int64_t rows_committed = 0;  // final rows, estimated ones included
  std::int64_t commits = 0;
  std::int64_t commit_failures = 0;        // each is retried; nothing is lost meanwhile
  std::int64_t adopted = 0;                // records recovered from rings of a dead process
  std::int64_t estimated_on_recovery = 0;  // intents without an ending
  std::int64_t damaged = 0;                // rings found with bytes that cannot be read; each is logged as an error
  bool stalled = false;                    // the last commit failed (disk full, locked, ...)
};

// Owns SQLite, the rings and the thread. Construction opens the database, adopts rings left behind, commits what they
// hold, and turns the intents of processes that are gone into estimated rows before returning. Processes that overlap
// (a restart) share both paths or neither: a ring's lock is how one sees that the other lives. Thread-safe where said.
class Ledger {
 public:
  static Result<std::unique_ptr<Ledger>> open(LedgerOptions options, std::size_t workers, const Clock& clock, Log& log);
  // Drains and stops, trying for at most 2 s; what could not be committed stays in the rings for the next start.
  virtual ~Ledger() = default;
  // REQUIRES: worker < workers; used by that worker's thread only.
  virtual RingProducer& producer(std::size_t worker) = 0;
  // Blocks until everything pushed before is durable, or the limit passes (false). For drain and tests; any thread.
  virtual bool flush(std::chrono::milliseconds limit) = 0;
  virtual LedgerStats stats() const = 0;  // any thread
};

// Ships committed rows to PostgreSQL on a thread of its own; reads SQLite on its own connection. Rows are identified by
// event_id, the watermark moves only after COMMIT: exactly once in effect, and PostgreSQL may be away for hours.
struct ShipperOptions {
  std::string url;                         // postgresql://host/db, without a password
  std::shared_ptr<const Secret> password;  // null: as libpq finds it
  std::chrono::milliseconds interval{500};
  std::size_t batch = 1000;
};
struct ShipperStats {
  bool connected = false;
  std::int64_t shipped = 0;
  std::int64_t backlog = 0;  // rows in SQLite not yet shipped
  std::int64_t failures = 0;
};
class Shipper {
 public:
  static std::unique_ptr<Shipper> start(ShipperOptions options, std::filesystem::path sqlite, Log& log);
  virtual ~Shipper() = default;
  virtual ShipperStats stats() const = 0;  // any thread
};

// --- Reports ---
enum class ReportBy : std::uint8_t { department, cost_center, application, credential, model, provider };
struct ReportQuery {
  ReportBy by = ReportBy::department;
  std::string month;  // "2026-11", in UTC; empty = everything
};
struct ReportRow {
  std::string key;
  std::int64_t requests = 0;
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t cost_nano = 0;
  std::string currency;
  std::int64_t estimated_rows = 0;  // rows whose usage is our estimate
  std::int64_t unpriced_rows = 0;   // rows that consumed something but had no price
  std::int64_t audio_ms = 0;
  std::int64_t compute_us = 0;
};
Result<std::vector<ReportRow>> cost_report(const std::filesystem::path& sqlite, const ReportQuery& query);
enum class ReportFormat : std::uint8_t { table, csv, json };
std::string format_report(const std::vector<ReportRow>& rows, const ReportQuery& query, ReportFormat format);

// The newest rows, newest first, as records; for `./run --check` and tests.
Result<std::vector<UsageRecord>> recent_rows(const std::filesystem::path& sqlite, std::size_t limit);

}  // namespace tollgate::finops
