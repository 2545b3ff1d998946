// What a request says, whatever its spelling; what cannot be said elsewhere is named.
#include "providers/canonical.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tollgate::providers {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using K = CanonicalPart::Kind;

CanonicalRequest read(const std::string& members) {
  auto request = canonicalise("{" + members + "}");
  EXPECT_TRUE(request) << (request ? "" : request.error().message);
  return request ? std::move(*request) : CanonicalRequest();
}

CanonicalRequest with_message(const std::string& message) { return read(R"("messages":[)" + message + "]"); }

Error refused(const std::string& members) {
  const auto request = canonicalise("{" + members + "}");
  EXPECT_FALSE(request) << members;
  return request ? Error{} : request.error();
}

TEST(Canonical, ReadsTextInBothItsForms) {
  const auto request = with_message(
      R"({"role":"developer","content":"rules"},{"content":[{"type":"text","text":"a"},{"text":"b","type":"text"}],"role":"user"})");
  ASSERT_EQ(request.messages.size(), 2u);
  EXPECT_EQ(request.messages[0].role, Role::system);
  EXPECT_EQ(request.messages[0].text(), "rules");
  EXPECT_EQ(request.messages[1].role, Role::user);
  EXPECT_EQ(request.messages[1].parts.size(), 2u);
  EXPECT_EQ(request.messages[1].text(), "ab");
}

TEST(Canonical, TakesADataUrlApart) {
  const auto request = with_message(
      R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image\/JPG;base64,QUJD","detail":"low"}},
      {"type":"file","file":{"file_data":"data:application/pdf;name=x;base64,UERG","filename":"a.pdf"}},
      {"type":"image_url","image_url":{"url":"https://example.com/a.png"}},
      {"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}}]})");
  const auto& parts = request.messages[0].parts;
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_EQ(parts[0].kind, K::image);
  EXPECT_EQ(parts[0].media_type, "image/jpeg");
  EXPECT_EQ(parts[0].data, "QUJD");
  EXPECT_EQ(parts[0].detail, "low");
  EXPECT_EQ(parts[1].kind, K::file);
  EXPECT_EQ(parts[1].media_type, "application/pdf");
  EXPECT_EQ(parts[1].name, "a.pdf");
  EXPECT_EQ(parts[2].url, "https://example.com/a.png");
  EXPECT_EQ(parts[3].media_type, "audio/wav");
}

TEST(Canonical, RefusesADataUrlThatIsNotBase64) {
  const auto error = refused(
      R"("messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/svg+xml,<svg/>"}}]}])");
  EXPECT_EQ(error.kind, ErrorKind::invalid_request);
  EXPECT_EQ(error.param, "messages[0].content[0].image_url.url");
}

TEST(Canonical, KeepsCallsAndTheirResultsTogetherById) {
  const auto request = with_message(
      R"({"role":"assistant","content":"let me see","tool_calls":[{"id":"c1","type":"function","function":{"name":"w","arguments":"{\"c\": 1}"}}]},
      {"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"4 "},{"type":"text","text":"deg"}]})");
  const auto& call = request.messages[0].parts[1];
  EXPECT_EQ(call.kind, K::tool_call);
  EXPECT_EQ(call.id, "c1");
  EXPECT_EQ(call.name, "w");
  EXPECT_EQ(call.text, R"({"c": 1})");
  const auto& result = request.messages[1].parts[0];
  EXPECT_EQ(result.kind, K::tool_result);
  EXPECT_EQ(result.id, "c1");
  EXPECT_EQ(result.content.size(), 2u);
  EXPECT_THAT(request.lossy, IsEmpty());
}

TEST(Canonical, ArgumentsAreAlwaysAnObject) {
  const auto arguments = [](const std::string& value, std::vector<std::string>& lossy) {
    auto request = with_message(R"({"role":"assistant","tool_calls":[{"id":"c","function":{"name":"w","arguments":)" +
                                value + "}}]}");
    lossy = request.lossy;
    return request.messages[0].parts[0].text;
  };
  std::vector<std::string> lossy;
  EXPECT_EQ(arguments(R"("")", lossy), "{}");
  EXPECT_EQ(arguments("null", lossy), "{}");
  EXPECT_EQ(arguments(R"({"a":[1, 2]})", lossy), R"({"a":[1, 2]})");
  EXPECT_THAT(lossy, IsEmpty());
  EXPECT_EQ(arguments(R"("{\"cut\": \"in ha")", lossy), R"({"arguments":"{\"cut\": \"in ha"})");
  EXPECT_THAT(lossy, ElementsAre("messages.tool_calls.arguments"));
}

TEST(Canonical, ReadsTheLegacySpellingOfCalls) {
  const auto request = read(
      R"("messages":[{"role":"assistant","content":null,"function_call":{"name":"w","arguments":"{}"}},
      {"role":"function","name":"w","content":"4"}],"functions":[{"name":"w","parameters":{"type":"object"}}],
      "function_call":{"name":"w"})");
  EXPECT_EQ(request.messages[0].parts[0].id, request.messages[1].parts[0].id);
  ASSERT_EQ(request.tools.size(), 1u);
  EXPECT_EQ(request.tools[0].schema, R"({"type":"object"})");
  EXPECT_EQ(request.tool_choice.mode, ToolChoice::Mode::function);
  EXPECT_EQ(request.tool_choice.function, "w");
  EXPECT_THAT(request.lossy, IsEmpty());
}

TEST(Canonical, ReasoningComesBackWithItsProof) {
  const auto request = with_message(
      R"({"role":"assistant","content":"x","reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"U2ln"},{"type":"redacted_thinking","data":"QUJD"}],
      "tool_calls":[{"id":"c","function":{"name":"w","arguments":"{}"},"extra_content":{"google":{"thought_signature":"Z29v"}}}]})");
  const auto& parts = request.messages[0].parts;
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_EQ(parts[0].kind, K::reasoning);
  EXPECT_EQ(parts[0].text, "hm");
  EXPECT_EQ(parts[0].signature, "U2ln");
  EXPECT_EQ(parts[1].data, "QUJD");
  EXPECT_EQ(parts[3].signature, "Z29v");
}

TEST(Canonical, ASignatureIsNoPlaceForText) {
  const auto error = refused(
      R"("messages":[{"role":"assistant","thinking_blocks":[{"type":"thinking","thinking":"x","signature":"Jane Doe"}]}])");
  EXPECT_EQ(error.param, "messages[0].thinking_blocks.signature");
}

TEST(Canonical, SchemasKeepTheCallersBytes) {
  const auto request = read(
      R"("messages":[],"tools":[{"type":"function","function":{"name":"w","description":"d","strict":true,"parameters":{"z":1, "a" :[2]}},"cache_control":{"type":"ephemeral","ttl":"1h"}}],
      "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type": "object"},"strict":true}})");
  EXPECT_EQ(request.tools[0].schema, R"({"z":1, "a" :[2]})");
  EXPECT_TRUE(request.tools[0].strict);
  EXPECT_EQ(request.tools[0].cache, CacheMark::one_hour);
  EXPECT_EQ(request.response_format.kind, ResponseFormat::Kind::json_schema);
  EXPECT_EQ(request.response_format.schema, R"({"type": "object"})");
}

TEST(Canonical, ReadsEveryToolChoice) {
  using Mode = ToolChoice::Mode;
  EXPECT_EQ(read(R"("tool_choice":"none")").tool_choice.mode, Mode::none);
  EXPECT_EQ(read(R"("tool_choice":"auto")").tool_choice.mode, Mode::automatic);
  EXPECT_EQ(read(R"("tool_choice":"required")").tool_choice.mode, Mode::required);
  const auto named = read(R"("tool_choice":{"type":"function","function":{"name":"w"}})").tool_choice;
  EXPECT_EQ(named.mode, Mode::function);
  EXPECT_EQ(named.function, "w");
  const auto allowed =
      read(
          R"("tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"a"}}]}})")
          .tool_choice;
  EXPECT_EQ(allowed.mode, Mode::required);
  EXPECT_THAT(allowed.allowed, ElementsAre("a"));
  EXPECT_EQ(refused(R"("tool_choice":"sometimes")").param, "tool_choice");
}

TEST(Canonical, NamesWhatHasNoCounterpart) {
  const auto request = read(
      R"("messages":[{"role":"user","name":"ann","content":"x"}],"tools":[{"type":"custom","custom":{"name":"c"}}],
      "logit_bias":{"1":2},"verbosity":"low","web_search_options":null)");
  EXPECT_THAT(request.lossy, ElementsAre("messages.name", "tools.custom"));
  ASSERT_EQ(request.extras.size(), 2u);
  EXPECT_EQ(request.extras[0].name, "logit_bias");
  EXPECT_EQ(request.extras[0].json, R"({"1":2})");
}

TEST(Canonical, TheNamesOfLostFieldsCannotBreakAHeader) {
  std::vector<std::string> lossy;
  note_lossy(lossy, "a\r\nset-cookie: x");
  note_lossy(lossy, "a\r\nset-cookie: x");
  EXPECT_THAT(lossy, ElementsAre("a__set-cookie__x"));
  for (int i = 0; i < 100; ++i) note_lossy(lossy, std::to_string(i));
  EXPECT_EQ(lossy.size(), 32u);
}

TEST(Canonical, ReadsTheParameters) {
  const auto request = read(
      R"("temperature":0.5,"top_p":1,"top_k":40,"seed":-3,"max_tokens":100,"max_completion_tokens":50,"stop":["a","b"],
      "n":2,"user":"old","safety_identifier":"new","reasoning_effort":"high","logprobs":true,"top_logprobs":3,
      "frequency_penalty":-1.5,"presence_penalty":null,"parallel_tool_calls":false,"metadata":{"a":"b"},"store":true)");
  EXPECT_EQ(request.temperature, 0.5);
  EXPECT_EQ(request.top_p, 1.0);
  EXPECT_EQ(request.top_k, 40);
  EXPECT_EQ(request.seed, -3);
  EXPECT_EQ(request.max_tokens, 50);
  EXPECT_THAT(request.stop, ElementsAre("a", "b"));
  EXPECT_EQ(request.n, 2);
  EXPECT_EQ(request.user, "new");
  EXPECT_EQ(request.reasoning_effort, ReasoningEffort::high);
  EXPECT_TRUE(request.logprobs);
  EXPECT_EQ(request.top_logprobs, 3);
  EXPECT_EQ(request.frequency_penalty, -1.5);
  EXPECT_FALSE(request.presence_penalty);
  EXPECT_EQ(request.parallel_tool_calls, false);
  EXPECT_THAT(request.extras, IsEmpty());
  EXPECT_THAT(request.lossy, IsEmpty());
}

TEST(Canonical, RefusesWhatIsOutOfRangeByName) {
  EXPECT_EQ(refused(R"("temperature":2.5)").param, "temperature");
  EXPECT_EQ(refused(R"("temperature":"hot")").code, "invalid_type");
  EXPECT_EQ(refused(R"("top_p":1e999)").param, "top_p");
  EXPECT_EQ(refused(R"("stop":["1","2","3","4","5"])").param, "stop");
  EXPECT_EQ(refused(R"("n":0)").param, "n");
  EXPECT_EQ(refused(R"("reasoning_effort":"enormous")").param, "reasoning_effort");
  EXPECT_EQ(refused(R"("response_format":{"type":"json_schema","json_schema":{"name":"x"}})").param,
            "response_format.json_schema.schema");
  EXPECT_EQ(refused(R"("tools":[{"type":"function","function":{}}])").param, "tools[0].function.name");
}

TEST(Canonical, BoundsWhatItReads) {
  std::string tools = R"({"type":"function","function":{"name":"w"}})";
  std::string many = tools;
  for (int i = 0; i < 1024; ++i) many += "," + tools;
  EXPECT_EQ(refused(R"("tools":[)" + many + "]").param, "tools");
  std::string parts = R"({"type":"text","text":""})";
  std::string all = parts;
  for (int i = 0; i < 70'000; ++i) all += "," + parts;
  EXPECT_EQ(refused(R"("messages":[{"role":"user","content":[)" + all + "]}]").param, "messages");
}

}  // namespace
}  // namespace tollgate::providers
