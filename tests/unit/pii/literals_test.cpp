#include "pii/literals.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

namespace tollgate::pii {
namespace {

using Found = std::vector<std::pair<std::string, std::size_t>>;

Found all(const LiteralSet& set, std::string_view text, bool portable) {
  Found out;
  LiteralFinder finder(set, text, portable);
  for (LiteralMatch match; finder.next(match);) out.emplace_back(set.literal(match.literal), match.start);
  return out;
}

TEST(LiteralFinder, FindsEachAtEveryOffsetWhateverItsCase) {
  const LiteralSet set({"password", "sk-", "AKIA", "://"});
  for (std::size_t before = 0; before < 70; ++before) {
    for (const auto& [word, literal] : {std::pair{"PassWord", "password"}, std::pair{"sk-", "sk-"},
                                        std::pair{"akia", "AKIA"}, std::pair{"://", "://"}}) {
      const std::string text = std::string(before, ' ') + word + std::string(before % 3, '.');
      EXPECT_EQ(all(set, text, false), (Found{{literal, before}})) << text;
      EXPECT_EQ(all(set, text, true), (Found{{literal, before}})) << text;
    }
  }
}

TEST(LiteralFinder, GivesTheLongestFirstWhereSeveralStart) {
  const LiteralSet set({"sk-", "sk-live"});
  const auto found = all(set, "sk-live", false);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(all(LiteralSet({"key-", "key-abc"}), "key-abd", false), (Found{{"key-", 0}}));
}

TEST(LiteralFinder, AgreesWithASearchForEachOnRandomText) {
  const std::vector<std::string_view> literals = {"abc", "cab", "bca-", "aab_c", "cc:", "ab:b", "b_b"};
  const LiteralSet set(literals);
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (unsigned i = 0; i < random() % 200; ++i) text += "abcABC-_:"[random() % 9];
    std::multiset<std::pair<std::string, std::size_t>> expected;
    for (const auto literal : literals)
      for (std::size_t at = 0; at < text.size(); ++at)
        if (has_at(text, at, literal)) expected.emplace(literal, at);
    for (const bool portable : {false, true}) {
      const auto found = all(set, text, portable);
      EXPECT_EQ((std::multiset<std::pair<std::string, std::size_t>>(found.begin(), found.end())), expected) << text;
    }
  }
}

TEST(LiteralFinder, SaysNothingOfShortTexts) {
  const LiteralSet set({"abc"});
  EXPECT_TRUE(all(set, "", false).empty());
  EXPECT_TRUE(all(set, "ab", false).empty());
  EXPECT_EQ(all(set, "abc", false).size(), 1U);
}

std::vector<std::pair<std::size_t, std::size_t>> runs(std::string_view text, bool portable) {
  std::vector<std::pair<std::size_t, std::size_t>> out;
  RunFinder finder(text, portable);
  for (Run run; finder.next(run);) out.emplace_back(run.start, run.end);
  return out;
}

TEST(RunFinder, FindsEveryLongRunOfLettersAndDigitsWhole) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    std::vector<std::pair<std::size_t, std::size_t>> expected;
    while (text.size() < 300) {
      const std::size_t length = random() % (round % 2 == 0 ? 24 : 90);
      if (length >= RunFinder::kShortest) expected.emplace_back(text.size(), text.size() + length);
      for (std::size_t i = 0; i < length; ++i) text += "aZ09kzA5"[random() % 8];
      text += "-@[`{/:\xC3"[random() % 8];
    }
    EXPECT_EQ(runs(text, false), expected) << text;
    EXPECT_EQ(runs(text, true), expected) << text;
  }
}

}  // namespace
}  // namespace tollgate::pii
