#include "finops/postgres_ledger.h"

#include <charconv>
#include <concepts>
#include <functional>
#include <set>

#include "finops/copy_text.h"
#include "finops/usage_fields.h"

namespace tollgate::finops {
namespace {

template <class Field>
constexpr const char* column_type(const Field& /*field*/) {
  return std::same_as<Field, Uuid>   ? "uuid"
         : std::same_as<Field, bool> ? "boolean"
         : std::integral<Field>      ? "bigint"
                                     : "text";
}

std::string usage_table() {
  std::string sql = "CREATE TABLE IF NOT EXISTS usage (";
  const UsageRecord any;
  for_each_field(any, [&sql](const char* name, const auto& field) {
    sql.append(name).append(" ").append(column_type(field)).append(" NOT NULL, ");
  });
  return sql + "PRIMARY KEY (event_id))";
}

// Nothing where none is missing. Without NOT NULL: gateways of the version before ship into the same table, and leave
// these columns out.
std::string add_columns(const PostgresLink::Rows& there) {
  std::set<std::string, std::less<>> names;
  for (const auto& row : there) names.insert(row.front());
  std::string sql;
  const UsageRecord any;
  for_each_field(any, [&](const char* name, const auto& field) {
    if (names.contains(name)) return;
    const std::string_view type = column_type(field);
    sql.append(sql.empty() ? "ALTER TABLE usage" : ",").append(" ADD COLUMN IF NOT EXISTS ").append(name);
    sql.append(" ").append(type).append(" DEFAULT ").append(type == "bigint" ? "0" : "''");
  });
  return sql;
}

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

Result<PostgresLedger> PostgresLedger::connect(const PostgresLink::Options& options, const std::string& ledger_id) {
  TG_TRY(auto link, PostgresLink::connect(options));
  PostgresLedger ledger(std::move(link), ledger_id);
  TG_CHECK(ledger.prepare_session());
  TG_CHECK(ledger.make_tables());
  TG_CHECK(ledger.complete_columns());
  // One table per session: creating it per batch would bloat the catalogue.
  TG_CHECK(ledger.link_.query("CREATE TEMP TABLE usage_stage (LIKE usage) ON COMMIT DELETE ROWS"));
  TG_CHECK(ledger.link_.query("INSERT INTO usage_watermark VALUES ($1, 0, '') ON CONFLICT DO NOTHING", {ledger_id}));
  return ledger;
}

// A gateway that dies in the middle must not keep the watermark's lock for long.
Status PostgresLedger::prepare_session() {
  TG_CHECK(link_.query("SET statement_timeout = '9s'"));
  TG_CHECK(link_.query("SET lock_timeout = '5s'"));
  TG_CHECK(link_.query("SET idle_in_transaction_session_timeout = '30s'"));
  TG_CHECK(link_.query("SET client_encoding = 'UTF8'"));
  return {};
}

// Asks first: a role that may only insert cannot even say CREATE TABLE IF NOT EXISTS. The lock keeps gateways that
// start together from creating together.
Status PostgresLedger::make_tables() {
  TG_TRY(const auto found, link_.query("SELECT to_regclass('usage') IS NOT NULL AND "
                                       "to_regclass('usage_watermark') IS NOT NULL"));
  if (!found.empty() && found.front().front() == "t") return {};
  constexpr const char* kLock = "SELECT pg_advisory_xact_lock(7811887)";  // any number, as long as all take the same
  for (const auto& sql : {std::string("BEGIN"), std::string(kLock), usage_table(),
                          std::string("CREATE INDEX IF NOT EXISTS usage_by_time ON usage (started_at_ms)"),
                          std::string("CREATE INDEX IF NOT EXISTS usage_by_department"
                                      " ON usage (department, started_at_ms)"),
                          std::string("CREATE TABLE IF NOT EXISTS usage_watermark (ledger_id text PRIMARY KEY,"
                                      " shipped_id bigint NOT NULL, event_id text NOT NULL)"),
                          std::string("COMMIT")})
    TG_CHECK(link_.query(sql));
  return {};
}

// Of a table that an older version made. Only its owner may: another role is told what to run once.
Status PostgresLedger::complete_columns() {
  TG_TRY(const auto there, link_.query("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('usage')"
                                       " AND attnum > 0 AND NOT attisdropped"));
  const std::string sql = add_columns(there);
  if (sql.empty()) return {};
  auto done = link_.query(sql);
  if (!done) return Error{ErrorKind::internal, done.error().message + "; the table's owner has to run: " + sql};
  return {};
}

Result<PostgresLedger::Shipped> PostgresLedger::ship(LedgerReader& source, std::size_t limit) {
  if (known_watermark_ >= 0) {
    TG_TRY(const auto newest, source.newest_id());
    if (newest == known_watermark_) return Shipped{0, known_watermark_};
  }
  TG_CHECK(link_.query("BEGIN"));
  TG_TRY(auto mark, lock_watermark());
  TG_TRY(const bool ours, still_ours(source, mark));
  if (!ours) mark.id = 0;
  TG_TRY(const auto batch, source.after(mark.id, limit));
  if (!batch.rows.empty()) TG_CHECK(store(batch));
  TG_CHECK(link_.query("COMMIT"));
  known_watermark_ = batch.rows.empty() ? mark.id : batch.last_id;
  return Shipped{batch.rows.size(), known_watermark_};
}

// The lock is for a restart in which the old gateway still ships.
Result<PostgresLedger::Watermark> PostgresLedger::lock_watermark() {
  TG_TRY(const auto rows,
         link_.query("SELECT shipped_id, event_id FROM usage_watermark WHERE ledger_id = $1 FOR UPDATE", {ledger_id_}));
  if (rows.empty()) return Error{ErrorKind::internal, "postgresql: the ledger's watermark was deleted"};
  return Watermark{number(rows.front().at(0)), rows.front().at(1)};
}

// A file restored from a backup gives old ids to new rows. Then everything is shipped again, which adds what is missing
// and nothing twice. A row that is gone was deleted after shipping, unless the file is shorter than the watermark.
Result<bool> PostgresLedger::still_ours(LedgerReader& source, const Watermark& mark) {
  if (mark.id == 0) return true;
  TG_TRY(const auto event, source.event_at(mark.id));
  if (event) return event->to_string() == mark.event_id;
  TG_TRY(const auto newest, source.newest_id());
  return newest >= mark.id;
}

Status PostgresLedger::store(const LedgerReader::Batch& batch) {
  std::string lines;
  for (const auto& row : batch.rows) append_copy_line(row, lines);
  TG_CHECK(link_.copy("COPY usage_stage (" + column_names() + ") FROM STDIN", lines));
  TG_CHECK(link_.query("INSERT INTO usage (" + column_names() + ") SELECT " + column_names() +
                       " FROM usage_stage ON CONFLICT (event_id) DO NOTHING"));
  TG_CHECK(link_.query("UPDATE usage_watermark SET shipped_id = $2, event_id = $3 WHERE ledger_id = $1",
                       {ledger_id_, std::to_string(batch.last_id), batch.rows.back().event_id.to_string()}));
  return {};
}

}  // namespace tollgate::finops
