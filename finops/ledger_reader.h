#pragma once
// The ledger's SQLite file as the shipper sees it. Private.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "finops/sqlite.h"
#include "finops/usage_record.h"

namespace tollgate::finops {

// Used by one thread. Every call is a short read of its own: a long one would keep the write-ahead log from being
// checkpointed.
class LedgerReader {
 public:
  static Result<LedgerReader> open(const std::filesystem::path& path);

  struct Batch {
    std::vector<UsageRecord> rows;
    std::int64_t last_id = 0;  // 0 where there are no rows
  };
  // The oldest rows after row `id`.
  Result<Batch> after(std::int64_t id, std::size_t limit);
  Result<std::int64_t> newest_id();
  Result<std::optional<Uuid>> event_at(std::int64_t id);
  const std::string& ledger_id() const { return ledger_id_; }

 private:
  LedgerReader(Database database, Statement after, std::string ledger_id)
      : database_(std::move(database)), after_(std::move(after)), ledger_id_(std::move(ledger_id)) {}

  Database database_;
  Statement after_;
  std::string ledger_id_;
};

}  // namespace tollgate::finops
