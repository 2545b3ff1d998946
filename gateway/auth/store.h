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
  // Raises last_used_day of these ids to `day` (Unix days). Unknown ids are ignored; version() stays as it is.
  virtual Status touch(const std::vector<std::string>& ids, std::int64_t day) = 0;
  // Changes whenever anything was added or changed by anyone; cheap to ask.
  virtual Result<std::int64_t> version() = 0;
  // From another thread: ends a call that waits for a network. That call and all later ones fail.
  virtual void interrupt() {}
};

// PostgreSQL is connected to at the first call, and again after a failure.
Result<std::unique_ptr<CredentialStore>> open_store(const config::CredentialStoreOptions& options, Log& log);

// Polls version() every second on a thread of its own and hands over a new table when it changed, so that a running
// gateway sees a change within 5 s. While PostgreSQL is away what was last known stays in force, from the local copy
// after a restart; the log says so. Thread-safe; no member but the constructor and the destructor waits for the store.
class Refresher {
 public:
  using Publish = std::function<void(std::shared_ptr<const CredentialTable>)>;
  // `extra` are the keys of the config file, already hashed; replaced by set_extra on reload. `publish` runs on the
  // refresher's thread, never for the first table. Throws std::runtime_error when no table can be had: the store cannot
  // be read and there is no local copy.
  Refresher(config::CredentialStoreOptions options, std::vector<Credential> extra, Publish publish, Log& log);
  ~Refresher();
  Refresher(const Refresher&) = delete;
  Refresher& operator=(const Refresher&) = delete;
  // The latest table; the first is loaded when the constructor returns.
  std::shared_ptr<const CredentialTable> current() const;
  void set_extra(std::vector<Credential> extra);
  void refresh_now();  // asks for a poll at once; does not wait for it
  // This credential served a call at `when`. Cheap enough for every call: only the first use in a day takes a lock. The
  // day reaches the store with the next poll.
  void note_use(std::string_view id, SystemTime when);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Keys of the config file as credentials, found by the id inside the key.
std::vector<Credential> hash_file_keys(const std::vector<config::FileKey>& keys, const KeyHasher& hasher);

}  // namespace tollgate::auth
