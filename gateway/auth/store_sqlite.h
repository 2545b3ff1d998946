#pragma once
// The SQLite store, and its use as the local copy of a PostgreSQL store. Private to this folder.
#include <filesystem>

#include "gateway/auth/store.h"

namespace tollgate::auth {

class SqliteStore : public CredentialStore {
 public:
  // Makes every row what `rows` says, in one transaction: for the local copy.
  virtual Status replace_all(const std::vector<Credential>& rows) = 0;
};

Result<std::unique_ptr<SqliteStore>> open_sqlite_store(const std::filesystem::path& path);

}  // namespace tollgate::auth
