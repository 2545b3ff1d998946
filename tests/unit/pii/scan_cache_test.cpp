// A scan that is remembered says what a scan says, the memory is bounded, and what was found under one policy is not
// told under another.
#include "pii/scan_cache.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>

#include "pii/custom.h"

namespace tollgate::pii {
namespace {

const Scanner& scanner() {
  static const Scanner made;
  return made;
}

std::string padded(std::string text) {
  while (text.size() < ScanCache::kShortest) text += " and so on";
  return text;
}

std::string random_message(std::mt19937& random) {
  static const char* const kPieces[] = {
      "jane@example.com ", "4111 1111 1111 1111 ",         "plain words of no interest ", "+49 30 901820 ",
      "line 118\n",        "DE89 3704 0044 0532 0130 00 ", "TgxEM23456789abcdefghijk "};
  std::string out;
  for (auto pieces = random() % 60; pieces > 0; --pieces) out += kPieces[random() % std::size(kPieces)];
  return out;
}

bool same(const std::vector<Finding>& a, const std::vector<Finding>& b) {
  return std::ranges::equal(a, b, [](const Finding& x, const Finding& y) {
    return x.type == y.type && x.start == y.start && x.end == y.end && x.score == y.score && x.custom == y.custom;
  });
}

ScanCache::Found look(ScanCache& cache, const Policies& policies, const std::string& text) {
  return cache.find(policies.scan_scope(), text, [&] { return find(text, scanner(), policies); });
}

TEST(ScanCache, SaysWhatAScanSaysOverConversationsThatGrow) {
  std::mt19937 random(3);
  const PolicyOptions policy;
  ScanCache cache(1U << 20U);
  for (int conversation = 0; conversation < 20; ++conversation) {
    std::vector<std::string> history;
    for (int turn = 0; turn < 12; ++turn) {
      history.push_back(random_message(random));
      for (const auto& text : history)
        ASSERT_TRUE(same(*look(cache, Policies(policy), text), find(text, scanner(), Policies(policy)))) << text;
    }
  }
  EXPECT_GT(cache.stats().hits, 500U);
}

TEST(ScanCache, ScansAKnownTextOnce) {
  ScanCache cache(1U << 20U);
  int scans = 0;
  const auto count = [&] { return ++scans, std::vector<Finding>{{.start = 1, .end = 2}}; };
  for (int i = 0; i < 5; ++i) EXPECT_EQ(cache.find("s", padded("a"), count)->size(), 1U);
  EXPECT_EQ(scans, 1);
  EXPECT_EQ(cache.stats().hits, 4U);
  EXPECT_EQ(cache.stats().misses, 1U);
}

TEST(ScanCache, DoesNotKeepShortTextsOrAnythingWhenItIsOff) {
  ScanCache cache(1U << 20U);
  int scans = 0;
  const auto count = [&] { return ++scans, std::vector<Finding>(); };
  for (int i = 0; i < 3; ++i) (void)cache.find("s", "short", count);
  EXPECT_EQ(scans, 3);
  cache.set_max_bytes(0);
  for (int i = 0; i < 3; ++i) (void)cache.find("s", padded("a"), count);
  EXPECT_EQ(scans, 6);
}

TEST(ScanCache, ForgetsWhatWasNotUsedForLongestAndStaysWithinItsBound) {
  constexpr std::size_t kBound = 64 * 1024;
  ScanCache cache(kBound);
  const auto nothing = [] { return std::vector<Finding>(); };
  for (int i = 0; i < 20'000; ++i) {
    (void)cache.find("s", padded(std::to_string(i) + " "), nothing);
    (void)cache.find("s", padded("used again and again"), nothing);
    ASSERT_LE(cache.stats().bytes, kBound);
  }
  EXPECT_EQ(cache.stats().hits, 19'999U);
  cache.set_max_bytes(0);
  EXPECT_EQ(cache.stats().bytes, 0U);
}

TEST(ScanCache, DoesNotKeepAListOfFindingsThatIsLongerThanItsShare) {
  ScanCache cache(64 * 1024);
  (void)cache.find("s", padded("a"), [] { return std::vector<Finding>(1000); });
  EXPECT_EQ(cache.stats().bytes, 0U);
}

TEST(ScanCache, TellsPoliciesApartByWhatTheyLookFor) {
  PolicyOptions everywhere;
  PolicyOptions german;
  german.countries = {"DE"};
  EXPECT_NE(Policies(everywhere).scan_scope(), Policies(german).scan_scope());
  german.rule.threshold = 0.9;  // not of the scan
  PolicyOptions also_german = german;
  also_german.rule.action = Action::block;
  EXPECT_EQ(Policies(german).scan_scope(), Policies(also_german).scan_scope());
}

TEST(ScanCache, FindsAnewWhenTheHousesDetectorsWereChanged) {
  ScanCache cache(1U << 20U);
  const std::string text = padded("staff E123456 and F123456 here");
  const auto found_by = [&](const char* pattern) {
    PolicyOptions policy;
    CustomDetectorOptions staff;
    staff.name = "STAFF";
    staff.pattern = pattern;
    policy.detectors = *CustomDetectors::make({staff});
    policy.custom["STAFF"] = {};
    const auto found = look(cache, Policies(policy), text);
    return found->empty() ? 0 : found->front().start;
  };
  EXPECT_EQ(found_by("E[0-9]{6}"), 6U);
  EXPECT_EQ(found_by("F[0-9]{6}"), 18U);
}

TEST(ScanCache, IsSharedByThreads) {
  ScanCache cache(1U << 16U);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&cache, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 5'000; ++i) {
        const std::size_t number = random() % 500;
        const auto found = cache.find("s", padded(std::to_string(number) + "."),
                                      [&] { return std::vector<Finding>(number % 3, {.start = number}); });
        ASSERT_EQ(found->size(), number % 3);
        if (!found->empty()) ASSERT_EQ(found->front().start, number);
        if (i % 1000 == 0) cache.set_max_bytes((1U << 16U) - static_cast<std::size_t>(i));
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(cache.stats().hits + cache.stats().misses, 20'000U);
}

TEST(TextDigest, DependsOnWhereTheScopeEnds) {
  const TextDigest digest;
  EXPECT_EQ(digest("a", "bc"), digest("a", "bc"));
  EXPECT_NE(digest("a", "bc"), digest("ab", "c"));
  EXPECT_NE(digest("a", "bc"), TextDigest()("a", "bc")) << "another key";
}

}  // namespace
}  // namespace tollgate::pii
