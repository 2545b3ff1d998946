// One promise, two stores: every case runs against SQLite and against a real PostgreSQL.
#include "gateway/auth/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "gateway/auth/store_postgres.h"
#include "gateway/auth/store_sqlite.h"
#include "tests/support/child_process.h"
#include "tests/support/postgres_server.h"
#include "tests/unit/auth/helpers.h"

namespace tollgate::auth {
namespace {

using test_support::PostgresServer;
using test_support::TemporaryDirectory;

class Stores : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "sqlite") return;
    if (!PostgresServer::available()) GTEST_SKIP() << "PostgreSQL is not installed (apt-get install postgresql)";
    server_ = std::make_unique<PostgresServer>();
  }
  // Each call is another connection, as another process would have.
  std::unique_ptr<CredentialStore> open() {
    config::CredentialStoreOptions options;
    options.sqlite = directory_.path() / "state" / "credentials.db";
    if (server_) options.postgres_url = server_->url();
    auto store = open_store(options, log_);
    if (!store) throw std::runtime_error(store.error().message);
    return *std::move(store);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<PostgresServer> server_;
  NullLog log_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, Stores, ::testing::Values("sqlite", "postgres"),
                         [](const auto& parameter) { return parameter.param; });

void expect_same(const Credential& a, const Credential& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.department, b.department);
  EXPECT_EQ(a.application, b.application);
  EXPECT_EQ(a.hash, b.hash);
  EXPECT_EQ(a.pepper_id, b.pepper_id);
  EXPECT_EQ(a.not_before, b.not_before);
  EXPECT_EQ(a.expires_at, b.expires_at);
  EXPECT_EQ(a.revoked_at, b.revoked_at);
  EXPECT_EQ(a.created_at, b.created_at);
  EXPECT_EQ(a.created_by, b.created_by);
  EXPECT_EQ(a.last_used_day, b.last_used_day);
  EXPECT_EQ(a.note, b.note);
  EXPECT_EQ(a.pii, b.pii);
}

TEST_P(Stores, KeepEveryFieldAcrossConnections) {
  Credential full = plain_credential("full");
  full.hash = {0, 255, 39, 92, 0, 34};  // bytes that quoting and terminators could harm
  full.pepper_id = 7;
  full.not_before = 11;
  full.expires_at = 9'000'000'000;
  full.revoked_at = 13;
  full.last_used_day = kToday;
  full.pii = "strict";
  const auto added = open()->add(full);
  ASSERT_TRUE(added) << (added ? "" : added.error().message);
  ASSERT_TRUE(open()->add(plain_credential("plain")));
  const auto rows = open()->list();
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2U);
  expect_same((*rows)[0], full);
  expect_same((*rows)[1], plain_credential("plain"));
}

TEST_P(Stores, RefuseAnIdTwice) {
  const auto store = open();
  ASSERT_TRUE(store->add(plain_credential("one")));
  const auto again = store->add(plain_credential("one"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message.find("Gr"), std::string::npos) << again.error().message;  // no row in an error
  EXPECT_EQ(rows_of(*store).size(), 1U);  // and the connection still works
}

TEST_P(Stores, RevokeAndExpireOnlyWhatExists) {
  const auto store = open();
  ASSERT_TRUE(store->add(plain_credential("one")));
  ASSERT_TRUE(store->revoke("one", 100));
  ASSERT_TRUE(store->expire("one", 200));
  EXPECT_EQ(rows_of(*store)[0].revoked_at, 100);
  EXPECT_EQ(rows_of(*store)[0].expires_at, 200);
  for (const auto& missing : {store->revoke("two", 1), store->expire("'; DROP TABLE credentials; --", 1)}) {
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, ErrorKind::not_found);
  }
}

TEST_P(Stores, VersionMovesWithEveryChangeByAnyone) {
  const auto ours = open();
  const auto theirs = open();
  std::int64_t seen = *ours->version();
  const auto moved = [&] { return std::exchange(seen, *ours->version()) != seen; };
  EXPECT_FALSE(moved());
  ASSERT_TRUE(theirs->add(plain_credential("one")));
  EXPECT_TRUE(moved());
  ASSERT_TRUE(theirs->expire("one", 5));
  EXPECT_TRUE(moved());
  ASSERT_TRUE(theirs->revoke("one", 5));
  EXPECT_TRUE(moved());
  EXPECT_FALSE(theirs->revoke("nobody", 5));
  EXPECT_FALSE(moved());
}

TEST_P(Stores, ADayOfUseOnlyRisesAndIsNoChange) {
  const auto store = open();
  const std::vector<std::string> ids = {"a", "b\"quote", "c\\slash", "d,comma", "e{brace"};
  for (const auto& id : ids) ASSERT_TRUE(store->add(plain_credential(id)));
  const std::int64_t before = *store->version();
  std::vector<std::string> used = ids;
  used.push_back("unknown");
  ASSERT_TRUE(store->touch(used, kToday));
  ASSERT_TRUE(store->touch({ids[0]}, kToday - 3));
  for (const auto& row : rows_of(*store)) EXPECT_EQ(row.last_used_day, kToday) << row.id;
  EXPECT_EQ(*store->version(), before);
  EXPECT_TRUE(store->touch({}, kToday));
}

TEST_P(Stores, ManyMayOpenANewOneAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const auto store = open();
      if (!store->add(plain_credential("key" + std::to_string(i)))) ++failures;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures.load(), 0);
  EXPECT_EQ(rows_of(*open()).size(), 4U);
}

TEST(SqliteStore, IsReadableByItsOwnerOnly) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "credentials.db";
  auto store = open_sqlite_store(path);
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->add(plain_credential("one")));
  for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
    struct stat facts{};
    ASSERT_EQ(::stat(file.path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U) << file.path();
  }
}

TEST(SqliteStore, RefusesAFileOfAnotherProgram) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "credentials.db";
  std::ofstream(path) << std::string(4096, 'x');
  EXPECT_FALSE(open_sqlite_store(path));
}

TEST(SqliteStore, ReplacingEverythingLeavesExactlyThat) {
  const TemporaryDirectory directory;
  auto store = open_sqlite_store(directory.path() / "copy.db");
  ASSERT_TRUE(store);
  EXPECT_EQ(*(*store)->version(), kFreshVersion);
  ASSERT_TRUE((*store)->replace_all({}));
  EXPECT_NE(*(*store)->version(), kFreshVersion);  // an empty copy is a copy
  ASSERT_TRUE((*store)->replace_all({plain_credential("a"), plain_credential("b")}));
  ASSERT_TRUE((*store)->replace_all({plain_credential("c")}));
  ASSERT_EQ(rows_of(**store).size(), 1U);
  EXPECT_FALSE((*store)->replace_all({plain_credential("d"), plain_credential("d")}));
  EXPECT_EQ(rows_of(**store)[0].id, "c");  // all or nothing
}

TEST(PostgresLogin, AddsThePasswordInTheFormTheAddressHas) {
  EXPECT_EQ(postgres_login("postgresql://u@h/d", "").reveal(),
            "postgresql://u@h/d?connect_timeout=3&tcp_user_timeout=5000&application_name=tollgate");
  const Secret uri = postgres_login("postgres://u@h/d?sslmode=require", "a&b");
  EXPECT_TRUE(uri.reveal().ends_with("&password=%61%26%62"));
  EXPECT_NE(uri.reveal().find("?sslmode=require&connect_timeout"), std::string_view::npos);
  const Secret words = postgres_login("host=h dbname=d", "it's \\ here");
  EXPECT_TRUE(words.reveal().ends_with(" password='it\\'s \\\\ here'"));
}

TEST(PostgresStore, AnUnreachableServerIsAnErrorWithoutThePassword) {
  const auto store = open_postgres_store("postgresql://someone@127.0.0.1:1/none",
                                         std::make_shared<const Secret>(std::string("hunter2")));
  const auto version = store->version();
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().message.find("hunter2"), std::string::npos);
  EXPECT_FALSE(version.error().message.empty());
}

}  // namespace
}  // namespace tollgate::auth
