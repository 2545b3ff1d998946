// Every form of secret with an example and a near miss. Values are made when the test runs: a secret scanner that reads
// this file has nothing to find.
#include "pii/secrets.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "pii/secret_checks.h"

namespace tollgate::pii {
namespace {

std::string random_text(std::string_view alphabet, std::size_t length) {
  static std::mt19937 random(11);
  std::string out;
  while (out.size() < length) out += alphabet[random() % alphabet.size()];
  return out;
}

constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
std::string b62(std::size_t n) { return random_text(kBase62, n); }
std::string hex(std::size_t n) { return random_text("0123456789abcdef", n); }
std::string upper(std::size_t n) { return random_text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", n); }
std::string letters(std::size_t n) { return random_text(kBase62.substr(10), n); }
std::string lower(std::size_t n) { return random_text(kBase62.substr(36), n); }
std::string uuid() { return hex(8) + "-" + hex(4) + "-" + hex(4) + "-" + hex(4) + "-" + hex(12); }
std::string digits(std::size_t n) { return random_text("0123456789", n); }
const std::string kJwtHeader = "eyJhbGciOiJIUzI1NiJ9";

// The literal of a format, and a key of that form.
const std::multimap<std::string, std::string>& examples() {
  static const std::multimap<std::string, std::string> out = {
      {"sk-ant-", "sk-ant-api03-" + b62(93) + "AA"},
      {"sk-proj-", "sk-proj-" + b62(74) + "T3Blbk" + "FJ" + b62(74)},
      {"sk-svcacct-", "sk-svcacct-" + b62(60)},
      {"sk-admin-", "sk-admin-" + b62(60)},
      {"sk-or-v1-", "sk-or-v1-" + hex(64)},
      {"sk-", "sk-" + hex(32)},
      {"xai-", "xai-" + b62(80)},
      {"gsk_", "gsk_" + b62(52)},
      {"pplx-", "pplx-" + b62(48)},
      {"hf_", "hf_" + letters(34)},
      {"api_org_", "api_org_" + letters(34)},
      {"ABSK", "ABSK" + b62(120) + "="},
      {"bedrock-api-key-",
       "bedrock-api-key-"
       "YmVkcm9jay" +
           b62(80)},
      {"r8_", "r8_" + b62(37)},
      {"nvapi-", "nvapi-" + b62(64)},
      {"csk-", "csk-" + lower(48)},
      {"lsv2_", "lsv2_pt_" + hex(32) + "_" + hex(10)},
      {"sk-lf-", "sk-lf-" + uuid()},
      {"tvly-", "tvly-" + b62(32)},
      {"pcsk_", "pcsk_" + b62(6) + "_" + b62(63)},
      {"tg_", "tg_" + b62(12) + "_" + b62(43) + "_" + b62(6)},
      {"AKIA", "AKIA" + upper(16)},
      {"ASIA", "ASIA" + upper(16)},
      {"ABIA", "ABIA" + upper(16)},
      {"ACCA", "ACCA" + upper(16)},
      {"AIza", "AIza" + b62(35)},
      {"GOCSPX-", "GOCSPX-" + b62(28)},
      {"ya29.", "ya29." + b62(120)},
      {"8Q~",
       "aB3"
       "8Q~" +
           b62(34)},
      {"+ASt", b62(76) + "+ASt" + b62(6) + "=="},
      {"ACDb", b62(76) + "ACDb" + b62(6) + "=="},
      {"+ACR", b62(42) + "+ACR" + b62(6)},
      {"dop_v1_", "dop_v1_" + hex(64)},
      {"doo_v1_", "doo_v1_" + hex(64)},
      {"dor_v1_", "dor_v1_" + hex(64)},
      {"HRKU-", "HRKU-AA" + b62(58)},
      {"fo1_", "fo1_" + b62(43)},
      {"fm2_", "fm2_" + b62(100)},
      {".atlasv1.", b62(14) + ".atlasv1." + b62(64)},
      {"hvs.", "hvs." + b62(90)},
      {"hvb.", "hvb." + b62(140)},
      {"pul-", "pul-" + hex(40)},
      {"dp.pt.", "dp.pt." + b62(43)},
      {"dapi", "dapi" + hex(32)},
      {"pscale_", "pscale_tkn_" + b62(43)},
      {"ops_eyJ", "ops_eyJ" + b62(240)},
      {"A3-", "A3-" + upper(6) + "-" + upper(6) + "-" + upper(5) + "-" + upper(5) + "-" + upper(5) + "-" + upper(5)},
      {"dt0c01.", "dt0c01." + upper(24) + "." + upper(64)},
      {"dt0s01.", "dt0s01." + upper(8) + "." + upper(64)},
      {"nfp_", "nfp_" + b62(36)},
      {"sbp_", "sbp_" + hex(40)},
      {"AZDO", b62(76) + "AZDO" + b62(4)},
      {"ghp_", "ghp_" + b62(36)},
      {"gho_", "gho_" + b62(36)},
      {"ghu_", "ghu_" + b62(36)},
      {"ghs_", "ghs_" + b62(36)},
      {"ghr_", "ghr_" + b62(36)},
      {"github_pat_", "github_pat_" + b62(22) + "_" + b62(59)},
      {"glpat-", "glpat-" + b62(20)},
      {"gldt-", "gldt-" + b62(20)},
      {"glrt-", "glrt-" + b62(20)},
      {"glcbt-", "glcbt-" + b62(22)},
      {"glptt-", "glptt-" + hex(40)},
      {"glft-", "glft-" + b62(20)},
      {"glimt-", "glimt-" + b62(25)},
      {"glagent-", "glagent-" + b62(50)},
      {"gloas-", "gloas-" + hex(64)},
      {"glsoat-", "glsoat-" + b62(20)},
      {"npm_", "npm_" + b62(36)},
      {"pypi-",
       "pypi-"
       "AgEIcHlwaS5vcmc" +
           b62(120)},
      {"rubygems_", "rubygems_" + hex(48)},
      {"dckr_pat_", "dckr_pat_" + b62(27)},
      {"ATATT3", "ATATT3" + b62(180) + "=" + hex(8)},
      {"ATBB", "ATBB" + b62(32)},
      {"sgp_", "sgp_" + hex(40)},
      {"AKCp", "AKCp" + b62(69)},
      {"CLOJARS_", "CLOJARS_" + lower(60)},
      {"xapp-", "xapp-1-A" + digits(9) + "-" + digits(12) + "-" + hex(40)},
      {"xoxb-", "xoxb-" + digits(12) + "-" + digits(12) + "-" + b62(24)},
      {"xoxp-", "xoxp-" + digits(12) + "-" + digits(12) + "-" + hex(32)},
      {"xoxa-", "xoxa-" + digits(12) + "-" + hex(32)},
      {"xoxr-", "xoxr-" + digits(12) + "-" + hex(32)},
      {"xoxo-", "xoxo-" + digits(12) + "-" + hex(32)},
      {"xoxs-", "xoxs-" + digits(12) + "-" + hex(32)},
      {"xoxe-", "xoxe-1-" + b62(120)},
      {"xoxe.", "xoxe.xoxp-1-" + b62(160)},
      {"hooks.slack.com/",
       "hooks.slack"
       ".com/services/T" +
           upper(8) + "/B" + upper(8) + "/" + b62(24)},
      {"discord.com/api/webhooks/", "discord.com/api/webhooks/" + digits(18) + "/" + b62(68)},
      {"discordapp.com/api/webhooks/", "discordapp.com/api/webhooks/" + digits(18) + "/" + b62(68)},
      {":AA", "1" + digits(9) + ":AA" + b62(33)},
      {"sk_live_", "sk_live_" + b62(24)},
      {"sk_test_", "sk_test_" + b62(24)},
      {"sk_prod_", "sk_prod_" + b62(24)},
      {"rk_live_", "rk_live_" + b62(24)},
      {"rk_test_", "rk_test_" + b62(24)},
      {"rk_prod_", "rk_prod_" + b62(24)},
      {"whsec_", "whsec_" + b62(32)},
      {"sq0atp-", "sq0atp-" + b62(22)},
      {"sq0csp-", "sq0csp-" + b62(43)},
      {"EAAA", "EAAA" + b62(60)},
      {"shpat_", "shpat_" + hex(32)},
      {"shpca_", "shpca_" + hex(32)},
      {"shppa_", "shppa_" + hex(32)},
      {"shpss_", "shpss_" + hex(32)},
      {"SG.", "SG." + b62(22) + "." + b62(43)},
      {"key-", "key-" + hex(32)},
      {"glsa_", "glsa_" + b62(32) + "_" + hex(8)},
      {"glc_", "glc_eyJ" + b62(100)},
      {"eyJrIjoi", "eyJrIjoi" + b62(80)},
      {"NRAK-", "NRAK-" + upper(27)},
      {"PMAK-", "PMAK-" + hex(24) + "-" + hex(34)},
      {"lin_api_", "lin_api_" + b62(40)},
      {"ntn_", "ntn_" + b62(46)},
      {"sntrys_", "sntrys_" + b62(120)},
      {"sntryu_", "sntryu_" + hex(64)},
      {"figd_", "figd_" + b62(40)},
      {"pat-na1-", "pat-na1-" + uuid()},
      {"pat-eu1-", "pat-eu1-" + uuid()},
      {"CFPAT-", "CFPAT-" + b62(43)},
      {"EZAK", "EZAK" + b62(54)},
      {"EZTK", "EZTK" + b62(54)},
      {"FLWSECK", "FLWSECK_TEST-" + hex(32) + "-X"},
      {"rzp_live_", "rzp_live_" + b62(14)},
      {"rzp_test_", "rzp_test_" + b62(14)},
      {"duffel_", "duffel_live_" + b62(43)},
      {"shippo_", "shippo_live_" + hex(40)},
      {"xkeysib-", "xkeysib-" + hex(64) + "-" + b62(16)},
      {"rdme_", "rdme_" + lower(70)},
      {"EAACEdEose0cBA", "EAACEdEose0cBA" + b62(100)},
      {"sk.eyJ", "sk.eyJ" + b62(60) + "." + b62(22)},
      {"AGE-SECRET-KEY-1", "AGE-SECRET-KEY-1" + random_text("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)},
      {"eyJ", kJwtHeader + ".eyJ" + b62(40) + "." + b62(43)},
      {"eyJ", kJwtHeader + "." + b62(40) + "." + b62(22) + "." + b62(60) + "." + b62(22)},
  };
  return out;
}

const Scanner& scanner() {
  static const Scanner instance;
  return instance;
}

std::vector<Finding> certain(std::string_view text) {
  auto out = scanner().scan(text);
  std::erase_if(out, [](const Finding& f) { return f.score < 0.5; });
  return out;
}

bool is_azure_mark(std::string_view literal) { return literal.ends_with("Q~"); }

TEST(SecretFormats, EachHasAnExampleThatIsFoundWhole) {
  for (std::size_t i = 0; i < secret_format_count(); ++i) {
    const std::string literal(secret_format(i).literal);
    if (!is_azure_mark(literal)) EXPECT_TRUE(examples().contains(literal)) << literal;
  }
  for (const auto& [literal, key] : examples()) {
    for (const std::string before : {"", "use ", "KEY=", "\\n", "(\"", "https://"}) {
      const std::string text = before + key + (before == "(\"" ? "\")" : " now");
      const auto found = certain(text);
      ASSERT_EQ(found.size(), 1U) << literal << ": " << text;
      EXPECT_EQ(found[0].start, before.size()) << text;
      EXPECT_EQ(found[0].end, before.size() + key.size()) << text;
      EXPECT_EQ(found[0].type, literal.starts_with("AGE") ? EntityType::private_key : EntityType::api_key) << text;
    }
  }
}

TEST(SecretFormats, NoneIsFoundCutShortOrAsThePlaceholderOfADocument) {
  for (const auto& [literal, key] : examples()) {
    const std::size_t at = key.find(literal) + literal.size();
    EXPECT_TRUE(certain("use " + key.substr(0, at + 3) + " now").empty()) << literal;
    std::string crossed = key;
    for (std::size_t i = at; i < crossed.size(); ++i)
      if (std::isalnum(static_cast<unsigned char>(crossed[i])) != 0) crossed[i] = 'x';
    EXPECT_TRUE(certain("use " + crossed + " now").empty()) << crossed;
  }
}

TEST(SecretFormats, EndBeforeTheFullStopOfTheSentence) {
  const std::string key = "glpat-" + b62(20);
  const auto found = certain("It is " + key + ".");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].end, 6 + key.size());
}

TEST(SecretFormats, AreNotTheTailOfAWord) {
  EXPECT_TRUE(certain("task-" + hex(32)).empty());
  EXPECT_TRUE(certain("thf_" + letters(34)).empty());
}

TEST(SecretFormats, TheSecretKeyOfAwsIsFoundBesideTheIdOfTheKey) {
  const std::string id = "AKIA" + upper(16);
  const std::string secret = b62(20) + "/" + b62(19);
  const auto found = certain(id + "," + secret);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[1].start, id.size() + 1);
  EXPECT_EQ(found[1].end, id.size() + 1 + secret.size());
  EXPECT_TRUE(certain("x," + secret).empty());
  EXPECT_EQ(certain(id + " " + hex(40)).size(), 1U) << "a SHA-1";
}

TEST(SecretFormats, KeysOfTwilioAreRunsOfTheirLength) {
  EXPECT_EQ(certain("sid SK" + hex(32)).size(), 1U);
  EXPECT_TRUE(certain("sid SK" + hex(31)).empty());
  EXPECT_TRUE(certain("sid XK" + hex(32)).empty());
}

// The value between ⟦ and ⟧ is found and nothing else; without them, nothing is.
struct Named {
  EntityType type;
  std::string text;
};
void PrintTo(const Named& named, std::ostream* out) { *out << named.text; }

class NamedSecrets : public testing::TestWithParam<Named> {};

TEST_P(NamedSecrets, AreFoundByTheirNames) {
  std::string text = GetParam().text;
  const std::size_t start = text.find("⟦");
  std::size_t end = 0;
  if (start != std::string::npos) {
    text.erase(start, std::string_view("⟦").size());
    end = text.find("⟧");
    text.erase(end, std::string_view("⟧").size());
  }
  const auto found = certain(text);
  if (start == std::string::npos) {
    EXPECT_TRUE(found.empty()) << text << " -> " << text.substr(found[0].start, found[0].end - found[0].start);
    return;
  }
  ASSERT_EQ(found.size(), 1U) << text;
  EXPECT_EQ(text.substr(found[0].start, found[0].end - found[0].start), text.substr(start, end - start));
  EXPECT_EQ(to_string(found[0].type), to_string(GetParam().type));
}

constexpr auto kKey = EntityType::api_key;
constexpr auto kString = EntityType::connection_string;
const std::string kPassword =
    "k7!pQ"
    "z9wLm";
const std::string kMarked = "⟦" + kPassword + "⟧";
const std::string kToken = "⟦" + b62(32) + "⟧";

INSTANTIATE_TEST_SUITE_P(
    Passwords, NamedSecrets,
    testing::Values(Named{kKey, "password = \"" + kMarked + "\""}, Named{kKey, "password=" + kMarked},
                    Named{kKey, "DB_PASSWORD: " + kMarked}, Named{kKey, "{\"password\":\"" + kMarked + "\"}"},
                    Named{kKey, R"({\"password\": \")" + kMarked + R"(\"})"}, Named{kKey, "passwd:'" + kMarked + "'"},
                    Named{kKey, "$db['password'] = '" + kMarked + "';"}, Named{kKey, "--password " + kMarked + " -v"},
                    Named{kKey, "<password>" + kMarked + "</password>"}, Named{kKey, "**Password**: " + kMarked},
                    Named{kKey, "My password is " + kMarked + ", please"}, Named{kKey, "Das Passwort ist " + kMarked},
                    Named{kKey, "le mot de passe : " + kMarked}, Named{kKey, "mon mot de passe est " + kMarked},
                    Named{kKey, "PWD=" + kMarked + "\n"}, Named{kKey, "DB_PASSWORD_TEST=" + kMarked},
                    Named{kKey, "contraseña: " + kMarked}, Named{kKey, "spring.datasource.password=" + kMarked},
                    Named{kKey, "password: ⟦Winter2025!⟧"}, Named{kKey, "password=⟦kw9Rt3xQz.4⟧"},
                    Named{kKey, "hasło: " + kMarked}, Named{kKey, "Пароль: " + kMarked},
                    Named{kKey, "密码：" + kMarked + "。谢谢"}, Named{kKey, "パスワード: " + kMarked},
                    Named{kKey, "비밀번호: " + kMarked}, Named{kKey, "passord: " + kMarked},
                    Named{kKey, "lösenord = " + kMarked}, Named{kKey, "DB_PASS=" + kMarked},
                    Named{kKey, "$env:SMTP_PASS = \"" + kMarked + "\""},
                    Named{kString, "Server=db;User Id=sa;Password=" + kMarked + ";"},
                    Named{kString, "jdbc:postgresql://db/app?user=app&password=" + kMarked}));

INSTANTIATE_TEST_SUITE_P(
    NotPasswords, NamedSecrets,
    testing::Values(Named{kKey, "password = get_password()"}, Named{kKey, "password = request.form.password1"},
                    Named{kKey, "password: ${DB_PASSWORD1}"}, Named{kKey, "password: <your password 1>"},
                    Named{kKey, "password=********"}, Named{kKey, "password: \"must have 8 characters\""},
                    Named{kKey, "password_reset_url = https://a.example/r1"}, Named{kKey, "password: required"},
                    Named{kKey, "PASSWORD_MIN_LENGTH=12345678"}, Named{kKey, "the password is case-sensitive"},
                    Named{kKey, "password: changeme1"}, Named{kKey, "forgot your password? see step2b"},
                    Named{kKey, "password = os.environ[\"PASS1\"]"}, Named{kKey, "password = %s1234"},
                    Named{kKey, "String password = null;"}, Named{kKey, "const password: string"},
                    Named{kKey, "password=/run/secrets/db1"}, Named{kKey, "password = config.db1.value2"},
                    Named{kKey, "\"passwordHash\":\"" + hex(32) + "\""}));

INSTANTIATE_TEST_SUITE_P(
    Tokens, NamedSecrets,
    testing::Values(Named{kKey, "api_key: \"" + kToken + "\""}, Named{kKey, "API-KEY=" + kToken},
                    Named{kKey, "\"apiKey\": \"" + kToken + "\""}, Named{kKey, "X-Api-Key: " + kToken},
                    Named{kKey, "aws_secret_access_key = " + kToken}, Named{kKey, "client_secret=" + kToken + "&x=1"},
                    Named{kKey, "access_token: " + kToken}, Named{kKey, "Authorization: Bearer " + kToken},
                    Named{kKey, "-H \"Authorization: Bearer " + kToken + "\""}, Named{kKey, "token is " + kToken + "."},
                    Named{kKey, "'Authorization': 'Bearer " + kToken + "'"},
                    Named{kKey,
                          "Authorization: Basic ⟦dXNlcjpr"
                          "N3BRejl3TG0=⟧"},
                    Named{kKey, "max_tokens: 4096, token: \"" + std::string("abc") + "\""}));

INSTANTIATE_TEST_SUITE_P(
    NotTokens, NamedSecrets,
    testing::Values(Named{kKey, "max_tokens: 1234567890123456"}, Named{kKey, "nextPageToken: " + b62(32)},
                    Named{kKey, "api_key: your_api_key_goes_here_123"},
                    Named{kKey, "secret_name: prod-db-credentials-2024"}, Named{kKey, "token_count=12345678901234567"},
                    Named{kKey, "apiKey: process.env.OPENAI_API_KEY2"},
                    Named{kKey, "credential_source = Ec2InstanceMetadata"}, Named{kKey, "token: eyJ"},
                    Named{kKey, "Basic research2024"}, Named{kKey, "the bearer of bad news"},
                    Named{kKey, "secret: kubernetes.io/service-account-token-v2"}));

INSTANTIATE_TEST_SUITE_P(
    ConnectionStrings, NamedSecrets,
    testing::Values(Named{kString, "postgres://app:" + kMarked + "@db.example.com:5432/x"},
                    Named{kString, "redis://:" + kMarked + "@10.example/0"}, Named{kString, "amqp://u:⟦s3cr!t⟧@mq/"},
                    Named{kString, "https://user:" + kMarked + "@host.example/path?q=1"},
                    Named{kString, "mongodb+srv://u:⟦p@ss9⟧@cluster0.example"},
                    Named{kString, "AccountName=x;AccountKey=⟦" + b62(86) + "==⟧;EndpointSuffix=y"},
                    Named{kString, "Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=⟦" + b62(43) + "=⟧"},
                    Named{kString, "https://a.blob/x?sv=2022-11-02&se=2026&sig=⟦" + b62(40) + "%3D⟧"},
                    Named{kString, "jdbc:oracle:thin:app/" + kMarked + "@//db.example:1521/x"},
                    Named{kString, "jdbc:oracle:thin:@db.example:1521:x"},
                    Named{kString, "postgres://app:${PASSWORD}@db/x"}, Named{kString, "postgres://app:<password>@db/x"},
                    Named{kString, "postgres://user:password@db/x"}, Named{kString, "https://example.com:8080/a@b/c"},
                    Named{kString, "sig=" + b62(40)}, Named{kString, "ssh://git@host/x"},
                    Named{kString, "a :// b:c@d"}));

TEST(SecretChecks, KnowTheChecksumOfGitHubAndNpm) {
  // Computed with zlib.
  const std::string body = "abcdefghijklmnopqrstuvwxyz0123";
  EXPECT_TRUE(crc32_suffix_valid("ghp_" + body + "2LolCm", 4));
  EXPECT_FALSE(crc32_suffix_valid("ghp_" + body + "000000", 4));
  EXPECT_FALSE(crc32_suffix_valid("ghp_", 4));
}

TEST(SecretChecks, MeasureEntropyInBits) {
  EXPECT_DOUBLE_EQ(entropy("aaaa"), 0);
  EXPECT_DOUBLE_EQ(entropy("abab"), 1);
  EXPECT_DOUBLE_EQ(entropy("0123456789abcdef"), 4);
}

TEST(SecretChecks, DecodeBase64OfBothAlphabetsAndHex) {
  EXPECT_EQ(decode_base64("aGk_"), "hi?");
  EXPECT_EQ(decode_base64("aGk/"), "hi?");
  EXPECT_EQ(decode_base64("aGk="), "hi");
  EXPECT_EQ(decode_base64("aGk"), "hi");
  EXPECT_EQ(decode_base64("a"), std::nullopt);
  EXPECT_EQ(decode_base64("a.b."), std::nullopt);
  EXPECT_EQ(decode_hex("6869"), "hi");
  EXPECT_EQ(decode_hex("686"), std::nullopt);
  EXPECT_EQ(decode_hex("6g"), std::nullopt);
}

TEST(SecretChecks, ReadTheHeaderOfAToken) {
  EXPECT_TRUE(is_jose_header(kJwtHeader));
  EXPECT_FALSE(is_jose_header("eyJ0eXAiOiJKV1QifQ"));  // {"typ":"JWT"}
  EXPECT_FALSE(is_jose_header("eyJhbGciOiJIUzI1NiJ"));
}

}  // namespace
}  // namespace tollgate::pii
