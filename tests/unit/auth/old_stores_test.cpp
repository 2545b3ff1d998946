// Stores as earlier versions of the program left them.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "gateway/auth/store.h"
#include "tests/support/child_process.h"
#include "tests/support/postgres_server.h"
#include "tests/unit/auth/helpers.h"

namespace tollgate::auth {
namespace {

using test_support::PostgresServer;
using test_support::TemporaryDirectory;

// Schema 1: keys had no policy of their own.
constexpr const char* kSqlite1 = R"sql(
CREATE TABLE credentials (
  id TEXT PRIMARY KEY, department TEXT NOT NULL, application TEXT NOT NULL, hash BLOB NOT NULL,
  pepper_id INTEGER NOT NULL, not_before INTEGER NOT NULL, expires_at INTEGER NOT NULL, revoked_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL, created_by TEXT NOT NULL, last_used_day INTEGER NOT NULL, note TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE changes (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL) STRICT;
INSERT INTO changes VALUES (1, 1);
CREATE TRIGGER credentials_added AFTER INSERT ON credentials
  BEGIN UPDATE changes SET version = version + 1; END;
CREATE TRIGGER credentials_changed AFTER UPDATE OF department, note ON credentials
  BEGIN UPDATE changes SET version = version + 1; END;
INSERT INTO credentials VALUES ('old', 'retail', 'branch-chat', zeroblob(32), 1, 0, 0, 0, 5, 'someone', 0, 'before');
PRAGMA user_version = 1;
)sql";
constexpr const char* kPostgres1 = R"sql(
CREATE TABLE tollgate_credentials (
  id text PRIMARY KEY, department text NOT NULL, application text NOT NULL,
  hash bytea NOT NULL CHECK (octet_length(hash) = 32), pepper_id bigint NOT NULL, not_before bigint NOT NULL,
  expires_at bigint NOT NULL, revoked_at bigint NOT NULL, created_at bigint NOT NULL, created_by text NOT NULL,
  last_used_day bigint NOT NULL, note text NOT NULL);
CREATE TABLE tollgate_credential_changes (
  single boolean PRIMARY KEY DEFAULT true CHECK (single), schema integer NOT NULL, version bigint NOT NULL);
INSERT INTO tollgate_credential_changes (schema, version) VALUES (1, 1);
INSERT INTO tollgate_credentials VALUES
  ('old', 'retail', 'branch-chat', decode(repeat('00', 32), 'hex'), 1, 0, 0, 0, 5, 'someone', 0, 'before');
)sql";

class OldStores : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    options_.sqlite = directory_.path() / "credentials.db";
    if (GetParam() == "sqlite") return;
    if (!PostgresServer::available()) GTEST_SKIP() << "PostgreSQL is not installed (apt-get install postgresql)";
    server_ = std::make_unique<PostgresServer>();
    options_.postgres_url = server_->url();
  }
  void execute(const char* sqlite, const char* postgres) {
    if (server_) {
      ASSERT_TRUE(server_->execute(postgres));
      return;
    }
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(options_.sqlite.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sqlite, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  // PostgreSQL is looked at with the first question.
  Status use() {
    TG_TRY(const auto store, open_store(options_, log_));
    TG_TRY([[maybe_unused]] const auto version, store->version());
    return {};
  }

  TemporaryDirectory directory_;
  std::unique_ptr<PostgresServer> server_;
  config::CredentialStoreOptions options_;
  NullLog log_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, OldStores, ::testing::Values("sqlite", "postgres"),
                         [](const auto& parameter) { return parameter.param; });

TEST_P(OldStores, KeepTheirKeysAndLearnOfPolicies) {
  execute(kSqlite1, kPostgres1);
  ASSERT_TRUE(use());
  auto store = *open_store(options_, log_);
  const std::int64_t before = *store->version();
  Credential with_policy = plain_credential("new");
  with_policy.pii = "strict";
  ASSERT_TRUE(store->add(with_policy));
  EXPECT_NE(*store->version(), before);
  const auto rows = rows_of(*store);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].id, "old");
  EXPECT_EQ(rows[0].note, "before");
  EXPECT_EQ(rows[0].pii, "");
  EXPECT_EQ(rows[1].pii, "strict");
}

TEST_P(OldStores, AChangedPolicyIsAChange) {
  execute(kSqlite1, kPostgres1);
  ASSERT_TRUE(use());
  auto store = *open_store(options_, log_);
  const std::int64_t before = *store->version();
  execute("UPDATE credentials SET pii = 'strict' WHERE id = 'old'",
          "UPDATE tollgate_credentials SET pii = 'strict'; "
          "UPDATE tollgate_credential_changes SET version = version + 1");
  EXPECT_NE(*store->version(), before);
  EXPECT_EQ(rows_of(*store)[0].pii, "strict");
}

TEST_P(OldStores, WhatANewerVersionHasWrittenIsRefused) {
  ASSERT_TRUE(use());
  execute("PRAGMA user_version = 99", "UPDATE tollgate_credential_changes SET schema = 99");
  const auto used = use();
  ASSERT_FALSE(used);
  EXPECT_NE(used.error().message.find("newer version"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::auth
