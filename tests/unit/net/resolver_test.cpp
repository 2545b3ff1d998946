#include "gateway/net/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/unit/net/loop.h"

namespace tollgate::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Endpoints = Result<std::vector<Tcp::endpoint>>;

// A name server that answers when it is told to.
class Names {
 public:
  Resolver::Lookup lookup() {
    return [state = state_](const std::string& host) {
      std::unique_lock lock(state->mutex);
      ++state->asked;
      state->changed.notify_all();
      state->changed.wait(lock, [&] { return state->open; });
      if (host == "broken" || state->failing)
        return Result<std::vector<asio::ip::address>>(Error{.message = "no such host"});
      return Result<std::vector<asio::ip::address>>({asio::ip::make_address("192.0.2." + std::to_string(state->last))});
    };
  }
  void set(bool open, bool failing = false, int last = 1) {
    const std::lock_guard lock(state_->mutex);
    state_->open = open;
    state_->failing = failing;
    state_->last = last;
    state_->changed.notify_all();
  }
  void wait_until_asked(int times) {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait_for(lock, seconds(20), [&] { return state_->asked >= times; });
    EXPECT_GE(state_->asked, times);
  }
  int asked() const {
    const std::lock_guard lock(state_->mutex);
    return state_->asked;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    int asked = 0;
    bool open = true;
    bool failing = false;
    int last = 1;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

struct ResolverTest : ::testing::Test {
  Loop loop;
  NullLog log;
  Names names;

  Endpoints resolve(Resolver& resolver, const std::string& host, milliseconds limit = seconds(20)) {
    return loop.await(resolver.resolve(host, 443, limit));
  }
};

TEST_F(ResolverTest, AnswersNumericAddressesAtOnce) {
  names.set(false);
  Resolver resolver(log, seconds(30), names.lookup());
  const auto v4 = resolve(resolver, "192.0.2.7", milliseconds(0));
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->front(), Tcp::endpoint(asio::ip::make_address("192.0.2.7"), 443));
  ASSERT_TRUE(resolve(resolver, "::1", milliseconds(0)));
  EXPECT_EQ(names.asked(), 0);
}

TEST_F(ResolverTest, AsksTheSystemForLocalhost) {
  Resolver resolver(log);
  const auto found = resolve(resolver, "localhost");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found->front().address().is_loopback());
  EXPECT_EQ(found->front().port(), 443);
}

TEST_F(ResolverTest, SaysThatANameDoesNotResolve) {
  Resolver resolver(log);
  const auto found = resolve(resolver, "no-such-host.invalid");
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, ::testing::HasSubstr("no-such-host.invalid"));
}

TEST_F(ResolverTest, AsksOnceForAllWhoWait) {
  names.set(false);
  Resolver resolver(log, seconds(30), names.lookup());
  std::vector<std::optional<Endpoints>> found(20);
  for (auto& one : found) loop.start(resolver.resolve("a", 443, seconds(20)), one);
  loop.poll();
  names.wait_until_asked(1);
  names.set(true);
  loop.run_until(
      [&] { return std::all_of(found.begin(), found.end(), [](const auto& one) { return one.has_value(); }); });
  for (const auto& one : found) EXPECT_TRUE(*one);
  EXPECT_EQ(names.asked(), 1);
  EXPECT_TRUE(resolve(resolver, "a", milliseconds(0))) << "known from now on";
  EXPECT_EQ(names.asked(), 1);
}

TEST_F(ResolverTest, WaitsNoLongerThanAllowedAndLeavesNothingBehind) {
  names.set(false);
  Resolver resolver(log, seconds(30), names.lookup());
  const auto found = resolve(resolver, "a", milliseconds(10));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::upstream_timeout);
  names.set(true);
  EXPECT_TRUE(resolve(resolver, "a"));
}

TEST_F(ResolverTest, KeepsStaleAnswersWhenARefreshFails) {
  Resolver resolver(log, milliseconds(1), names.lookup());
  ASSERT_TRUE(resolve(resolver, "a"));
  names.set(true, true);
  names.wait_until_asked(names.asked() + 3);
  EXPECT_TRUE(resolve(resolver, "a", milliseconds(0)));
}

TEST_F(ResolverTest, RefreshesInTheBackground) {
  Resolver resolver(log, milliseconds(1), names.lookup());
  ASSERT_TRUE(resolve(resolver, "a"));
  names.set(true, false, 9);
  names.wait_until_asked(names.asked() + 3);
  EXPECT_EQ(resolve(resolver, "a", milliseconds(0))->front().address().to_string(), "192.0.2.9");
}

TEST_F(ResolverTest, PrefetchSavesTheFirstCallItsWait) {
  Resolver resolver(log, seconds(30), names.lookup());
  resolver.prefetch("a", 443);
  resolver.prefetch("127.0.0.1", 443);
  names.wait_until_asked(1);
  EXPECT_TRUE(resolve(resolver, "a"));
  EXPECT_EQ(names.asked(), 1);
}

TEST_F(ResolverTest, TriesAFailedNameAgainWhenAsked) {
  names.set(true, true);
  Resolver resolver(log, seconds(30), names.lookup());
  EXPECT_FALSE(resolve(resolver, "a"));
  names.set(true, false);
  EXPECT_TRUE(resolve(resolver, "a"));
}

TEST_F(ResolverTest, ANameThatIsNotAnsweredHoldsUpNoOther) {
  names.set(false);
  const auto only_dead_hangs = [hang = names.lookup()](const std::string& host) {
    if (host == "dead") return hang(host);
    return Result<std::vector<asio::ip::address>>({asio::ip::make_address("192.0.2.1")});
  };
  Resolver resolver(log, seconds(30), only_dead_hangs);
  resolver.prefetch("dead", 443);
  names.wait_until_asked(1);
  EXPECT_TRUE(resolve(resolver, "well"));
  EXPECT_FALSE(resolve(resolver, "dead", milliseconds(1)));
  EXPECT_EQ(names.asked(), 1) << "a name is looked up by one thread at a time";
}

TEST_F(ResolverTest, LooksUpInTheOrderOfAsking) {
  Names gate;
  names.set(false);
  gate.set(false);
  std::vector<std::string> order;
  const auto one_thread_left = [&order, hang = names.lookup(), wait = gate.lookup()](const std::string& host) {
    if (host.starts_with("hang")) return hang(host);
    order.push_back(host);
    return wait(host);
  };
  Resolver resolver(log, seconds(30), one_thread_left);
  for (const auto* host : {"hang1", "hang2", "hang3"}) resolver.prefetch(host, 443);
  names.wait_until_asked(3);
  resolver.prefetch("m", 443);
  gate.wait_until_asked(1);
  for (const auto* host : {"z", "a", "z"}) resolver.prefetch(host, 443);
  gate.set(true);
  EXPECT_TRUE(resolve(resolver, "a"));
  EXPECT_EQ(order, (std::vector<std::string>{"m", "z", "a"})) << "asking again does not lose one's place";
  names.set(true);
}

TEST_F(ResolverTest, GoesAwayWhileALookupHangs) {
  names.set(false);
  {
    Resolver resolver(log, seconds(30), names.lookup());
    resolver.prefetch("a", 443);
    names.wait_until_asked(1);
  }
  names.set(true);  // its threads end by themselves
}

TEST_F(ResolverTest, ALoopMayGoWhileItsCoroutineWaits) {
  names.set(false);
  Resolver resolver(log, seconds(30), names.lookup());
  std::optional<Endpoints> never;
  {
    Loop other;
    other.start(resolver.resolve("a", 443, seconds(20)), never);
    other.poll();
  }
  names.set(true);
  EXPECT_TRUE(resolve(resolver, "a")) << "the answer went to nobody but us";
  EXPECT_FALSE(never.has_value());
}

}  // namespace
}  // namespace tollgate::net
