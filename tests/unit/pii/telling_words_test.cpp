// What TellingWords says is not there must not be there: detectors skip their own look on its word.
#include "pii/telling_words.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

#include "pii/context.h"

namespace tollgate::pii {
namespace {

IdentifierNames some_names() {
  IdentifierNames out;
  for (const auto* list :
       {"nhs|national health", "sin|social insurance", "tax id|ni no", "account #|account#", "여권|passport"})
    (void)out.add(list);
  return out;
}

// Words that say something, words that nearly do, what stands between, and a few values.
constexpr auto kPieces = std::to_array<std::string_view>(
    {"phone", "Phone", "phoneNumber", "microphone", "tel",      "hotel",   "call", "recall", "née",   "móvil",
     "id",    "ids",   "idea",        "nhs",        "nhsNo",    "since",   "sin",  "sin4",   "niNo",  "ni no",
     "taxId", "tax",   "national",    "health",     "account#", "account", " #",   "and",    "then",  "to",
     "여권",  "电话",  "é",           " ",          " ",        " ",       ", ",   ": ",     "_",     "-",
     "(",     "+",     "\n",          "4",          "555",      "0132",    "A1",   "x",      "OfNhs", "ISBN"});

std::string random_text(std::mt19937& random) {
  std::string out;
  const std::size_t pieces = 1 + random() % 60;
  for (std::size_t i = 0; i < pieces; ++i) out += kPieces[random() % kPieces.size()];
  return out;
}

bool touches_word(std::string_view text, std::size_t at) {
  return at > 0 && at < text.size() && in_word(text[at - 1]) && in_word(text[at]);
}

TEST(TellingWords, SayNoHintStandsBeforeAPlaceOnlyWhereNoneIsFound) {
  const IdentifierNames names = some_names();
  std::mt19937 random(1);
  int silent = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string text = random_text(random);
    TellingWords words(text, names);
    for (std::size_t start = random() % 20; start <= text.size(); start += 1 + random() % 20) {
      if (words.hint_before(start)) continue;
      ++silent;
      ASSERT_EQ(hint_around(text, start, text.size()), Hint::none) << text << " at " << start;
    }
  }
  EXPECT_GT(silent, 1000);
}

TEST(TellingWords, SayNoNameStandsAroundARowOnlyWhereNoneIsFound) {
  const IdentifierNames names = some_names();
  std::mt19937 random(2);
  int silent = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = random_text(random);
    TellingWords words(text, names);
    for (std::size_t start = random() % 30; start < text.size(); start += 1 + random() % 30) {
      const std::size_t end = std::min(text.size(), start + 1 + random() % 30);
      if (touches_word(text, start) || touches_word(text, end) || words.name_near(start, end)) continue;
      for (std::size_t from = start; from < end; ++from) {
        if (touches_word(text, from) || words.cuts_name(from)) continue;
        for (std::size_t to = from + 1; to <= end; ++to) {
          if (touches_word(text, to)) continue;
          ++silent;
          const auto near = names.before(text, from) | names.after(text, to);
          ASSERT_TRUE(near.none()) << text << " at " << from << " to " << to;
        }
      }
    }
  }
  EXPECT_GT(silent, 1000);
}

TEST(TellingWords, AreSilentInOrdinaryText) {
  const IdentifierNames names = some_names();
  const std::string text = "and then the customer wrote to us that the parcel came on Monday, and that it was wet";
  TellingWords words(text, names);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (touches_word(text, at)) continue;
    EXPECT_FALSE(words.hint_before(at)) << at;
    EXPECT_FALSE(words.name_near(at, at + 1)) << at;
    EXPECT_FALSE(words.cuts_name(at)) << at;
  }
}

TEST(TellingWords, GoBackWhereTheyAreAskedTo) {
  const IdentifierNames names = some_names();
  const std::string text = "phone 1 " + std::string(300, ' ') + "nhs 2";
  TellingWords words(text, names);
  EXPECT_TRUE(words.name_near(text.size() - 1, text.size()));
  EXPECT_TRUE(words.hint_before(6));
  EXPECT_FALSE(words.hint_before(200));
}

}  // namespace
}  // namespace tollgate::pii
