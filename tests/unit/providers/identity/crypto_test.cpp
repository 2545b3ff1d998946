// The primitives against published values.
#include "providers/identity/crypto.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/unit/providers/identity/fixture.h"

namespace tollgate::providers {
namespace {

TEST(Crypto, Sha256AsFips180Says) {
  EXPECT_EQ(lower_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(lower_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Crypto, HmacAsRfc4231Says) {
  EXPECT_EQ(lower_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(lower_hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Crypto, Base64UrlHasNoPaddingAndItsOwnTwoSigns) {
  EXPECT_EQ(base64url(""), "");
  EXPECT_EQ(base64url("f"), "Zg");
  EXPECT_EQ(base64url("fo"), "Zm8");
  EXPECT_EQ(base64url("foo"), "Zm9v");
  EXPECT_EQ(base64url("\xff\xff\xfe"), "___-");
}

TEST(Crypto, Rs256GivesTheGoldenSignature) {
  const auto vector = testing::google_vector();
  const std::string assertion = vector["assertion"];
  const auto dot = assertion.rfind('.');
  const auto signature = sign_rs256(testing::google_private_key(), assertion.substr(0, dot));
  ASSERT_TRUE(signature);
  EXPECT_EQ(base64url(*signature), assertion.substr(dot + 1));
}

TEST(Crypto, RefusesWhatIsNoStrongRsaKeyAndDoesNotQuoteIt) {
  EXPECT_TRUE(check_rsa_key(testing::google_private_key()));
  for (const auto* bad : {"", "nonsense-of-a-key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}) {
    const auto refused = check_rsa_key(Secret(bad));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message.find("nonsense"), std::string::npos);
  }
  // P-256, made for this test.
  const auto refused = check_rsa_key(testing::elliptic_key());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "the private key is not an RSA key");
}

}  // namespace
}  // namespace tollgate::providers
