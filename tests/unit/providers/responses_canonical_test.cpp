// What a Responses request says in the terms every dialect shares; what cannot be said elsewhere is named or refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/responses.h"

namespace tollgate::providers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using K = CanonicalPart::Kind;

CanonicalRequest read(const std::string& members) {
  auto request = canonicalise_responses("{" + members + "}");
  EXPECT_TRUE(request) << members << (request ? "" : request.error().message);
  return request ? std::move(*request) : CanonicalRequest();
}

CanonicalRequest with_items(const std::string& items) { return read(R"("input":[)" + items + "]"); }

Error refused(const std::string& members) {
  const auto request = canonicalise_responses("{" + members + "}");
  EXPECT_FALSE(request) << members;
  return request ? Error{} : request.error();
}

constexpr const char* kCall = R"({"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"})";
constexpr const char* kResult = R"({"type":"function_call_output","call_id":"c1","output":"ok"})";

TEST(ResponsesCanonical, InstructionsComeFirstWhereverTheyStand) {
  const auto request = read(R"("input":"hi","instructions":"be kind")");
  ASSERT_EQ(request.messages.size(), 2u);
  EXPECT_EQ(request.messages[0].role, Role::system);
  EXPECT_EQ(request.messages[0].text(), "be kind");
  EXPECT_EQ(request.messages[1].role, Role::user);
  EXPECT_EQ(request.messages[1].text(), "hi");
}

TEST(ResponsesCanonical, WhatAModelWroteWithoutAPauseIsOneMessage) {
  const auto request = with_items(
      R"({"role":"user","content":"q"},
      {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"sr1:s:c2ln"},
      {"type":"message","role":"assistant","content":[{"type":"output_text","text":"let me see","annotations":[]}]},)" +
      std::string(kCall) + "," + kResult);
  ASSERT_EQ(request.messages.size(), 3u);
  const auto& parts = request.messages[1].parts;
  EXPECT_EQ(request.messages[1].role, Role::assistant);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].kind, K::reasoning);
  EXPECT_EQ(parts[0].text, "hm");
  EXPECT_EQ(parts[0].signature, "c2ln");
  EXPECT_EQ(parts[1].text, "let me see");
  EXPECT_EQ(parts[2].kind, K::tool_call);
  EXPECT_EQ(parts[2].id, "c1");
  EXPECT_EQ(parts[2].text, R"({"a":1})");
  ASSERT_EQ(request.messages[2].parts.size(), 1u);
  EXPECT_EQ(request.messages[2].role, Role::tool);
  EXPECT_EQ(request.messages[2].parts[0].content[0].text, "ok");
  EXPECT_THAT(request.lossy, IsEmpty());
}

TEST(ResponsesCanonical, ResultsFollowTheirCallsWhereverTheyStood) {
  const auto request = with_items(
      R"({"type":"function_call","call_id":"a","name":"f","arguments":""},
      {"type":"function_call","call_id":"b","name":"g","arguments":"{}"},
      {"role":"user","content":"well?"},
      {"type":"function_call_output","call_id":"b","output":"2"},
      {"type":"function_call_output","call_id":"a","output":[{"type":"input_text","text":"1"}]})");
  ASSERT_EQ(request.messages.size(), 4u);
  EXPECT_EQ(request.messages[0].parts[0].text, "{}") << "a call without arguments";
  EXPECT_EQ(request.messages[1].parts[0].id, "a");
  EXPECT_EQ(request.messages[1].parts[0].content[0].text, "1");
  EXPECT_EQ(request.messages[2].parts[0].id, "b");
  EXPECT_EQ(request.messages[3].text(), "well?");
}

TEST(ResponsesCanonical, CallsAndResultsHaveToMatch) {
  EXPECT_THAT(refused("\"input\":[" + std::string(kResult) + "]").message, HasSubstr("No tool call found"));
  const Error error = refused("\"input\":[" + std::string(kCall) + "]");
  EXPECT_THAT(error.message, HasSubstr("No tool output found for the call 'c1'"));
  EXPECT_EQ(error.param, "input[0]");
  EXPECT_EQ(refused(R"("input":[{"type":"function_call","name":"f","arguments":"{}"}])").param, "input[0].call_id");
}

TEST(ResponsesCanonical, ACustomToolIsAFunctionWithOneArgument) {
  const auto request = read(R"("input":[{"type":"custom_tool_call","call_id":"c","name":"run","input":"ls \"x\""},
    {"type":"custom_tool_call_output","call_id":"c","output":"y"}],
    "tools":[{"type":"custom","name":"run","description":"Runs.","format":{"type":"grammar","syntax":"lark",
      "definition":"start: WORD"}}],"tool_choice":{"type":"custom","name":"run"})");
  ASSERT_EQ(request.tools.size(), 1u);
  EXPECT_EQ(request.tools[0].name, "run");
  EXPECT_THAT(request.tools[0].schema, HasSubstr(R"("required":["input"])"));
  EXPECT_THAT(request.tools[0].description, HasSubstr("start: WORD"));
  EXPECT_EQ(request.messages[0].parts[0].text, R"({"input":"ls \"x\""})");
  EXPECT_EQ(request.tool_choice.mode, ToolChoice::Mode::function);
  EXPECT_EQ(request.tool_choice.function, "run");
  EXPECT_THAT(request.lossy, ElementsAre("tools.format"));
}

TEST(ResponsesCanonical, OnlyWhatWeMarkedGoesBackAsSigned) {
  const auto request = with_items(
      R"({"type":"reasoning","summary":[],"encrypted_content":"sr1:r:cmVk"},
      {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
      {"type":"reasoning","summary":[],"encrypted_content":"sr1:c:Z2Vt:c1"},
      {"type":"reasoning","summary":[],"encrypted_content":"gAAAAA=="},
      {"type":"function_call_output","call_id":"c1","output":"x"})");
  const auto& parts = request.messages[0].parts;
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].data, "cmVk");
  EXPECT_EQ(parts[1].signature, "Z2Vt");
  EXPECT_THAT(request.lossy, ElementsAre("input.reasoning")) << "another provider's";
}

TEST(ResponsesCanonical, ReadsMedia) {
  const auto request = with_items(R"({"role":"user","content":[
    {"type":"input_image","image_url":"data:image/png;base64,QQ==","detail":"low",
     "prompt_cache_breakpoint":{"mode":"explicit"}},
    {"type":"input_file","file_data":"data:application/pdf;base64,UERG","filename":"a.pdf"},
    {"type":"input_file","file_url":"https://example.com/b.pdf"},
    {"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}},{"type":"hologram"}]})");
  const auto& parts = request.messages[0].parts;
  ASSERT_EQ(parts.size(), 5u);
  EXPECT_EQ(parts[0].kind, K::image);
  EXPECT_EQ(parts[0].media_type, "image/png");
  EXPECT_EQ(parts[0].cache, CacheMark::five_minutes);
  EXPECT_EQ(parts[1].name, "a.pdf");
  EXPECT_EQ(parts[1].data, "UERG");
  EXPECT_EQ(parts[2].url, "https://example.com/b.pdf");
  EXPECT_EQ(parts[3].kind, K::audio);
  EXPECT_EQ(parts[4].kind, K::unknown) << "the dialect refuses it by its name";
  EXPECT_EQ(refused(R"("input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}])").param,
            "input[0].content[0].image_url");
}

TEST(ResponsesCanonical, ReadsParameters) {
  const auto request = read(R"("input":"x","max_output_tokens":50,"temperature":0.5,"top_p":0.9,
    "parallel_tool_calls":false,"reasoning":{"effort":"high","summary":"auto"},"safety_identifier":"u","user":"v",
    "text":{"verbosity":"low","format":{"type":"json_schema","name":"n","strict":true,"schema":{"a":1}}},
    "tool_choice":"required","store":true,"metadata":{"a":"b"},"include":["reasoning.encrypted_content"],
    "max_tool_calls":3,"truncation":"disabled","top_logprobs":0)");
  EXPECT_EQ(request.max_tokens, 50);
  EXPECT_EQ(request.temperature, 0.5);
  EXPECT_EQ(request.top_p, 0.9);
  EXPECT_EQ(request.parallel_tool_calls, false);
  EXPECT_EQ(request.reasoning_effort, ReasoningEffort::high);
  EXPECT_EQ(request.user, "u");
  EXPECT_EQ(request.response_format.kind, ResponseFormat::Kind::json_schema);
  EXPECT_EQ(request.response_format.schema, R"({"a":1})");
  EXPECT_TRUE(request.response_format.strict);
  EXPECT_EQ(request.tool_choice.mode, ToolChoice::Mode::required);
  ASSERT_EQ(request.extras.size(), 1u);
  EXPECT_EQ(request.extras[0].name, "verbosity");
  EXPECT_THAT(request.lossy, IsEmpty());
}

TEST(ResponsesCanonical, NamesWhatIsLost) {
  const auto request = read(R"("input":"x","include":["message.output_text.logprobs"],"top_logprobs":2,
    "truncation":"auto","context_management":[{"type":"compaction"}],"future":1,"gone":null)");
  EXPECT_THAT(request.lossy, ElementsAre("include.message.output_text.logprobs", "top_logprobs", "truncation",
                                         "context_management", "future"));
}

TEST(ResponsesCanonical, RefusesWhatOnlyAProviderOfThisApiServes) {
  for (const char* members :
       {R"("input":"x","tools":[{"type":"web_search"}])", R"("input":"x","tool_choice":{"type":"web_search_preview"})",
        R"("input":[{"type":"web_search_call","id":"ws_1","status":"completed"}])"}) {
    const Error error = refused(members);
    EXPECT_EQ(error.code, "unsupported_value") << members;
    EXPECT_THAT(error.message, HasSubstr("web_search"));
    EXPECT_THAT(error.message, HasSubstr("name a model whose provider does"));
  }
}

TEST(ResponsesCanonical, ReadsAllowedTools) {
  const auto request = read(R"("input":"x","tools":[{"type":"function","name":"a","parameters":{}},
    {"type":"function","name":"b","parameters":null}],
    "tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"b"}]})");
  EXPECT_EQ(request.tools.size(), 2u);
  EXPECT_EQ(request.tool_choice.mode, ToolChoice::Mode::required);
  EXPECT_THAT(request.tool_choice.allowed, ElementsAre("b"));
}

struct Wrong {
  const char* members;
  const char* param;
};
class ResponsesWrongTypeTest : public testing::TestWithParam<Wrong> {};
TEST_P(ResponsesWrongTypeTest, IsRefusedByItsName) {
  EXPECT_EQ(refused("\"input\":\"x\"," + std::string(GetParam().members)).param, GetParam().param);
}
INSTANTIATE_TEST_SUITE_P(
    Members, ResponsesWrongTypeTest,
    testing::Values(Wrong{R"("temperature":3)", "temperature"}, Wrong{R"("temperature":"1")", "temperature"},
                    Wrong{R"("reasoning":{"effort":"huge"})", "reasoning.effort"},
                    Wrong{R"("reasoning":"high")", "reasoning"}, Wrong{R"("text":{"format":"json"})", "text.format"},
                    Wrong{R"("text":{"format":{"type":"xml"}})", "text.format.type"},
                    Wrong{R"("text":{"format":{"type":"json_schema","name":"x"}})", "text.format.schema"},
                    Wrong{R"("tools":[{"type":"function","parameters":{}}])", "tools[0].name"},
                    Wrong{R"("tools":[{"type":"function","name":"x","parameters":"{}"}])", "tools[0].parameters"},
                    Wrong{R"("tool_choice":"any")", "tool_choice"},
                    Wrong{R"("tool_choice":{"type":"function"})", "tool_choice.name"},
                    Wrong{R"("include":"x")", "include"}, Wrong{R"("top_logprobs":21)", "top_logprobs"},
                    Wrong{R"("parallel_tool_calls":1)", "parallel_tool_calls"}));

}  // namespace
}  // namespace tollgate::providers
