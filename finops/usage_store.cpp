#include "finops/usage_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <concepts>
#include <cstring>

#include "finops/usage_fields.h"

namespace tollgate::finops {
namespace {

constexpr std::int64_t kSchemaVersion = 1;
constexpr std::chrono::seconds kOpenPatience{5};

// The shipper's watermark is the row's id: AUTOINCREMENT never uses one twice, even after old rows were deleted.
std::string schema() {
  std::string columns;
  const UsageRecord any;
  for_each_field(any, [&columns](const char* name, const auto& field) {
    using Field = std::remove_cvref_t<decltype(field)>;
    constexpr bool kText = std::same_as<Field, std::string> || std::same_as<Field, UsageSource>;
    const char* type = std::same_as<Field, Uuid> ? "BLOB" : kText ? "TEXT" : "INTEGER";
    columns.append(", ").append(name).append(" ").append(type).append(" NOT NULL");
  });
  return "CREATE TABLE usage (id INTEGER PRIMARY KEY AUTOINCREMENT" + columns +
         ", UNIQUE (event_id)) STRICT;"
         "CREATE INDEX usage_by_time ON usage (started_at_ms);"
         "CREATE INDEX usage_by_department ON usage (department, started_at_ms);"
         "CREATE TABLE intents (event_id BLOB PRIMARY KEY, owner BLOB NOT NULL, record BLOB NOT NULL) "
         "STRICT, WITHOUT ROWID;"
         "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
         // Names this file wherever its rows are shipped to.
         "INSERT INTO meta VALUES ('ledger_id', lower(hex(randomblob(16))));"
         "PRAGMA user_version = " +
         std::to_string(kSchemaVersion);
}

Status make_schema(Database& database) {
  TG_CHECK(database.exec("BEGIN IMMEDIATE"));
  TG_TRY(auto version, database.prepare("PRAGMA user_version"));
  TG_TRY([[maybe_unused]] const bool row, version.step());
  const auto found = version.integer(0);
  version.reset();
  if (found == kSchemaVersion) return database.exec("COMMIT");
  if (found != 0) {
    database.rollback();
    return Error{ErrorKind::internal, "ledger database: made by another version of this program (schema " +
                                          std::to_string(found) + ", not " + std::to_string(kSchemaVersion) + ")"};
  }
  TG_CHECK(database.exec(schema().c_str()));
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

class Binder {
 public:
  explicit Binder(Statement& statement) : statement_(statement) {}
  template <std::integral T>
  void operator()(const char* /*name*/, T value) {
    statement_.bind(++parameter_, static_cast<std::int64_t>(value));
  }
  void operator()(const char* /*name*/, UsageSource value) { statement_.bind(++parameter_, to_string(value)); }
  void operator()(const char* /*name*/, const Uuid& id) { statement_.bind(++parameter_, id); }
  void operator()(const char* /*name*/, const std::string& text) {
    statement_.bind(++parameter_, std::string_view(text));
  }

 private:
  Statement& statement_;
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

std::size_t UuidHash::operator()(const Uuid& id) const {
  std::size_t random_half = 0;  // the last eight bytes of a UUIDv7
  std::memcpy(&random_half, id.bytes.data() + id.bytes.size() - sizeof random_half, sizeof random_half);
  return random_half;
}

void Group::add(UsageRecord record) {
  ++records_;
  if (record.kind == RecordKind::intent) {
    const auto id = record.event_id;
    intents_.insert_or_assign(id, std::move(record));
    return;
  }
  intents_.erase(record.event_id);
  finals_.push_back(std::move(record));
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
  TG_TRY(auto intent, database.prepare("INSERT OR IGNORE INTO intents (event_id, owner, record) VALUES (?, ?, ?)"));
  TG_TRY(auto ended, database.prepare("DELETE FROM intents WHERE event_id = ?"));
  return UsageStore(std::move(database), std::move(row), std::move(intent), std::move(ended));
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
  return transaction([&] { return write(group, owner); });
}

Result<std::int64_t> UsageStore::write(const Group& group, const Uuid& owner) {
  std::string bytes;
  for (const auto& [id, record] : group.intents()) {
    bytes.clear();
    encode(record, bytes);
    insert_intent_.bind(1, id);
    insert_intent_.bind(2, owner);
    insert_intent_.bind_blob(3, bytes);
    TG_CHECK(insert_intent_.run());
  }
  std::int64_t rows = 0;
  for (const auto& record : group.finals()) {
    TG_TRY(const bool added, insert(record));
    rows += added ? 1 : 0;
  }
  return rows;
}

Result<bool> UsageStore::insert(const UsageRecord& record) {
  for_each_field(record, Binder(insert_row_));
  TG_CHECK(insert_row_.run());
  const bool added = database_.changes() > 0;
  delete_intent_.bind(1, record.event_id);
  TG_CHECK(delete_intent_.run());
  return added;
}

Result<std::int64_t> UsageStore::estimate_abandoned(const std::set<Uuid>& living) {
  return transaction([&] { return write_estimates(living); });
}

Result<std::int64_t> UsageStore::write_estimates(const std::set<Uuid>& living) {
  TG_TRY(auto select, database_.prepare("SELECT owner, record FROM intents"));
  std::vector<UsageRecord> abandoned;
  for (;;) {
    TG_TRY(const bool more, select.step());
    if (!more) break;
    if (living.contains(select.uuid(0))) continue;
    // One that this version cannot read stays where it is: it must not keep the gateway from starting.
    if (auto record = decode(select.blob(1))) abandoned.push_back(*std::move(record));
  }
  std::int64_t rows = 0;
  for (auto& record : abandoned) {
    record.kind = RecordKind::final;
    record.usage_source = UsageSource::estimated;
    record.outcome = "unknown";
    TG_TRY(const bool added, insert(record));
    rows += added ? 1 : 0;
  }
  return rows;
}

UsageRecord read_row(const Statement& select, int first_column) {
  UsageRecord record;
  for_each_field(record, RowReader(select, first_column));
  return record;
}

}  // namespace tollgate::finops
