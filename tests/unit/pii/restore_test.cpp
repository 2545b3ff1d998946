#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "pii/pii.h"

namespace tollgate::pii {
namespace {

Pseudonymiser pseudonymiser() { return Pseudonymiser(Secret(std::string(32, 'k'))); }

struct Conversation {
  RestoreMap map;
  std::string mail = pseudonymiser().token(EntityType::email_address, "jane@example.com");
  std::string phone = pseudonymiser().token(EntityType::phone_number, "+49 30 901820");
  std::string foreign = pseudonymiser().token(EntityType::us_ssn, "536-22-8145");  // not in the map
  Conversation() {
    map.add(mail, "jane@example.com");
    map.add(phone, "+49 30 \"901820\"\n\\");
  }
};

std::string restored(const Conversation& c, const std::vector<std::string>& pieces,
                     RestoreMode mode = RestoreMode::text) {
  StreamRestorer restorer(c.map, mode);
  std::string out;
  for (const auto& piece : pieces) restorer.feed(piece, out);
  restorer.finish(out);
  EXPECT_FALSE(restorer.holding());
  return out;
}

std::string sample(const Conversation& c) {
  return "TTgTgx " + c.mail + "," + c.mail + c.phone + "x" + c.foreign + " Tgx" + c.mail.substr(0, 20) + " end " +
         c.phone.substr(0, 24);
}

std::string sample_restored(const Conversation& c) {
  const std::string phone = *c.map.value_of(c.phone);
  return "TTgTgx jane@example.com,jane@example.com" + phone + "x" + c.foreign + " Tgx" + c.mail.substr(0, 20) +
         " end " + c.phone.substr(0, 24);
}

TEST(StreamRestorer, PutsBackWhatTheMapHoldsAndNothingElse) {
  const Conversation c;
  EXPECT_EQ(restored(c, {sample(c)}), sample_restored(c));
}

TEST(StreamRestorer, GivesTheSameTextWhereverItIsCutTwice) {
  const Conversation c;
  const std::string text = sample(c);
  const std::string expected = sample_restored(c);
  for (std::size_t a = 0; a <= text.size(); ++a)
    for (std::size_t b = a; b <= text.size(); ++b)
      ASSERT_EQ(restored(c, {text.substr(0, a), text.substr(a, b - a), text.substr(b)}), expected) << a << ' ' << b;
}

TEST(StreamRestorer, GivesTheSameTextByteByByteAndInRandomPieces) {
  const Conversation c;
  const std::string text = sample(c);
  std::mt19937 random(3);
  for (unsigned longest = 1; longest < 40; ++longest) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < text.size(); at += pieces.back().size())
      pieces.push_back(text.substr(at, 1 + random() % longest));
    ASSERT_EQ(restored(c, pieces), sample_restored(c)) << longest;
  }
}

TEST(StreamRestorer, RestoresTokensGluedToLetters) {
  const Conversation c;
  EXPECT_EQ(restored(c, {"a" + c.mail + "b"}), "ajane@example.comb");
}

TEST(StreamRestorer, EmitsAtOnceWhatCannotBeTheStartOfAToken) {
  const Conversation c;
  StreamRestorer restorer(c.map, RestoreMode::text);
  for (const std::string piece : {"Hello", " Tg", "Y", " The", " Tgxzz", "T x"}) {
    std::string out;
    restorer.feed(piece, out);
    if (piece == " Tg") {
      EXPECT_EQ(out, " ");
      EXPECT_TRUE(restorer.holding());
    } else if (piece == "Y") {
      EXPECT_EQ(out, "TgY");
    } else {
      EXPECT_EQ(out, piece);
      EXPECT_FALSE(restorer.holding());
    }
  }
}

TEST(StreamRestorer, HoldsNoMoreThanTheStartOfALiveToken) {
  const Conversation c;
  for (std::size_t length = 1; length < kTokenLength; ++length) {
    StreamRestorer restorer(c.map, RestoreMode::text);
    std::string out;
    restorer.feed("see " + c.mail.substr(0, length), out);
    EXPECT_EQ(out, "see ");
    restorer.feed("!", out);  // no token has this character: all of it is released
    EXPECT_EQ(out, "see " + c.mail.substr(0, length) + "!");
    EXPECT_FALSE(restorer.holding());
  }
}

TEST(StreamRestorer, HoldsNothingWithoutTokens) {
  const RestoreMap map;
  StreamRestorer restorer(map, RestoreMode::text);
  std::string out;
  restorer.feed("Tgx", out);
  EXPECT_EQ(out, "Tgx");
  EXPECT_FALSE(restorer.holding());
}

TEST(StreamRestorer, ReleasesWhatIsHeldAtTheEnd) {
  const Conversation c;
  StreamRestorer restorer(c.map, RestoreMode::text);
  std::string out;
  restorer.feed(c.mail.substr(0, 10), out);
  EXPECT_TRUE(out.empty());
  restorer.finish(out);
  EXPECT_EQ(out, c.mail.substr(0, 10));
  EXPECT_FALSE(restorer.holding());
}

TEST(StreamRestorer, EscapesOnceForTheInsideOfAJsonString) {
  Conversation c;
  const std::string token = pseudonymiser().token(EntityType::api_key, "pem");
  c.map.add(token, "a\"b\\c\nd\re\tf\x01g\x1Fé/");
  EXPECT_EQ(restored(c, {"{\"k\":\"" + token + "\"}"}, RestoreMode::json),
            R"({"k":"a\"b\\c\nd\re\tf\u0001g\u001fé/"})");
  EXPECT_EQ(restored(c, {token}), "a\"b\\c\nd\re\tf\x01g\x1Fé/");
}

TEST(StreamRestorer, DoesNotRestoreInsideWhatItRestored) {
  Conversation c;
  const std::string token = pseudonymiser().token(EntityType::api_key, "x");
  c.map.add(token, c.mail);
  EXPECT_EQ(restored(c, {token}), c.mail);
}

TEST(StreamRestorer, CountsWhatItPutBack) {
  const Conversation c;
  StreamRestorer restorer(c.map, RestoreMode::text);
  std::string out;
  restorer.feed(c.mail + c.foreign + c.phone.substr(0, 5), out);
  EXPECT_EQ(restorer.restored(), 1);
  restorer.feed(c.phone.substr(5), out);
  EXPECT_EQ(restorer.restored(), 2);
}

TEST(StreamRestorer, KeepsAThousandTokensApart) {
  const auto names = pseudonymiser();
  RestoreMap map;
  std::string text;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string value = "user" + std::to_string(i) + "@example.com";
    const std::string token = names.token(EntityType::email_address, value);
    map.add(token, value);
    text += token + (i % 2 == 0 ? "" : " ");
    expected += value + (i % 2 == 0 ? "" : " ");
  }
  ASSERT_EQ(map.size(), 1000U);
  StreamRestorer restorer(map, RestoreMode::text);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 7) restorer.feed(text.substr(at, 7), out);
  restorer.finish(out);
  EXPECT_EQ(out, expected);
}

TEST(RestoreMap, KeepsTheFirstSpelling) {
  RestoreMap map;
  EXPECT_TRUE(map.empty());
  map.add("t", "4111 1111");
  map.add("t", "41111111");
  EXPECT_EQ(map.size(), 1U);
  EXPECT_EQ(*map.value_of("t"), "4111 1111");
  EXPECT_EQ(map.value_of("u"), nullptr);
}

}  // namespace
}  // namespace tollgate::pii
