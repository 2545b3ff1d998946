#include "gateway/net/deadline.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/unit/net/loop.h"

namespace tollgate::net {
namespace {

using std::chrono::milliseconds;

struct DeadlineTest : ::testing::Test {
  Loop loop;
  std::unique_ptr<Sweep> sweep = std::make_unique<Sweep>(loop.io, milliseconds(2));
  int fired = 0;

  // Long enough for a few sweeps.
  void let_pass(milliseconds time) {
    loop.io.restart();
    loop.io.run_for(time);
  }
};

TEST_F(DeadlineTest, FiresOnceAndNotBeforeItsTime) {
  const auto start = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point at;
  Deadline deadline(*sweep, [&] {
    ++fired;
    at = std::chrono::steady_clock::now();
  });
  deadline.set(milliseconds(10));
  EXPECT_FALSE(deadline.expired());
  loop.run_until([&] { return fired > 0; });
  let_pass(milliseconds(20));
  EXPECT_EQ(fired, 1);
  EXPECT_TRUE(deadline.expired());
  EXPECT_GE(at - start, milliseconds(10));
}

TEST_F(DeadlineTest, IsForgottenWhenClearedDestroyedOrSetToZero) {
  Deadline cleared(*sweep, [&] { ++fired; });
  Deadline zero(*sweep, [&] { ++fired; });
  auto destroyed = std::make_unique<Deadline>(*sweep, [&] { ++fired; });
  for (auto* deadline : {&cleared, &zero, destroyed.get()}) deadline->set(milliseconds(1));
  cleared.clear();
  zero.set(milliseconds(0));
  destroyed.reset();
  let_pass(milliseconds(20));
  EXPECT_EQ(fired, 0);
  EXPECT_FALSE(cleared.expired());
}

TEST_F(DeadlineTest, LaterSettingReplacesAnEarlierOne) {
  Deadline deadline(*sweep, [&] { ++fired; });
  deadline.set(milliseconds(1));
  deadline.set(std::chrono::hours(1));
  let_pass(milliseconds(20));
  EXPECT_EQ(fired, 0);
  deadline.set(milliseconds(1));
  loop.run_until([&] { return fired == 1; });
}

TEST_F(DeadlineTest, MayBeSetAgainByItsOwnCallback) {
  std::unique_ptr<Deadline> deadline;
  deadline = std::make_unique<Deadline>(*sweep, [&] {
    if (++fired < 3) deadline->set(milliseconds(1));
  });
  deadline->set(milliseconds(1));
  loop.run_until([&] { return fired == 3; });
}

TEST_F(DeadlineTest, MayBeDestroyedByItsOwnCallback) {
  std::unique_ptr<Deadline> deadline;
  const auto witness = std::make_shared<int>(7);
  deadline = std::make_unique<Deadline>(*sweep, [&, witness] {
    deadline.reset();
    fired = *witness;  // the callback itself is still there
  });
  deadline->set(milliseconds(1));
  loop.run_until([&] { return fired == 7; });
}

TEST_F(DeadlineTest, MayDestroySetAndClearItsNeighbours) {
  std::vector<std::unique_ptr<Deadline>> all(5);
  // They sit in the list as 4 3 2 1 0; the middle one fires and touches both sides.
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = std::make_unique<Deadline>(*sweep, [&, i] {
      ++fired;
      if (i != 2) return;
      all[1].reset();  // next in the sweep
      all[3].reset();
      all[0]->clear();
      all[4]->set(milliseconds(1));
    });
    all[i]->set(i == 2 ? milliseconds(1) : milliseconds(500));
  }
  loop.run_until([&] { return fired == 2; });
  EXPECT_TRUE(all[2]->expired());
  EXPECT_TRUE(all[4]->expired());
  EXPECT_FALSE(all[0]->expired());
}

TEST_F(DeadlineTest, ACallbackMayDestroyTheSweepAndEverythingOnIt) {
  auto deadline = std::make_unique<Deadline>(*sweep, [] {});
  deadline = std::make_unique<Deadline>(*sweep, [&] {
    ++fired;
    deadline.reset();
    sweep.reset();
  });
  deadline->set(milliseconds(1));
  loop.run_until([&] { return fired == 1; });
  let_pass(milliseconds(10));
}

TEST_F(DeadlineTest, AStoppedSweepLetsTheLoopEnd) {
  sweep->stop();
  loop.io.restart();
  loop.io.run();
  SUCCEED();
}

TEST_F(DeadlineTest, ReportsHowLongTheLoopWasBlocked) {
  let_pass(milliseconds(5));
  sweep->take_worst_lag();
  const auto until = std::chrono::steady_clock::now() + milliseconds(30);
  while (std::chrono::steady_clock::now() < until) {
  }
  let_pass(milliseconds(10));
  EXPECT_GE(sweep->take_worst_lag(), milliseconds(20));
  EXPECT_LT(sweep->take_worst_lag(), milliseconds(20)) << "reading it resets it";
}

TEST_F(DeadlineTest, ALaggingLoopDoesNotMakeNewDeadlinesFireEarly) {
  let_pass(milliseconds(5));
  const auto until = std::chrono::steady_clock::now() + milliseconds(40);
  while (std::chrono::steady_clock::now() < until) {
  }
  Deadline deadline(*sweep, [&] { ++fired; });
  deadline.set(milliseconds(1000));
  let_pass(milliseconds(20));
  EXPECT_EQ(fired, 0);
}

}  // namespace
}  // namespace tollgate::net
