#include "local_backend/kv_blocks.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

namespace tollgate::local_backend {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(KvBlocks, GivesEachBlockOnceAndRefusesWhenAllAreInUse) {
  KvBlocks blocks(3, 2);
  EXPECT_THAT((std::vector{*blocks.allocate(), *blocks.allocate(), *blocks.allocate()}),
              ::testing::UnorderedElementsAre(0, 1, 2));
  EXPECT_EQ(blocks.allocate(), std::nullopt);
  blocks.release(1);
  EXPECT_EQ(blocks.allocate(), 1);
}

TEST(KvBlocks, FindsTheLongestPublishedPrefixOfWholeBlocks) {
  KvBlocks blocks(4, 2);
  const int a = *blocks.allocate();
  const int b = *blocks.allocate();
  EXPECT_EQ(blocks.publish("retail", -1, a, std::vector{1, 2}), a);
  EXPECT_EQ(blocks.publish("retail", a, b, std::vector{3, 4}), b);
  EXPECT_THAT(blocks.find("retail", std::vector{1, 2, 3, 4, 5}), ElementsAre(a, b));
  EXPECT_THAT(blocks.find("retail", std::vector{1, 2, 3}), ElementsAre(a));
  EXPECT_THAT(blocks.find("retail", std::vector{1, 2, 9, 4}), ElementsAre(a));
  EXPECT_THAT(blocks.find("retail", std::vector{3, 4}), IsEmpty()) << "the same tokens elsewhere are something else";
}

TEST(KvBlocks, ADepartmentNeverFindsWhatAnotherHasAsked) {
  KvBlocks blocks(2, 2);
  const int a = *blocks.allocate();
  (void)blocks.publish("retail", -1, a, std::vector{1, 2});
  EXPECT_THAT(blocks.find("trading", std::vector{1, 2}), IsEmpty());
  EXPECT_THAT(blocks.find("", std::vector{1, 2}), IsEmpty());
}

TEST(KvBlocks, KeepsWhatIsPublishedUntilThePlaceIsNeededOldestFirst) {
  KvBlocks blocks(2, 1);
  const int a = *blocks.allocate();
  const int b = *blocks.allocate();
  (void)blocks.publish("d", -1, a, std::vector{1});
  (void)blocks.publish("d", -1, b, std::vector{2});
  blocks.release(a);
  blocks.release(b);
  EXPECT_EQ(blocks.unused(), 2);
  EXPECT_EQ(blocks.allocate(), a) << "unused for longest";
  EXPECT_THAT(blocks.find("d", std::vector{1}), IsEmpty());
  EXPECT_THAT(blocks.find("d", std::vector{2}), ElementsAre(b));
  EXPECT_EQ(blocks.unused(), 0) << "what was found is in use";
}

TEST(KvBlocks, WhatFollowedAForgottenBlockIsNotFoundUnderItsNextContent) {
  KvBlocks blocks(3, 1);
  const int a = *blocks.allocate();
  const int b = *blocks.allocate();
  (void)blocks.publish("d", -1, a, std::vector{1});
  (void)blocks.publish("d", a, b, std::vector{2});
  blocks.release(a);
  const int spare = *blocks.allocate();
  EXPECT_EQ(blocks.allocate(), a);
  (void)blocks.publish("d", -1, a, std::vector{7});
  EXPECT_THAT(blocks.find("d", std::vector{7, 2}), ElementsAre(a));
  EXPECT_NE(spare, a);
}

TEST(KvBlocks, TwoWithTheSameContentBecomeOne) {
  KvBlocks blocks(2, 1);
  const int a = *blocks.allocate();
  const int b = *blocks.allocate();
  EXPECT_EQ(blocks.publish("d", -1, a, std::vector{1}), a);
  EXPECT_EQ(blocks.publish("d", -1, b, std::vector{1}), a);
  EXPECT_EQ(blocks.unused(), 1);
  blocks.release(a);
  EXPECT_EQ(blocks.unused(), 1) << "one reference is left";
}

// Random sequences over a pool that is too small, against a model that only counts: no block is in two hands unless
// shared, none is lost, and what is found holds what it should.
class RandomUse {
 public:
  explicit RandomUse(unsigned seed)
      : random_(seed), blocks_(1 + static_cast<int>(random_() % 12), 1 + static_cast<int>(random_() % 3)) {}

  void step() {
    if (tables_.empty() || random_() % 3 == 0) {
      begin();
    } else if (random_() % 2 == 0) {
      grow(tables_[random_() % tables_.size()]);
    } else {
      end(random_() % tables_.size());
    }
    check();
  }

 private:
  struct Table {
    std::string department;
    std::vector<int> tokens;
    std::vector<int> blocks;
  };
  using Content = std::pair<std::string, std::vector<int>>;  // of a chain up to and with a block

  std::vector<int> tokens(std::size_t count) {
    std::vector<int> out;
    while (out.size() < count) out.push_back(static_cast<int>(random_() % 2));
    return out;
  }

  void begin() {
    Table table{random_() % 2 == 0 ? "a" : "b", tokens(random_() % 9), {}};
    table.blocks = blocks_.find(table.department, table.tokens);
    const auto size = static_cast<std::size_t>(blocks_.block_tokens());
    for (std::size_t i = 0; i < table.blocks.size(); ++i) {
      const std::vector<int> prefix(table.tokens.begin(),
                                    table.tokens.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
      ASSERT_EQ(held_[table.blocks[i]], Content(table.department, prefix));
    }
    table.tokens.resize(table.blocks.size() * size);
    tables_.push_back(std::move(table));
  }

  void grow(Table& table) {
    const auto block = blocks_.allocate();
    if (!block) {
      ASSERT_EQ(blocks_.unused(), 0);
      return;
    }
    const auto added = tokens(static_cast<std::size_t>(blocks_.block_tokens()));
    table.tokens.insert(table.tokens.end(), added.begin(), added.end());
    const int parent = table.blocks.empty() ? -1 : table.blocks.back();
    const int kept = blocks_.publish(table.department, parent, *block, added);
    if (kept == *block) {
      held_[kept] = {table.department, table.tokens};
    } else {
      ASSERT_EQ(held_[kept], Content(table.department, table.tokens));
    }
    table.blocks.push_back(kept);
  }

  void end(std::size_t index) {
    auto& used = tables_[index].blocks;
    for (; !used.empty(); used.pop_back()) blocks_.release(used.back());
    tables_.erase(tables_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  void check() {
    std::map<int, Content> used;
    for (const Table& table : tables_) {
      const auto size = static_cast<std::size_t>(blocks_.block_tokens());
      for (std::size_t i = 0; i < table.blocks.size(); ++i) {
        const std::vector<int> prefix(table.tokens.begin(),
                                      table.tokens.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
        const Content content(table.department, prefix);
        const auto [at, added] = used.emplace(table.blocks[i], content);
        ASSERT_EQ(at->second, content) << "one block, two contents";
      }
    }
    ASSERT_EQ(blocks_.unused() + static_cast<int>(used.size()), blocks_.total());
  }

  std::mt19937 random_;
  KvBlocks blocks_;
  std::vector<Table> tables_;
  std::map<int, Content> held_;
};

TEST(KvBlocks, NothingIsLostOrMixedUpInRandomUse) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    RandomUse use(seed);
    for (int i = 0; i < 300; ++i) {
      use.step();
      if (::testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << ", step " << i;
    }
  }
}

}  // namespace
}  // namespace tollgate::local_backend
