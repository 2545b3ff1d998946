#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "gateway/auth/store.h"
#include "gateway/auth/use_log.h"
#include "tests/support/child_process.h"
#include "tests/support/postgres_server.h"
#include "tests/unit/auth/helpers.h"

// libpqxx 6.4 loses the result of the query during which a connection breaks: 2 KB per loss, seen by LeakSanitizer.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libpqxx"; }

namespace tollgate::auth {
namespace {

using test_support::eventually;
using test_support::PostgresServer;
using test_support::TemporaryDirectory;

class RefresherTest : public ::testing::Test {
 protected:
  RefresherTest() { options_.sqlite = directory_.path() / "credentials.db"; }

  std::unique_ptr<CredentialStore> open() {
    auto store = open_store(options_, log_);
    if (!store) throw std::runtime_error(store.error().message);
    return *std::move(store);
  }
  void start(std::vector<Credential> extra = {}) {
    refresher_ = std::make_unique<Refresher>(
        options_, std::move(extra),
        [this](std::shared_ptr<const CredentialTable> table) {
          const std::lock_guard lock(mutex_);
          published_ = std::move(table);
          ++publications_;
        },
        log_);
  }
  std::shared_ptr<const CredentialTable> published() const {
    const std::lock_guard lock(mutex_);
    return published_;
  }
  int publications() const {
    const std::lock_guard lock(mutex_);
    return publications_;
  }
  bool publishes(const std::string& id) {
    return eventually([&] {
      const auto table = published();
      return table != nullptr && table->find(id) != nullptr;
    });
  }

  TemporaryDirectory directory_;
  config::CredentialStoreOptions options_;
  RememberingLog log_;
  mutable std::mutex mutex_;
  std::shared_ptr<const CredentialTable> published_;
  int publications_ = 0;
  std::unique_ptr<Refresher> refresher_;
};

TEST_F(RefresherTest, HasATableAsSoonAsItExists) {
  ASSERT_TRUE(open()->add(plain_credential("one")));
  start({plain_credential("from-file")});
  EXPECT_NE(refresher_->current()->find("one"), nullptr);
  EXPECT_NE(refresher_->current()->find("from-file"), nullptr);
  EXPECT_EQ(publications(), 0);
}

TEST_F(RefresherTest, AChangeByAnotherProcessIsSeenWithinFiveSeconds) {
  start();
  const auto other = open();
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(other->add(plain_credential("new")));
  ASSERT_TRUE(publishes("new"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(refresher_->current(), published());
}

TEST_F(RefresherTest, PublishesOnlyWhatChanged) {
  start();
  const auto other = open();
  ASSERT_TRUE(other->add(plain_credential("one")));
  refresher_->refresh_now();
  ASSERT_TRUE(publishes("one"));
  for (int i = 0; i < 20; ++i) {
    refresher_->refresh_now();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(publications(), 1);
  ASSERT_TRUE(other->revoke("one", 5));
  refresher_->refresh_now();
  ASSERT_TRUE(eventually([&] { return published()->find("one")->revoked_at == 5; }));
  EXPECT_EQ(publications(), 2);
}

TEST_F(RefresherTest, KeysOfTheFileFollowAReload) {
  ASSERT_TRUE(open()->add(plain_credential("stored")));
  start({plain_credential("old")});
  refresher_->set_extra({plain_credential("new")});
  ASSERT_TRUE(publishes("new"));
  EXPECT_EQ(published()->find("old"), nullptr);
  EXPECT_NE(published()->find("stored"), nullptr);
}

TEST_F(RefresherTest, RecordsTheDayOfUse) {
  ASSERT_TRUE(open()->add(plain_credential("used")));
  ASSERT_TRUE(open()->add(plain_credential("idle")));
  start();
  refresher_->note_use("used", at(kNow));
  refresher_->refresh_now();
  const auto other = open();
  const auto day_of = [&](const std::string& id) {
    for (const auto& row : rows_of(*other))
      if (row.id == id) return row.last_used_day;
    return std::int64_t{-1};
  };
  ASSERT_TRUE(eventually([&] { return day_of("used") == kToday; }));
  EXPECT_EQ(day_of("idle"), 0);
  refresher_->note_use("idle", at(kNow + 86'400));
  refresher_.reset();  // what was noted last is not lost
  EXPECT_EQ(day_of("idle"), kToday + 1);
  EXPECT_EQ(publications(), 0);
}

TEST_F(RefresherTest, RefusesToStartWithoutAnyTable) {
  options_.sqlite = directory_.path();  // a directory
  EXPECT_THROW(start(), std::runtime_error);
}

TEST(UseLog, KeepsEachIdOncePerDayAndGivesItBackWhenAsked) {
  UseLog log;
  for (int i = 0; i < 1'000; ++i) {
    log.note("a", 1);
    log.note("b", 1);
  }
  log.note("a", 2);
  auto days = log.take();
  EXPECT_EQ(days, (UseLog::Days{{1, {"a", "b"}}, {2, {"a"}}}));
  log.note("a", 2);  // noted before: not again
  EXPECT_TRUE(log.take().empty());
  log.put_back(std::move(days));
  log.note("c", 2);
  EXPECT_EQ(log.take(), (UseLog::Days{{1, {"a", "b"}}, {2, {"a", "c"}}}));
}

TEST(UseLog, LosesNothingUnderThreads) {
  UseLog log;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log] {
      for (int i = 0; i < 20'000; ++i) log.note("id" + std::to_string(i % 500), 1);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(log.take().at(1).size(), 500U);
}

TEST(FileKeys, AreFoundByTheIdInsideTheKey) {
  const KeyHasher hasher(master_key());
  const NewKey fresh = mint_key();
  const config::FileKey key{"first-hour", "retail", "branch-chat", "strict",
                            std::make_shared<const Secret>(fresh.key.clone())};
  const CredentialTable table(hash_file_keys({key}, hasher));
  const auto snapshot = snapshot_with("retail", "branch-chat");
  const auto who = authenticate(fresh.key.reveal(), table, hasher, snapshot, at(kNow));
  ASSERT_TRUE(who);
  EXPECT_EQ(who->pii, "strict");
}

class FleetTest : public RefresherTest {
 protected:
  void SetUp() override {
    if (!PostgresServer::available()) GTEST_SKIP() << "PostgreSQL is not installed (apt-get install postgresql)";
    server_ = std::make_unique<PostgresServer>();
    options_.postgres_url = server_->url();
  }
  void TearDown() override {
    if (server_) server_->resume();
    refresher_.reset();
  }
  std::unique_ptr<PostgresServer> server_;
};

TEST_F(FleetTest, SeesAChangeByAnotherProcessAndRecordsUse) {
  start();
  const auto other = open();
  ASSERT_TRUE(other->add(plain_credential("new")));
  ASSERT_TRUE(publishes("new"));
  refresher_->note_use("new", at(kNow));
  refresher_->refresh_now();
  EXPECT_TRUE(eventually([&] { return rows_of(*other)[0].last_used_day == kToday; }));
}

TEST_F(FleetTest, StartsFromTheLocalCopyWhileTheServerIsAwayAndCatchesUp) {
  ASSERT_TRUE(open()->add(plain_credential("one")));
  start();
  refresher_.reset();
  server_->stop();
  start({plain_credential("from-file")});
  EXPECT_NE(refresher_->current()->find("one"), nullptr);
  EXPECT_NE(refresher_->current()->find("from-file"), nullptr);
  EXPECT_TRUE(log_.mentions("credential_store_lost")) << log_.text();
  EXPECT_TRUE(log_.mentions("credential_copy_used"));
  server_->start();
  ASSERT_TRUE(eventually([&] { return log_.mentions("credential_store_back"); }));
  ASSERT_TRUE(open()->add(plain_credential("two")));
  ASSERT_TRUE(publishes("two"));
}

TEST_F(FleetTest, KeepsItsTableWhileTheServerIsAwayAndFollowsReloads) {
  ASSERT_TRUE(open()->add(plain_credential("one")));
  start();
  server_->stop();
  ASSERT_TRUE(eventually([&] { return log_.mentions("credential_store_lost"); }));
  EXPECT_NE(refresher_->current()->find("one"), nullptr);
  refresher_->set_extra({plain_credential("reloaded")});
  ASSERT_TRUE(publishes("reloaded"));
  EXPECT_NE(published()->find("one"), nullptr);
}

TEST_F(FleetTest, RefusesToStartWithoutServerAndCopy) {
  server_->stop();
  EXPECT_THROW(start(), std::runtime_error);
}

TEST_F(FleetTest, AFrozenServerHoldsUpNeitherReadersNorTheEnd) {
  ASSERT_TRUE(open()->add(plain_credential("one")));
  start();
  server_->freeze();
  refresher_->refresh_now();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // until the poll hangs in the server
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_NE(refresher_->current()->find("one"), nullptr);
  refresher_->set_extra({});
  refresher_->note_use("one", at(kNow));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  refresher_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace
}  // namespace tollgate::auth
