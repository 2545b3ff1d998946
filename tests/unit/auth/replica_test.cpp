// The secrets by which a pool of models knows its replicas.
#include <gtest/gtest.h>

#include "gateway/auth/keys.h"
#include "helpers.h"

namespace tollgate::auth {
namespace {

std::shared_ptr<const Secret> secret(const char* text) { return std::make_shared<const Secret>(std::string(text)); }

TEST(Replica, IsWhoeverHasOneOfTheSecrets) {
  const KeyHasher hasher(master_key());
  const std::vector<config::Replica> replicas = {{"blue", secret("the-secret-of-the-blue-ones-0001")},
                                                 {"green", secret("the-secret-of-the-green-ones-002")}};
  ASSERT_NE(find_replica("the-secret-of-the-green-ones-002", replicas, hasher), nullptr);
  EXPECT_EQ(find_replica("the-secret-of-the-green-ones-002", replicas, hasher)->id, "green");
  EXPECT_EQ(find_replica("the-secret-of-the-green-ones-00", replicas, hasher), nullptr);
  EXPECT_EQ(find_replica("", replicas, hasher), nullptr);
  EXPECT_EQ(find_replica("the-secret-of-the-blue-ones-0001", {}, hasher), nullptr) << "no pool, no replicas";
}

}  // namespace
}  // namespace tollgate::auth
