#include "gateway/auth/keys.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/auth/helpers.h"

namespace tollgate::auth {
namespace {

constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

TEST(Key, IsReadBackAsItWasMinted) {
  for (int i = 0; i < 200; ++i) {
    const NewKey key = mint_key();
    const auto parsed = parse_key(key.key.reveal());
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->id, key.id);
    EXPECT_EQ(parsed->whole, key.key.reveal());
    EXPECT_EQ(key.id.size(), 12U);
    EXPECT_EQ(key.key.reveal().size(), 3U + 12 + 1 + 43 + 1 + 6);
  }
}

TEST(Key, ChecksumCatchesEveryTypoOfOneCharacter) {
  const NewKey key = mint_key();
  std::string text(key.key.reveal());
  for (std::size_t place = 0; place < text.size(); ++place) {
    const char right = text[place];
    for (int wrong = 0; wrong < 256; ++wrong) {
      text[place] = static_cast<char>(wrong);
      if (text[place] != right) {
        EXPECT_FALSE(parse_key(text)) << "place " << place << " byte " << wrong;
      }
    }
    text[place] = right;
  }
}

TEST(Key, ChecksumCatchesSwappedNeighbours) {
  const NewKey key = mint_key();
  for (std::size_t place = 0; place + 1 < key.key.reveal().size(); ++place) {
    std::string text(key.key.reveal());
    if (text[place] == text[place + 1]) continue;
    std::swap(text[place], text[place + 1]);
    EXPECT_FALSE(parse_key(text)) << place;
  }
}

TEST(Key, NothingElseIsOne) {
  const NewKey key = mint_key();
  const std::string text(key.key.reveal());
  for (const std::string& wrong :
       {std::string(), std::string("tg_"), text + "0", text.substr(1), " " + text, std::string(66, '_'),
        std::string("sk-proj-abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuv")})
    EXPECT_FALSE(parse_key(wrong)) << wrong.size();
}

TEST(Key, EveryLetterIsUsedAboutEquallyOften) {
  std::array<int, 256> seen{};
  constexpr int kKeys = 2'000;
  for (int i = 0; i < kKeys; ++i) {
    const NewKey key = mint_key();
    for (const char c : key.key.reveal().substr(16, 43)) ++seen[static_cast<unsigned char>(c)];
  }
  const double expected = kKeys * 43.0 / 62.0;
  for (const char c : kBase62) EXPECT_NEAR(seen[static_cast<unsigned char>(c)], expected, expected * 0.2) << c;
}

TEST(KeyHasher, DependsOnTheKeyAndOnTheMasterKey) {
  const KeyHasher one(master_key('a'));
  const KeyHasher same(master_key('a'));
  const KeyHasher other(master_key('b'));
  EXPECT_EQ(one.hash("key"), same.hash("key"));
  EXPECT_NE(one.hash("key"), one.hash("kez"));
  EXPECT_NE(one.hash("key"), other.hash("key"));
  EXPECT_THROW(KeyHasher(Secret(std::string("short"))), std::runtime_error);
}

TEST(CredentialTable, FindsEveryRowAndNothingElse) {
  std::vector<Credential> rows;
  for (int i = 0; i < 20'000; ++i) rows.push_back(plain_credential("id" + std::to_string(i)));
  const CredentialTable table(std::move(rows));
  EXPECT_EQ(table.size(), 20'000U);
  for (int i = 0; i < 20'000; i += 77) {
    const Credential* found = table.find("id" + std::to_string(i));
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->id, "id" + std::to_string(i));
  }
  EXPECT_EQ(table.find("id20000"), nullptr);
  EXPECT_EQ(table.find(""), nullptr);
}

class Authenticate : public ::testing::Test {
 protected:
  Result<Principal> present(const std::string& key, const Credential& stored) const {
    const CredentialTable table({stored});
    return authenticate(key, table, hasher_, snapshot_, at(kNow));
  }

  KeyHasher hasher_{master_key()};
  config::Snapshot snapshot_ = snapshot_with("retail", "branch-chat");
  Issued good_ = issue(hasher_);
};

TEST_F(Authenticate, AGoodKeyNamesItsOwner) {
  const auto who = present(good_.key, good_.credential);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->credential, good_.credential.id);
  EXPECT_EQ(who->department->id, "retail");
  EXPECT_EQ(who->application->id, "branch-chat");
}

TEST_F(Authenticate, APrincipalOutlivesTheConfigurationItCameFrom) {
  const auto who = present(good_.key, good_.credential);
  ASSERT_TRUE(who);
  snapshot_ = config::Snapshot{};
  EXPECT_EQ(who->application->purpose, "test");
}

TEST_F(Authenticate, EveryRefusalLooksTheSame) {
  Credential revoked = good_.credential;
  revoked.revoked_at = kNow;
  Credential expired = good_.credential;
  expired.expires_at = kNow;
  Credential early = good_.credential;
  early.not_before = kNow + 1;
  Credential moved = good_.credential;
  moved.department = "closed-down";
  Credential dropped = good_.credential;
  dropped.application = "retired";
  const Issued stranger = issue(hasher_);
  Credential other_secret = good_.credential;  // the id is known, the secret is not
  other_secret.hash = hasher_.hash(stranger.key);

  std::vector<Result<Principal>> answers;
  for (const Credential& stored : {revoked, expired, early, moved, dropped, other_secret, stranger.credential})
    answers.push_back(present(good_.key, stored));
  answers.push_back(present("sk-something-else", good_.credential));
  for (const auto& answer : answers) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::unauthenticated);
    EXPECT_EQ(answer.error().code, "invalid_api_key");
    EXPECT_EQ(answer.error().message, answers[0].error().message);
    EXPECT_FALSE(answer.error().retryable);
    EXPECT_EQ(answer.error().message.find(good_.key), std::string::npos);
    EXPECT_EQ(answer.error().message.find(good_.credential.id), std::string::npos);
  }
}

TEST_F(Authenticate, ValidityIsAHalfOpenInterval) {
  Credential limited = good_.credential;
  limited.not_before = kNow;
  limited.expires_at = kNow + 1;
  EXPECT_TRUE(present(good_.key, limited));
  limited.revoked_at = kNow + 1;  // a revocation can be set for later
  EXPECT_TRUE(present(good_.key, limited));
}

TEST_F(Authenticate, AMissingKeySaysHowToSendOne) {
  const auto answer = present("", good_.credential);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::unauthenticated);
  EXPECT_EQ(answer.error().code, "invalid_api_key");
  EXPECT_NE(answer.error().message.find("Authorization: Bearer"), std::string::npos);
}

TEST_F(Authenticate, AHashOfZerosIsNobodysKey) {
  Credential zeros = good_.credential;
  zeros.hash = {};
  EXPECT_FALSE(present(good_.key, zeros));
}

net::HeadFacts head_with(std::vector<net::Header> headers) {
  net::HeadFacts head;
  head.headers = std::move(headers);
  return head;
}

TEST(PresentedKey, IsReadFromEveryHeaderThatClientsUse) {
  EXPECT_EQ(presented_key(head_with({{"Authorization", "Bearer k1"}})), "k1");
  EXPECT_EQ(presented_key(head_with({{"authorization", "bearer k1"}})), "k1");
  EXPECT_EQ(presented_key(head_with({{"api-key", "k2"}})), "k2");
  EXPECT_EQ(presented_key(head_with({{"X-Api-Key", "k3"}})), "k3");
  EXPECT_EQ(presented_key(head_with({{"x-goog-api-key", "k4"}})), "k4");
  EXPECT_EQ(presented_key(head_with({{"Authorization", "Basic abc"}, {"api-key", "k2"}})), "k2");
  EXPECT_EQ(presented_key(head_with({{"Authorization", "Bearer "}})), "");
  EXPECT_EQ(presented_key(head_with({})), "");
}

TEST(PresentedKey, StandsInTheQueryOfGooglesPathsOnly) {
  auto head = head_with({});
  head.target = "/v1beta/models/m:generateContent?alt=sse&key=k5";
  EXPECT_EQ(presented_key(head), "k5");
  head.target = "/v1/chat/completions?key=k5";
  EXPECT_EQ(presented_key(head), "");
}

}  // namespace
}  // namespace tollgate::auth
