#include <gtest/gtest.h>

#include "pii/pii.h"
#include "pii/token.h"

namespace tollgate::pii {
namespace {

struct Scrubbing {
  Scanner scanner;
  Pseudonymiser names{Secret(std::string(32, 'k'))};
  Scrubbed left;
  PolicyOptions policy;

  Result<std::vector<Replacement>> run(std::string_view text) {
    return scrub(text, find(text, scanner, Policies(policy)), Policies(policy), names, left);
  }
  std::string text_after(std::string_view text) {
    auto edits = run(text);
    EXPECT_TRUE(edits.ok());
    std::string out(text);
    for (auto it = edits->rbegin(); it != edits->rend(); ++it) out.replace(it->start, it->end - it->start, it->with);
    return out;
  }
};

constexpr std::string_view kText = "Mail jane@example.com or call +49 30 901820, card 4111 1111 1111 1111.";

TEST(Scrub, ReplacesEveryValueByItsTokenAndRemembersIt) {
  Scrubbing s;
  const std::string mail = s.names.token(EntityType::email_address, "jane@example.com");
  const std::string phone = s.names.token(EntityType::phone_number, "+49 30 901820");
  const std::string card = s.names.token(EntityType::credit_card, "4111111111111111");
  EXPECT_EQ(s.text_after(kText), "Mail " + mail + " or call " + phone + ", card " + card + ".");
  EXPECT_EQ(*s.left.restore.value_of(card), "4111 1111 1111 1111");
  EXPECT_EQ(s.left.restore.size(), 3U);
  EXPECT_EQ(s.left.counts.total(), 3);
  EXPECT_EQ(s.left.counts.of("CREDIT_CARD"), 1);
}

TEST(Scrub, SaysWhatItReplacedAndWhere) {
  Scrubbing s;
  const auto edits = s.run("to jane@example.com");
  ASSERT_TRUE(edits.ok());
  ASSERT_EQ(edits->size(), 1U);
  EXPECT_EQ((*edits)[0].start, 3U);
  EXPECT_EQ((*edits)[0].end, 19U);
  EXPECT_EQ((*edits)[0].type, EntityType::email_address);
}

TEST(Scrub, AndRestoreGiveBackTheText) {
  Scrubbing s;
  const std::string scrubbed = s.text_after(kText);
  StreamRestorer restorer(s.left.restore, RestoreMode::text);
  std::string out;
  restorer.feed(scrubbed, out);
  restorer.finish(out);
  EXPECT_EQ(out, kText);
}

TEST(Scrub, LeavesTokensOfEarlierTurnsAlone) {
  Scrubbing s;
  const std::string once = s.text_after(kText);
  EXPECT_EQ(s.text_after(once), once);
  EXPECT_EQ(s.left.counts.total(), 3);
}

TEST(Scrub, LeavesAValueInsideATokenAlone) {
  Scrubbing s;
  const std::string token = "TgxCC4242424242424242abcd";  // digits that would be a card after this word
  ASSERT_TRUE(starts_with_token(token));
  EXPECT_EQ(s.text_after("card 4242424242424242abcd").find("4242"), std::string::npos);
  EXPECT_EQ(s.text_after("card " + token), "card " + token);
  const std::string at_end = "TgxCCabcd4242424242424242";
  EXPECT_EQ(s.text_after("Tgx card Tgxx " + token + at_end), "Tgx card Tgxx " + token + at_end);
}

TEST(Scrub, FindsAValueThatIsOnlyGluedToAToken) {
  Scrubbing s;
  const std::string token = s.names.token(EntityType::us_ssn, "536-22-8145");
  const std::string out = s.text_after(token + ".jane@example.com");
  EXPECT_EQ(out.find("jane"), std::string::npos);
}

TEST(Scrub, RedactsWithTheNameOfTheTypeAndRemembersNothing) {
  Scrubbing s;
  s.policy.rule.action = Action::redact;
  EXPECT_EQ(s.text_after(kText), "Mail [EMAIL_ADDRESS] or call [PHONE_NUMBER], card [CREDIT_CARD].");
  EXPECT_TRUE(s.left.restore.empty());
  EXPECT_EQ(s.left.counts.total(), 3);
}

TEST(Scrub, BlocksWithoutShowingTheValue) {
  Scrubbing s;
  s.policy.types[EntityType::credit_card].action = Action::block;
  const auto edits = s.run(kText);
  ASSERT_FALSE(edits.ok());
  EXPECT_EQ(edits.error().kind, ErrorKind::permission_denied);
  EXPECT_EQ(edits.error().code, "pii_blocked");
  EXPECT_FALSE(edits.error().retryable);
  EXPECT_NE(edits.error().message.find("CREDIT_CARD"), std::string::npos);
  EXPECT_EQ(edits.error().message.find("1111"), std::string::npos);
  ASSERT_EQ(s.left.counts.of("CREDIT_CARD"), 1);  // what was refused is told too
  EXPECT_EQ(s.left.counts.entries().back().action, Action::block);
}

TEST(Scrub, LetsThroughWhatThePolicyAllows) {
  Scrubbing s;
  s.policy.rule.action = Action::allow;
  s.policy.types[EntityType::email_address].action = Action::redact;
  EXPECT_EQ(s.text_after(kText), "Mail [EMAIL_ADDRESS] or call +49 30 901820, card 4111 1111 1111 1111.");
}

TEST(Scrub, ActsOnlyAtOrAboveTheThreshold) {
  Scrubbing s;
  const double score = s.scanner.scan("jane@example.com")[0].score;
  s.policy.rule.threshold = score;
  EXPECT_EQ(s.run("jane@example.com")->size(), 1U);
  s.policy.rule.threshold = score + 0.01;
  EXPECT_EQ(s.run("jane@example.com")->size(), 0U);
}

TEST(Scrub, RemembersNothingWhenThePolicyDoesNotRestore) {
  Scrubbing s;
  s.policy.restore = false;
  EXPECT_EQ(s.run(kText)->size(), 3U);
  EXPECT_TRUE(s.left.restore.empty());
}

TEST(Scrub, MasksAllButTheEndAndKeepsTheForm) {
  Scrubbing s;
  s.policy.rule.action = Action::mask;
  EXPECT_EQ(s.text_after(kText), "Mail ****@******e.com or call +** ** **1820, card **** **** **** 1111.");
  s.policy.rule.keep_last = 0;
  EXPECT_EQ(s.text_after("card 4111-1111-1111-1111"), "card ****-****-****-****");
  EXPECT_TRUE(s.left.restore.empty());
}

TEST(Scrub, AMaskNeverShowsMoreThanHalf) {
  Scrubbing s;
  s.policy.rule.action = Action::mask;
  s.policy.rule.keep_last = 64;
  EXPECT_EQ(s.text_after("SSN 536-22-8145"), "SSN ***-**-8145");
}

TEST(Scrub, AMaskNeedsNoEscapeWhateverStoodThere) {
  Scrubbing s;
  const Finding finding{EntityType::custom, 0, 12, 1.0};
  s.policy.rule.action = Action::mask;
  const auto out = replacement(finding, "a\"b\\c\n\xC3\xA9 d<e", Policies(s.policy), s.names, s.left);
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out->value().find_first_of("\"\\<\n"), std::string::npos);
}

TEST(Scrub, HashesToOneDigestPerValueThatIsNoPartOfItsToken) {
  Scrubbing s;
  s.policy.rule.action = Action::hash;
  const std::string once = s.text_after("jane@example.com");
  EXPECT_EQ(once, "[EMAIL_ADDRESS:" + s.names.digest(EntityType::email_address, "jane@example.com") + "]");
  EXPECT_EQ(s.text_after("Jane@Example.com"), once);
  const std::string token = s.names.token(EntityType::email_address, "jane@example.com");
  EXPECT_EQ(once.find(token.substr(5)), std::string::npos);
  EXPECT_TRUE(s.left.restore.empty());
}

TEST(Scrub, LogsOnlyWithoutChangingAnything) {
  Scrubbing s;
  s.policy.rule.action = Action::log_only;
  EXPECT_EQ(s.text_after(kText), kText);
  EXPECT_EQ(s.left.counts.total(), 3);
}

TEST(Scrub, KeepsWhatOnlyLocalModelsMaySeeAndSaysSo) {
  Scrubbing s;
  s.policy.types[EntityType::credit_card].action = Action::route_local_only;
  EXPECT_FALSE(s.text_after("jane@example.com").empty());
  EXPECT_FALSE(s.left.local_only);
  EXPECT_EQ(s.text_after("card 4111111111111111"), "card 4111111111111111");
  EXPECT_EQ(s.left.local_only, "CREDIT_CARD");
}

TEST(Scrub, TellsOfEachFindingWithoutItsValue) {
  Scrubbing s;
  s.left.position = "user";
  ASSERT_TRUE(s.run("jane@example.com").ok());
  ASSERT_EQ(s.left.audit.size(), 1U);
  const Audited& told = s.left.audit[0];
  EXPECT_EQ(told.type, "EMAIL_ADDRESS");
  EXPECT_EQ(told.action, Action::pseudonymise);
  EXPECT_EQ(told.position, "user");
  EXPECT_EQ(told.length, 16U);
  const auto digest = [&](std::int64_t period) {
    return s.names.audit_digest(EntityType::email_address, "Jane@example.com", period);
  };
  EXPECT_EQ(told.digest, digest(0));
  EXPECT_NE(told.digest, digest(1));
  EXPECT_EQ(told.digest.size(), 12U);
  std::string many;
  for (int i = 0; i < 40; ++i) many += "u" + std::to_string(i) + "@example.com ";
  ASSERT_TRUE(s.run(many).ok());
  EXPECT_EQ(s.left.audit.size(), kMostAudited);
  EXPECT_EQ(s.left.counts.total(), 41);
}

TEST(Scrub, RestoresWhatTheKeysOfTheEpochBeforeMade) {
  const Secret older(std::string(32, 'k'));
  const Pseudonymiser before(older);
  const Pseudonymiser now(Secret(std::string(32, 'n')), older);
  Scrubbed left;
  const PolicyOptions policy;
  const Scanner scanner;
  const std::string text = "jane@example.com";
  ASSERT_TRUE(scrub(text, find(text, scanner, Policies(policy)), Policies(policy), now, left).ok());
  const std::string token = before.token(EntityType::email_address, text);
  ASSERT_NE(now.token(EntityType::email_address, text), token);
  ASSERT_NE(left.restore.value_of(token), nullptr);
  EXPECT_EQ(*left.restore.value_of(token), text);
}

TEST(Token, IsRecognisedByItsWholeForm) {
  const std::string token = "TgxEM" + std::string(20, 'a');
  EXPECT_TRUE(starts_with_token(token));
  EXPECT_TRUE(starts_with_token(token + "more"));
  EXPECT_FALSE(starts_with_token(token.substr(0, kTokenLength - 1)));
  EXPECT_FALSE(starts_with_token("Tgyem" + std::string(20, 'a')));
  EXPECT_FALSE(starts_with_token("TgxEM" + std::string(19, 'a') + "0"));
}

}  // namespace
}  // namespace tollgate::pii
