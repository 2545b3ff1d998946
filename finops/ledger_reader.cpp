#include "finops/ledger_reader.h"

#include "finops/usage_fields.h"
#include "finops/usage_store.h"

namespace tollgate::finops {
namespace {

constexpr std::chrono::milliseconds kReadPatience{1000};

}  // namespace

Result<LedgerReader> LedgerReader::open(const std::filesystem::path& path) {
  TG_TRY(auto database, Database::open(path, Database::Mode::existing_read_only, kReadPatience));
  TG_TRY(auto name, database.prepare("SELECT value FROM meta WHERE key = 'ledger_id'"));
  TG_TRY(const bool found, name.step());
  if (!found) return Error{ErrorKind::internal, "ledger database: it has no ledger_id"};
  std::string ledger_id(name.text(0));
  name.reset();
  TG_TRY(auto after, database.prepare("SELECT id, " + column_names() + " FROM usage WHERE id > ? ORDER BY id LIMIT ?"));
  return LedgerReader(std::move(database), std::move(after), std::move(ledger_id));
}

Result<LedgerReader::Batch> LedgerReader::after(std::int64_t id, std::size_t limit) {
  after_.bind(1, id);
  after_.bind(2, static_cast<std::int64_t>(limit));
  Batch batch;
  for (;;) {
    TG_TRY(const bool more, after_.step());
    if (!more) return batch;
    batch.last_id = after_.integer(0);
    batch.rows.push_back(read_row(after_, 1));
  }
}

Result<std::int64_t> LedgerReader::newest_id() {
  TG_TRY(auto newest, database_.prepare("SELECT coalesce(max(id), 0) FROM usage"));
  TG_TRY([[maybe_unused]] const bool row, newest.step());
  return newest.integer(0);
}

Result<std::optional<Uuid>> LedgerReader::event_at(std::int64_t id) {
  TG_TRY(auto select, database_.prepare("SELECT event_id FROM usage WHERE id = ?"));
  select.bind(1, id);
  TG_TRY(const bool found, select.step());
  if (!found) return std::optional<Uuid>();
  return std::optional<Uuid>(select.uuid(0));
}

}  // namespace tollgate::finops
