#include <gtest/gtest.h>

#include <string>

#include "routing/routing.h"

namespace tollgate::routing {
namespace {

Candidate candidate(std::string name, std::vector<FallbackCause> when = {}) {
  Candidate out;
  out.target.model = std::move(name);
  out.fallback = !when.empty();
  out.when = std::move(when);
  return out;
}

std::string now(const AttemptPolicy& policy) {
  return policy.current() == nullptr ? "" : policy.current()->target.model;
}

TEST(AttemptPolicy, GoesThroughTheCandidatesWhileTheTargetIsAtFault) {
  for (const Outcome outcome : {Outcome::throttled, Outcome::timeout, Outcome::error, Outcome::unserved}) {
    AttemptPolicy policy({candidate("a"), candidate("b")});
    EXPECT_EQ(now(policy), "a");
    EXPECT_EQ(policy.attempts(), 1U);
    EXPECT_TRUE(policy.next_after(outcome));
    EXPECT_EQ(now(policy), "b");
    EXPECT_EQ(policy.attempts(), 2U);
    EXPECT_FALSE(policy.next_after(outcome));
    EXPECT_EQ(policy.current(), nullptr);
    EXPECT_EQ(policy.attempts(), 2U);
  }
}

TEST(AttemptPolicy, StopsWhereNoOtherTargetWouldHelp) {
  for (const Outcome outcome : {Outcome::success, Outcome::caller_fault, Outcome::cancelled}) {
    AttemptPolicy policy({candidate("a"), candidate("b")});
    EXPECT_FALSE(policy.next_after(outcome));
    EXPECT_EQ(policy.current(), nullptr);
    EXPECT_EQ(policy.attempts(), 1U);
  }
}

TEST(AttemptPolicy, StaysStopped) {
  AttemptPolicy policy({candidate("a"), candidate("b")});
  EXPECT_FALSE(policy.next_after(Outcome::caller_fault));
  EXPECT_FALSE(policy.next_after(Outcome::error));
  EXPECT_EQ(policy.current(), nullptr);
}

struct CauseCase {
  Outcome outcome;
  const char* next;
};
class Causes : public testing::TestWithParam<CauseCase> {};

TEST_P(Causes, PassOverFallbacksThatAreForOthers) {
  AttemptPolicy policy({candidate("a"), candidate("on_error", {FallbackCause::error}),
                        candidate("on_throttled", {FallbackCause::throttled}),
                        candidate("on_timeout", {FallbackCause::error, FallbackCause::timeout})});
  EXPECT_TRUE(policy.next_after(GetParam().outcome));
  EXPECT_EQ(now(policy), GetParam().next);
  EXPECT_EQ(policy.attempts(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Table, Causes,
                         testing::Values(CauseCase{Outcome::error, "on_error"},
                                         CauseCase{Outcome::unserved, "on_error"},
                                         CauseCase{Outcome::throttled, "on_throttled"},
                                         CauseCase{Outcome::timeout, "on_timeout"}));

TEST(AttemptPolicy, EndsWhenNoFallbackIsForTheCause) {
  AttemptPolicy policy({candidate("a"), candidate("b", {FallbackCause::error})});
  EXPECT_FALSE(policy.next_after(Outcome::throttled));
  EXPECT_EQ(policy.current(), nullptr);
  EXPECT_EQ(policy.attempts(), 1U);
}

TEST(AttemptPolicy, MakesNoMoreAttemptsThanAllowed) {
  AttemptPolicy policy({candidate("a"), candidate("b"), candidate("c")}, 2);
  EXPECT_TRUE(policy.next_after(Outcome::error));
  EXPECT_FALSE(policy.next_after(Outcome::error));
  EXPECT_EQ(policy.attempts(), 2U);
}

TEST(AttemptPolicy, MakesFourAttemptsByDefault) {
  AttemptPolicy policy({candidate("a"), candidate("b"), candidate("c"), candidate("d"), candidate("e")});
  while (policy.next_after(Outcome::error)) {
  }
  EXPECT_EQ(policy.attempts(), 4U);
}

TEST(AttemptPolicy, StartsNothingWithoutCandidates) {
  AttemptPolicy policy({});
  EXPECT_EQ(policy.current(), nullptr);
  EXPECT_EQ(policy.attempts(), 0U);
  EXPECT_FALSE(policy.next_after(Outcome::error));
}

struct ErrorCase {
  ErrorKind kind;
  Outcome outcome;
  int upstream_status = 0;
};
class Classify : public testing::TestWithParam<ErrorCase> {};

TEST_P(Classify, TellsWhoIsAtFault) {
  const auto& [kind, outcome, status] = GetParam();
  EXPECT_EQ(classify({.kind = kind, .message = "", .upstream_status = status}), outcome);
}

INSTANTIATE_TEST_SUITE_P(Table, Classify,
                         testing::Values(ErrorCase{ErrorKind::cancelled, Outcome::cancelled},
                                         ErrorCase{ErrorKind::rate_limited, Outcome::throttled},
                                         ErrorCase{ErrorKind::upstream_timeout, Outcome::timeout},
                                         ErrorCase{ErrorKind::upstream_error, Outcome::error},
                                         ErrorCase{ErrorKind::overloaded, Outcome::error},
                                         ErrorCase{ErrorKind::internal, Outcome::error},
                                         ErrorCase{ErrorKind::invalid_request, Outcome::caller_fault, 400},
                                         ErrorCase{ErrorKind::invalid_request, Outcome::unserved},
                                         ErrorCase{ErrorKind::not_found, Outcome::unserved, 404},
                                         ErrorCase{ErrorKind::payload_too_large, Outcome::caller_fault},
                                         ErrorCase{ErrorKind::permission_denied, Outcome::caller_fault}));

TEST(Outcome, SpeaksAgainstTheTargetOnlyWhenItIsTheTargetsDoing) {
  EXPECT_FALSE(speaks_against_target(Outcome::success));
  EXPECT_FALSE(speaks_against_target(Outcome::caller_fault));
  EXPECT_FALSE(speaks_against_target(Outcome::cancelled));
  EXPECT_FALSE(speaks_against_target(Outcome::unserved));
  EXPECT_TRUE(speaks_against_target(Outcome::throttled));
  EXPECT_TRUE(speaks_against_target(Outcome::timeout));
  EXPECT_TRUE(speaks_against_target(Outcome::error));
}

}  // namespace
}  // namespace tollgate::routing
