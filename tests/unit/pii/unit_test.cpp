#include "pii/unit.h"

#include <gtest/gtest.h>

#include "pii/byte_classes.h"

namespace tollgate::pii {
namespace {

// A whole text, unit by unit, without what is invisible.
std::string fold(std::string_view text) {
  std::string out;
  for (std::size_t pos = 0; pos < text.size();) {
    const Unit unit = unit_at(text, pos);
    if (unit.c != kInvisible) out.push_back(unit.c);
    pos += unit.length;
  }
  return out;
}

struct FoldCase {
  const char* written;
  const char* meant;
};

class Fold : public testing::TestWithParam<FoldCase> {};

TEST_P(Fold, GivesTheAsciiThatIsMeant) { EXPECT_EQ(fold(GetParam().written), GetParam().meant); }

INSTANTIATE_TEST_SUITE_P(Scripts, Fold,
                         testing::Values(FoldCase{"plain 42!", "plain 42!"},
                                         FoldCase{"０９ＡＺａｚ＠．－", "09AZaz@.-"},  // full width
                                         FoldCase{"٠١٢٣٤٥٦٧٨٩", "0123456789"},         // Arabic-Indic
                                         FoldCase{"۰۹", "09"},                         // Persian
                                         FoldCase{"०९", "09"},                         // Devanagari
                                         FoldCase{"๐๙", "09"},                         // Thai
                                         FoldCase{"𝟎𝟗𝟘𝟡𝟶𝟿", "090909"},                 // mathematical
                                         FoldCase{"⓪①⑨", "019"},                       // circled
                                         FoldCase{"𝐀𝐳𝖇", "Azb"},                       // mathematical letters
                                         FoldCase{"ⒶⓏⓐⓩ", "AZaz"},                     // circled letters
                                         FoldCase{"раураӏ", "paypal"}));               // Cyrillic
INSTANTIATE_TEST_SUITE_P(Separators, Fold,
                         testing::Values(FoldCase{"1\u00A02\u20093\u202F4\u30005", "1 2 3 4 5"},
                                         FoldCase{"1\u20102\u20133\u22124", "1-2-3-4"}, FoldCase{"1\u20282", "1\n2"}));
INSTANTIATE_TEST_SUITE_P(Invisible, Fold,
                         testing::Values(FoldCase{"1\u200B2\u00AD3\u20604\uFEFF5\uFE0F6\u202E7", "1234567"},
                                         FoldCase{"1\U000E00412", "12"}, FoldCase{"e\u0301", "e"}));
INSTANTIATE_TEST_SUITE_P(
    Escapes, Fold,
    testing::Values(FoldCase{R"(\u0040\u0034)", "@4"}, FoldCase{R"(a\nb\tc\rd)", "a\nb\tc\nd"},
                    FoldCase{R"(\"\/)", "\"/"}, FoldCase{R"(\ud835\udfd2)", "4"},
                    FoldCase{R"(\ud835\u0041)",
                             "\x81"
                             "A"},
                    FoldCase{R"(\ud835x)", "\x81x"}, FoldCase{R"(\q\)", R"(\q\)"}, FoldCase{R"(\u00)", R"(\u00)"},
                    FoldCase{"%40%34", "@4"}, FoldCase{"100% of%", "100% of%"},
                    FoldCase{R"(a\\u0040b\\\\u0040c\\n)", "a@b@c\n"}, FoldCase{R"(\\q\\)", R"(\\q\\)"},
                    FoldCase{"1%C2%A02%E2%80%933%E2%80%8B4", "1 2-34"},
                    FoldCase{"%C2%41%E2%80",
                             "\x81"
                             "A\x81\x81"},
                    FoldCase{"1&shy;2&ndash;3&thinsp;4&lt;", "12-3 4&lt;"},
                    FoldCase{"&#64;&#x34;&nbsp;&period;", "@4 ."}, FoldCase{"a & b; &#; &#12", "a & b; &#; &#12"}));

TEST(Fold, KeepsANulAsAControlCharacter) {
  EXPECT_EQ(fold(std::string_view("1\0002", 3)),
            "1\x01"
            "2");
}

TEST(Unit, MarksWhatHasNoAsciiForm) {
  EXPECT_EQ(unit_at("é", 0).c, kLetter);
  EXPECT_EQ(unit_at("中", 0).c, kOther);
  EXPECT_EQ(unit_at("٪", 0).c, kOther);  // U+066A follows the digits of its script
  EXPECT_EQ(unit_at("\xFF", 0).c, kOther);
  EXPECT_EQ(unit_at("\xFF", 0).length, 1);
  EXPECT_EQ(unit_at("\xE4\xB8", 0).length, 1);  // cut short
}

TEST(Unit, IsReadBackwardsAsForwards) {
  const std::string text = R"(x4１\u0040%34&#64;é)"
                           "\u200B"
                           R"(中\n9\ud835\udfd2\\u0040\\\\n\\q%E2%80%8B%C2&shy;)";
  std::vector<std::size_t> forward;
  for (std::size_t pos = 0; pos < text.size(); pos += unit_at(text, pos).length) forward.push_back(pos);
  std::vector<std::size_t> backward;
  for (std::size_t pos = text.size(); pos > 0;) {
    const Unit unit = unit_before(text, pos);
    pos -= unit.length;
    EXPECT_EQ(unit.c, unit_at(text, pos).c);
    backward.insert(backward.begin(), pos);
  }
  EXPECT_EQ(forward, backward);
}

TEST(Unit, KnowsWhereTheEscapeThatAByteLiesInBegins) {
  const std::string_view text = R"(ab\u0040c%34&#52;d)";
  EXPECT_EQ(unit_start(text, 4), 2U);
  EXPECT_EQ(unit_start(text, 7), 2U);
  EXPECT_EQ(unit_start(text, 8), 8U);
  EXPECT_EQ(unit_start(text, 11), 9U);
  EXPECT_EQ(unit_start(text, 14), 12U);
  EXPECT_EQ(unit_start(text, 17), 17U);
}

TEST(Neighbours, AreLookedForPastWhatIsInvisible) {
  const std::string text = "+\u200B4\u200B!";
  EXPECT_EQ(char_before(text, text.find('4')), '+');
  EXPECT_EQ(char_after(text, text.find('4') + 1), '!');
  EXPECT_EQ(char_before(text, 0), kOther);
  EXPECT_EQ(char_after(text, text.size()), kOther);
}

TEST(ByteClasses, SayOfEveryByteWhatItIs) {
  std::string text;
  for (unsigned c = 0; c < 256; ++c) text.push_back(static_cast<char>(c));
  for (const std::size_t count : {1U, 15U, 64U}) {
    for (std::size_t from = 0; from + count <= text.size(); ++from) {
      const ByteClasses classes = classify(text, from, count);
      for (std::size_t i = 0; i < 64; ++i) {
        const char c = i < count ? text[from + i] : '\n';
        const auto bit = [i](std::uint64_t bits) { return ((bits >> i) & 1U) != 0; };
        ASSERT_EQ(bit(classes.upper), is_upper(c));
        ASSERT_EQ(bit(classes.lower), is_lower(c));
        ASSERT_EQ(bit(classes.digit), is_digit(c));
        ASSERT_EQ(bit(classes.high), static_cast<unsigned char>(c) >= 0x80);
        ASSERT_EQ(bit(classes.marked), c != '\0' && std::string_view("\\%&*<").find(c) != std::string_view::npos);
      }
    }
  }
}

TEST(ByteClasses, OfWhatStandsBeforeAPlaceEndInTheTopBit) {
  const std::string text = "aB3\xC3\xA9%" + std::string(70, 'x') + "1";
  for (std::size_t end = 0; end <= text.size(); ++end) {
    const ByteClasses classes = classify_before(text, end);
    for (std::size_t back = 1; back <= 64; ++back) {
      const char c = back <= end ? text[end - back] : '\n';
      const auto bit = [back](std::uint64_t bits) { return ((bits >> (64 - back)) & 1U) != 0; };
      ASSERT_EQ(bit(classes.upper), is_upper(c));
      ASSERT_EQ(bit(classes.lower), is_lower(c));
      ASSERT_EQ(bit(classes.digit), is_digit(c));
      ASSERT_EQ(bit(classes.high), static_cast<unsigned char>(c) >= 0x80);
      ASSERT_EQ(bit(classes.marked), c == '%');
    }
  }
}

}  // namespace
}  // namespace tollgate::pii
