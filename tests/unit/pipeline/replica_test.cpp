// Whom a replica's call to its pool of models is made for.
#include "gateway/pipeline/replica.h"

#include <gtest/gtest.h>

#include "providers/pool_caller.h"

namespace tollgate::pipeline {
namespace {

const config::Replica kBlue{"blue", nullptr};

TEST(ReplicasCall, IsMadeForWhomItSaysAndMayUseEveryModel) {
  config::Snapshot snapshot;
  snapshot.models["llama"] = std::make_shared<const config::Model>();
  net::HeadFacts head;
  head.headers = providers::pool_headers({"treasury", "desk", "medium"}, false);
  head.headers.push_back({"x-request-id", "0192f0c1-2345-7678-9abc-def012345678"});
  const auto who = caller_of(kBlue, head, snapshot);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->credential, "replica:blue");
  EXPECT_EQ(who->department->id, "treasury");
  EXPECT_EQ(who->application->id, "desk");
  EXPECT_EQ(who->application->criticality, "medium");
  EXPECT_TRUE(who->department->may_use("llama"));
  EXPECT_EQ(who->relayed_as->to_string(), "0192f0c1-2345-7678-9abc-def012345678");
  head.headers.pop_back();
  EXPECT_FALSE(caller_of(kBlue, head, snapshot));
}

}  // namespace
}  // namespace tollgate::pipeline
