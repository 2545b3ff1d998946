#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "pii/custom.h"
#include "pii/pii.h"
#include "pii/token.h"
#include "pii/word_list.h"

namespace tollgate::pii {
namespace {

TEST(EntityType, NamesReadBack) {
  for (std::size_t i = 0; i < kEntityTypes; ++i) {
    EntityType type{};
    ASSERT_TRUE(parse_entity_type(to_string(static_cast<EntityType>(i)), type));
    EXPECT_EQ(type, static_cast<EntityType>(i));
  }
  EXPECT_EQ(to_string(EntityType::us_ssn), "US_SSN");
  EXPECT_EQ(to_string(EntityType::api_key), "API_KEY");
}

TEST(EntityType, OtherNamesLeaveTheOutputAlone) {
  EntityType type = EntityType::us_ssn;
  EXPECT_FALSE(parse_entity_type("us_ssn", type));
  EXPECT_FALSE(parse_entity_type("", type));
  EXPECT_EQ(type, EntityType::us_ssn);
}

TEST(Counts, AreByTypeAndAction) {
  Counts counts;
  EXPECT_EQ(counts.total(), 0);
  counts.add("US_SSN", Action::redact);
  counts.add("US_SSN", Action::log_only);
  counts.add("US_SSN", Action::redact);
  counts.add("IBAN_CODE", Action::redact);
  EXPECT_EQ(counts.total(), 4);
  EXPECT_EQ(counts.of("US_SSN"), 3);
  EXPECT_EQ(counts.of("CREDIT_CARD"), 0);
  ASSERT_EQ(counts.entries().size(), 3U);
  EXPECT_EQ(counts.entries()[0].count, 2);
}

PolicyOptions policy(Action action, double threshold = 0.5) {
  PolicyOptions out;
  out.rule.action = action;
  out.rule.threshold = threshold;
  return out;
}

Action decided(const std::vector<const PolicyOptions*>& levels, double score = 0.9) {
  Policies policies;
  for (const auto* one : levels) policies.add(one);
  return policies.decide({EntityType::us_ssn, 0, 9, score}, "536-22-8145").action;
}

TEST(Policies, TheStricterWinsWhateverTheOrderOfTheLevels) {
  for (std::size_t a = 0; a < kActions; ++a) {
    for (std::size_t b = 0; b < kActions; ++b) {
      const auto one = policy(static_cast<Action>(a));
      const auto other = policy(static_cast<Action>(b));
      EXPECT_EQ(decided({&one, nullptr, &other}), static_cast<Action>(std::max(a, b)));
    }
  }
}

TEST(Policies, EachCountsFromItsOwnThreshold) {
  const auto blocks_the_certain = policy(Action::block, 0.9);
  const auto redacts_the_likely = policy(Action::redact, 0.4);
  EXPECT_EQ(decided({&blocks_the_certain, &redacts_the_likely}, 0.95), Action::block);
  EXPECT_EQ(decided({&blocks_the_certain, &redacts_the_likely}, 0.5), Action::redact);
  EXPECT_EQ(decided({&blocks_the_certain, &redacts_the_likely}, 0.3), Action::allow);
}

TEST(Policies, ARuleOfATypeStandsInsteadOfThePolicysOwn) {
  auto lenient = policy(Action::block);
  lenient.types[EntityType::us_ssn] = {.action = Action::log_only};
  EXPECT_EQ(decided({&lenient}), Action::log_only);
}

TEST(Policies, AnExceptionHoldsForThePolicyThatMakesItOnly) {
  auto excepts = policy(Action::block);
  excepts.never.insert(fold_words("Info@Bank.example"));
  auto other = policy(Action::redact);
  Policies policies(excepts);
  const Finding finding{EntityType::email_address, 0, 17, 1.0};
  EXPECT_EQ(policies.decide(finding, "info@bank.example").action, Action::allow);
  EXPECT_EQ(policies.decide(finding, "anna@bank.example").action, Action::block);
  policies.add(&other);
  EXPECT_EQ(policies.decide(finding, "info@bank.example").action, Action::redact);
}

TEST(Policies, LookForTheIdentifiersOfTheCountriesThatAnyLevelNames) {
  auto german = policy(Action::redact);
  german.countries = {"DE"};
  const auto anything = policy(Action::redact);
  Policies policies(anything);
  EXPECT_TRUE(policies.types().all());
  policies.add(&german);
  policies.add_countries(std::vector<std::string>{"FR"});
  const auto looks_for = [&](EntityType type) { return policies.types().test(static_cast<std::size_t>(type)); };
  EXPECT_TRUE(looks_for(EntityType::de_tax_id) && looks_for(EntityType::fr_nir) && looks_for(EntityType::credit_card));
  EXPECT_FALSE(looks_for(EntityType::us_ssn));
}

TEST(Policies, AskOnlyTheDetectorsThatTheyName) {
  std::vector<CustomDetectorOptions> options(2);
  options[0].name = "STAFF";
  options[0].words = {"anna"};
  options[1].name = "PROJECT";
  options[1].words = {"falcon"};
  auto asks = policy(Action::block);
  asks.detectors = *CustomDetectors::make(std::move(options));
  asks.custom["PROJECT"] = {.action = Action::redact};
  const Policies policies(asks);
  std::vector<Finding> findings;
  ASSERT_TRUE(policies.detect_custom("anna's falcon", findings));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(policies.name_of(findings[0]), "PROJECT");
  EXPECT_EQ(policies.decide(findings[0], "falcon").action, Action::redact);
}

TEST(Policies, OfTwoMasksTheShorterRestStays) {
  auto four = policy(Action::mask);
  auto two = policy(Action::mask);
  two.rule.keep_last = 2;
  Policies policies(four);
  policies.add(&two);
  EXPECT_EQ(policies.decide({EntityType::us_ssn, 0, 9, 1.0}, "").keep_last, 2U);
}

TEST(Policies, TheStricterOfEverySwitchCounts) {
  PolicyOptions one;
  PolicyOptions other;
  one.on_error = PolicyOptions::OnError::pass;
  other.on_opaque = OnOpaque::local_only;
  other.restore = false;
  Policies policies(one);
  EXPECT_TRUE(policies.restore());
  EXPECT_EQ(policies.on_error(), PolicyOptions::OnError::pass);
  policies.add(&other);
  EXPECT_FALSE(policies.restore());
  EXPECT_EQ(policies.on_error(), PolicyOptions::OnError::block);
  EXPECT_EQ(policies.on_opaque(), OnOpaque::local_only);
}

TEST(CodePoints, CountsCharactersNotBytes) {
  EXPECT_EQ(code_points(""), 0U);
  EXPECT_EQ(code_points("aé中𝟒"), 4U);
}

Pseudonymiser with_key(char c) { return Pseudonymiser(Secret(std::string(32, c))); }

TEST(Pseudonymiser, MakesTokensOfOneFormForEveryType) {
  const auto names = with_key('a');
  std::set<std::string_view> known;
  for (std::size_t i = 0; i < kEntityTypes; ++i) {
    const auto type = static_cast<EntityType>(i);
    const std::string token = names.token(type, "12345678");
    EXPECT_EQ(token.size(), kTokenLength);
    EXPECT_TRUE(starts_with_token(token)) << token;
    EXPECT_EQ(token.substr(3, 2), entity(type).letters);
    known.insert(to_string(type));
  }
  EXPECT_EQ(known.size(), kEntityTypes);
}

TEST(Pseudonymiser, NeverChangesATokenBetweenBuilds) {
  // A change here breaks every conversation that is under way and every provider's prompt cache.
  EXPECT_EQ(with_key('a').token(EntityType::email_address, "jane@example.com"), "TgxEMtdte644r5maaw49i2ri5");
  EXPECT_EQ(with_key('a').token(EntityType::iban_code, "GB82 WEST 1234 5698 7654 32"), "TgxIBqdxtzdm33ntt47vyiv9m");
  EXPECT_EQ(with_key('a').token(EntityType::credit_card, "4242 4242 4242 4242"), "TgxCCpend6f4gjpq9d7aey982");
}

TEST(Pseudonymiser, GivesOneTokenForAllSpellingsOfAValue) {
  const auto names = with_key('a');
  const auto same = [&](EntityType type, std::string_view a, std::string_view b) {
    return names.token(type, a) == names.token(type, b);
  };
  EXPECT_TRUE(same(EntityType::credit_card, "4111 1111 1111 1111", "4111-1111\u00A01111１111"));
  EXPECT_TRUE(same(EntityType::iban_code, "GB82 WEST 1234 5698 7654 32", "gb82west12345698765432"));
  EXPECT_TRUE(same(EntityType::phone_number, "+1 (415) 555-0132", "+14155550132"));
  EXPECT_TRUE(same(EntityType::us_ssn, "536-22-8145", "536228145"));
  EXPECT_TRUE(same(EntityType::email_address, "Jane@Example.com", "jane@example.com"));
  EXPECT_TRUE(same(EntityType::email_address, R"(jane\u0040example.com)", "jane@example.com"));
  EXPECT_TRUE(same(EntityType::ip_address, "FE80::1", "fe80::1"));
  EXPECT_FALSE(same(EntityType::api_key, "sk-A", "sk-a"));
  EXPECT_FALSE(same(EntityType::email_address, "jane@example.com", "jan@example.com"));
}

TEST(Pseudonymiser, SeparatesTypesAndTenants) {
  const auto names = with_key('a');
  EXPECT_NE(names.token(EntityType::us_ssn, "536228145").substr(5),
            names.token(EntityType::phone_number, "536228145").substr(5));
  EXPECT_NE(names.token(EntityType::us_ssn, "536228145"), with_key('b').token(EntityType::us_ssn, "536228145"));
  const Pseudonymiser longer(Secret(std::string(80, 'a')));
  EXPECT_NE(longer.token(EntityType::us_ssn, "536228145"), names.token(EntityType::us_ssn, "536228145"));
}

TEST(Pseudonymiser, UsesTheWholeAlphabetAtEveryPlace) {
  const auto names = with_key('a');
  std::vector<std::set<char>> seen(20);
  for (int i = 0; i < 2000; ++i) {
    const auto token = names.token(EntityType::us_ssn, std::to_string(100'000'000 + i));
    for (std::size_t place = 0; place < 20; ++place) seen[place].insert(token[5 + place]);
  }
  for (const auto& characters : seen) EXPECT_EQ(characters.size(), kTokenAlphabet.size());
}

TEST(Pseudonymiser, RefusesAShortKey) {
  EXPECT_THROW(Pseudonymiser(Secret(std::string(31, 'a'))), std::invalid_argument);
  EXPECT_NO_THROW(Pseudonymiser(Secret(std::string(32, 'a'))));
}

}  // namespace
}  // namespace tollgate::pii
