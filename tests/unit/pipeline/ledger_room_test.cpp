#include "gateway/pipeline/ledger_room.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace tollgate::pipeline {
namespace {

using namespace std::chrono_literals;

struct FullRing final : finops::RingProducer {
  explicit FullRing(std::chrono::milliseconds time) : time(time) {}
  bool push(const finops::UsageRecord&) override { return false; }
  std::chrono::milliseconds full_for() const override { return time; }
  double fill() const override { return 1; }
  std::chrono::milliseconds time;
};

struct Rest {
  bool try_again;
  std::chrono::steady_clock::duration took;
};

Rest rest(std::chrono::milliseconds full_for, std::chrono::milliseconds waited) {
  const FullRing ring(full_for);
  net::asio::io_context io;
  std::optional<bool> again;
  const auto started = std::chrono::steady_clock::now();
  const auto wait = [&](SteadyTime since) -> net::Task<void> { again = co_await rest_while_full(ring, since); };
  net::asio::co_spawn(io.get_executor(), wait(started - waited), net::asio::detached);
  io.run();
  return {again.value(), std::chrono::steady_clock::now() - started};
}

TEST(LedgerRoom, LetsACallRestAndTryAgainWhileTheRingHasNotBeenFullForLong) {
  const auto first = rest(0ms, 0ms);
  EXPECT_TRUE(first.try_again);
  EXPECT_GE(first.took, 10ms) << "a rest, and not a busy loop";
  EXPECT_TRUE(rest(kLedgerPatience / 2, kLedgerPatience / 2).try_again);
}

TEST(LedgerRoom, RefusesAtOnceWhereTheLedgerHasTakenNothingForLong) {
  EXPECT_FALSE(rest(kLedgerPatience, 0ms).try_again);
  EXPECT_EQ(ledger_unavailable().code, "ledger_unavailable");
}

TEST(LedgerRoom, RefusesACallThatHasWaitedLongThoughOthersGotRoom) {
  EXPECT_FALSE(rest(0ms, kLedgerPatience).try_again);
}

}  // namespace
}  // namespace tollgate::pipeline
