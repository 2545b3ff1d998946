// What decode_responses_request promises: every text is indexed, and what needs state is refused with what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "providers/responses.h"

namespace tollgate::providers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<Call> decode(std::string body) {
  return decode_responses_request(std::make_shared<const std::string>(std::move(body)));
}

std::string with(std::string_view members) { return R"({"model":"m","input":"hi")" + std::string(members) + "}"; }
std::string with_item(std::string_view item) { return R"({"model":"m","input":[)" + std::string(item) + "]}"; }

std::vector<std::string> texts(const Call& call) {
  std::vector<std::string> out;
  for (const auto& field : call.index.texts)
    out.push_back(unescape_json(std::string_view(*call.body).substr(field.span.offset, field.span.length)));
  return out;
}

Call accepted(const std::string& body) {
  auto call = decode(body);
  EXPECT_TRUE(call) << body << (call ? "" : call.error().message);
  return call ? std::move(*call) : Call();
}

struct Refused {
  std::string body;
  std::string code;
  std::string param;
};

class ResponsesRefusesTest : public testing::TestWithParam<Refused> {};

TEST_P(ResponsesRefusesTest, WithCodeAndParam) {
  const auto call = decode(GetParam().body);
  ASSERT_FALSE(call) << GetParam().body;
  EXPECT_EQ(call.error().kind, ErrorKind::invalid_request);
  EXPECT_EQ(call.error().code, GetParam().code) << call.error().message;
  EXPECT_EQ(call.error().param, GetParam().param) << call.error().message;
  EXPECT_FALSE(call.error().message.empty());
  EXPECT_FALSE(call.error().retryable);
}

INSTANTIATE_TEST_SUITE_P(
    Parameters, ResponsesRefusesTest,
    testing::Values(
        Refused{"[]", "invalid_type", ""}, Refused{"{", "invalid_json", ""},
        Refused{with("") + "x", "invalid_json", ""}, Refused{R"({"input":"x"})", "missing_required_parameter", "model"},
        Refused{R"({"model":"m"})", "missing_required_parameter", "input"},
        Refused{R"({"model":"m","input":[]})", "empty_array", "input"},
        Refused{R"({"model":"m","input":7})", "invalid_type", "input"},
        Refused{R"({"model":"m","model":"m","input":"x"})", "duplicate_key", ""},
        Refused{with(R"(,"instructions":["x"])"), "invalid_type", "instructions"},
        Refused{with(R"(,"stream":"true")"), "invalid_type", "stream"},
        Refused{with(R"(,"stream_options":{})"), "unsupported_value", "stream_options"},
        Refused{with(R"(,"max_output_tokens":0)"), "integer_below_min_value", "max_output_tokens"},
        Refused{with(R"(,"max_output_tokens":"9")"), "invalid_type", "max_output_tokens"},
        Refused{with(R"(,"tools":{})"), "invalid_type", "tools"},
        Refused{with(R"(,"tools":["x"])"), "invalid_type", "tools[0]"},
        Refused{with(R"(,"text":"json")"), "invalid_type", "text"},
        Refused{with(R"(,"metadata":[])"), "invalid_type", "metadata"},
        Refused{with(R"(,"store":"no")"), "invalid_type", "store"}, Refused{with_item("7"), "invalid_type", "input[0]"},
        Refused{with_item(R"({"content":"x"})"), "missing_required_parameter", "input[0].type"},
        Refused{with_item(R"({"type":"message","content":"x"})"), "missing_required_parameter", "input[0].role"},
        Refused{with_item(R"({"role":"tool","content":"x"})"), "invalid_value", "input[0].role"},
        Refused{with_item(R"({"role":"user","content":5})"), "invalid_type", "input[0].content"},
        Refused{with_item(R"({"role":"user","content":[{"text":"x"}]})"), "missing_required_parameter",
                "input[0].content[0].type"},
        Refused{with_item(R"({"role":"user","content":[{"type":"input_text"}]})"), "missing_required_parameter",
                "input[0].content[0].text"},
        Refused{with_item(R"({"type":"reasoning","summary":[],"encrypted_content":"jane@example.com"})"),
                "invalid_value", "input[0].encrypted_content"}));

INSTANTIATE_TEST_SUITE_P(
    WhatNeedsState, ResponsesRefusesTest,
    testing::Values(Refused{with(R"(,"previous_response_id":"resp_1")"), "unsupported_parameter",
                            "previous_response_id"},
                    Refused{with(R"(,"conversation":{"id":"c"})"), "unsupported_parameter", "conversation"},
                    Refused{with(R"(,"background":true)"), "unsupported_parameter", "background"},
                    Refused{with(R"(,"prompt":{"id":"p"})"), "unsupported_parameter", "prompt"},
                    Refused{with_item(R"({"type":"item_reference","id":"rs_1"})"), "unsupported_parameter", "input[0]"},
                    Refused{with_item(R"({"id":"rs_1"})"), "unsupported_parameter", "input[0]"}));

TEST(ResponsesRequest, TellsACallerWithStateWhatToDo) {
  const auto call = decode(with(R"(,"previous_response_id":"resp_1")"));
  ASSERT_FALSE(call);
  EXPECT_THAT(call.error().message, HasSubstr("keeps no state"));
  EXPECT_THAT(call.error().message, HasSubstr("Send the whole conversation in 'input'"));
}

TEST(ResponsesRequest, TakesWhatSdksSendByDefault) {
  accepted(with(R"(,"store":true,"previous_response_id":null,"conversation":null,"background":false,"prompt":null,
    "metadata":{},"parallel_tool_calls":true,"service_tier":"auto","truncation":"disabled","include":[],"user":null)"));
}

TEST(ResponsesRequest, IndexesEveryTextOfEveryKindOfItem) {
  const Call call = accepted(R"({"model":"m","instructions":"i","input":[
    {"role":"user","content":"a"},
    {"content":[{"text":"b","type":"input_text"},{"type":"input_file","filename":"c","file_id":"f"}],"role":"developer"},
    {"type":"message","role":"assistant","id":"msg_1","status":"completed","content":[
      {"type":"output_text","text":"d","annotations":[{"type":"url_citation","title":"e"}],"logprobs":[]},
      {"type":"refusal","refusal":"f"}]},
    {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"g"}],
      "content":[{"type":"reasoning_text","text":"h"}],"encrypted_content":"gAAA="},
    {"type":"function_call","call_id":"c1","name":"n","arguments":"{\"city\":\"j\"}"},
    {"output":"k","type":"function_call_output","call_id":"c1"},
    {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"l"}]},
    {"type":"custom_tool_call","call_id":"c3","name":"n","input":"m"},
    {"type":"custom_tool_call_output","call_id":"c3","output":"o"},
    {"type":"shell_call_output","call_id":"c4","output":[{"stdout":"p","stderr":"q","outcome":{"type":"exit"}}]},
    {"type":"web_search_call","id":"ws","status":"completed","action":{"type":"search","query":"r"}}],
    "metadata":{"k":"s"},"user":"t","prompt_cache_key":"u","text":{"format":{"type":"json_schema","name":"x",
      "description":"v","schema":{"type":"object"}},"verbosity":"low"},
    "tools":[{"type":"function","name":"n","description":"w","parameters":{"enum":["y"]}}]})");
  const auto found = texts(call);
  for (const char* text : {"i", "a", "b", "c", "d", "e", "f", "g", "h", "{\"city\":\"j\"}", "k", "l", "m", "o",
                           "p", "q", "r", "s", "t", "u", "v", "w", "y"})
    EXPECT_THAT(found, testing::Contains(text));
  EXPECT_TRUE(call.index.opaque_parts) << "a file by its id";
  EXPECT_THAT(found, testing::Not(testing::Contains("n"))) << "names are what the answer is read by";
}

TEST(ResponsesRequest, KnowsWhoSaidWhatThoughTheTypeComesLast) {
  const Call call = accepted(with_item(
      R"({"content":"a","role":"developer"},{"output":"b","call_id":"c","type":"function_call_output"},
      {"arguments":"{}","call_id":"c","name":"n","type":"function_call"})"));
  ASSERT_EQ(call.index.texts.size(), 3u);
  EXPECT_EQ(call.index.texts[0].role, Role::system);
  EXPECT_EQ(call.index.texts[1].role, Role::tool);
  EXPECT_EQ(call.index.texts[2].role, Role::assistant);
  EXPECT_TRUE(call.index.texts[2].json_inside);
}

TEST(ResponsesRequest, SaysWhatNoScannerReads) {
  EXPECT_FALSE(
      accepted(with_item(R"({"role":"user","content":[{"type":"input_text","text":"x"}]})")).index.opaque_parts);
  for (const char* part : {R"({"type":"input_image","image_url":"data:image/png;base64,QQ==","detail":"auto"})",
                           R"({"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}})",
                           R"({"type":"output_text","text":"x","logprobs":[{"token":"x"}]})"})
    EXPECT_TRUE(accepted(with_item(R"({"role":"user","content":[)" + std::string(part) + "]}")).index.opaque_parts)
        << part;
}

TEST(ResponsesRequest, ReadsItsParameters) {
  const Call call = accepted(with(R"(,"stream":true,"stream_options":{"include_obfuscation":false},
    "max_output_tokens":77)"));
  EXPECT_EQ(call.api, Api::responses);
  EXPECT_TRUE(call.index.stream);
  EXPECT_EQ(call.index.max_tokens, 77);
  EXPECT_TRUE(call.index.include_usage) << "usage is always in the answer: nothing is asked for beside it";
}

TEST(ResponsesRequest, TheModelInThePathWins) {
  const auto call = decode_responses_request(std::make_shared<const std::string>(R"({"input":"x"})"), "path");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->model, "path");
}

// --- what a provider of the same API gets ---

std::string sent(const std::string& body) {
  const Call call = accepted(body);
  return splice(body, upstream_edits(call, "theirs"));
}

TEST(ResponsesEdits, NothingIsEverStored) {
  EXPECT_EQ(sent(R"({ "model":"m", "store" : true, "x":1e400,"input":"a"})"),
            R"({ "model":"theirs", "store" : false, "x":1e400,"input":"a"})");
  EXPECT_EQ(sent(R"({"store":null,"model":"m","input":"a"})"), R"({"store":false,"model":"theirs","input":"a"})");
  EXPECT_EQ(sent(R"({"model":"m","input":"a","stream":true})"),
            R"({"store":false,"model":"theirs","input":"a","stream":true})");
}

TEST(ResponsesEdits, AddWhatIsMissingTogether) {
  const auto call = decode_responses_request(std::make_shared<const std::string>(R"({"input":"x"})"), "path");
  ASSERT_TRUE(call);
  const auto body = nlohmann::json::parse(splice(*call->body, upstream_edits(*call, "theirs")));
  EXPECT_EQ(body, nlohmann::json::parse(R"({"input":"x","model":"theirs","store":false})"));
}

}  // namespace
}  // namespace tollgate::providers
