#pragma once
// Where credentials live: SQLite by default, PostgreSQL for a fleet (with a local SQLite copy to start from while it is
// away). Blocking: CLI commands and the refresher thread only.
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/auth/keys.h"
#include "gateway/base/log.h"

namespace tollgate::auth {

class CredentialStore {
 public:
  virtual ~CredentialStore() = default;
  virtual Status add(const Credential& credential) = 0;
  virtual Result<std::vector<Credential>> list() = 0;
  // Sets revoked_at / expires_at. not_found when there is no such id.
  virtual Status revoke(const std::string& id, std::int64_t at) = 0;
  virtual Status expire(const std::string& id, std::int64_t at) = 0;
  // Changes whenever anything was added or changed by anyone; cheap to ask.
  virtual Result<std::int64_t> version() = 0;
};

Result<std::unique_ptr<CredentialStore>> open_store(const config::CredentialStoreOptions& options, Log& log);

// Polls version() every second on a thread of its own and hands over a new table when it changed, so that a running
// gateway sees a change within 5 s. While PostgreSQL is away it serves the local copy and says so in the log.
class Refresher {
 public:
  using Publish = std::function<void(std::shared_ptr<const CredentialTable>)>;
  // `extra` are the keys of the config file, already hashed; replaced by set_extra on reload.
  Refresher(config::CredentialStoreOptions options, std::vector<Credential> extra, Publish publish, Log& log);
  ~Refresher();
  Refresher(const Refresher&) = delete;
  Refresher& operator=(const Refresher&) = delete;
  // The table as of construction (already loaded).
  std::shared_ptr<const CredentialTable> current() const;
  void set_extra(std::vector<Credential> extra);
  void refresh_now();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::vector<Credential> hash_file_keys(const std::vector<config::FileKey>& keys, const KeyHasher& hasher);

}  // namespace tollgate::auth
