// The small formats that clouds speak: what is read, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/identity/aws_profile.h"
#include "providers/identity/json_fields.h"
#include "providers/identity/sts_xml.h"
#include "providers/identity/token_url.h"
#include "providers/identity/url_text.h"

namespace tollgate::providers {
namespace {

using ::testing::HasSubstr;

// --- JSON ---

TEST(JsonFields, GivesStringsAndIntegersByDottedNames) {
  const auto fields =
      JsonFields::parse(R"({"a":"x\n","b":{"c":"y","d":{"e":7}},"f":"12","g":[1,{"h":1}],"i":null,"j":true,"k":1.5})");
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->text("a"), "x\n");
  EXPECT_EQ(fields->text("b.c"), "y");
  EXPECT_EQ(fields->integer("b.d.e"), 7);
  EXPECT_EQ(fields->text("b.d.e"), "") << "a number is no text";
  EXPECT_EQ(fields->integer("f"), 12) << "Azure writes numbers as strings";
  EXPECT_EQ(fields->integer("a"), std::nullopt);
  EXPECT_EQ(fields->integer("k"), std::nullopt);
  EXPECT_EQ(fields->text("g"), "");
  EXPECT_EQ(fields->text("none"), "");
  EXPECT_EQ(fields->under("b").size(), 1U);
  EXPECT_EQ(fields->under("b").at("c"), "y");
}

TEST(JsonFields, RefusesWhatTwoReadersCouldReadDifferently) {
  for (const auto* text : {"", "[]", "1", "{", R"({"a":1}x)", R"({"a":"1","a":"2"})", R"({"a":{"b":1},"a.b":2})",
                           R"({"a":{"b":{"c":{"d":{}}}}})", "{\"a\":\"\xff\"}", R"({"a":01})", "{'a':1}"})
    EXPECT_FALSE(JsonFields::parse(text)) << text;
  EXPECT_FALSE(JsonFields::parse("{\"a\":\"" + std::string(JsonFields::kMaxBytes, 'x') + "\"}"));
  std::string many = "{\"k\":0";
  for (int i = 0; i < 128; ++i) many += ",\"k" + std::to_string(i) + "\":0";
  EXPECT_FALSE(JsonFields::parse(many + "}"));
}

// --- XML ---

std::string credentials(const std::string& inside) {
  return "<R xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Result><Credentials>" + inside +
         "</Credentials></Result></R>";
}

const std::string kKeys =
    "<AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>a/b+c</SecretAccessKey>"
    "<SessionToken>t==</SessionToken><Expiration>2025-01-02T03:04:05Z</Expiration>";

TEST(StsXml, ReadsCredentialsWhereverTheyStand) {
  const auto found = parse_sts_credentials("<?xml version=\"1.0\"?>\n" + credentials("\n  " + kKeys + "\n") + "\n");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key_id, "ASIA1");
  EXPECT_EQ(found->secret.reveal(), "a/b+c");
  EXPECT_EQ(found->session_token.reveal(), "t==");
  EXPECT_EQ(found->expires_at, parse_rfc3339("2025-01-02T03:04:05Z"));
}

TEST(StsXml, ReadsPrefixesAttributesEntitiesAndEmptyElements) {
  const auto found = parse_sts_credentials(
      "<s:R xmlns:s='u'><Empty/><s:Credentials a=\"1\" b='2' >"
      "<s:AccessKeyId>A&#x53;IA&#49;</s:AccessKeyId><SecretAccessKey>a&amp;b&lt;</SecretAccessKey>"
      "<SessionToken>t</SessionToken><Expiration>2025-01-02T03:04:05.000Z</Expiration></s:Credentials ></s:R>");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->access_key_id, "ASIA1");
  EXPECT_EQ(found->secret.reveal(), "a&b<");
}

TEST(StsXml, RefusesWhatIsNotThatDocument) {
  const std::string good = credentials(kKeys);
  for (const std::string& bad : {std::string(),
                                 std::string("<"),
                                 std::string("text"),
                                 good + "x",
                                 good + "<R/>",
                                 good.substr(0, good.size() - 1),
                                 "<!DOCTYPE R [<!ENTITY a \"b\">]>" + good,
                                 "<!-- c -->" + good,
                                 credentials("<![CDATA[x]]>" + kKeys),
                                 credentials("<?pi?>" + kKeys),
                                 credentials(kKeys + "<a b=1></a>"),
                                 credentials(kKeys + "<a b=\"<\"/>"),
                                 credentials(kKeys + "<a></b>"),
                                 credentials("&unknown;" + kKeys),
                                 credentials("&#0;" + kKeys),
                                 credentials("&#x80;" + kKeys),
                                 credentials("&#99999999999;" + kKeys),
                                 credentials("&amp" + kKeys),
                                 credentials(kKeys + "<AccessKeyId>ASIA2</AccessKeyId>"),
                                 credentials(""),
                                 credentials("<AccessKeyId>a\r\nb</AccessKeyId>"),
                                 std::string("<R>") + kKeys + "</R>"})
    EXPECT_FALSE(parse_sts_credentials(bad)) << bad;
  EXPECT_FALSE(parse_sts_credentials(credentials(kKeys + std::string(64 * 1024, ' '))));
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "<a>";
  EXPECT_FALSE(parse_sts_credentials(deep));
}

TEST(StsXml, NamesAnErrorOnlyByAPlainWord) {
  EXPECT_EQ(parse_sts_error_code("<E><Error><Code>ExpiredToken</Code></Error></E>"), "ExpiredToken");
  EXPECT_EQ(parse_sts_error_code("<E><Code>two words</Code></E>"), "");
  EXPECT_EQ(parse_sts_error_code("<html><br><p>"), "");
}

// --- AWS's shared files ---

AwsFiles both(std::string credentials_text, std::string config_text) {
  return {Secret(std::move(credentials_text)), Secret(std::move(config_text))};
}

TEST(AwsProfile, TheCredentialsFileWinsOverTheConfigFile) {
  const auto plan =
      plan_of_profile(both("# mine\n[default]\naws_access_key_id=AKIA1 ; old\naws_secret_access_key = s#1\n",
                           "[default]\r\nregion = eu-west-1\r\naws_access_key_id = AKIA2\r\n"
                           "s3 =\r\n  aws_access_key_id = nested\r\naws_session_token = t\r\n"),
                      "default");
  ASSERT_TRUE(plan) << plan.error().message;
  const auto& keys = std::get<AwsStaticKeys>(plan->source);
  EXPECT_EQ(keys.access_key_id, "AKIA1");
  EXPECT_EQ(keys.secret_access_key.reveal(), "s#1");
  EXPECT_EQ(keys.session_token.reveal(), "t");
  EXPECT_TRUE(plan->roles.empty());
}

TEST(AwsProfile, NamesAreSpelledDifferentlyInTheTwoFiles) {
  const std::string keys = "\naws_access_key_id=A\naws_secret_access_key=b\n";
  EXPECT_TRUE(has_profile(both("[x]" + keys, ""), "x"));
  EXPECT_TRUE(has_profile(both("", "[profile x]" + keys), "x"));
  EXPECT_TRUE(has_profile(both("", "[ profile\tx ]" + keys), "x"));
  EXPECT_FALSE(has_profile(both("", "[x]" + keys), "x"));
  EXPECT_FALSE(has_profile(both("[profile x]" + keys, ""), "x"));
  EXPECT_FALSE(has_profile(both("", "[sso-session x]" + keys), "x"));
}

TEST(AwsProfile, ARoleSaysWithWhatItIsAssumed) {
  const std::string role =
      "[profile r]\nrole_arn = arn\nexternal_id = e\nduration_seconds = 900\nrole_session_name = n\n";
  const auto from_machine = plan_of_profile(both("", role + "credential_source = Ec2InstanceMetadata\n"), "r");
  ASSERT_TRUE(from_machine);
  EXPECT_TRUE(std::holds_alternative<AwsInstance>(from_machine->source));
  ASSERT_EQ(from_machine->roles.size(), 1U);
  EXPECT_EQ(from_machine->roles[0].external_id, "e");
  EXPECT_EQ(from_machine->roles[0].session_name, "n");
  EXPECT_EQ(from_machine->roles[0].duration, std::chrono::seconds(900));

  const auto from_file = plan_of_profile(both("", role + "web_identity_token_file = /t\n"), "r");
  ASSERT_TRUE(from_file);
  EXPECT_EQ(std::get<AwsWebIdentity>(from_file->source).token_file, "/t");
  EXPECT_TRUE(from_file->roles.empty());

  const auto own =
      plan_of_profile(both("", role + "source_profile = r\naws_access_key_id = A\naws_secret_access_key = b\n"), "r");
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_EQ(std::get<AwsStaticKeys>(own->source).access_key_id, "A");
  EXPECT_EQ(own->roles.size(), 1U);
}

TEST(AwsProfile, RefusesWhatLeadsNowhere) {
  const auto why = [](const std::string& config, const std::string& name = "r") {
    const auto plan = plan_of_profile(both("", config), name);
    return plan ? std::string("accepted") : plan.error().message;
  };
  EXPECT_THAT(why(""), HasSubstr("in neither"));
  EXPECT_THAT(why("[profile r]\n"), HasSubstr("neither keys nor a role"));
  EXPECT_THAT(why("[profile r]\nrole_arn = a\n"), HasSubstr("with what to assume it"));
  EXPECT_THAT(why("[profile r]\nrole_arn = a\ncredential_source = Magic\n"), HasSubstr("credential_source"));
  EXPECT_THAT(why("[profile r]\ncredential_process = /bin/x hush\n"), HasSubstr("credential_process"));
  EXPECT_EQ(why("[profile r]\ncredential_process = /bin/x hush\n").find("hush"), std::string::npos);
  EXPECT_THAT(why("[profile r]\nrole_arn = a\nsource_profile = gone\n"), HasSubstr("\"gone\" is in neither"));
  EXPECT_THAT(why("[profile r]\nrole_arn = a\nsource_profile = s\n[profile s]\nrole_arn = b\nsource_profile = r\n"),
              HasSubstr("too many"));
}

// --- text ---

TEST(Rfc3339, ReadsWhatCloudsWrite) {
  const auto utc = parse_rfc3339("2025-01-02T03:04:05Z");
  ASSERT_TRUE(utc);
  EXPECT_EQ(unix_ms(*utc), 1'735'787'045'000);
  EXPECT_EQ(parse_rfc3339("2025-01-02T03:04:05.123456789Z"), utc);
  EXPECT_EQ(parse_rfc3339("2025-01-02T04:34:05+01:30"), utc);
  EXPECT_EQ(parse_rfc3339("2025-01-01T22:04:05-05:00"), utc);
  for (const auto* bad : {"", "2025-01-02T03:04:05", "2025-02-30T03:04:05Z", "2025-01-02T24:04:05Z",
                          "2025-01-02T03:04:05.Z", "2025-01-02 03:04:05Z", "2025-01-02T03:04:05+1:00",
                          "1925-01-02T03:04:05Z", "9999-01-02T03:04:05Z", "2025-01-02T03:04:05Zx"})
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
}

TEST(UrlText, EncodesEverythingButTheUnreserved) {
  EXPECT_EQ(url_encode("aZ09-._~ /:%\xff"), "aZ09-._~%20%2F%3A%25%FF");
  EXPECT_EQ(url_decode("a%2Fb%2fc%zz%2"), "a/b/c%zz%2");
  EXPECT_EQ(form({{"a", "1 2"}, {"b", ""}, {"c", "&"}}), "a=1%202&c=%26");
  EXPECT_EQ(strip(" \r\nx y\n"), "x y");
  EXPECT_EQ(strip(" \n"), "");
}

TEST(TokenUrl, KeepsPathAndQueryAsTheyStand) {
  const auto url = parse_token_url("https://Host.Example:8443/a/b/?x=%2F&y");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->endpoint.host, "host.example");
  EXPECT_EQ(url->endpoint.port, 8443);
  EXPECT_TRUE(url->endpoint.tls);
  EXPECT_EQ(url->path, "/a/b/?x=%2F&y");
  EXPECT_EQ(parse_token_url("https://h")->path, "/");
  EXPECT_EQ(parse_token_url("https://h?q")->path, "/?q");
}

TEST(TokenUrl, PlainHttpStaysOnTheMachine) {
  for (const auto* good : {"http://127.0.0.1:1/", "http://localhost/x", "http://[::1]/", "http://169.254.169.254/x",
                           "http://[fd00:ec2::254]/", "http://[fe80::1]/", "http://metadata.google.internal/"})
    EXPECT_TRUE(parse_token_url(good)) << good;
  for (const auto* bad : {"http://10.0.0.1/", "http://169.253.1.1/", "http://metadata.example/", "http://[fd00::1]/",
                          "http://localhost.example/", "http://127.0.0.1.example/"})
    EXPECT_FALSE(parse_token_url(bad)) << bad;
  for (const auto* bad : {"", "ftp://h/", "https://", "https://u:p@h/", "https://h/a b", "https://h/#f", "h/x",
                          "https://h/\x01", "https://h\\x/"})
    EXPECT_FALSE(parse_token_url(bad)) << bad;
}

}  // namespace
}  // namespace tollgate::providers
