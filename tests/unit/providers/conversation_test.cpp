// Messages become turns that alternate, whatever order they came in; names become what a provider accepts.
#include "providers/conversation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/claude.h"
#include "providers/request_plan.h"
#include "providers/wire_names.h"

namespace tollgate::providers {
namespace {

using testing::ElementsAre;

std::vector<std::string> shape(const std::string& messages, Replay replay = Replay::none) {
  auto request = canonicalise(R"({"messages":[)" + messages + "]}");
  EXPECT_TRUE(request);
  const auto conversation = converse(*request, replay);
  if (!conversation) return {"refused: " + conversation.error().param};
  std::vector<std::string> out;
  for (const auto& part : conversation->system) out.push_back("system:" + part.text);
  for (const auto& turn : conversation->turns)
    for (const auto& part : turn.parts)
      out.push_back((turn.assistant ? "assistant:" : "user:") + (part.text.empty() ? part.id : part.text));
  return out;
}

std::string said(const std::string& role, const std::string& text) {
  return R"({"role":")" + role + R"(","content":")" + text + R"("})";
}

std::string calls(const std::vector<std::string>& ids) {
  std::string out;
  for (const auto& id : ids)
    out += (out.empty() ? "" : ",") + (R"({"id":")" + id + R"(","function":{"name":"f","arguments":"{}"}})");
  return R"({"role":"assistant","tool_calls":[)" + out + "]}";
}

std::string result(const std::string& id) { return R"({"role":"tool","content":"","tool_call_id":")" + id + R"("})"; }

TEST(Conversation, NeighboursOfOneRoleAreOneTurn) {
  EXPECT_THAT(shape(said("user", "a") + "," + said("user", "b") + "," + said("assistant", "c")),
              ElementsAre("user:a", "user:b", "assistant:c"));
}

TEST(Conversation, TheUserSpeaksFirst) {
  EXPECT_THAT(shape(said("assistant", "hello")), ElementsAre("user:.", "assistant:hello"));
  EXPECT_THAT(shape(said("system", "be kind")), ElementsAre("system:be kind", "user:."));
  EXPECT_THAT(shape(said("user", " \\n")), ElementsAre("user:."));
}

TEST(Conversation, ResultsFollowTheirCallsInTheirOrder) {
  const auto both = calls({"1", "2"}) + "," + result("2") + "," + result("1") + ",";
  EXPECT_THAT(shape(said("user", "go") + "," + both + said("user", "so?")),
              ElementsAre("user:go", "assistant:{}", "assistant:{}", "user:1", "user:2", "user:so?"));
}

TEST(Conversation, ASecondResultOfTheSameCallIsNotNeeded) {
  EXPECT_THAT(shape(said("user", "go") + "," + calls({"1"}) + "," + result("1") + "," + result("1")),
              ElementsAre("user:go", "assistant:{}", "user:1"));
}

TEST(Conversation, CallsAndResultsMustMatch) {
  EXPECT_THAT(shape(calls({"1", "2"}) + "," + result("1") + "," + said("user", "so?")),
              ElementsAre("refused: messages[2]"));
  EXPECT_THAT(shape(calls({"1"})), ElementsAre("refused: messages[0]"));
  EXPECT_THAT(shape(calls({"1"}) + "," + result("2")), ElementsAre("refused: messages[1]"));
  EXPECT_THAT(shape(result("1")), ElementsAre("refused: messages[0]"));
}

TEST(WireNames, KeepGoodNamesAndMakeOthersGoodAndUnique) {
  WireNames names({"_-", 8, true});
  EXPECT_EQ(names.wire("good-1"), "good-1");
  EXPECT_EQ(names.wire("a.b"), "a_b");
  EXPECT_EQ(names.wire("a_b"), "a_b_2");
  EXPECT_EQ(names.wire("a.b"), "a_b");
  EXPECT_EQ(names.wire("1st"), "_1st");
  EXPECT_EQ(names.wire(""), "_");
  EXPECT_EQ(names.wire("very long name"), "very_lon");
  EXPECT_EQ(names.wire("very long name too"), "very_l_2");
  EXPECT_EQ(names.renamed().at("a_b"), "a.b");
  EXPECT_FALSE(names.renamed().contains("good-1"));
}

TEST(ClaudeVersion, IsReadFromEveryFormOfName) {
  const auto is = [](std::string_view name, int major, int minor) {
    EXPECT_EQ(claude_version(name), (ClaudeVersion{major, minor})) << name;
  };
  is("claude-3-opus-20240229", 3, 0);
  is("claude-3-5-sonnet-20241022", 3, 5);
  is("claude-3-7-sonnet-latest", 3, 7);
  is("claude-opus-4-20250514", 4, 0);
  is("claude-opus-4-1@20250805", 4, 1);
  is("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 4, 5);
  is("anthropic.claude-3-haiku-20240307-v1:0", 3, 0);
  is("claude-fable-5", 5, 0);
  is("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", 0, 0);
  is("my-alias", 0, 0);
}

TEST(ObjectSchema, SaysThatItIsAnObject) {
  EXPECT_EQ(object_schema(""), kEmptyObjectSchema);
  EXPECT_EQ(object_schema("{ }"), kEmptyObjectSchema);
  EXPECT_EQ(object_schema(R"({ "properties":{}})"), R"({"type":"object", "properties":{}})");
  EXPECT_EQ(object_schema(R"({"properties":{},"type":"object"})"), R"({"properties":{},"type":"object"})");
}

}  // namespace
}  // namespace tollgate::providers
