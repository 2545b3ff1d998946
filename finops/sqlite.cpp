#include "finops/sqlite.h"

#include <sqlite3.h>

#include <algorithm>

namespace tollgate::finops {
namespace {

Error sqlite_error(sqlite3* database, std::string_view file) {
  std::string message = "ledger database: ";
  message.append(database != nullptr ? sqlite3_errmsg(database) : "out of memory");
  if (!file.empty()) message.append(" (").append(file).append(")");
  return Error{ErrorKind::internal, std::move(message)};
}

// Of a database that was opened. One in memory has no file.
Error sqlite_error(sqlite3* database) {
  const char* file = sqlite3_db_filename(database, "main");
  return sqlite_error(database, file != nullptr ? file : "");
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

// A failed bind (out of memory) leaves NULL, which every column refuses: the step reports it.
void Statement::bind(int parameter, std::int64_t value) { sqlite3_bind_int64(statement_.get(), parameter, value); }

void Statement::bind(int parameter, std::string_view text) {
  // A null pointer would bind NULL; an empty view may hold one.
  const char* data = text.data() != nullptr ? text.data() : "";
  sqlite3_bind_text64(statement_.get(), parameter, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Statement::bind_borrowed(int parameter, std::string_view text) {
  const char* data = text.data() != nullptr ? text.data() : "";
  sqlite3_bind_text64(statement_.get(), parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(int parameter, const Uuid& id) {
  sqlite3_bind_blob64(statement_.get(), parameter, id.bytes.data(), id.bytes.size(), SQLITE_TRANSIENT);
}

void Statement::bind_blob(int parameter, std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), parameter, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
}

void Statement::bind_borrowed_blob(int parameter, std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), parameter, bytes.data(), bytes.size(), SQLITE_STATIC);
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  auto error = sqlite_error(sqlite3_db_handle(statement_.get()));
  sqlite3_reset(statement_.get());
  return error;
}

Status Statement::run() {
  TG_TRY([[maybe_unused]] const bool row, step());
  return {};
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data != nullptr ? std::string_view(data, size) : std::string_view();
}

std::string_view Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data != nullptr ? std::string_view(data, size) : std::string_view();
}

Uuid Statement::uuid(int column) const {
  Uuid id;
  const auto bytes = blob(column);
  if (bytes.size() == id.bytes.size())
    std::transform(bytes.begin(), bytes.end(), id.bytes.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  return id;
}

void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Result<Database> Database::open(const std::filesystem::path& path, Mode mode, std::chrono::milliseconds busy_timeout) {
  sqlite3* raw = nullptr;
  // Readers too need write access where the files allow it: WAL readers take part in the shared-memory index.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mode == Mode::create ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Database database(raw);  // SQLite gives a handle even where opening failed
  if (code != SQLITE_OK) return sqlite_error(raw, path.string());
  database.set_busy_timeout(busy_timeout);
  if (mode == Mode::existing_read_only) TG_CHECK(database.exec("PRAGMA query_only = ON"));
  return database;
}

Status Database::exec(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return sqlite_error(database_.get());
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  if (code != SQLITE_OK) return sqlite_error(database_.get());
  return Statement(raw);
}

void Database::set_busy_timeout(std::chrono::milliseconds timeout) {
  sqlite3_busy_timeout(database_.get(), static_cast<int>(timeout.count()));
}

std::int64_t Database::changes() const { return sqlite3_changes64(database_.get()); }

std::int64_t Database::last_row_id() const { return sqlite3_last_insert_rowid(database_.get()); }

void Database::rollback() {
  if (sqlite3_get_autocommit(database_.get()) == 0)
    sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

bool Database::transient() const {
  const int code = sqlite3_errcode(database_.get()) & 0xFF;  // the extended code's first byte is the primary one
  return code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_FULL;
}

}  // namespace tollgate::finops
