#include "finops/usage_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <concepts>
#include <functional>
#include <set>
#include <string>

#include "finops/usage_bytes.h"
#include "finops/usage_fields.h"

namespace tollgate::finops {
namespace {

constexpr std::int64_t kSchemaVersion = 3;
constexpr std::int64_t kOldestSchema = 2;  // that can be brought to ours: it lacks columns, and nothing else
constexpr std::chrono::seconds kOpenPatience{5};

template <class Field>
constexpr const char* column_type(const Field& /*field*/) {
  constexpr bool kText = std::same_as<Field, std::string> || std::same_as<Field, UsageSource>;
  return std::same_as<Field, Uuid> ? "BLOB" : kText ? "TEXT" : "INTEGER";
}

// The shipper's watermark is the row's id: AUTOINCREMENT never uses one twice, even after old rows were deleted.
std::string schema() {
  std::string columns;
  const UsageRecord any;
  for_each_field(any, [&columns](const char* name, const auto& field) {
    columns.append(", ").append(name).append(" ").append(column_type(field)).append(" NOT NULL");
  });
  return "CREATE TABLE usage (id INTEGER PRIMARY KEY AUTOINCREMENT" + columns +
         ", UNIQUE (event_id)) STRICT;"
         "CREATE INDEX usage_by_time ON usage (started_at_ms);"
         "CREATE TABLE intents (id INTEGER PRIMARY KEY, owner BLOB NOT NULL, records BLOB NOT NULL) STRICT;"
         "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
         // Names this file wherever its rows are shipped to.
         "INSERT INTO meta VALUES ('ledger_id', lower(hex(randomblob(16))));"
         "PRAGMA user_version = " +
         std::to_string(kSchemaVersion);
}

// A gateway of the version before, which may still be ending, goes on writing: it leaves the new columns out.
Result<std::string> upgrade(Database& database) {
  TG_TRY(auto select, database.prepare("SELECT name FROM pragma_table_info('usage')"));
  std::set<std::string, std::less<>> there;
  for (;;) {
    TG_TRY(const bool more, select.step());
    if (!more) break;
    there.emplace(select.text(0));
  }
  std::string sql;
  const UsageRecord any;
  for_each_field(any, [&](const char* name, const auto& field) {
    if (there.contains(name)) return;
    const std::string_view type = column_type(field);
    sql.append("ALTER TABLE usage ADD COLUMN ").append(name).append(" ").append(type);
    sql.append(" NOT NULL DEFAULT ").append(type == "INTEGER" ? "0;" : "'';");
  });
  return sql + "PRAGMA user_version = " + std::to_string(kSchemaVersion);
}

Status make_schema(Database& database) {
  TG_CHECK(database.exec("BEGIN IMMEDIATE"));
  TG_TRY(auto version, database.prepare("PRAGMA user_version"));
  TG_TRY([[maybe_unused]] const bool row, version.step());
  const auto found = version.integer(0);
  version.reset();
  if (found == kSchemaVersion) return database.exec("COMMIT");
  if (found != 0 && (found < kOldestSchema || found > kSchemaVersion)) {
    database.rollback();
    return Error{ErrorKind::internal, "ledger database: made by another version of this program (schema " +
                                          std::to_string(found) + ", not " + std::to_string(kSchemaVersion) + ")"};
  }
  TG_TRY(const std::string sql, found == 0 ? schema() : upgrade(database));
  TG_CHECK(database.exec(sql.c_str()));
  return database.exec("COMMIT");
}

// SQLite would make the file readable by all; its -wal and -shm files take this file's mode.
void create_private(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd >= 0) ::close(fd);  // what went wrong, SQLite will say
}

std::string insert_sql() {
  std::string marks;
  const UsageRecord any;
  for_each_field(any, [&marks](const char* /*name*/, const auto& /*field*/) { marks += marks.empty() ? "?" : ", ?"; });
  return "INSERT OR IGNORE INTO usage (" + column_names() + ") VALUES (" + marks + ")";
}

// Binds a row from the bytes of its record; the field only says which type comes next.
// REQUIRES: the bytes outlive the statement's next run().
class Binder {
 public:
  Binder(Statement& statement, FieldReader fields) : statement_(statement), fields_(fields) {}
  template <std::integral T>
  void operator()(const char* /*name*/, const T& /*field*/) {
    statement_.bind(++parameter_, static_cast<std::int64_t>(fields_.number<T>()));
  }
  void operator()(const char* /*name*/, const bool& /*field*/) {
    statement_.bind(++parameter_, std::int64_t{fields_.flag() ? 1 : 0});
  }
  void operator()(const char* /*name*/, const UsageSource& /*field*/) {
    statement_.bind_borrowed(++parameter_, to_string(fields_.source()));
  }
  void operator()(const char* /*name*/, const Uuid& /*field*/) {
    statement_.bind_borrowed_blob(++parameter_, fields_.id());
  }
  void operator()(const char* /*name*/, const std::string& /*field*/) {
    statement_.bind_borrowed(++parameter_, fields_.text());
  }

 private:
  Statement& statement_;
  FieldReader fields_;
  int parameter_ = 0;
};

class RowReader {
 public:
  RowReader(const Statement& statement, int column) : statement_(statement), column_(column) {}
  template <std::integral T>
  void operator()(const char* /*name*/, T& value) {
    value = static_cast<T>(statement_.integer(column_++));
  }
  void operator()(const char* /*name*/, UsageSource& value) {
    value = parse_usage_source(statement_.text(column_++)).value_or(UsageSource::none);
  }
  void operator()(const char* /*name*/, Uuid& id) { id = statement_.uuid(column_++); }
  void operator()(const char* /*name*/, std::string& text) { text = statement_.text(column_++); }

 private:
  const Statement& statement_;
  int column_;
};

}  // namespace

void Group::add_intent(const Uuid& event_id, std::string_view bytes) {
  ++records_;
  intents_.insert_or_assign(event_id, bytes);
}

void Group::add_final(const Uuid& event_id, std::string_view bytes) {
  ++records_;
  intents_.erase(event_id);
  finals_.push_back({event_id, bytes});
}

void Group::clear() {
  finals_.clear();
  intents_.clear();
  records_ = 0;
}

Result<UsageStore> UsageStore::open(const std::filesystem::path& path) {
  create_private(path);
  TG_TRY(auto database, Database::open(path, Database::Mode::create, kOpenPatience));
  TG_CHECK(database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864"));
  TG_CHECK(make_schema(database));
  TG_TRY(auto row, database.prepare(insert_sql()));
  TG_TRY(auto block, database.prepare("INSERT INTO intents (owner, records) VALUES (?, ?)"));
  TG_TRY(auto done, database.prepare("DELETE FROM intents WHERE id = ?"));
  return UsageStore(std::move(database), std::move(row), std::move(block), std::move(done));
}

template <class Work>
Result<std::int64_t> UsageStore::transaction(Work work) {
  Result<std::int64_t> rows = std::int64_t{0};
  Status step = database_.exec("BEGIN IMMEDIATE");
  if (step) {
    rows = work();
    if (rows) step = database_.exec("COMMIT");
  }
  if (rows && step) return rows;
  sound_ = database_.transient();
  database_.rollback();
  if (!step) return std::move(step).error();
  return rows;
}

Result<std::int64_t> UsageStore::commit(const Group& group, const Uuid& owner) {
  std::int64_t block = 0;
  auto rows = transaction([&] { return write(group, owner, block); });
  if (!rows) return rows;
  open_.close(group.finals());
  std::vector<Uuid> calls;
  for (const auto& [id, bytes] : group.intents()) calls.push_back(id);
  if (!calls.empty()) open_.open(block, calls);
  return rows;
}

Result<std::int64_t> UsageStore::write(const Group& group, const Uuid& owner, std::int64_t& block) {
  for (const auto emptied : open_.emptied_by(group.finals())) {
    delete_block_.bind(1, emptied);
    TG_CHECK(delete_block_.run());
  }
  if (!group.intents().empty()) TG_CHECK(write_block(group, owner, block));
  std::int64_t rows = 0;
  for (const auto& record : group.finals()) {
    TG_TRY(const bool added, insert(record.bytes));
    rows += added ? 1 : 0;
  }
  return rows;
}

Status UsageStore::write_block(const Group& group, const Uuid& owner, std::int64_t& block) {
  std::string records;
  for (const auto& [id, bytes] : group.intents()) append_to_block(records, bytes);
  insert_block_.bind(1, owner);
  insert_block_.bind_blob(2, records);
  TG_CHECK(insert_block_.run());
  block = database_.last_row_id();
  return {};
}

// `record` as encoded, and well formed.
Result<bool> UsageStore::insert(std::string_view record) {
  static const UsageRecord kAny;
  FieldReader fields(record);
  TG_TRY([[maybe_unused]] const auto kind, read_envelope(fields));
  for_each_field(kAny, Binder(insert_row_, fields));
  TG_CHECK(insert_row_.run());
  return database_.changes() > 0;
}

Result<std::int64_t> UsageStore::estimate_abandoned(const std::set<Uuid>& living) {
  return transaction([&] { return write_estimates(living); });
}

// A block may hold calls that have ended since: their rows are there, and stay as they are.
Result<std::int64_t> UsageStore::write_estimates(const std::set<Uuid>& living) {
  TG_TRY(auto select, database_.prepare("SELECT id, owner, records FROM intents"));
  std::vector<UsageRecord> abandoned;
  std::vector<std::int64_t> blocks;
  for (;;) {
    TG_TRY(const bool more, select.step());
    if (!more) break;
    if (living.contains(select.uuid(1))) continue;
    auto block = read_block(select.blob(2));
    // What this version cannot read stays where it is: it must not keep the gateway from starting.
    if (block.complete) blocks.push_back(select.integer(0));
    for (auto& record : block.records) abandoned.push_back(std::move(record));
  }
  std::int64_t rows = 0;
  std::string bytes;
  for (auto& record : abandoned) {
    record.kind = RecordKind::final;
    record.usage_source = UsageSource::estimated;
    record.outcome = "unknown";
    bytes.clear();
    encode(record, bytes);
    TG_TRY(const bool added, insert(bytes));
    rows += added ? 1 : 0;
  }
  for (const auto block : blocks) {
    delete_block_.bind(1, block);
    TG_CHECK(delete_block_.run());
  }
  return rows;
}

UsageRecord read_row(const Statement& select, int first_column) {
  UsageRecord record;
  for_each_field(record, RowReader(select, first_column));
  return record;
}

}  // namespace tollgate::finops
