#include "pii/word_list.h"

#include <gtest/gtest.h>

namespace tollgate::pii {
namespace {

std::vector<std::string> found(const WordList& list, std::string_view text) {
  std::vector<WordList::Match> matches;
  list.find(text, matches);
  std::vector<std::string> out;
  for (const auto& [start, end] : matches) out.emplace_back(text.substr(start, end - start));
  return out;
}

using Texts = std::vector<std::string>;

TEST(WordList, FindsWholeWordsOnly) {
  const WordList list({"Falcon"});
  EXPECT_EQ(found(list, "Falcon, the falcon; FALCON!"), (Texts{"Falcon", "falcon", "FALCON"}));
  EXPECT_EQ(found(list, "falcons xfalcon falcon2 fal con falco"), Texts{});
  EXPECT_EQ(found(list, "(falcon)"), Texts{"falcon"});
}

TEST(WordList, FoldsCaseAndAccentsOfTextAndEntry) {
  const WordList list({"José Müller", "Zoe"});
  EXPECT_EQ(found(list, "JOSE MULLER"), Texts{"JOSE MULLER"});
  EXPECT_EQ(found(list, "jose\u0301 mu\u0308ller"), Texts{"jose\u0301 mu\u0308ller"});
  EXPECT_EQ(found(list, "an Zoë."), Texts{"Zoë"});
  EXPECT_EQ(fold_words("Łódź,  Straße"), "lodz strasse");
}

TEST(WordList, FindsAPhraseWhateverStandsBetweenItsWords) {
  const WordList list({"Project Blue Falcon"});
  EXPECT_EQ(found(list, "a project-blue\n falcon b"), Texts{"project-blue\n falcon"});
  EXPECT_EQ(found(list, "project blue    falcon"), Texts{});
  EXPECT_EQ(found(list, "project blue"), Texts{});
}

TEST(WordList, OfSeveralTheLongestCounts) {
  const WordList list({"Anna", "Anna Berger", "Anna Berger Maier"});
  EXPECT_EQ(found(list, "Anna Berger and Anna Maier"), (Texts{"Anna Berger", "Anna"}));
}

TEST(WordList, FindsTheSameNearTheEndAsInTheMiddle) {
  const WordList list({"abcdefghij", "kl"});
  for (const std::string tail : {"", " ", ".", " xyz", " and much more text"}) {
    EXPECT_EQ(found(list, "kl abcdefghij" + tail), (Texts{"kl", "abcdefghij"})) << tail;
    EXPECT_EQ(found(list, "abcdefghij kl" + tail), (Texts{"abcdefghij", "kl"})) << tail;
  }
}

TEST(WordList, FindsTheSameWhereverItStands) {
  const WordList list({"falcon", "Anna Berger", "José", "x"});
  for (std::size_t before = 0; before < 200; ++before) {
    for (const std::string filler : {"ab ", "é. ", "abcdefghijklmnop "}) {
      std::string text;
      while (text.size() < before) text += filler;
      text += " Falcon anna-berger JOSÉ x falcons ";
      for (int i = 0; i < 40; ++i) text += filler;
      EXPECT_EQ(found(list, text), (Texts{"Falcon", "anna-berger", "JOSÉ", "x"})) << before << filler;
    }
  }
}

TEST(WordList, KnowsOtherAlphabetsAsTheyAreWritten) {
  const WordList list({"Иванов"});
  EXPECT_EQ(found(list, "гражданин Иванов."), Texts{"Иванов"});
}

TEST(WordList, ReadsBrokenTextWithoutHarm) {
  const WordList list({"abc"});
  for (const std::string broken : {"\xC3", "\xE2\x80", "\xCD", "abc\xC5", "\xF0\x9F abc"}) {
    std::vector<WordList::Match> matches;
    list.find(broken, matches);
    for (const auto& [start, end] : matches) EXPECT_LE(end, broken.size());
  }
}

TEST(WordList, WithoutWordsFindsNothing) {
  EXPECT_TRUE(WordList({"", " - "}).empty());
  EXPECT_EQ(found(WordList(), "anything"), Texts{});
}

}  // namespace
}  // namespace tollgate::pii
