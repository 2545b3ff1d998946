#include "gateway/auth/store_sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace tollgate::auth {
namespace {

constexpr int kBusyMs = 5'000;  // the gateway and commands share the file

// `changes` moves with every write by anyone, so that a poll costs one row. A day of use is not a change.
constexpr const char* kFirstSchema = R"sql(
CREATE TABLE credentials (
  id TEXT PRIMARY KEY, department TEXT NOT NULL, application TEXT NOT NULL, hash BLOB NOT NULL,
  pepper_id INTEGER NOT NULL, not_before INTEGER NOT NULL, expires_at INTEGER NOT NULL, revoked_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL, created_by TEXT NOT NULL, last_used_day INTEGER NOT NULL, note TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE changes (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL) STRICT;
INSERT INTO changes VALUES (1, 1);
CREATE TRIGGER credentials_added AFTER INSERT ON credentials
  BEGIN UPDATE changes SET version = version + 1; END;
CREATE TRIGGER credentials_changed AFTER UPDATE OF
  department, application, hash, pepper_id, not_before, expires_at, revoked_at, created_at, created_by, note ON credentials
  BEGIN UPDATE changes SET version = version + 1; END;
CREATE TRIGGER credentials_removed AFTER DELETE ON credentials
  BEGIN UPDATE changes SET version = version + 1; END;
)sql";

// A key without its policy would be a hole, so a program that does not know of it has to refuse the store.
constexpr const char* kPolicyOfAKey = R"sql(
ALTER TABLE credentials ADD COLUMN pii TEXT NOT NULL DEFAULT '';
DROP TRIGGER credentials_changed;
CREATE TRIGGER credentials_changed AFTER UPDATE OF
  department, application, hash, pepper_id, not_before, expires_at, revoked_at, created_at, created_by, note, pii
  ON credentials
  BEGIN UPDATE changes SET version = version + 1; END;
)sql";

constexpr const char* kInsert = "INSERT INTO credentials VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)";

// Step n takes a store of schema n to n + 1.
constexpr std::array kSteps = {kFirstSchema, kPolicyOfAKey};
constexpr int kSchemaVersion = static_cast<int>(kSteps.size());

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};
using DatabasePtr = std::unique_ptr<sqlite3, CloseDatabase>;
using StatementPtr = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

class Store final : public SqliteStore {
 public:
  explicit Store(DatabasePtr db) : db_(std::move(db)) {}

  Status prepare_schema() {
    TG_CHECK(exec("PRAGMA journal_mode=WAL"));
    TG_CHECK(exec("PRAGMA synchronous=FULL"));
    TG_TRY(const auto version, number("PRAGMA user_version"));
    if (version > kSchemaVersion)
      return Error{ErrorKind::internal, "the credential store was written by a newer version of this program"};
    if (version == kSchemaVersion) return {};
    return in_transaction([this] { return raise_schema(); });
  }

  Status add(const Credential& credential) override {
    TG_TRY(const auto statement, prepare(kInsert));
    bind(statement.get(), credential);
    return run(statement.get());
  }

  Result<std::vector<Credential>> list() override {
    TG_TRY(const auto statement, prepare("SELECT * FROM credentials ORDER BY created_at, id"));
    std::vector<Credential> rows;
    for (;;) {
      const int step = sqlite3_step(statement.get());
      if (step == SQLITE_DONE) return rows;
      if (step != SQLITE_ROW) return failure();
      rows.push_back(read(statement.get()));
    }
  }

  Status revoke(const std::string& id, std::int64_t at) override {
    return set("UPDATE credentials SET revoked_at=? WHERE id=?", id, at);
  }
  Status expire(const std::string& id, std::int64_t at) override {
    return set("UPDATE credentials SET expires_at=? WHERE id=?", id, at);
  }
  Result<std::int64_t> version() override { return number("SELECT version FROM changes"); }

  Status touch(const std::vector<std::string>& ids, std::int64_t day) override {
    return in_transaction([&] { return touch_rows(ids, day); });
  }

  Status replace_all(const std::vector<Credential>& rows) override {
    return in_transaction([&] { return replace_rows(rows); });
  }

 private:
  Error failure() const {
    return Error{ErrorKind::internal, std::string("the credential store failed: ") + sqlite3_errmsg(db_.get())};
  }

  Status exec(const char* sql) {
    if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure();
    return {};
  }

  Result<StatementPtr> prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_.get(), sql, -1, &statement, nullptr) != SQLITE_OK) return failure();
    return StatementPtr(statement);
  }

  Status run(sqlite3_stmt* statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) return failure();
    return {};
  }

  Result<std::int64_t> number(const char* sql) {
    TG_TRY(const auto statement, prepare(sql));
    if (sqlite3_step(statement.get()) != SQLITE_ROW) return failure();
    return static_cast<std::int64_t>(sqlite3_column_int64(statement.get(), 0));
  }

  Status set(const char* sql, const std::string& id, std::int64_t at) {
    TG_TRY(const auto statement, prepare(sql));
    sqlite3_bind_int64(statement.get(), 1, at);
    text(statement.get(), 2, id);
    TG_CHECK(run(statement.get()));
    if (sqlite3_changes(db_.get()) == 0)
      return Error{ErrorKind::not_found, "no key with id '" + id + "'; `tollgate keys list` shows them"};
    return {};
  }

  template <class Work>
  Status in_transaction(Work work) {
    TG_CHECK(exec("BEGIN IMMEDIATE"));
    auto done = work();
    if (done) done = exec("COMMIT");
    if (!done) sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);  // the first error is the one to tell
    return done;
  }

  // Asked again inside the transaction: another process may have been first.
  Status raise_schema() {
    TG_TRY(const auto version, number("PRAGMA user_version"));
    for (auto step = static_cast<std::size_t>(version); step < kSteps.size(); ++step) TG_CHECK(exec(kSteps[step]));
    return exec(("PRAGMA user_version=" + std::to_string(kSchemaVersion)).c_str());
  }

  Status touch_rows(const std::vector<std::string>& ids, std::int64_t day) {
    TG_TRY(const auto statement, prepare("UPDATE credentials SET last_used_day=?1 WHERE id=?2 AND last_used_day<?1"));
    for (const auto& id : ids) {
      sqlite3_bind_int64(statement.get(), 1, day);
      text(statement.get(), 2, id);
      TG_CHECK(run(statement.get()));
      sqlite3_reset(statement.get());
    }
    return {};
  }

  Status replace_rows(const std::vector<Credential>& rows) {
    TG_CHECK(exec("DELETE FROM credentials"));
    TG_CHECK(exec("UPDATE changes SET version = version + 1"));
    TG_TRY(const auto statement, prepare(kInsert));
    for (const auto& row : rows) {
      bind(statement.get(), row);
      TG_CHECK(run(statement.get()));
      sqlite3_reset(statement.get());
    }
    return {};
  }

  // The text must outlive the step: every caller's does.
  static void text(sqlite3_stmt* s, int at, const std::string& value) {
    sqlite3_bind_text64(s, at, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
  }

  static void bind(sqlite3_stmt* s, const Credential& c) {
    text(s, 1, c.id);
    text(s, 2, c.department);
    text(s, 3, c.application);
    sqlite3_bind_blob64(s, 4, c.hash.data(), c.hash.size(), SQLITE_STATIC);
    sqlite3_bind_int64(s, 5, c.pepper_id);
    sqlite3_bind_int64(s, 6, c.not_before);
    sqlite3_bind_int64(s, 7, c.expires_at);
    sqlite3_bind_int64(s, 8, c.revoked_at);
    sqlite3_bind_int64(s, 9, c.created_at);
    text(s, 10, c.created_by);
    sqlite3_bind_int64(s, 11, c.last_used_day);
    text(s, 12, c.note);
    text(s, 13, c.pii);
  }

  static std::string column(sqlite3_stmt* s, int at) {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(s, at));
    return data == nullptr ? std::string() : std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(s, at)));
  }

  static Credential read(sqlite3_stmt* s) {
    Credential c;
    c.id = column(s, 0);
    c.department = column(s, 1);
    c.application = column(s, 2);
    const std::string hash = column(s, 3);
    std::copy_n(hash.begin(), std::min(hash.size(), c.hash.size()), c.hash.begin());
    c.pepper_id = sqlite3_column_int64(s, 4);
    c.not_before = sqlite3_column_int64(s, 5);
    c.expires_at = sqlite3_column_int64(s, 6);
    c.revoked_at = sqlite3_column_int64(s, 7);
    c.created_at = sqlite3_column_int64(s, 8);
    c.created_by = column(s, 9);
    c.last_used_day = sqlite3_column_int64(s, 10);
    c.note = column(s, 11);
    c.pii = column(s, 12);
    return c;
  }

  DatabasePtr db_;
};

// SQLite gives its side files the mode of the main one, so that one is made first.
void make_private(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd >= 0) ::close(fd);
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> open_sqlite_store(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  make_private(path);
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  DatabasePtr db(raw);
  if (opened != SQLITE_OK)
    return Error{ErrorKind::internal, "cannot open the credential store " + path.string() + ": " +
                                          (raw != nullptr ? sqlite3_errmsg(raw) : "out of memory")};
  sqlite3_busy_timeout(raw, kBusyMs);
  auto store = std::make_unique<Store>(std::move(db));
  TG_CHECK(store->prepare_schema());
  return std::unique_ptr<SqliteStore>(std::move(store));
}

}  // namespace tollgate::auth
