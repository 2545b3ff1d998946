#pragma once
// The SQLite store, and its use as the local copy of a PostgreSQL store. Private to this folder.
#include <filesystem>

#include "gateway/auth/store.h"

namespace tollgate::auth {

class SqliteStore : public CredentialStore {
 public:
  // Makes every row what `rows` says, in one transaction: for the local copy. Always moves version().
  virtual Status replace_all(const std::vector<Credential>& rows) = 0;
};

// version() of a store into which nothing was ever written.
inline constexpr std::int64_t kFreshVersion = 1;

// Creates the file, readable by its owner only, and the directory it lies in.
Result<std::unique_ptr<SqliteStore>> open_sqlite_store(const std::filesystem::path& path);

}  // namespace tollgate::auth
