// kill -9 at random moments. The truth is the journal the killed process wrote to a pipe after each push, not its
// rings.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <set>
#include <thread>

#include "finops/ledger.h"
#include "samples.h"

namespace tollgate::finops {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWorkers = 2;

struct Journal {
  std::set<std::uint64_t> intents;
  std::set<std::uint64_t> finals;
};

struct Entry {
  std::uint64_t n;
  RecordKind kind;
};

// Calls begin in one order and end in another, a few of them open at any time.
[[noreturn]] void gateway(const LedgerOptions& options, std::uint64_t first, int journal) {
  RealClock clock;
  NullLog log;
  auto ledger = Ledger::open(options, kWorkers, clock, log);
  if (!ledger) ::_exit(1);
  constexpr std::uint64_t kOpenCalls = 7;
  const auto push = [&](std::uint64_t n, RecordKind kind) {
    if (!(*ledger)->producer(n % kWorkers).push(samples::record(n, kind))) return false;
    const Entry entry{n, kind};
    return ::write(journal, &entry, sizeof entry) == static_cast<ssize_t>(sizeof entry);
  };
  for (std::uint64_t n = first;; ++n) {
    while (!push(n, RecordKind::intent)) ::usleep(100);
    if (n < first + kOpenCalls) continue;
    while (!push(n - kOpenCalls, RecordKind::final)) ::usleep(100);
  }
}

Journal read_journal(int fd) {
  Journal journal;
  Entry entry{};
  while (::read(fd, &entry, sizeof entry) == static_cast<ssize_t>(sizeof entry))
    (entry.kind == RecordKind::intent ? journal.intents : journal.finals).insert(entry.n);
  return journal;
}

// Runs a gateway and kills it after `life`.
Journal run_and_kill(const LedgerOptions& options, std::uint64_t first, std::chrono::microseconds life) {
  int fds[2] = {};
  if (::pipe(fds) != 0) throw std::runtime_error("pipe failed");
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(fds[0]);
    gateway(options, first, fds[1]);
  }
  ::close(fds[1]);
  std::thread killer([child, life] {
    std::this_thread::sleep_for(life);
    ::kill(child, SIGKILL);
  });
  auto journal = read_journal(fds[0]);
  killer.join();
  ::close(fds[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the gateway ended by itself";
  return journal;
}

TEST(LedgerCrash, HasEveryCallExactlyOnceAfterKill9) {
  const samples::TemporaryDirectory directory;
  const LedgerOptions options{directory.path() / "ledger.db", directory.path() / "rings", 128 * 1024, 2ms};
  std::mt19937 random(20261121);
  constexpr int kLives = 40;
  constexpr std::uint64_t kPerLife = 10'000'000;
  Journal all;
  for (int life = 0; life < kLives; ++life) {
    const auto journal = run_and_kill(options, static_cast<std::uint64_t>(life) * kPerLife,
                                      std::chrono::microseconds(5'000 + random() % 60'000));
    all.intents.insert(journal.intents.begin(), journal.intents.end());
    all.finals.insert(journal.finals.begin(), journal.finals.end());
  }
  ASSERT_GT(all.finals.size(), 200U) << "the gateways were killed before they did anything";

  RealClock clock;
  NullLog log;
  const auto ledger = Ledger::open(options, 1, clock, log);
  ASSERT_TRUE(ledger.ok());
  const auto rows = recent_rows(options.sqlite, 100'000'000);
  ASSERT_TRUE(rows.ok());
  std::map<Uuid, const UsageRecord*> by_id;
  for (const auto& row : *rows) EXPECT_TRUE(by_id.emplace(row.event_id, &row).second) << "a call is there twice";

  for (const auto n : all.finals) {
    const auto row = by_id.find(samples::id(n));
    ASSERT_NE(row, by_id.end()) << "lost " << n;
    EXPECT_EQ(*row->second, samples::record(n));
  }
  for (const auto n : all.intents) {
    const auto row = by_id.find(samples::id(n));
    ASSERT_NE(row, by_id.end()) << "lost the intent of " << n;
    // Either the final was pushed and the process died before it could say so, or nobody knows how the call ended.
    const bool estimated = row->second->outcome == "unknown";
    if (!all.finals.contains(n)) EXPECT_TRUE(estimated || *row->second == samples::record(n)) << n;
  }
  // One push per life may have come after the last journal entry.
  EXPECT_LE(by_id.size(), all.intents.size() + kLives);
}

}  // namespace
}  // namespace tollgate::finops
