#include "local_backend/fair_queue.h"

#include <gmock/gmock.h>

#include "local_backend/load_estimate.h"

namespace tollgate::local_backend {
namespace {

std::vector<int> drain(FairQueue<int>& queue) {
  std::vector<int> out;
  while (auto item = queue.pop()) out.push_back(*item);
  return out;
}

TEST(FairQueue, DepartmentsTakeTurnsWhateverTheirNumbers) {
  FairQueue<int> queue(10);
  for (int i = 1; i <= 5; ++i) EXPECT_TRUE(queue.push("loud", i));
  EXPECT_TRUE(queue.push("quiet", 10));
  EXPECT_TRUE(queue.push("third", 20));
  EXPECT_TRUE(queue.push("quiet", 11));
  EXPECT_THAT(drain(queue), ::testing::ElementsAre(1, 10, 20, 2, 11, 3, 4, 5));
}

TEST(FairQueue, ADepartmentThatWasJustServedGoesBehindThoseThatWait) {
  FairQueue<int> queue(10);
  queue.push("a", 1);
  queue.push("b", 2);
  EXPECT_EQ(queue.pop(), 1);
  queue.push("a", 3);
  EXPECT_THAT(drain(queue), ::testing::ElementsAre(2, 3));
}

TEST(FairQueue, IsBounded) {
  FairQueue<int> queue(2);
  EXPECT_TRUE(queue.push("a", 1));
  EXPECT_TRUE(queue.push("b", 2));
  EXPECT_FALSE(queue.push("c", 3));
  EXPECT_EQ(queue.size(), 2U);
  (void)queue.pop();
  EXPECT_TRUE(queue.push("c", 3));
}

TEST(FairQueue, TakesOutWhatIsAskedForAndKeepsTheOrderOfTheRest) {
  FairQueue<int> queue(10);
  for (int i = 1; i <= 3; ++i) queue.push("a", i);
  queue.push("b", 4);
  EXPECT_THAT(queue.take_if([](int i) { return i % 2 == 0; }), ::testing::UnorderedElementsAre(2, 4));
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_THAT(drain(queue), ::testing::ElementsAre(1, 3));
}

TEST(LoadEstimate, SaysWhenAPlaceBecomesFree) {
  LoadEstimate load;
  EXPECT_EQ(load.retry_after_ms(), 1000);
  for (int i = 0; i < 500; ++i) load.observe_step(4, 4'000'000);  // a token takes 1 ms
  for (int i = 0; i < 50; ++i) load.observe_request(300);
  EXPECT_NEAR(static_cast<double>(load.retry_after_ms()), 300, 5);
}

}  // namespace
}  // namespace tollgate::local_backend
