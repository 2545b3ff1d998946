#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include "gateway/auth/store.h"

namespace tollgate::auth {
namespace {

constexpr std::chrono::seconds kPoll{1};

}  // namespace

struct Refresher::Impl {
  Impl(std::unique_ptr<CredentialStore> opened, std::vector<Credential> file_keys, Publish hand_over, Log& to)
      : store(std::move(opened)), extra(std::move(file_keys)), publish(std::move(hand_over)), log(to) {}

  // Reads the store when it changed. True when there is a new table.
  bool refresh();
  void run();
  void complain(const std::string& message);

  std::unique_ptr<CredentialStore> store;  // used by one thread at a time, under `mutex`
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::vector<Credential> extra;
  std::vector<Credential> stored;
  std::optional<std::int64_t> version;
  std::shared_ptr<const CredentialTable> table;
  bool extra_changed = true;
  bool asked = false;
  bool stopping = false;
  bool complained = false;
  Publish publish;
  Log& log;
  std::thread thread;
};

void Refresher::Impl::complain(const std::string& message) {
  if (!std::exchange(complained, true))
    log.write(LogLevel::error, "credential_store_lost", message + "; the keys known so far stay in force", {});
}

bool Refresher::Impl::refresh() {
  const auto now = store->version();
  if (!now) {
    complain(now.error().message);
    return false;
  }
  if (version == *now && !extra_changed) return false;
  if (version != *now) {
    auto rows = store->list();
    if (!rows) {
      complain(rows.error().message);
      return false;
    }
    stored = *std::move(rows);
    version = *now;
  }
  complained = false;
  extra_changed = false;
  std::vector<Credential> all = stored;
  all.insert(all.end(), extra.begin(), extra.end());
  table = std::make_shared<const CredentialTable>(std::move(all));
  return true;
}

void Refresher::Impl::run() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    wake.wait_for(lock, kPoll, [this] { return stopping || asked; });
    if (stopping) return;
    asked = false;
    if (!refresh()) continue;
    const auto fresh = table;
    lock.unlock();
    publish(fresh);
    lock.lock();
  }
}

Refresher::Refresher(config::CredentialStoreOptions options, std::vector<Credential> extra, Publish publish, Log& log) {
  auto store = open_store(options, log);
  if (!store) throw std::runtime_error(store.error().message);
  impl_ = std::make_unique<Impl>(*std::move(store), std::move(extra), std::move(publish), log);
  if (!impl_->refresh()) throw std::runtime_error("the credential store cannot be read");
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

Refresher::~Refresher() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_one();
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
  impl_->wake.notify_one();
}

void Refresher::refresh_now() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->asked = true;
  }
  impl_->wake.notify_one();
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
    c.note = "from the configuration file: " + key.id;
    out.push_back(std::move(c));
  }
  return out;
}

}  // namespace tollgate::auth
