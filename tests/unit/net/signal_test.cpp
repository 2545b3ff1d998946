#include "gateway/net/signal.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/unit/net/loop.h"

namespace tollgate::net {
namespace {

TEST(Signal, RemembersANotifyThatNobodyWaitedFor) {
  Loop loop;
  Signal signal(loop.io.get_executor());
  signal.notify();
  signal.notify();
  loop.await(signal.wait());
  bool second = false;
  loop.start(signal.wait(), second);
  loop.poll();
  EXPECT_FALSE(second) << "two notifies before a wait are one";
  signal.notify();
  loop.poll();
  EXPECT_TRUE(second);
}

TEST(Signal, ResumesTheWaiterByPostAndNeverInsideNotify) {
  Loop loop;
  Signal signal(loop.io.get_executor());
  bool woken = false;
  loop.start(signal.wait(), woken);
  loop.poll();
  signal.notify();
  EXPECT_FALSE(woken);
  signal.notify();  // the waiter is on its way: this one is for the next wait
  loop.poll();
  EXPECT_TRUE(woken);
  loop.await(signal.wait());
}

TEST(Signal, ResumesItsWaiterWhenDestroyed) {
  Loop loop;
  auto signal = std::make_unique<Signal>(loop.io.get_executor());
  bool woken = false;
  loop.start(signal->wait(), woken);
  loop.poll();
  signal.reset();
  loop.poll();
  EXPECT_TRUE(woken);
}

Task<void> play(Signal& mine, Signal& theirs, int rounds, int& played) {
  for (int i = 0; i < rounds; ++i) {
    co_await mine.wait();
    ++played;
    theirs.notify();
  }
}

TEST(Signal, PassesATurnBackAndForth) {
  Loop loop;
  Signal ping(loop.io.get_executor());
  Signal pong(loop.io.get_executor());
  int pings = 0;
  int pongs = 0;
  bool done = false;
  loop.start(play(pong, ping, 1000, pongs), done);
  ping.notify();
  loop.await(play(ping, pong, 1000, pings));
  loop.run_until([&] { return done; });
  EXPECT_EQ(pings, 1000);
  EXPECT_EQ(pongs, 1000);
}

}  // namespace
}  // namespace tollgate::net
