#include "gateway/auth/store_postgres.h"

#include <sys/socket.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <pqxx/pqxx>

namespace tollgate::auth {
namespace {

constexpr int kSchemaVersion = 2;
constexpr const char* kAway = "the credential store (PostgreSQL) cannot be used: ";

// One advisory lock for everybody who may create the tables: CREATE ... IF NOT EXISTS races with itself.
constexpr const char* kLockSchema = "SELECT pg_advisory_xact_lock(8470113297)";
constexpr const char* kSchema = R"sql(
CREATE TABLE IF NOT EXISTS tollgate_credentials (
  id text PRIMARY KEY, department text NOT NULL, application text NOT NULL,
  hash bytea NOT NULL CHECK (octet_length(hash) = 32), pepper_id bigint NOT NULL, not_before bigint NOT NULL,
  expires_at bigint NOT NULL, revoked_at bigint NOT NULL, created_at bigint NOT NULL, created_by text NOT NULL,
  last_used_day bigint NOT NULL, note text NOT NULL);
CREATE TABLE IF NOT EXISTS tollgate_credential_changes (
  single boolean PRIMARY KEY DEFAULT true CHECK (single), schema integer NOT NULL, version bigint NOT NULL);
INSERT INTO tollgate_credential_changes (schema, version) VALUES (1, 1) ON CONFLICT DO NOTHING;
)sql";
// A key without its policy would be a hole, so a program that does not know of it has to refuse the store.
constexpr const char* kPolicyOfAKey = R"sql(
ALTER TABLE tollgate_credentials ADD COLUMN IF NOT EXISTS pii text NOT NULL DEFAULT '';
UPDATE tollgate_credential_changes SET schema = 2 WHERE schema = 1;
)sql";
// In the transaction of every change: the row's lock orders them, so a version once seen includes all before it.
constexpr const char* kBump = "UPDATE tollgate_credential_changes SET version = version + 1";

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out.append({'%', kHex[byte >> 4], kHex[byte & 0x0F]});
  }
  return out;
}

// A value of a conninfo string or of an array literal: in quotes, with quotes and backslashes escaped.
std::string in_quotes(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back(quote);
  return out;
}

std::string array_literal(const std::vector<std::string>& values) {
  std::string out = "{";
  for (const auto& value : values) out.append(out.size() > 1 ? "," : "").append(in_quotes(value, '"'));
  return out + "}";
}

// The first line is the message itself; DETAIL and CONTEXT, which follow, may quote a row.
std::string first_line(const char* what) {
  const std::string_view text(what);
  return std::string(text.substr(0, text.find('\n')));
}

Credential read(const pqxx::row& row) {
  Credential c;
  c.id = row[0].as<std::string>();
  c.department = row[1].as<std::string>();
  c.application = row[2].as<std::string>();
  const pqxx::binarystring hash(row[3]);
  std::copy_n(hash.data(), std::min(hash.size(), c.hash.size()), c.hash.begin());
  c.pepper_id = row[4].as<std::int64_t>();
  c.not_before = row[5].as<std::int64_t>();
  c.expires_at = row[6].as<std::int64_t>();
  c.revoked_at = row[7].as<std::int64_t>();
  c.created_at = row[8].as<std::int64_t>();
  c.created_by = row[9].as<std::string>();
  c.last_used_day = row[10].as<std::int64_t>();
  c.note = row[11].as<std::string>();
  c.pii = row[12].as<std::string>();
  return c;
}

class PostgresStore final : public CredentialStore {
 public:
  PostgresStore(std::string url, std::shared_ptr<const Secret> password)
      : url_(std::move(url)), password_(std::move(password)) {}
  ~PostgresStore() override { disconnect(); }
  PostgresStore(const PostgresStore&) = delete;
  PostgresStore& operator=(const PostgresStore&) = delete;

  Status add(const Credential& c) override {
    return attempt([&](pqxx::work& tx) {
      const pqxx::binarystring hash(c.hash.data(), c.hash.size());
      tx.exec_params("INSERT INTO tollgate_credentials VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)", c.id,
                     c.department, c.application, hash, c.pepper_id, c.not_before, c.expires_at, c.revoked_at,
                     c.created_at, c.created_by, c.last_used_day, c.note, c.pii);
      tx.exec(kBump);
    });
  }

  Result<std::vector<Credential>> list() override {
    std::vector<Credential> rows;
    TG_CHECK(attempt([&](pqxx::work& tx) {
      for (const auto& row : tx.exec("SELECT id, department, application, hash, pepper_id, not_before, expires_at, "
                                     "revoked_at, created_at, created_by, last_used_day, note, pii "
                                     "FROM tollgate_credentials ORDER BY created_at, id"))
        rows.push_back(read(row));
    }));
    return rows;
  }

  Status revoke(const std::string& id, std::int64_t at) override {
    return set("UPDATE tollgate_credentials SET revoked_at = $1 WHERE id = $2", id, at);
  }
  Status expire(const std::string& id, std::int64_t at) override {
    return set("UPDATE tollgate_credentials SET expires_at = $1 WHERE id = $2", id, at);
  }

  Status touch(const std::vector<std::string>& ids, std::int64_t day) override {
    return attempt([&](pqxx::work& tx) {
      tx.exec_params(
          "UPDATE tollgate_credentials SET last_used_day = $1 WHERE id = ANY($2::text[]) AND last_used_day < $1", day,
          array_literal(ids));
    });
  }

  Result<std::int64_t> version() override {
    std::int64_t version = 0;
    TG_CHECK(attempt([&](pqxx::work& tx) {
      version = tx.exec1("SELECT version FROM tollgate_credential_changes")[0].as<std::int64_t>();
    }));
    return version;
  }

  // libpq waits without a limit for a server that has gone silent; a socket that is shut down ends that wait.
  void interrupt() override {
    const std::lock_guard lock(socket_mutex_);
    interrupted_ = true;
    if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
  }

 private:
  Status set(const char* sql, const std::string& id, std::int64_t at) {
    bool found = false;
    TG_CHECK(attempt([&](pqxx::work& tx) {
      found = tx.exec_params(sql, at, id).affected_rows() > 0;
      if (found) tx.exec(kBump);
    }));
    if (!found) return Error{ErrorKind::not_found, "no key with id '" + id + "'; `tollgate keys list` shows them"};
    return {};
  }

  // One transaction. After an error the connection is not trusted any more.
  Status attempt(const std::function<void(pqxx::work&)>& work) {
    try {
      if (!connection_) connect();
      pqxx::work tx(*connection_);
      work(tx);
      tx.commit();
      return {};
    } catch (const std::exception& e) {
      std::string message = kAway + first_line(e.what());
      disconnect();
      const auto secret = password_ ? password_->reveal() : std::string_view();
      if (!secret.empty() && message.find(secret) != std::string::npos) message = std::string(kAway) + "cannot log in";
      return Error{ErrorKind::internal, std::move(message)};
    }
  }

  void connect() {
    const Secret login = postgres_login(url_, password_ ? password_->reveal() : std::string_view());
    connection_ = std::make_unique<pqxx::connection>(std::string(login.reveal()));
    {
      const std::lock_guard lock(socket_mutex_);
      if (interrupted_) throw std::runtime_error("interrupted");
      socket_ = connection_->sock();
    }
    pqxx::work tx(*connection_);
    tx.exec("SET client_min_messages = warning");
    tx.exec("SET statement_timeout = '5s'");
    prepare_schema(tx);
    tx.commit();
  }

  // Only where it is missing: a role that may not create tables can still use them.
  static void prepare_schema(pqxx::work& tx) {
    if (tx.exec1("SELECT to_regclass('tollgate_credential_changes')")[0].is_null()) {
      tx.exec(kLockSchema);
      tx.exec(kSchema);
    }
    const int found = schema_of(tx);
    if (found > kSchemaVersion) throw std::runtime_error("it was written by a newer version of this program");
    if (found == kSchemaVersion) return;
    tx.exec(kLockSchema);
    tx.exec(kPolicyOfAKey);
  }
  static int schema_of(pqxx::work& tx) {
    return tx.exec1("SELECT schema FROM tollgate_credential_changes")[0].as<int>();
  }

  void disconnect() {
    {
      const std::lock_guard lock(socket_mutex_);
      socket_ = -1;
    }
    connection_.reset();
  }

  std::string url_;
  std::shared_ptr<const Secret> password_;
  std::unique_ptr<pqxx::connection> connection_;
  std::mutex socket_mutex_;
  int socket_ = -1;
  bool interrupted_ = false;
};

}  // namespace

Secret postgres_login(const std::string& url, std::string_view password) {
  // A peer that has vanished is noticed by the kernel: its TCP timer, where the server is on another machine.
  const bool uri = url.starts_with("postgresql://") || url.starts_with("postgres://");
  std::string out = url;
  if (uri) {
    out.append(url.find('?') == std::string::npos ? "?" : "&");
    out.append("connect_timeout=3&tcp_user_timeout=5000&application_name=tollgate");
    if (!password.empty()) out.append("&password=").append(percent_encoded(password));
  } else {
    out.append(" connect_timeout=3 tcp_user_timeout=5000 application_name=tollgate");
    if (!password.empty()) out.append(" password=").append(in_quotes(password, '\''));
  }
  return Secret(std::move(out));
}

std::unique_ptr<CredentialStore> open_postgres_store(const std::string& url, std::shared_ptr<const Secret> password) {
  return std::make_unique<PostgresStore>(url, std::move(password));
}

}  // namespace tollgate::auth
