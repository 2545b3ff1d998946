#pragma once
// Shared by the tests of credentials: a configuration with one department, keys that belong to it, a log that
// remembers.
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "gateway/auth/store.h"

namespace tollgate::auth {

constexpr std::int64_t kNow = 1'767'225'600;  // 2026-01-01T00:00:00Z
constexpr std::int64_t kToday = kNow / 86'400;
inline SystemTime at(std::int64_t seconds) { return SystemTime(std::chrono::seconds(seconds)); }

inline Secret master_key(char fill = 'm') { return Secret(std::string(32, fill)); }

inline config::Snapshot snapshot_with(const std::string& department, const std::string& application) {
  config::Snapshot snapshot;
  auto part = std::make_shared<config::Department>();
  part->id = department;
  config::Application wanted;
  wanted.id = application;
  wanted.purpose = "test";
  part->applications.push_back(std::move(wanted));
  snapshot.departments[department] = std::move(part);
  return snapshot;
}

struct Issued {
  std::string key;
  Credential credential;
};

inline Issued issue(const KeyHasher& hasher) {
  const NewKey fresh = mint_key();
  Issued out{std::string(fresh.key.reveal()), {}};
  out.credential.id = fresh.id;
  out.credential.department = "retail";
  out.credential.application = "branch-chat";
  out.credential.hash = hasher.hash(out.key);
  out.credential.created_at = kNow;
  out.credential.created_by = "test";
  return out;
}

inline Credential plain_credential(const std::string& id) {
  Credential c;
  c.id = id;
  c.department = "retail";
  c.application = "branch-chat";
  c.hash.fill(static_cast<std::uint8_t>(id.size()));
  c.created_at = kNow;
  c.created_by = "o'brien \"quoted\" \\ back";
  c.note = "Grüße";
  return c;
}

inline std::vector<Credential> rows_of(CredentialStore& store) {
  auto rows = store.list();
  if (!rows) throw std::runtime_error(rows.error().message);
  return *std::move(rows);
}

class RememberingLog final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::string_view message, std::initializer_list<LogField>) override {
    const std::lock_guard lock(mutex_);
    text_.append(event).append(" ").append(message).append("\n");
  }
  bool mentions(std::string_view what) const {
    const std::lock_guard lock(mutex_);
    return text_.find(what) != std::string::npos;
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace tollgate::auth
