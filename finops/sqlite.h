#pragma once
// The little of SQLite this folder needs; its header stays in sqlite.cpp. Private.
//
// A Database and its statements are used by one thread at a time.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/ids.h"
#include "gateway/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tollgate::finops {

// Parameters count from 1, columns from 0, as in SQLite.
class Statement {
 public:
  void bind(int parameter, std::int64_t value);
  void bind(int parameter, std::string_view text);
  // Without a copy: the text must stay where it is until the statement has run and been bound anew.
  void bind_borrowed(int parameter, std::string_view text);
  void bind(int parameter, const Uuid& id);
  void bind_blob(int parameter, std::string_view bytes);
  void bind_borrowed_blob(int parameter, std::string_view bytes);  // as bind_borrowed

  // True while there is a row. The statement resets itself after the last row and after an error.
  Result<bool> step();
  // For statements without rows.
  Status run();
  void reset();

  std::int64_t integer(int column) const;
  std::string_view text(int column) const;  // valid until the next step or reset
  std::string_view blob(int column) const;  // the same
  Uuid uuid(int column) const;              // zero where the blob is not 16 bytes

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  enum class Mode : std::uint8_t { create, existing_read_only };
  static Result<Database> open(const std::filesystem::path& path, Mode mode, std::chrono::milliseconds busy_timeout);

  Status exec(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  void set_busy_timeout(std::chrono::milliseconds timeout);
  std::int64_t changes() const;      // rows the last statement wrote
  std::int64_t last_row_id() const;  // of the last row inserted
  // Ends a transaction that an error left open.
  void rollback();
  // The last error was about space or a lock: the connection itself is sound.
  bool transient() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace tollgate::finops
