// Splicing: everything that is not replaced stays byte for byte, and no key ever comes twice.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "providers/call.h"

namespace tollgate::providers {
namespace {

std::string to_upstream(std::string body, std::string_view model) {
  const auto call = decode_chat_request(std::make_shared<const std::string>(body));
  EXPECT_TRUE(call) << body;
  return call ? splice(body, upstream_edits(*call, model)) : std::string();
}

TEST(UpstreamEdits, ReplaceOnlyTheModel) {
  EXPECT_EQ(to_upstream("{ \"model\" : \"a\" ,\t\"messages\":[{\"role\":\"user\"}], \"x\": 1.50e+2 }", "b\"c"),
            "{ \"model\" : \"b\\\"c\" ,\t\"messages\":[{\"role\":\"user\"}], \"x\": 1.50e+2 }");
}

TEST(UpstreamEdits, LeaveABodyAloneThatIsAlreadyRight) {
  const std::string body =
      R"({"stream":true,"model":"m","messages":[{"role":"user"}],"stream_options":{"include_usage":true}})";
  EXPECT_EQ(to_upstream(body, "m"), body);
}

TEST(UpstreamEdits, AskForUsageWithoutRepeatingAKey) {
  const std::string rest = R"("model":"m","messages":[{"role":"user"}],"stream":true)";
  const auto want = R"({"stream_options":{"include_usage":true},)" + rest + "}";
  EXPECT_EQ(to_upstream("{" + rest + "}", "m"), want);
  const auto options = [&](std::string_view value) {
    return "{" + rest + ",\"stream_options\":" + std::string(value) + "}";
  };
  EXPECT_EQ(to_upstream(options("null"), "m"), options(R"({"include_usage":true})"));
  EXPECT_EQ(to_upstream(options("{ }"), "m"), options(R"({"include_usage":true })"));
  EXPECT_EQ(to_upstream(options(R"({ "a":1})"), "m"), options(R"({"include_usage":true, "a":1})"));
  EXPECT_EQ(to_upstream(options(R"({"include_usage": false })"), "m"), options(R"({"include_usage": true })"));
  EXPECT_EQ(to_upstream(options(R"({"a":1,"include\u005fusage":null})"), "m"),
            options(R"({"a":1,"include\u005fusage":true})"));
}

TEST(UpstreamEdits, AModelInThePathWinsOverTheBodys) {
  const auto sent = [](std::string body, std::string path_model, std::string_view upstream) {
    const auto call = decode_chat_request(std::make_shared<const std::string>(body), std::move(path_model));
    EXPECT_TRUE(call) << body;
    return call ? call->model + " -> " + splice(body, upstream_edits(*call, upstream)) : std::string();
  };
  EXPECT_EQ(sent(R"({"model":"any","messages":[{"role":"user"}]})", "gpt", "gpt"),
            R"(gpt -> {"model":"gpt","messages":[{"role":"user"}]})");
  EXPECT_EQ(sent(R"({"model":"up","messages":[{"role":"user"}]})", "gpt", "up"),
            R"(gpt -> {"model":"up","messages":[{"role":"user"}]})");
  EXPECT_EQ(sent(R"({"messages":[{"role":"user"}]})", "gpt", "up"),
            R"(gpt -> {"model":"up","messages":[{"role":"user"}]})");
  const auto both = sent(R"({"messages":[{"role":"user"}],"stream":true})", "gpt", "up");
  EXPECT_NE(both.find(R"("model":"up",)"), std::string::npos) << both;
  EXPECT_NE(both.find(R"("stream_options":{"include_usage":true},)"), std::string::npos) << both;
  EXPECT_FALSE(decode_chat_request(std::make_shared<const std::string>(R"({"messages":[{"role":"user"}]})")));
}

TEST(Splice, AppliesEditsInAnyOrder) {
  EXPECT_EQ(splice("0123456789", {{{8, 1}, "H"}, {{0, 0}, "<"}, {{3, 2}, ""}, {{10, 0}, ">"}}), "<012567H9>");
  EXPECT_EQ(splice("same", {}), "same");
}

TEST(JsonText, UnescapesEverything) {
  EXPECT_EQ(unescape_json(R"(a\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00z)"), "a\"\\/\b\f\n\r\tAé€😀z");
  EXPECT_EQ(unescape_json(R"(\u0000)"), std::string(1, '\0'));
}

TEST(JsonText, EscapesOnlyWhatMustBe) {
  std::string out;
  append_json_escaped(out, std::string_view("a\"b\\c/\n\x01\x7f é😀\0", 17));
  EXPECT_EQ(out, "a\\\"b\\\\c/\\n\\u0001\x7f é😀\\u0000");
  for (int c = 0; c < 0x80; ++c) {
    std::string escaped;
    append_json_escaped(escaped, std::string(40, static_cast<char>(c)));
    EXPECT_EQ(nlohmann::json::parse("\"" + escaped + "\"").get<std::string>(), std::string(40, static_cast<char>(c)));
    EXPECT_EQ(unescape_json(escaped), std::string(40, static_cast<char>(c)));
  }
}

TEST(RawOffsets, PointAtTheStartOfTheEscapeThatMadeTheByte) {
  // text: a " é(2) 😀(4) z        raw: a \" \u00e9 \ud83d\ude00 z
  const std::string raw = R"(a\"\u00e9\ud83d\ude00z)";
  ASSERT_EQ(unescape_json(raw).size(), 9u);
  EXPECT_EQ(raw_offsets(raw, {0, 1, 2, 3, 4, 5, 7, 8, 9}), (std::vector<std::uint32_t>{0, 1, 3, 3, 9, 9, 9, 21, 22}));
  EXPECT_EQ(raw_offsets("plain é", {2, 6, 8}), (std::vector<std::uint32_t>{2, 6, 8}));
  EXPECT_TRUE(raw_offsets(raw, {}).empty());
}

}  // namespace
}  // namespace tollgate::providers
