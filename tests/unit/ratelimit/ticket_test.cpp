#include <gtest/gtest.h>

#include "tests/unit/ratelimit/helpers.h"

namespace tollgate::ratelimit {
namespace {

class RecordingLimiter final : public Limiter {
 public:
  net::Task<Verdict> admit(AdmitRequest) override { co_return Verdict{}; }
  void settle(Settlement settlement) override { settled.push_back(std::move(settlement)); }
  std::vector<Settlement> settled;
};

Settlement reservation(std::uint64_t id, std::int64_t tokens) { return Settlement{id_of(id), {}, tokens, 0}; }

TEST(Ticket, SettlesOnceWithWhatWasUsed) {
  RecordingLimiter limiter;
  {
    Ticket ticket(limiter, reservation(1, 100));
    EXPECT_TRUE(ticket.open());
    ticket.settle(30);
    EXPECT_FALSE(ticket.open());
    ticket.settle(40);
  }
  ASSERT_EQ(limiter.settled.size(), 1U);
  EXPECT_EQ(limiter.settled[0].actual_tokens, 30);
  EXPECT_EQ(limiter.settled[0].reserved_tokens, 100);
}

TEST(Ticket, ForgottenMeansEverythingWasUsed) {
  RecordingLimiter limiter;
  {
    const Ticket ticket(limiter, reservation(1, 100));
  }
  ASSERT_EQ(limiter.settled.size(), 1U);
  EXPECT_EQ(limiter.settled[0].actual_tokens, 100);
}

TEST(Ticket, MovesWithItsDuty) {
  RecordingLimiter limiter;
  {
    Ticket first(limiter, reservation(1, 100));
    Ticket second(std::move(first));
    EXPECT_FALSE(first.open());  // NOLINT(bugprone-use-after-move): the promise under test
    EXPECT_TRUE(second.open());
    EXPECT_TRUE(limiter.settled.empty());
  }
  EXPECT_EQ(limiter.settled.size(), 1U);
}

TEST(Ticket, AssigningOverAnOpenOneSettlesItFirst) {
  RecordingLimiter limiter;
  Ticket ticket(limiter, reservation(1, 100));
  ticket = Ticket(limiter, reservation(2, 200));
  ASSERT_EQ(limiter.settled.size(), 1U);
  EXPECT_EQ(limiter.settled[0].id, id_of(1));
  EXPECT_EQ(limiter.settled[0].actual_tokens, 100);
  EXPECT_EQ(ticket.reserved_tokens(), 200);
}

TEST(Ticket, EmptyOneSettlesNothing) {
  Ticket ticket;
  EXPECT_FALSE(ticket.open());
  ticket.settle(5);
}

}  // namespace
}  // namespace tollgate::ratelimit
