// Against a real PostgreSQL, started for this suite.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <limits>
#include <mutex>
#include <regex>
#include <thread>

#include "finops/copy_text.h"
#include "finops/ledger.h"
#include "finops/postgres_link.h"
#include "finops/sqlite.h"
#include "old_ledger.h"
#include "samples.h"
#include "tests/support/postgres_server.h"

namespace tollgate::finops {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using test_support::PostgresServer;

TEST(CopyText, ReplacesWhatPostgresqlRefuses) {
  EXPECT_EQ(postgres_text("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"), "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80");
  EXPECT_EQ(postgres_text(std::string_view("a\0b", 3)),
            "a\xEF\xBF\xBD"
            "b");
  for (const auto* bad :
       {"\x80", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xF0\x80\x80\x80"})
    EXPECT_EQ(postgres_text(bad).substr(0, 3), "\xEF\xBF\xBD") << bad;
}

class ShipperTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (PostgresServer::available()) server_ = std::make_unique<PostgresServer>();
  }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override {
    if (!server_) GTEST_SKIP() << "no PostgreSQL server binaries here";
    sql("DROP TABLE IF EXISTS usage, usage_watermark");
    auto ledger = Ledger::open({sqlite(), directory_.path() / "rings", 1024 * 1024, 2ms}, 1, clock_, log_);
    ASSERT_TRUE(ledger.ok());
    ledger_ = *std::move(ledger);
  }
  std::filesystem::path sqlite() const { return directory_.path() / "ledger.db"; }
  std::unique_ptr<Shipper> ship(std::size_t batch = 1000) {
    return Shipper::start({server_->url(), nullptr, 10ms, batch}, sqlite(), log_);
  }
  void push(std::uint64_t from, std::uint64_t to) {
    for (auto n = from; n < to; ++n)
      while (!ledger_->producer(0).push(samples::record(n))) std::this_thread::sleep_for(1ms);
    ASSERT_TRUE(ledger_->flush(30s));
  }
  static PostgresLink::Rows sql(const std::string& text) {
    auto link = PostgresLink::connect({server_->url(), nullptr, -1});
    EXPECT_TRUE(link.ok()) << (link.ok() ? "" : link.error().message);
    if (!link) return {};
    auto rows = link->query(text);
    EXPECT_TRUE(rows.ok()) << (rows.ok() ? "" : rows.error().message);
    return rows.ok() ? *rows : PostgresLink::Rows();
  }
  static bool has_table() { return sql("SELECT to_regclass('usage_watermark') IS NOT NULL")[0][0] == "t"; }
  static std::int64_t count() { return has_table() ? std::stoll(sql("SELECT count(*) FROM usage")[0][0]) : 0; }
  static bool wait_until(const std::function<bool()>& condition, std::chrono::seconds limit = 30s) {
    const auto end = steady_clock::now() + limit;
    while (!condition()) {
      if (steady_clock::now() > end) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  // Everything SQLite holds is there, once, to the nano-unit.
  void expect_equal_totals() {
    const auto report = cost_report(sqlite(), {});
    ASSERT_TRUE(report.ok());
    const auto remote = sql("SELECT count(*), count(DISTINCT event_id), sum(cost_nano) FROM usage")[0];
    EXPECT_EQ(remote[0], std::to_string(report->at(0).requests));
    EXPECT_EQ(remote[1], remote[0]);
    EXPECT_EQ(remote[2], std::to_string(report->at(0).cost_nano));
  }

  static inline std::unique_ptr<PostgresServer> server_;
  samples::TemporaryDirectory directory_;
  RealClock clock_;
  NullLog log_;
  std::unique_ptr<Ledger> ledger_;
};

TEST_F(ShipperTest, ShipsEveryRowAndSaysSo) {
  push(0, 2500);
  const auto shipper = ship();
  ASSERT_TRUE(wait_until([&] { return shipper->stats().shipped == 2500; }));
  EXPECT_TRUE(shipper->stats().connected);
  EXPECT_EQ(shipper->stats().backlog, 0);
  EXPECT_EQ(shipper->stats().failures, 0);
  expect_equal_totals();
  push(2500, 2600);
  ASSERT_TRUE(wait_until([&] { return count() == 2600; }));
}

TEST_F(ShipperTest, CarriesEveryFieldIntact) {
  auto record = samples::record(1);
  record.purpose = "tab\there \\N back\\slash \"quote\" line\nbreak\r caf\xC3\xA9";
  record.stream = true;
  record.ttft_ms = -1;
  record.cost_nano = std::numeric_limits<std::int64_t>::max();
  ASSERT_TRUE(ledger_->producer(0).push(record));
  ASSERT_TRUE(ledger_->flush(10s));
  const auto shipper = ship();
  ASSERT_TRUE(wait_until([&] { return shipper->stats().shipped == 1; }));
  const auto row =
      sql("SELECT event_id, purpose, stream, ttft_ms, cost_nano, usage_source, model_served, user_hash "
          "FROM usage")[0];
  EXPECT_EQ(row, (std::vector<std::string>{record.event_id.to_string(), record.purpose, "t", "-1",
                                           "9223372036854775807", "provider_final", record.model_served, ""}));
}

TEST_F(ShipperTest, AddsTheColumnsThatATableOfTheVersionBeforeLacks) {
  sql(samples::old_table(true));
  sql("CREATE TABLE usage_watermark (ledger_id text PRIMARY KEY, shipped_id bigint NOT NULL, event_id text NOT NULL)");
  sql(samples::old_insert(true));
  auto record = samples::record(1);
  record.upstream_request_id = "req_1";
  record.audio_ms = 7'500;
  ASSERT_TRUE(ledger_->producer(0).push(record));
  ASSERT_TRUE(ledger_->flush(10s));
  const auto shipper = ship();
  ASSERT_TRUE(wait_until([&] { return count() == 2; }));
  EXPECT_EQ(shipper->stats().failures, 0);
  const auto rows = sql("SELECT upstream_request_id, audio_ms, compute_us FROM usage ORDER BY audio_ms");
  EXPECT_EQ(rows[0], (std::vector<std::string>{"", "0", "0"}));
  EXPECT_EQ(rows[1], (std::vector<std::string>{"req_1", "7500", "0"}));
  // A gateway of the version before, in the same fleet, ships by a copy of the table and names the old columns only.
  sql("DELETE FROM usage WHERE outcome = 'old'");
  sql("CREATE TABLE old_stage (LIKE usage)");
  sql(std::regex_replace(samples::old_insert(true), std::regex("INTO usage"), "INTO old_stage"));
  sql("INSERT INTO usage (" + samples::old_names() + ") SELECT " + samples::old_names() + " FROM old_stage");
  sql("DROP TABLE old_stage");
  EXPECT_EQ(sql("SELECT audio_ms FROM usage WHERE outcome = 'old'")[0][0], "0");
}

TEST_F(ShipperTest, IsNotStoppedByTextPostgresqlRefuses) {
  auto record = samples::record(1);
  record.model_asked = std::string(
      "a\0\xFF"
      "b",
      4);
  ASSERT_TRUE(ledger_->producer(0).push(record));
  push(2, 3);
  const auto shipper = ship();
  ASSERT_TRUE(wait_until([&] { return count() == 2; }));
  EXPECT_EQ(shipper->stats().failures, 0);
}

TEST_F(ShipperTest, LosesNothingWhilePostgresqlIsAway) {
  push(0, 300);
  const auto shipper = ship(100);
  ASSERT_TRUE(wait_until([&] { return count() == 300; }));
  server_->stop("immediate");
  push(300, 1000);
  ASSERT_TRUE(wait_until([&] { return shipper->stats().failures > 1 && shipper->stats().backlog == 700; }));
  EXPECT_FALSE(shipper->stats().connected);
  server_->start();
  ASSERT_TRUE(wait_until([&] { return shipper->stats().backlog == 0 && shipper->stats().connected; }));
  EXPECT_EQ(count(), 1000);
  expect_equal_totals();
}

TEST_F(ShipperTest, StartsWhilePostgresqlIsAway) {
  server_->stop("fast");
  push(0, 10);
  const auto shipper = ship();
  ASSERT_TRUE(wait_until([&] { return shipper->stats().failures > 0; }));
  EXPECT_EQ(shipper->stats().backlog, 10);
  server_->start();
  ASSERT_TRUE(wait_until([&] { return count() == 10; }));
}

TEST_F(ShipperTest, DoublesNothingWhenPostgresqlCrashesInTheMiddle) {
  push(0, 20'000);
  const auto shipper = ship(50);
  for (int crash = 1; crash <= 3; ++crash) {
    ASSERT_TRUE(wait_until([&] { return shipper->stats().shipped > crash * 2000; }));
    server_->stop("immediate");
    server_->start();
  }
  ASSERT_TRUE(wait_until([&] { return shipper->stats().backlog == 0 && shipper->stats().connected; }, 60s));
  expect_equal_totals();
}

TEST_F(ShipperTest, DoublesNothingWhenTheGatewayIsKilledInTheMiddle) {
  push(0, 20'000);
  ledger_.reset();  // a process with threads is no good parent
  std::int64_t seen = 0;
  for (int life = 0; life < 5; ++life) {
    const pid_t child = ::fork();
    if (child == 0) {
      NullLog log;
      const auto shipper = Shipper::start({server_->url(), nullptr, 1ms, 20}, sqlite(), log);
      for (;;) ::pause();
    }
    const bool moved = wait_until([&] { return count() > seen; });
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ASSERT_TRUE(moved);
    seen = count();
    ASSERT_LT(seen, 20'000) << "killed too late to prove anything";
  }
  const auto shipper = ship();
  ASSERT_TRUE(wait_until([&] { return count() == 20'000; }));
  expect_equal_totals();
}

TEST_F(ShipperTest, ShipsAgainWhatAFileRestoredFromABackupHolds) {
  push(0, 50);
  ledger_.reset();
  const auto backup = directory_.path() / "backup.db";
  std::filesystem::copy_file(sqlite(), backup);
  ledger_ = *Ledger::open({sqlite(), directory_.path() / "rings", 1024 * 1024, 2ms}, 1, clock_, log_);
  push(50, 100);
  {
    const auto shipper = ship();
    ASSERT_TRUE(wait_until([&] { return count() == 100; }));
  }
  ledger_.reset();
  for (const auto* suffix : {"-wal", "-shm"}) std::filesystem::remove(sqlite().string() + suffix);
  std::filesystem::copy_file(backup, sqlite(), std::filesystem::copy_options::overwrite_existing);
  ledger_ = *Ledger::open({sqlite(), directory_.path() / "rings", 1024 * 1024, 2ms}, 1, clock_, log_);
  push(200, 300);  // rows 51 to 150: ids that PostgreSQL believes it has
  const auto shipper = ship();
  ASSERT_TRUE(wait_until([&] { return count() == 200; })) << count();
}

TEST_F(ShipperTest, KeepsTwoGatewaysApart) {
  const samples::TemporaryDirectory other;
  auto second = *Ledger::open({other.path() / "ledger.db", other.path() / "rings", 128 * 1024, 2ms}, 1, clock_, log_);
  push(0, 100);
  for (std::uint64_t n = 1000; n < 1070; ++n) ASSERT_TRUE(second->producer(0).push(samples::record(n)));
  ASSERT_TRUE(second->flush(10s));
  const auto one = ship(7);
  const auto two = Shipper::start({server_->url(), nullptr, 10ms, 7}, other.path() / "ledger.db", log_);
  ASSERT_TRUE(wait_until([&] { return count() == 170; }));
  EXPECT_EQ(sql("SELECT count(*) FROM usage_watermark")[0][0], "2");
}

TEST_F(ShipperTest, AHungPostgresqlHoldsUpNeitherTheLedgerNorTheEnd) {
  push(0, 10);
  auto shipper = ship();
  ASSERT_TRUE(wait_until([&] { return count() == 10; }));
  server_->freeze();
  push(10, 500);                      // commits as before
  std::this_thread::sleep_for(50ms);  // into a wait for an answer that does not come
  const auto begin = steady_clock::now();
  shipper.reset();
  EXPECT_LT(steady_clock::now() - begin, 1s);
  server_->resume();
  EXPECT_EQ(cost_report(sqlite(), {})->at(0).requests, 500);
}

TEST_F(ShipperTest, NeverSaysThePassword) {
  struct Listener final : Log {
    void write(LogLevel, std::string_view, std::string_view message, std::initializer_list<LogField>) override {
      const std::lock_guard lock(mutex);
      said += message;
    }
    std::mutex mutex;
    std::string said;
  } listener;
  const auto hunter = std::make_shared<const Secret>("hunter2");
  {
    const auto shipper = Shipper::start({"postgresql://nobody@127.0.0.1:1/none", hunter, 10ms}, sqlite(), listener);
    ASSERT_TRUE(wait_until([&] { return shipper->stats().failures > 1; }));
  }
  EXPECT_NE(listener.said, "");
  EXPECT_EQ(listener.said.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace tollgate::finops
