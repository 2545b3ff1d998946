#include "finops/ledger.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

#include "finops/ring.h"
#include "finops/sqlite.h"
#include "finops/usage_store.h"
#include "old_ledger.h"
#include "samples.h"

namespace tollgate::finops {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSmallRing = 128 * 1024;

class LedgerTest : public ::testing::Test {
 protected:
  LedgerOptions options(std::size_t ring_bytes = kSmallRing) const {
    return {directory_.path() / "ledger.db", directory_.path() / "rings", ring_bytes, 5ms};
  }
  std::unique_ptr<Ledger> open(std::size_t workers = 1, std::size_t ring_bytes = kSmallRing) {
    auto ledger = Ledger::open(options(ring_bytes), workers, clock_, log_);
    EXPECT_TRUE(ledger.ok()) << (ledger.ok() ? "" : ledger.error().message);
    return ledger.ok() ? *std::move(ledger) : nullptr;
  }
  std::vector<UsageRecord> rows() const {
    auto rows = recent_rows(options().sqlite, 1'000'000);
    EXPECT_TRUE(rows.ok());
    return *rows;
  }
  std::int64_t count(const char* table) const {
    auto database = Database::open(options().sqlite, Database::Mode::existing_read_only, 5s);
    auto select = database->prepare(std::string("SELECT count(*) FROM ") + table);
    EXPECT_TRUE(select->step().ok());
    return select->integer(0);
  }
  // A ring as a process that was killed leaves it.
  void leave_ring(const std::vector<UsageRecord>& records) const {
    std::filesystem::create_directories(options().ring_directory);
    const auto name = samples::id(99).to_string() + "-0.ring";
    auto ring = Ring::create(options().ring_directory / name, kSmallRing, samples::id(99));
    ASSERT_TRUE(ring.ok());
    RingWriter writer(**ring);
    for (const auto& record : records) ASSERT_TRUE(writer.push(record));
  }

  samples::TemporaryDirectory directory_;
  RealClock clock_;
  NullLog log_;
};

TEST_F(LedgerTest, StoresWhatWasPushedFieldByField) {
  const auto ledger = open(2);
  std::mt19937_64 random(7);
  std::vector<UsageRecord> pushed;
  for (int i = 0; i < 50; ++i) {
    auto record = samples::random_record(random);
    record.kind = RecordKind::final;
    ASSERT_TRUE(ledger->producer(0).push(record));
    pushed.push_back(std::move(record));
  }
  ASSERT_TRUE(ledger->flush(10s));
  auto stored = rows();
  std::reverse(stored.begin(), stored.end());
  EXPECT_EQ(stored, pushed);
  EXPECT_EQ(ledger->stats().rows_committed, 50);
  EXPECT_FALSE(ledger->stats().stalled);
}

TEST_F(LedgerTest, FlushReturnsAtOnceWhenNothingIsWaiting) { EXPECT_TRUE(open()->flush(0ms)); }

TEST_F(LedgerTest, CommitsByItselfWithinTheInterval) {
  const auto ledger = open();
  ASSERT_TRUE(ledger->producer(0).push(samples::record(1)));
  const auto limit = std::chrono::steady_clock::now() + 10s;
  while (ledger->stats().rows_committed == 0 && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(1ms);
  EXPECT_EQ(ledger->stats().rows_committed, 1);
}

TEST_F(LedgerTest, KeepsTheFirstOfTwoFinalsOfOneEvent) {
  const auto ledger = open(2);
  auto second = samples::record(1);
  second.cost_nano = 1;
  ASSERT_TRUE(ledger->producer(0).push(samples::record(1)));
  ASSERT_TRUE(ledger->flush(10s));
  ASSERT_TRUE(ledger->producer(1).push(second));
  ASSERT_TRUE(ledger->producer(0).push(second));
  ASSERT_TRUE(ledger->flush(10s));
  EXPECT_EQ(rows(), std::vector{samples::record(1)});
  EXPECT_EQ(ledger->stats().rows_committed, 1);
}

TEST_F(LedgerTest, ForgetsAnIntentOnceItsFinalCame) {
  const auto ledger = open();
  ASSERT_TRUE(ledger->producer(0).push(samples::record(1, RecordKind::intent)));
  ASSERT_TRUE(ledger->flush(10s));
  EXPECT_EQ(count("intents"), 1);
  EXPECT_EQ(count("usage"), 0);
  ASSERT_TRUE(ledger->producer(0).push(samples::record(1)));
  ASSERT_TRUE(ledger->flush(10s));
  EXPECT_EQ(count("intents"), 0);
  EXPECT_EQ(rows(), std::vector{samples::record(1)});
}

TEST_F(LedgerTest, DrainsWhenItEnds) {
  {
    const auto ledger = open();
    for (std::uint64_t n = 0; n < 100; ++n) ASSERT_TRUE(ledger->producer(0).push(samples::record(n)));
  }
  EXPECT_EQ(rows().size(), 100U);
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path() / "rings"))
    EXPECT_NE(entry.path().extension(), ".ring") << "a drained ring was left behind";
}

TEST_F(LedgerTest, TurnsAnIntentOfADeadProcessIntoAnEstimatedRow) {
  leave_ring({samples::record(1, RecordKind::intent), samples::record(2, RecordKind::intent), samples::record(2)});
  const auto ledger = open();
  auto expected = samples::record(1, RecordKind::intent);
  expected.kind = RecordKind::final;
  expected.outcome = "unknown";
  EXPECT_EQ(rows(), (std::vector{expected, samples::record(2)}));
  EXPECT_EQ(ledger->stats().adopted, 3);
  EXPECT_EQ(ledger->stats().estimated_on_recovery, 1);
  EXPECT_EQ(count("intents"), 0);
}

TEST_F(LedgerTest, KeepsTheIntentsOfAProcessThatStillLives) {
  const auto old_gateway = open();
  ASSERT_TRUE(old_gateway->producer(0).push(samples::record(1, RecordKind::intent)));
  ASSERT_TRUE(old_gateway->flush(10s));
  const auto new_gateway = open();
  EXPECT_EQ(new_gateway->stats().estimated_on_recovery, 0);
  EXPECT_EQ(new_gateway->stats().adopted, 0);
  ASSERT_TRUE(old_gateway->producer(0).push(samples::record(1)));
  ASSERT_TRUE(new_gateway->producer(0).push(samples::record(2)));
  ASSERT_TRUE(old_gateway->flush(10s));
  ASSERT_TRUE(new_gateway->flush(10s));
  EXPECT_EQ(rows().size(), 2U);
  EXPECT_EQ(count("intents"), 0);
}

TEST_F(LedgerTest, IsUnchangedByReadingARingTwice) {
  // As if the process died after the commit and before the ring moved on.
  leave_ring({samples::record(1), samples::record(2, RecordKind::intent)});
  open();
  const auto before = rows();
  leave_ring({samples::record(1), samples::record(2, RecordKind::intent)});
  const auto ledger = open();
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(ledger->stats().rows_committed, 0);
}

TEST_F(LedgerTest, KeepsADamagedRingForAPersonAndCommitsWhatIsBeforeTheDamage) {
  leave_ring({samples::record(1), samples::record(2), samples::record(3)});
  const auto path = std::filesystem::directory_iterator(options().ring_directory)->path();
  {
    auto adoption = Ring::adopt(path);
    ASSERT_EQ(adoption.found, Ring::Found::adopted);
    const auto third = adoption.ring->header().head.load() / 3 * 2;
    *(adoption.ring->at(third) + 100) ^= 1;
  }
  const auto ledger = open();
  EXPECT_EQ(rows(), (std::vector{samples::record(2), samples::record(1)}));
  EXPECT_EQ(ledger->stats().damaged, 1);
  EXPECT_TRUE(std::filesystem::exists(path.string() + ".damaged"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(LedgerTest, WaitsOutALockedDatabase) {
  const auto ledger = open();
  auto other = Database::open(options().sqlite, Database::Mode::create, 5s);
  ASSERT_TRUE(other->exec("BEGIN IMMEDIATE").ok());
  std::uint64_t pushed = 0;
  while (ledger->producer(0).push(samples::record(pushed))) ++pushed;  // back-pressure: refused, not dropped
  EXPECT_FALSE(ledger->flush(600ms));
  EXPECT_TRUE(ledger->stats().stalled);
  EXPECT_GT(ledger->stats().commit_failures, 0);
  ASSERT_TRUE(other->exec("ROLLBACK").ok());
  ASSERT_TRUE(ledger->flush(10s));
  EXPECT_FALSE(ledger->stats().stalled);
  EXPECT_EQ(rows().size(), pushed);
  EXPECT_TRUE(ledger->producer(0).push(samples::record(pushed)));
}

TEST_F(LedgerTest, LosesNothingWhenItMustEndWhileTheDatabaseIsLocked) {
  {
    auto ledger = open();
    auto other = Database::open(options().sqlite, Database::Mode::create, 5s);
    ASSERT_TRUE(other->exec("BEGIN IMMEDIATE").ok());
    for (std::uint64_t n = 0; n < 10; ++n) ASSERT_TRUE(ledger->producer(0).push(samples::record(n)));
    ledger.reset();  // gives up after two seconds
  }
  EXPECT_EQ(rows().size(), 0U);
  EXPECT_EQ(open()->stats().adopted, 10);
  EXPECT_EQ(rows().size(), 10U);
}

// A disk without room, as the process sees it: writes to files fail; memory that is mapped and allocated still works.
class FullDisk {
 public:
  FullDisk() {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    auto limit = before_;
    limit.rlim_cur = 1;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(LedgerTest, RecoversFromAFullDisk) {
  const auto ledger = open();
  std::uint64_t pushed = 0;
  bool flushed = true;
  LedgerStats stats;
  {
    const FullDisk full;
    while (ledger->producer(0).push(samples::record(pushed))) ++pushed;
    flushed = ledger->flush(300ms);
    stats = ledger->stats();
  }
  EXPECT_FALSE(flushed);
  EXPECT_TRUE(stats.stalled);
  EXPECT_EQ(stats.rows_committed, 0);
  ASSERT_TRUE(ledger->flush(10s));
  EXPECT_EQ(rows().size(), pushed);
  EXPECT_FALSE(ledger->stats().stalled);
}

TEST_F(LedgerTest, SaysWhyItCannotStart) {
  auto elsewhere = options();
  elsewhere.sqlite = "/nonexistent/ledger.db";
  const auto missing = Ledger::open(elsewhere, 1, clock_, log_);
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find("/nonexistent/ledger.db"), std::string::npos);

  std::ofstream(options().sqlite) << std::string(4096, 'x');
  EXPECT_FALSE(Ledger::open(options(), 1, clock_, log_).ok());
}

TEST_F(LedgerTest, RefusesAFileOfAnotherVersion) {
  open();
  auto other = Database::open(options().sqlite, Database::Mode::create, 5s);
  ASSERT_TRUE(other->exec("PRAGMA user_version = 77").ok());
  const auto ledger = Ledger::open(options(), 1, clock_, log_);
  ASSERT_FALSE(ledger.ok());
  EXPECT_NE(ledger.error().message.find("77"), std::string::npos);
}

TEST_F(LedgerTest, BringsAFileOfTheVersionBeforeToItsOwnShape) {
  {
    auto old = Database::open(options().sqlite, Database::Mode::create, 5s);
    const std::string sql = samples::old_table(false) +
                            ";CREATE INDEX usage_by_time ON usage (started_at_ms);"
                            "CREATE TABLE intents (id INTEGER PRIMARY KEY, owner BLOB NOT NULL,"
                            " records BLOB NOT NULL) STRICT;"
                            "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
                            "INSERT INTO meta VALUES ('ledger_id', 'here'); PRAGMA user_version = 2;" +
                            samples::old_insert(false);
    ASSERT_TRUE(old->exec(sql.c_str()).ok());
    std::string block;
    append_to_block(block, samples::first_form(samples::record(5, RecordKind::intent)));
    auto insert = old->prepare("INSERT INTO intents (owner, records) VALUES (x'01', ?)");
    insert->bind_blob(1, block);
    ASSERT_TRUE(insert->run().ok());
  }
  auto record = samples::record(6);
  record.upstream_request_id = "req_1";
  record.audio_ms = 7'500;
  record.compute_us = 9;
  ASSERT_TRUE(open()->producer(0).push(record));
  const auto found = rows();
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0], record);
  EXPECT_EQ(found[1].event_id, samples::id(5)) << "a call that was under way when the version before died";
  EXPECT_EQ(found[1].usage_source, UsageSource::estimated);
  EXPECT_EQ(found[2].department, "retail");
  EXPECT_EQ(found[2].input_tokens, 100);
  EXPECT_EQ(found[2].upstream_request_id, "");
  EXPECT_EQ(found[2].audio_ms, 0);
  open();  // and a second time it is as it should be
  EXPECT_EQ(rows().size(), 3U);
}

TEST_F(LedgerTest, CommitsWhatARingOfTheVersionBeforeHolds) {
  const auto record = samples::record(8);
  Group group;
  const auto bytes = samples::first_form(record);
  group.add_final(record.event_id, bytes);
  auto store = UsageStore::open(options().sqlite);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(*store->commit(group, samples::id(1)), 1);
  EXPECT_EQ(rows(), std::vector{record});
}

TEST_F(LedgerTest, TakesRecordsOfManyWorkersAtOnce) {
  constexpr std::uint64_t kWorkers = 4;
  constexpr std::uint64_t kEach = 2000;
  const auto ledger = open(kWorkers);
  std::vector<std::thread> workers;
  for (std::uint64_t w = 0; w < kWorkers; ++w)
    workers.emplace_back([&ledger, w] {
      for (std::uint64_t n = 0; n < kEach; ++n)
        for (const auto kind : {RecordKind::intent, RecordKind::final})
          while (!ledger->producer(w).push(samples::record(w * kEach + n, kind))) std::this_thread::sleep_for(1ms);
    });
  for (auto& worker : workers) worker.join();
  ASSERT_TRUE(ledger->flush(30s));
  EXPECT_EQ(rows().size(), kWorkers * kEach);
  EXPECT_EQ(count("intents"), 0);
}

}  // namespace
}  // namespace tollgate::finops
