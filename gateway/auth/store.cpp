#include "gateway/auth/store.h"

#include "gateway/auth/store_sqlite.h"

namespace tollgate::auth {

Result<std::unique_ptr<CredentialStore>> open_store(const config::CredentialStoreOptions& options, Log& log) {
  (void)log;
  if (!options.postgres_url.empty())
    return Error{ErrorKind::internal, "credentials.postgres is not supported by this build"};
  TG_TRY(auto store, open_sqlite_store(options.sqlite));
  return std::unique_ptr<CredentialStore>(std::move(store));
}

}  // namespace tollgate::auth
