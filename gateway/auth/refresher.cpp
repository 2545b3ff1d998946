#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include "gateway/auth/store.h"
#include "gateway/auth/store_sqlite.h"
#include "gateway/auth/use_log.h"
#include "gateway/base/thread_name.h"

namespace tollgate::auth {
namespace {

constexpr std::chrono::seconds kPoll{1};
constexpr std::chrono::seconds kFarewell{2};  // for the last days of use, before a silent store is interrupted

}  // namespace

struct Refresher::Impl {
  Impl(std::vector<Credential> file_keys, Publish hand_over, Log& to)
      : extra(std::move(file_keys)), publish(std::move(hand_over)), log(to) {}

  void open(const config::CredentialStoreOptions& options);
  void load_first();
  void run();
  void poll();
  bool read_store();
  bool use_local_copy();
  void build_table();
  void write_uses();
  bool lost(const Error& error);
  void found();

  // The refresher's thread only, once it runs.
  std::unique_ptr<CredentialStore> store;
  std::unique_ptr<SqliteStore> copy;  // where the store is PostgreSQL
  std::vector<Credential> stored;
  std::optional<std::int64_t> version;  // of `stored`; absent: not read from the store yet
  bool is_lost = false;

  // Shared, under `mutex`; nobody holds it while the store works.
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::vector<Credential> extra;
  std::shared_ptr<const CredentialTable> table;
  bool extra_changed = false;
  bool asked = false;
  bool stopping = false;
  bool finished = false;

  UseLog uses;
  Publish publish;
  Log& log;
  std::thread thread;
};

void Refresher::Impl::open(const config::CredentialStoreOptions& options) {
  auto opened = open_store(options, log);
  if (!opened) throw std::runtime_error(opened.error().message);
  store = *std::move(opened);
  if (options.postgres_url.empty()) return;
  auto local = open_sqlite_store(options.sqlite);
  if (!local) throw std::runtime_error(local.error().message);
  copy = *std::move(local);
}

void Refresher::Impl::load_first() {
  if (!read_store() && !use_local_copy())
    throw std::runtime_error("the credential store cannot be read, and there is no local copy of it");
  build_table();
}

// True when `stored` is new.
bool Refresher::Impl::read_store() {
  const auto now = store->version();
  if (!now) return lost(now.error());
  if (version == *now) {
    found();
    return false;
  }
  auto rows = store->list();
  if (!rows) return lost(rows.error());
  found();
  stored = *std::move(rows);
  version = *now;
  if (copy == nullptr) return true;
  if (auto saved = copy->replace_all(stored); !saved)
    log.write(LogLevel::error, "credential_copy_failed", saved.error().message, {});
  return true;
}

bool Refresher::Impl::use_local_copy() {
  if (copy == nullptr) return false;
  const auto copied = copy->version();
  if (!copied || *copied == kFreshVersion) return false;
  auto rows = copy->list();
  if (!rows) return false;
  stored = *std::move(rows);
  log.write(LogLevel::warning, "credential_copy_used", "starting with the local copy of the credential store",
            {{"keys", static_cast<std::int64_t>(stored.size())}});
  return true;
}

// Says it once per loss, not once per second. Always false.
bool Refresher::Impl::lost(const Error& error) {
  if (!std::exchange(is_lost, true))
    log.write(LogLevel::error, "credential_store_lost", error.message + "; the keys known so far stay in force", {});
  return false;
}

void Refresher::Impl::found() {
  if (std::exchange(is_lost, false)) log.write(LogLevel::info, "credential_store_back", "it can be read again", {});
}

void Refresher::Impl::build_table() {
  std::vector<Credential> all = stored;
  const std::lock_guard lock(mutex);
  extra_changed = false;
  all.insert(all.end(), extra.begin(), extra.end());
  table = std::make_shared<const CredentialTable>(std::move(all));
}

void Refresher::Impl::write_uses() {
  auto days = uses.take();
  while (!days.empty()) {
    const auto& [day, ids] = *days.begin();
    if (!store->touch(std::vector<std::string>(ids.begin(), ids.end()), day)) break;
    days.erase(days.begin());
  }
  uses.put_back(std::move(days));
}

void Refresher::Impl::poll() {
  const bool changed = read_store();
  std::unique_lock lock(mutex);
  const bool rebuild = changed || extra_changed;
  lock.unlock();
  if (rebuild) {
    build_table();
    publish(table);  // only this thread replaces it
  }
  if (!is_lost) write_uses();
}

void Refresher::Impl::run() {
  name_this_thread("tollgate-keys");
  std::unique_lock lock(mutex);
  while (!stopping) {
    wake.wait_for(lock, kPoll, [this] { return stopping || asked; });
    asked = false;
    if (stopping) break;
    lock.unlock();
    poll();
    lock.lock();
  }
  lock.unlock();
  if (!is_lost) write_uses();
  lock.lock();
  finished = true;
  wake.notify_all();
}

Refresher::Refresher(config::CredentialStoreOptions options, std::vector<Credential> extra, Publish publish, Log& log)
    : impl_(std::make_unique<Impl>(std::move(extra), std::move(publish), log)) {
  impl_->open(options);
  impl_->load_first();
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

Refresher::~Refresher() {
  std::unique_lock lock(impl_->mutex);
  impl_->stopping = true;
  impl_->wake.notify_all();
  if (!impl_->wake.wait_for(lock, kFarewell, [this] { return impl_->finished; })) impl_->store->interrupt();
  lock.unlock();
  impl_->thread.join();
}

std::shared_ptr<const CredentialTable> Refresher::current() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->table;
}

void Refresher::set_extra(std::vector<Credential> extra) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->extra = std::move(extra);
    impl_->extra_changed = true;
    impl_->asked = true;
  }
  impl_->wake.notify_all();
}

void Refresher::refresh_now() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->asked = true;
  }
  impl_->wake.notify_all();
}

void Refresher::note_use(std::string_view id, SystemTime when) {
  const auto day = std::chrono::floor<std::chrono::days>(when).time_since_epoch().count();
  impl_->uses.note(id, day);
}

std::vector<Credential> hash_file_keys(const std::vector<config::FileKey>& keys, const KeyHasher& hasher) {
  std::vector<Credential> out;
  for (const auto& key : keys) {
    Credential c;
    const auto parsed = parse_key(key.key->reveal());
    c.id = parsed ? std::string(parsed->id) : key.id;
    c.department = key.department;
    c.application = key.application;
    c.hash = hasher.hash(key.key->reveal());
    c.pepper_id = hasher.pepper_id();
    c.pii = key.pii;
    c.note = "from the configuration file: " + key.id;
    out.push_back(std::move(c));
  }
  return out;
}

}  // namespace tollgate::auth
