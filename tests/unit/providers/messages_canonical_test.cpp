// A Messages request with the wire format taken off, and put on again.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "providers/anthropic.h"
#include "providers/messages_request.h"

namespace tollgate::providers {
namespace {

using Json = nlohmann::ordered_json;
using Part = CanonicalPart;

Result<CanonicalRequest> read(const Json& body) { return canonicalise_messages(body.dump()); }

Json request(Json messages, const Json& more = Json::object()) {
  Json out = {{"model", "m"}, {"max_tokens", 4000}, {"messages", std::move(messages)}};
  out.update(more);
  return out;
}

Json user(Json content) { return {{"role", "user"}, {"content", std::move(content)}}; }
Json assistant(Json content) { return {{"role", "assistant"}, {"content", std::move(content)}}; }

CanonicalRequest good(const Json& body) {
  auto out = read(body);
  EXPECT_TRUE(out) << out.error().message;
  return out ? std::move(*out) : CanonicalRequest();
}

std::string refusal(const Json& body) {
  const auto out = read(body);
  EXPECT_FALSE(out) << body;
  return out ? "" : out.error().param + ": " + out.error().message;
}

TEST(CanonicalMessages, SystemComesFirstWhereverItStands) {
  const auto out = good(request(Json::array({user("hi")}), {{"system", Json::parse(R"([{"type":"text","text":"a",
    "cache_control":{"type":"ephemeral","ttl":"1h"}}])")}}));
  ASSERT_EQ(out.messages.size(), 2U);
  EXPECT_EQ(out.messages[0].role, Role::system);
  EXPECT_EQ(out.messages[0].parts[0].cache, CacheMark::one_hour);
  EXPECT_EQ(out.messages[1].text(), "hi");
  EXPECT_EQ(out.max_tokens, 4000);
}

TEST(CanonicalMessages, ResultsBecomeMessagesOfTheToolAheadOfTheRest) {
  const auto out = good(request(Json::array(
      {user("weather?"),
       assistant(Json::parse(R"([{"type":"text","text":"hm"},{"type":"tool_use","id":"a","name":"f","input":{"x":1}},
                                 {"type":"tool_use","id":"b","name":"f","input":{}}])")),
       user(Json::parse(
           R"([{"type":"text","text":"so?"},{"type":"tool_result","tool_use_id":"b","content":"2","is_error":true},
                            {"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"1"}]}])"))})));
  ASSERT_EQ(out.messages.size(), 5U);
  EXPECT_EQ(out.messages[1].parts[1].text, R"({"x":1})");
  EXPECT_EQ(out.messages[2].role, Role::tool);
  EXPECT_EQ(out.messages[2].parts[0].id, "b");
  EXPECT_TRUE(out.messages[2].parts[0].failed);
  EXPECT_EQ(out.messages[3].parts[0].content[0].text, "1");
  EXPECT_EQ(out.messages[4].text(), "so?");
}

TEST(CanonicalMessages, DocumentsAndResultsOfSearchesAreSaidAsText) {
  const auto out = good(request(Json::array({user(Json::parse(R"([
    {"type":"document","title":"T","source":{"type":"text","media_type":"text/plain","data":"body"}},
    {"type":"search_result","title":"S","source":"https://x","content":[{"type":"text","text":"found"}]},
    {"type":"document","title":"P","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"}}])"))})));
  const auto& parts = out.messages[0].parts;
  EXPECT_EQ(out.messages[0].text(), "T\nbodyS\nhttps://x\nfound");
  EXPECT_EQ(parts.back().kind, Part::Kind::file);
  EXPECT_EQ(parts.back().name, "P");
}

TEST(CanonicalMessages, ThinkingIsWordsAndABudget) {
  const auto effort = [](const Json& more) { return good(request(Json::array({user("x")}), more)).reasoning_effort; };
  EXPECT_EQ(effort(Json::object()), ReasoningEffort::unset);
  EXPECT_EQ(effort(Json::parse(R"({"thinking":{"type":"disabled"}})")), ReasoningEffort::none);
  EXPECT_EQ(effort(Json::parse(R"({"thinking":{"type":"adaptive"}})")), ReasoningEffort::high);
  EXPECT_EQ(effort(Json::parse(R"({"output_config":{"effort":"low"},"thinking":{"type":"adaptive"}})")),
            ReasoningEffort::low);
  EXPECT_EQ(effort(Json::parse(R"({"thinking":{"type":"enabled","budget_tokens":1024}})")), ReasoningEffort::low);
  EXPECT_EQ(effort(Json::parse(R"({"thinking":{"type":"enabled","budget_tokens":8000}})")), ReasoningEffort::medium);
  const auto out =
      good(request(Json::array({user("x")}), Json::parse(R"({"thinking":{"type":"enabled","budget_tokens":30000}})")));
  EXPECT_EQ(out.reasoning_budget, 30000);
  EXPECT_EQ(out.reasoning_effort, ReasoningEffort::high);
}

TEST(CanonicalMessages, WhatHasNoCounterpartIsNamed) {
  const auto out =
      good(request(Json::array({user("x")}), Json::parse(R"({"container":"c","speed":"fast","service_tier":"auto",
    "context_management":{"edits":[]},"tools":[{"name":"f","input_schema":{},"defer_loading":true,"eager_input_streaming":false}]})")));
  EXPECT_EQ(out.lossy, (std::vector<std::string>{"container", "speed", "context_management", "tools.defer_loading"}));
}

TEST(CanonicalMessages, TheMarkOfTheRequestStandsOnItsLastBlock) {
  const auto out = good(request(Json::array({user("x")}), Json::parse(R"({"cache_control":{"type":"ephemeral"}})")));
  EXPECT_EQ(out.messages[0].parts[0].cache, CacheMark::five_minutes);
}

TEST(CanonicalMessages, WhatOnlyAnthropicCanDoIsRefused) {
  const auto refused = [](const Json& more) { return refusal(request(Json::array({user("x")}), more)); };
  const std::string tool = refused(Json::parse(R"({"tools":[{"type":"web_search_20250305","name":"web_search"}]})"));
  EXPECT_NE(tool.find("tools[0].type"), std::string::npos) << tool;
  EXPECT_NE(tool.find("name a model that Anthropic itself serves"), std::string::npos) << tool;
  refused(Json::parse(R"({"mcp_servers":[{"type":"url","url":"https://x","name":"n"}]})"));
  EXPECT_TRUE(read(request(Json::array({user("x")}), Json::parse(R"({"mcp_servers":[]})"))));
  refusal(request(Json::array({user(Json::parse(R"([{"type":"image","source":{"type":"file","file_id":"f"}}])"))})));
  refusal(request(Json::array({user(Json::parse(R"([{"type":"container_upload","file_id":"f"}])"))})));
  refusal(request(Json::array({assistant(Json::parse(
      R"([{"type":"server_tool_use","id":"s","name":"web_search","input":{}},{"type":"web_search_tool_result","tool_use_id":"s","content":{"type":"e"}}])"))})));
}

TEST(CanonicalMessages, CallsAndResultsHaveToMatch) {
  const Json call = assistant(Json::parse(R"([{"type":"tool_use","id":"a","name":"f","input":{}}])"));
  const Json result = user(Json::parse(R"([{"type":"tool_result","tool_use_id":"a"}])"));
  EXPECT_TRUE(read(request(Json::array({user("x"), call, result}))));
  EXPECT_NE(refusal(request(Json::array({user("x"), call}))).find("without `tool_result`"), std::string::npos);
  EXPECT_NE(refusal(request(Json::array({user("x"), call, user("no")}))).find("without `tool_result`"),
            std::string::npos);
  EXPECT_NE(refusal(request(Json::array({user("x"), result}))).find("answers no `tool_use`"), std::string::npos);
  EXPECT_NE(refusal(request(Json::array({user("x"), call, result, result}))).find("answers no"), std::string::npos);
}

struct Bad {
  const char* members;
  const char* param;
};

class BadMembers : public ::testing::TestWithParam<Bad> {};

TEST_P(BadMembers, AreRefusedByName) {
  const auto out = read(request(Json::array({user("x")}), Json::parse(GetParam().members)));
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().param, GetParam().param) << out.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BadMembers,
    ::testing::Values(
        Bad{R"({"temperature":1.5})", "temperature"}, Bad{R"({"top_p":"x"})", "top_p"}, Bad{R"({"top_k":-1})", "top_k"},
        Bad{R"({"max_tokens":0})", "max_tokens"}, Bad{R"({"stop_sequences":"x"})", "stop_sequences"},
        Bad{R"({"thinking":{"type":"enabled"}})", "thinking.budget_tokens"},
        Bad{R"({"thinking":{"type":"enabled","budget_tokens":5}})", "thinking.budget_tokens"},
        Bad{R"({"thinking":{"type":"maybe"}})", "thinking.type"},
        Bad{R"({"output_config":{"effort":"huge"}})", "output_config.effort"},
        Bad{R"({"output_config":{"format":{"type":"json_schema"}}})", "output_config.format"},
        Bad{R"({"tool_choice":{"type":"function"}})", "tool_choice.type"},
        Bad{R"({"tool_choice":{"type":"tool"}})", "tool_choice.name"},
        Bad{R"({"tools":[{"name":"f"}]})", "tools[0].input_schema"},
        Bad{R"({"tools":[{"input_schema":{}}]})", "tools[0].name"}, Bad{R"({"metadata":5})", "metadata"},
        Bad{R"({"messages":[{"role":"user","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]}]})",
            "messages[0].content"},
        Bad{R"({"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":"{}"}]}]})",
            "messages[0].content[0].input"},
        Bad{R"({"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"not base64"}]}]})",
            "messages[0].content[0].signature"}));

// What goes to Anthropic by way of the canonical form is what came.
TEST(CanonicalMessages, ComeBackUnharmed) {
  const Json body = Json::parse(R"({"model":"claude-sonnet-4-5","max_tokens":4000,
    "system":[{"type":"text","text":"be brief","cache_control":{"type":"ephemeral"}}],
    "messages":[
      {"role":"user","content":[{"type":"text","text":"look"},
        {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}},
        {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"},"title":"t"}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},
        {"type":"redacted_thinking","data":"c2Vj"},{"type":"text","text":"I see."},
        {"type":"tool_use","id":"toolu_1","name":"f","input":{"a":[1,{"b":null}]}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"broken"},
        {"type":"image","source":{"type":"url","url":"https://x.example/a.png"}}],"is_error":true},
        {"type":"text","text":"go on","cache_control":{"type":"ephemeral","ttl":"1h"}}]}],
    "tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{"a":{}}},"strict":true,
      "cache_control":{"type":"ephemeral"}}],
    "tool_choice":{"type":"auto","disable_parallel_tool_use":true},
    "stop_sequences":["END"],"thinking":{"type":"enabled","budget_tokens":2000},
    "output_config":{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false}}},
    "metadata":{"user_id":"u-1"},"stream":true})");
  DialectTarget target;
  target.model = "claude-sonnet-4-5";
  target.stream = true;
  const auto call = encode_anthropic_request(good(body), target);
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_TRUE(call->lossy.empty()) << call->lossy.front();
  // Members may change their order, but not their meaning.
  EXPECT_EQ(nlohmann::json::parse(call->body), nlohmann::json::parse(body.dump()));
}

}  // namespace
}  // namespace tollgate::providers
