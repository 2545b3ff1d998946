#include "gateway/auth/store.h"

#include "gateway/auth/store_postgres.h"
#include "gateway/auth/store_sqlite.h"

namespace tollgate::auth {

Result<std::unique_ptr<CredentialStore>> open_store(const config::CredentialStoreOptions& options, Log&) {
  if (!options.postgres_url.empty()) return open_postgres_store(options.postgres_url, options.postgres_password);
  TG_TRY(auto store, open_sqlite_store(options.sqlite));
  return std::unique_ptr<CredentialStore>(std::move(store));
}

}  // namespace tollgate::auth
