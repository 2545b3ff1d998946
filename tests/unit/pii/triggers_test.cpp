#include "pii/triggers.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace tollgate::pii {
namespace {

std::vector<std::size_t> all(std::string_view text, bool portable) {
  std::vector<std::size_t> out;
  TriggerFinder finder(text, portable);
  for (std::size_t pos = finder.next(0); pos < text.size(); pos = finder.next(pos + 1)) out.push_back(pos);
  return out;
}

TEST(TriggerFinder, FindsTheSameWithAndWithoutAvx2AtEveryLength) {
  std::mt19937 random(7);
  static constexpr std::string_view kBytes = "0123456789@:.-_ abefghkprstxyAISGzJB%u\\\xEF\xBC\x94\xD9\xA4\xE2\x80\x8B";
  for (std::size_t size = 0; size < 200; ++size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += kBytes[random() % kBytes.size()];
    ASSERT_EQ(all(text, false), all(text, true)) << text;
  }
}

TEST(TriggerFinder, ReportsEveryPositionThatHasBits) {
  std::string text(100, 'q');
  text[0] = text[31] = text[32] = text[99] = '@';
  EXPECT_EQ(all(text, false), (std::vector<std::size_t>{0, 31, 32, 99}));
  EXPECT_EQ(all(text, true), (std::vector<std::size_t>{0, 31, 32, 99}));
}

TEST(TriggerFinder, SkipsToWhereTheCallerWantsToGoOn) {
  std::string text(80, 'q');
  text[3] = text[5] = text[70] = '@';
  TriggerFinder finder(text);
  EXPECT_EQ(finder.next(0), 3U);
  EXPECT_EQ(finder.next(5), 5U);
  EXPECT_EQ(finder.next(40), 70U);
  EXPECT_EQ(finder.next(71), text.size());
  EXPECT_EQ(finder.next(text.size()), text.size());
}

TEST(TriggerFinder, StaysQuietOnProse) {
  EXPECT_TRUE(
      all("The quick brown fox jumps over the lazy dog, and then: nothing at all happens for a while.", false).empty());
}

class Triggers : public testing::TestWithParam<std::pair<const char*, std::uint8_t>> {};

TEST_P(Triggers, CatchTheirBytes) {
  const auto& [text, bit] = GetParam();
  EXPECT_NE(trigger_bits(text, 0) & bit, 0) << text;
}

INSTANTIATE_TEST_SUITE_P(All, Triggers,
                         testing::Values(std::pair{"123", kNumberTrigger}, std::pair{"1 2", kNumberTrigger},
                                         std::pair{"1.2", kNumberTrigger}, std::pair{"1-2", kNumberTrigger},
                                         std::pair{"4%3", kNumberTrigger}, std::pair{"52;", kNumberTrigger},
                                         std::pair{"4\u200B", kSplitNumberTrigger},
                                         std::pair{"٤", kUnicodeDigitTrigger}, std::pair{"۴", kUnicodeDigitTrigger},
                                         std::pair{"𝟒", kUnicodeDigitTrigger}, std::pair{"４", kUnicodeDigit3Trigger},
                                         std::pair{"＠", kUnicodeDigit3Trigger}, std::pair{"४", kUnicodeDigit3Trigger},
                                         std::pair{"๔", kUnicodeDigit3Trigger}, std::pair{"④", kUnicodeDigit3Trigger},
                                         std::pair{"⓪", kUnicodeDigit3Trigger}, std::pair{"::1", kColonTrigger},
                                         std::pair{"f:a", kColonTrigger}, std::pair{"0::", kColonTrigger}));

}  // namespace
}  // namespace tollgate::pii
