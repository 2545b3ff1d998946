#pragma once
// The PostgreSQL side of shipping: the tables, and one transaction per batch. Private.
#include <string>

#include "finops/ledger_reader.h"
#include "finops/postgres_link.h"

namespace tollgate::finops {

// Used by one thread. After an error it is not used again: connect anew.
class PostgresLedger {
 public:
  static Result<PostgresLedger> connect(const PostgresLink::Options& options, const std::string& ledger_id);

  struct Shipped {
    std::size_t rows = 0;  // read from SQLite; those PostgreSQL already had are counted too
    std::int64_t watermark = 0;
  };
  // Ships the rows after the watermark, which PostgreSQL keeps and moves in the same transaction as the rows: the two
  // cannot disagree, whoever dies when.
  Result<Shipped> ship(LedgerReader& source, std::size_t limit);

 private:
  struct Watermark {
    std::int64_t id = 0;
    std::string event_id;
  };
  PostgresLedger(PostgresLink link, std::string ledger_id) : link_(std::move(link)), ledger_id_(std::move(ledger_id)) {}
  Status make_tables();
  Status complete_columns();
  Status prepare_session();
  Result<Watermark> lock_watermark();
  Result<bool> still_ours(LedgerReader& source, const Watermark& mark);
  Status store(const LedgerReader::Batch& batch);

  PostgresLink link_;
  std::string ledger_id_;
  std::int64_t known_watermark_ = -1;  // as last read or written; saves a transaction while there is nothing to ship
};

}  // namespace tollgate::finops
