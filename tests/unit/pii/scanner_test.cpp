#include <gtest/gtest.h>

#include <string>

#include "pii/detect.h"
#include "pii/pii.h"

namespace tollgate::pii {
namespace {

const Scanner& scanner() {
  static const Scanner instance;
  return instance;
}

std::vector<Finding> certain(std::string_view text) {
  auto out = scanner().scan(text);
  std::erase_if(out, [](const Finding& f) { return f.score < 0.5; });
  return out;
}

std::string show(std::string_view text, const std::vector<Finding>& findings) {
  std::string out;
  for (const auto& f : findings)
    out += std::string(to_string(f.type)) + " <" + std::string(text.substr(f.start, f.end - f.start)) + "> " +
           std::to_string(f.score) + "\n";
  return out.empty() ? "nothing" : out;
}

// ⟦ and ⟧ mark what must be found, and nothing else may be.
struct Case {
  EntityType type;
  const char* marked;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.marked; }

class Finds : public testing::TestWithParam<Case> {};

TEST_P(Finds, ExactlyTheMarkedSpans) {
  std::string text;
  std::vector<Finding> expected;
  std::string_view rest = GetParam().marked;
  static constexpr std::string_view kOpen = "⟦";
  static constexpr std::string_view kClose = "⟧";
  while (!rest.empty()) {
    if (rest.starts_with(kOpen)) {
      expected.push_back({GetParam().type, text.size(), 0, 1});
      rest.remove_prefix(kOpen.size());
    } else if (rest.starts_with(kClose)) {
      expected.back().end = text.size();
      rest.remove_prefix(kClose.size());
    } else {
      text += rest[0];
      rest.remove_prefix(1);
    }
  }
  const auto found = certain(text);
  ASSERT_EQ(found.size(), expected.size()) << text << "\n" << show(text, found);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].type, expected[i].type) << show(text, found);
    EXPECT_EQ(found[i].start, expected[i].start) << show(text, found);
    EXPECT_EQ(found[i].end, expected[i].end) << show(text, found);
  }
}

constexpr auto kCard = EntityType::credit_card;
INSTANTIATE_TEST_SUITE_P(
    Cards, Finds,
    testing::Values(Case{kCard, "⟦4242424242424242⟧"}, Case{kCard, "Pay with ⟦5105-1051-0510-5100⟧ today"},
                    Case{kCard, "amex ⟦3782 822463 10005⟧."}, Case{kCard, "⟦378282246310005⟧"},
                    Case{kCard, "two: ⟦4242 4242 4242 4242⟧ ⟦5105 1051 0510 5100⟧"},
                    Case{kCard, "(⟦4242424242424242⟧)"}, Case{kCard, "{\"n\":\"⟦4242424242424242⟧\"}"},
                    Case{kCard, R"({\"n\":\"⟦4242424242424242⟧\"})"}, Case{kCard, R"(card:\n⟦4242424242424242⟧\n)"},
                    Case{kCard, "卡号⟦4242424242424242⟧谢谢"}, Case{kCard, "номер⟦4242424242424242⟧"},
                    Case{kCard, "⟦４２４２４２４２４２４２４２４２⟧"},
                    Case{kCard, "⟦4242\u00A04242\u00A04242\u00A04242⟧"},
                    Case{kCard, "⟦4242\u20114242\u20114242\u20114242⟧"}, Case{kCard, "⟦4\u200B242424242424242⟧"},
                    Case{kCard, "⟦4242424242424242⟧\u200B."}, Case{kCard, R"(⟦4242\u00204242\u00204242\u00204242⟧)"},
                    Case{kCard, "q=⟦%34%32%34%32424242424242⟧"}, Case{kCard, "⟦&#52;&#50;4242424242424&#50;⟧"},
                    Case{kCard, "my card is ⟦4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2⟧"},
                    Case{kCard, "card ⟦42424242\n42424242⟧"}, Case{kCard, "card no ⟦4242**424242424242⟧"},
                    Case{kCard, "visa ⟦4222222222222⟧"}, Case{kCard, "Maestro card ⟦676770000005⟧"},
                    Case{kCard, "1,⟦4242424242424242⟧,x"}, Case{kCard, "id_⟦4242424242424242⟧_x"},
                    Case{kCard, "ticket 17: ⟦4242 4242 4242 4242⟧"}));

constexpr auto kIban = EntityType::iban_code;
INSTANTIATE_TEST_SUITE_P(
    Ibans, Finds,
    testing::Values(Case{kIban, "⟦GB82WEST12345698765432⟧"}, Case{kIban, "⟦GB82 WEST 1234 5698 7654 32⟧"},
                    Case{kIban, "to ⟦NL91 ABNA 0417 1643 00⟧, please"}, Case{kIban, "⟦no9386011117947⟧"},
                    Case{kIban, "⟦DE75-5121-0800-1245-1261-99⟧"}, Case{kIban, "a ⟦GB82 WEST 1234 5698 7654 32⟧ X b"},
                    Case{kIban, "⟦GB82WEST12345698765432⟧,⟦NL91ABNA0417164300⟧"},
                    Case{kIban, "⟦MT84 MALT 0110 0001 2345 MTLC AST0 01S⟧"},
                    Case{kIban, "⟦ＧＢ８２ＷＥＳＴ１２３４５６９８７６５４３２⟧"},
                    Case{kIban, "⟦GB82\u00A0WEST\u00A01234\u00A05698\u00A07654\u00A032⟧"},
                    Case{kIban, "⟦GB8\u200B2WEST12345698765432⟧"}, Case{kIban, "账号⟦GB82WEST12345698765432⟧谢谢"},
                    Case{kIban, R"(⟦\u0047\u0042\u0038\u0032WEST12345698765432⟧)"},
                    Case{kIban, "⟦%47%42%38%32WEST12345698765432⟧"}, Case{kIban, "⟦GB82WEST123456\n98765432⟧"},
                    Case{kIban, "⟦GB82.WEST.1234.5698.7654.32⟧"}, Case{kIban, "⟦GB82WEST1234**5698765432⟧"}));

constexpr auto kSsn = EntityType::us_ssn;
INSTANTIATE_TEST_SUITE_P(SocialSecurity, Finds,
                         testing::Values(Case{kSsn, "⟦536-22-8145⟧"}, Case{kSsn, "ssn ⟦536 22 8145⟧"},
                                         Case{kSsn, "x ⟦078 05 1121⟧ x"}, Case{kSsn, "⟦078.05.1121⟧"},
                                         Case{kSsn, "my social security number is ⟦536228145⟧"},
                                         Case{kSsn, "ssn ⟦536\u201322\u20138145⟧"}, Case{kSsn, "ssn ⟦٥٣٦-٢٢-٨١٤٥⟧"},
                                         Case{kSsn, "ssn id_⟦536-22-8145⟧_x"}, Case{kSsn, "ssn ⟦536-2\n2-8145⟧"}));

constexpr auto kPhone = EntityType::phone_number;
INSTANTIATE_TEST_SUITE_P(
    Phones, Finds,
    testing::Values(
        Case{kPhone, "⟦+14155550132⟧"}, Case{kPhone, "ring ⟦+1 (415) 555-0132⟧!"}, Case{kPhone, "⟦+49 30 901820⟧"},
        Case{kPhone, "⟦+46 (0)8 928 571 38⟧"}, Case{kPhone, "tel:⟦+44-20-7946-0958⟧"}, Case{kPhone, "⟦(415) 555-0132⟧"},
        Case{kPhone, "⟦415-555-0132⟧ ⟦416-555-0199⟧"}, Case{kPhone, "⟦1-415-555-0132⟧"}, Case{kPhone, "⟦415.555.0132⟧"},
        Case{kPhone, "⟦020 7946 0958⟧"}, Case{kPhone, "⟦030 / 901820⟧"}, Case{kPhone, "⟦01 42 68 53 00⟧"},
        Case{kPhone, "⟦(02) 1234 5678⟧"}, Case{kPhone, "⟦0049 30 901820⟧"}, Case{kPhone, "⟦011 44 20 7946 0958⟧"},
        Case{kPhone, "móvil ⟦612 345 678⟧"}, Case{kPhone, "tel. ⟦347 123 4567⟧"}, Case{kPhone, "Phone: ⟦4155550132⟧"},
        Case{kPhone, "\"phoneNumber\":\"⟦4155550132⟧\""}, Case{kPhone, "tel:⟦030 901820⟧"},
        Case{kPhone, "{\"phone\":⟦4155550132⟧}"}, Case{kPhone, "⟦41 66 00 39⟧ fax"},
        Case{kPhone, "⟦416 60 039⟧ office"}, Case{kPhone, "my registered ⟦668 5702⟧."},
        Case{kPhone, "it is⟦415-555-0132⟧"}, Case{kPhone, "我的电话是⟦13912345678⟧"},
        Case{kPhone, "тел ⟦495 123-45-67⟧"}, Case{kPhone, "call ⟦+٤٩ ٣٠ ٩٠١٨٢٠⟧"},
        Case{kPhone, "call ⟦+49\u202F30\u202F901820⟧"}, Case{kPhone, R"(call ⟦+49\u002030\u0020901820⟧)"},
        Case{kPhone, "call ⟦+49 30\n901820⟧"}, Case{kPhone, "call id_⟦+49 30 901820⟧_x"},
        Case{kPhone, "⟦+49 30 901820⟧\n12 apples"}, Case{kPhone, "⟦+234 800 1759 1759⟧"},
        Case{kPhone, "⟦(11) 96123-4567⟧"}, Case{kPhone, "⟦1800 123 456⟧"}));

constexpr auto kMail = EntityType::email_address;
INSTANTIATE_TEST_SUITE_P(
    Emails, Finds,
    testing::Values(Case{kMail, "⟦jane.doe+x@mail.example.co.uk⟧"}, Case{kMail, "Write to ⟦jane@example.com⟧."},
                    Case{kMail, "<⟦jane@example.com⟧>,'⟦joe@example.org⟧'"}, Case{kMail, "mailto:⟦j@example.com⟧?x"},
                    Case{kMail, "⟦o'brien@example.ie⟧"}, Case{kMail, "email=⟦jane_d@example.com⟧&x=1"},
                    Case{kMail, "⟦user@xn--80ak6aa92e.com⟧"}, Case{kMail, "⟦a@example.xn--p1ai⟧"},
                    Case{kMail, "邮箱⟦jane@example.com⟧谢谢"}, Case{kMail, "⟦jürgen@müller.de⟧"},
                    Case{kMail, "⟦j\u0430n\u0435@\u0435xample.c\u043Em⟧"}, Case{kMail, "⟦jane@e\u200Dxample.com⟧"},
                    Case{kMail, R"(to\n⟦jane@example.com⟧\nhi)"}, Case{kMail, R"(⟦jane\u0040example\u002ecom⟧)"},
                    Case{kMail, "?to=⟦jane%40example.com⟧"}, Case{kMail, "⟦jane&#64;example&#46;com⟧"},
                    Case{kMail, "⟦ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ⟧"}, Case{kMail, "⟦jane@example.com⟧.."},
                    Case{kMail, "⟦user.2024-05-01@example.com⟧"}));

constexpr auto kIp = EntityType::ip_address;
INSTANTIATE_TEST_SUITE_P(
    Ips, Finds,
    testing::Values(Case{kIp, "⟦203.0.113.45⟧"}, Case{kIp, "http://⟦10.0.0.1⟧:8080/x"}, Case{kIp, "⟦10.0.0.0/8⟧."},
                    Case{kIp, "(⟦192.168.1.1⟧)"}, Case{kIp, "⟦1.1.1.1⟧ and ⟦8.8.8.8⟧"}, Case{kIp, "⟦192.168.2.1⟧@eth0"},
                    Case{kIp, "ip ⟦２０３.0.113.45⟧"}, Case{kIp, "⟦2001:db8::8a2e:370:7334⟧"},
                    Case{kIp, "[⟦2001:db8::1⟧]:8080"}, Case{kIp, "on ⟦::1⟧ only"}, Case{kIp, "⟦fe80::1⟧%eth0"},
                    Case{kIp, "⟦2001:db8::/32⟧."}, Case{kIp, "⟦684D:1111:222:3333:4444:5555:6:77⟧"},
                    Case{kIp, "⟦::ffff:10.0.0.1⟧"}, Case{kIp, "ip:⟦10.0.0.1⟧"}, Case{kIp, "⟦2001:db8::1/128⟧"},
                    Case{kIp, "⟦2001:db8::1⟧/129"}, Case{kIp, "⟦fe80::/9⟧ x"}, Case{kIp, "⟦10.0.0.1/32⟧"},
                    Case{kIp, "⟦10.0.0.1⟧/33"}, Case{kIp, "⟦64:ff9b::198.51.100.1⟧"},
                    Case{kIp, "server ⟦2001:db8::1⟧: up"}));

constexpr auto kKey = EntityType::api_key;
constexpr auto kPrivate = EntityType::private_key;
// Split so that no secret scanner takes this file for a leak.
#define TAIL20 "a1B2c3D4e5F6g7H8i9J0"
#define TAIL40 TAIL20 TAIL20
INSTANTIATE_TEST_SUITE_P(
    Keys, Finds,
    testing::Values(Case{kKey, "key ⟦sk-" TAIL40 "⟧"}, Case{kKey, "⟦sk-proj-" TAIL20 "_-" TAIL20 "⟧,"},
                    Case{kKey, "⟦sk-ant-api03-" TAIL40 "-xyAA⟧"},
                    Case{kKey,
                         "⟦sk-or-v1-"
                         "0123456789abcdef0123456789abcdef"
                         "0123456789abcdef0123456789abcdef⟧"},
                    Case{kKey, "⟦sk_live_" TAIL20 "⟧"}, Case{kKey, "⟦rk_live_" TAIL20 "⟧"},
                    Case{kKey, "⟦gsk_" TAIL40 "⟧"},
                    Case{kKey,
                         "⟦hf_"
                         "abcdefghijklmnopqrstuvwxyzABCDEFGH⟧"},
                    Case{kKey,
                         "⟦tg_"
                         "a1b2c3d4e5f6_" TAIL40 "abc_x1y2z3⟧"},
                    Case{kKey, "⟦ghp_" TAIL20 "a1B2c3D4e5F6g7H8⟧"}, Case{kKey, "⟦gho_" TAIL40 "⟧"},
                    Case{kKey, "⟦ghu_" TAIL40 "⟧"}, Case{kKey, "⟦ghs_" TAIL40 "⟧"}, Case{kKey, "⟦ghr_" TAIL40 "⟧"},
                    Case{kKey, "⟦github_pat_" TAIL40 "_" TAIL20 "⟧"}, Case{kKey, "⟦glpat-" TAIL20 "⟧"},
                    Case{kKey, "⟦npm_" TAIL20 "a1B2c3D4e5F6g7H8⟧"},
                    Case{kKey,
                         "⟦xoxb-"
                         "1234567890-1234567890-" TAIL20 "⟧"},
                    Case{kKey,
                         "⟦xoxp-"
                         "1234567890-" TAIL20 "⟧"},
                    Case{kKey,
                         "⟦xapp-"
                         "1-A0123-4567-" TAIL20 "⟧"},
                    Case{kKey,
                         "⟦AKIA"
                         "IOSFODNN7QXKMPLE⟧"},
                    Case{kKey,
                         "⟦ASIA"
                         "IOSFODNN7QXKMPLE⟧"},
                    Case{kKey, "⟦AIza" TAIL20 "a1B2c3D4e5F6g7H⟧"}, Case{kKey, "⟦SG." TAIL20 "xx." TAIL40 "xyz⟧"},
                    Case{kKey,
                         "Bearer ⟦eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0."
                         "c2lnbmF0dXJlMTIz⟧"},
                    Case{kKey, "\"OPENAI_API_KEY=⟦sk-" TAIL40 "⟧\""}, Case{kKey, R"(k:\n⟦sk-)" TAIL40 R"(⟧\n)"},
                    Case{kPrivate,
                         "⟦-----BEGIN "
                         "RSA PRIVATE KEY-----\nMIIE0+/4111111111111111=\n-----END RSA PRIVATE KEY-----⟧\nx"},
                    Case{kPrivate,
                         "⟦-----BEGIN "
                         R"(PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----⟧\nx)"},
                    Case{kPrivate,
                         "cut short: ⟦-----BEGIN "
                         "EC PRIVATE KEY-----\nMIIEabc⟧"}));

class Quiet : public testing::TestWithParam<const char*> {};

TEST_P(Quiet, FindsNothing) {
  const auto found = certain(GetParam());
  EXPECT_TRUE(found.empty()) << GetParam() << "\n" << show(GetParam(), found);
}

INSTANTIATE_TEST_SUITE_P(
    Numbers, Quiet,
    testing::Values("4242424242424241", "card 4242 4242 4242 4241", "9242424242424246", "a4242424242424242b",
                    "created_at: 1867569441", "\"ts\":1663578669011,", "t=1684405575971724433", "loss=0.7528951735",
                    "loss=0.0315598883 lr=7.434096e-05", "at 25.480645, 26.146013", "ISBN 9783161484100",
                    "EAN 4006381333931", "order no. 6486465034", "2024-05-01 12:41:14.878598", "call on 2024-05-01",
                    "call 01.02.2024", "12:33:04.383601123 elapsed", "a8a05d06-9e4b-4b59-b2c1-7cdf408d2c66",
                    "commit 03d4b041ad36101faf4ef616d452341f19d9de2b", "total $21,421.07 and 1,234,567,890",
                    "GB82WEST12345698765433", "GB82 WEST 1234 5698 7654 3", "GB82WEST123456987654321",
                    "gb82WEST12345698765432", "GB82/WEST/1234/5698/7654/32", "xGB82WEST12345698765432", "000-22-8145",
                    "536-22 8145", "536-00-8145", "a536-22-8145", "ref 536228145", "612 345 678 units",
                    "+1 111 555 0132", "+280123456789", "+100000000 users", "call 911", "zip 03262 2437 Main St",
                    "0123 456 789 012", "424 242 424 242 4242", "12:030 901820", "issues/56438#issuecomment-3271145555",
                    "pod/api-c17077f6a-rv5zh", "order 612 345 678", "expediente 004203/2025 abierto",
                    "index ffed1cb..0019196 100644", "800 123 456", "(12) 345 678"));
INSTANTIATE_TEST_SUITE_P(
    Others, Quiet,
    testing::Values("version 1.2.3.4", "Chrome/99.0.48.15 Safari", "v1.2.3.4", "1.3.6.1.4.1", "192.168.1.256",
                    "192.168.01.1", "192.168.1", "std::vector<int>::iterator a::b89::c", "ns::a1", "12:41:14",
                    "text2001:db8::1", "fe80::1text", "1:2:3:4:5:6:7", "::", "@app.route(\"/v8\")",
                    "npm i @scope/pkg@4.3.40", "cc @user32", "logo@2x.png", "A@B.transpose()", "info@example.",
                    "git@github.com:owner/repo.git", "@example.com", "a@-example.com", "a@example-.com", "x@localhost",
                    "task-a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8i9J0", "sk-folding-cube-loader-animation-wrapper",
                    "sk-short1", "AKIAlowercase7example", "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----",
                    "-----BEGIN CERTIFICATE-----\nMIIE", "eyJhbGciOiJIUzI1NiJ9.x", "The quick brown fox.", ""));

TEST(Scanner, ScoresWithTheWordsAround) {
  const auto score = [](std::string_view text) {
    const auto found = scanner().scan(text);
    return found.empty() ? 0.0 : found[0].score;
  };
  EXPECT_LT(score("4222222222222"), 0.5);
  EXPECT_GT(score("visa 4222222222222"), 0.9);
  EXPECT_GT(score("ip 10.0.0.1"), score("at 10.0.0.1"));
  EXPECT_LT(score("version 10.0.0.1"), 0.5);
  EXPECT_GT(score("phone 020 7946 0958"), score("x 020 7946 0958"));
  EXPECT_LT(score("order 020 7946 0958"), 0.5);
  // The nearest word counts, and only for a few words.
  EXPECT_GT(score("order by phone 020 7946 0958"), 0.9);
  EXPECT_GT(score("phone a b c d e f g 020 7946 0958"), 0.9);
  EXPECT_LT(score("phone a b c d e f g h 020 7946 0958"), 0.9);
  EXPECT_EQ(score("phone a b c d e f g h i j k 020 7946 0958"), score("x 020 7946 0958"));
}

TEST(Scanner, GivesFindingsInOrderWithoutOverlap) {
  const std::string text = "jane@example.com +49 30 901820 4242 4242 4242 4242 10.0.0.1 536-22-8145";
  const auto found = scanner().scan(text);
  ASSERT_EQ(found.size(), 5U);
  for (std::size_t i = 1; i < found.size(); ++i) EXPECT_LE(found[i - 1].end, found[i].start);
}

TEST(Scanner, LooksAtTheDigitsOfAnIbanWhereNobodyAsksForIbans) {
  const std::string text = "call NL91 ABNA 0417 1643 00";
  const auto all = certain(text);
  ASSERT_EQ(all.size(), 1U) << show(text, all);
  EXPECT_EQ(all[0].type, EntityType::iban_code);
  const auto others = scanner().scan(text, TypeSet().set().reset(static_cast<std::size_t>(EntityType::iban_code)));
  ASSERT_EQ(others.size(), 1U) << show(text, others);
  EXPECT_EQ(others[0].type, EntityType::phone_number);
}

TEST(Scanner, KeepsNothingOfALongerTextThatItReadBefore) {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += "jane@example.com, ";
  EXPECT_EQ(scanner().scan(text).size(), 40'000U);
  EXPECT_EQ(scanner().scan("to jane@example.com").size(), 1U);
  EXPECT_TRUE(scanner().scan("nothing").empty());
}

TEST(Scanner, MissesNoValueInAnEndlessRowOfNumbers) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "7 ";
  text += "+49 30 901820\n";
  for (int i = 0; i < 500; ++i) text += "7 ";
  text += "\ncard 4242 4242 4242 4242";
  const auto found = certain(text);
  ASSERT_EQ(found.size(), 2U) << show(text, found);
  EXPECT_EQ(found[0].type, EntityType::phone_number);
  EXPECT_EQ(found[1].type, EntityType::credit_card);
}

TEST(Scanner, FindsAValueAtEveryOffset) {
  for (std::size_t before = 0; before < 70; ++before) {
    const std::string text = std::string(before, ' ') + "jane@example.com" + std::string(40 - before % 40, ' ');
    const auto found = certain(text);
    ASSERT_EQ(found.size(), 1U) << before;
    EXPECT_EQ(found[0].start, before);
  }
}

TEST(Scanner, TakesAnyBytes) {
  std::string text;
  for (int a = 0; a < 256; ++a)
    for (const int b : {0, 0x22, 0x25, 0x26, 0x31, 0x3A, 0x40, 0x5C, 0x80, 0xC2, 0xE2, 0xEF, 0xF0, 0xFF})
      text += {static_cast<char>(a), static_cast<char>(b), '1', '2', static_cast<char>(b), static_cast<char>(a)};
  for (const auto& f : scanner().scan(text)) EXPECT_LE(f.end, text.size());
}

TEST(ResolveOverlaps, PrefersTheSurerThenTheLongerThenTheEarlier) {
  const auto run = [](std::vector<Finding> findings) {
    resolve_overlaps(findings);
    std::vector<std::pair<std::size_t, std::size_t>> spans;
    for (const auto& f : findings) spans.emplace_back(f.start, f.end);
    return spans;
  };
  using Spans = std::vector<std::pair<std::size_t, std::size_t>>;
  const auto t = EntityType::api_key;
  EXPECT_EQ(run({{t, 0, 10, 0.5}, {t, 5, 8, 0.9}}), (Spans{{5, 8}}));
  EXPECT_EQ(run({{t, 0, 4, 0.5}, {t, 2, 8, 0.5}}), (Spans{{2, 8}}));
  EXPECT_EQ(run({{t, 2, 6, 0.5}, {t, 0, 4, 0.5}}), (Spans{{0, 4}}));
  EXPECT_EQ(run({{t, 4, 6, 0.5}, {t, 0, 4, 0.9}}), (Spans{{0, 4}, {4, 6}}));
  EXPECT_EQ(run({{t, 4, 8, 0.9}, {t, 0, 4, 0.8}, {t, 3, 5, 0.7}}), (Spans{{0, 4}, {4, 8}}));
  EXPECT_EQ(run({{t, 0, 3, 0.9}, {t, 1, 8, 0.8}, {t, 5, 9, 0.7}}), (Spans{{0, 3}, {5, 9}}));
}

}  // namespace
}  // namespace tollgate::pii
