// Who calls, between a replica of the gateway and its pool of models.
#include "providers/pool_caller.h"

#include <gtest/gtest.h>

#include "scripted_exchange.h"

namespace tollgate::providers {
namespace {

const PoolCaller kRetail{.department = "retail", .application = "branch-chat", .criticality = "low"};
constexpr std::string_view kId = "0192f0c1-2345-7678-9abc-def012345678";

// As the replica sends it: its headers and the id that every provider is sent.
net::HeadFacts sent(const PoolCaller& caller) {
  net::HeadFacts head;
  head.headers = pool_headers(caller, false);
  head.headers.push_back({"x-request-id", std::string(kId)});
  return head;
}

// What is said of a head in which one header has another value; with none, of one that lacks it.
std::string refusal(std::string_view name, const std::optional<std::string>& value) {
  net::HeadFacts head = sent(kRetail);
  std::erase_if(head.headers, [&](const auto& header) { return header.name == name; });
  if (value) head.headers.push_back({std::string(name), *value});
  const auto read = read_pool_headers(head);
  if (read) return "taken";
  EXPECT_EQ(read.error().kind, ErrorKind::invalid_request);
  EXPECT_EQ(read.error().code, "invalid_replica_header");
  return read.error().message;
}

TEST(PoolCaller, ArrivesAsItWasSent) {
  const auto read = read_pool_headers(sent(kRetail));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->caller.department, "retail");
  EXPECT_EQ(read->caller.application, "branch-chat");
  EXPECT_EQ(read->caller.criticality, "low");
  EXPECT_EQ(read->request_id.to_string(), kId);
}

TEST(PoolCaller, WhoMissesAHeaderOrWritesSomethingElseIsToldWhich) {
  for (const std::string name :
       {"x-tollgate-department", "x-tollgate-application", "x-tollgate-criticality", "x-request-id"}) {
    for (const std::optional<std::string>& value :
         {std::optional<std::string>(), std::optional<std::string>(""), std::optional<std::string>("a b"),
          std::optional<std::string>("a\r\nx: y"), std::optional<std::string>("caf\xc3\xa9"),
          std::optional<std::string>(std::string(65, 'a'))}) {
      const std::string said = refusal(name, value);
      EXPECT_NE(said.find("header " + name + " once"), std::string::npos) << said;
      if (value && !value->empty()) EXPECT_EQ(said.find(*value), std::string::npos) << "nothing of it is repeated";
    }
  }
  EXPECT_EQ(refusal("x-tollgate-department", std::string(64, 'a')), "taken");
}

TEST(PoolCaller, AHeaderThatStandsThereTwiceIsNobodys) {
  net::HeadFacts head = sent(kRetail);
  head.headers.push_back({"X-Tollgate-Department", "treasury"});
  EXPECT_FALSE(read_pool_headers(head));
}

TEST(PoolCaller, RefusingLossesIsAskedForOnlyWhereItIsWanted) {
  EXPECT_EQ(pool_headers(kRetail, false).size(), 3U);
  const auto strict = pool_headers(kRetail, true);
  ASSERT_EQ(strict.size(), 4U);
  EXPECT_EQ(strict.back().name, "x-tollgate-lossy");
  EXPECT_EQ(strict.back().value, "refuse");
}

std::int64_t compute_of(const std::string& told) {
  testing::Script script;
  script.headers = {{"x-tollgate-compute-us", told}};
  const testing::ScriptedExchange answer(script, std::make_shared<testing::Journal>());
  return read_pool_report(answer).compute_us;
}

TEST(PoolReport, TakesNumbersOfADayAtMost) {
  EXPECT_EQ(compute_of("1234"), 1234);
  EXPECT_EQ(compute_of("86400000000"), 86'400'000'000);
  for (const std::string wrong : {"", "-1", "12ms", " 7", "1e3", "86400000001", "99999999999999999999"})
    EXPECT_EQ(compute_of(wrong), -1) << wrong;
}

}  // namespace
}  // namespace tollgate::providers
