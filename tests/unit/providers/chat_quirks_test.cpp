// What servers of OpenAI's chat API want otherwise: in bodies that are spliced, and in those that are written anew.
#include "providers/chat_quirks.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "providers/openai_chat.h"

namespace tollgate::providers {
namespace {

using Json = nlohmann::json;
using History = ChatQuirks::ReasoningHistory;

// Spliced, as the provider's own API is: with a model in front, which is inserted where the first member stands.
std::string spliced(const std::string& body, const ChatQuirks& quirks) {
  const auto call = decode_chat_request(std::make_shared<const std::string>(body), "path");
  EXPECT_TRUE(call) << body;
  if (!call) return {};
  auto edits = upstream_edits(*call, "m", quirks.stream_options);
  for (auto& edit : quirk_edits(*call, quirks)) edits.push_back(std::move(edit));
  return splice(body, std::move(edits));
}

Json written(const std::string& body, const ChatQuirks& quirks, bool stream = false) {
  auto request = canonicalise(body);
  EXPECT_TRUE(request) << body;
  if (!request) return {};
  DialectTarget target;
  target.model = "m";
  target.stream = stream;
  target.quirks = quirks;
  const auto call = encode_chat_request(std::move(*request), target);
  EXPECT_TRUE(call) << body;
  return call ? Json::parse(call->body) : Json();
}

TEST(QuirkEdits, TakeStreamOptionsOutWhereverTheyStand) {
  const ChatQuirks without{.stream_options = false};
  const std::string rest = R"("messages":[{"role":"user"}])";
  const std::string options = R"("stream_options" : {"include_usage":true})";
  EXPECT_EQ(spliced("{" + options + "," + rest + R"(,"stream":true})", without),
            R"({"model":"m",)" + rest + R"(,"stream":true})");
  EXPECT_EQ(spliced("{" + rest + R"(,"stream":true,)" + options + "}", without),
            R"({"model":"m",)" + rest + R"(,"stream":true})");
  EXPECT_EQ(spliced("{" + rest + " , " + options + R"(,"stream":true})", without),
            R"({"model":"m",)" + rest + R"( ,"stream":true})");
  EXPECT_EQ(spliced("{" + rest + R"(,"stream":true})", without), R"({"model":"m",)" + rest + R"(,"stream":true})");
}

TEST(QuirkEdits, GiveTheCapItsOlderName) {
  const ChatQuirks older{.old_cap_only = true};
  const std::string rest = R"({"model":"m","messages":[{"role":"user"}],)";
  EXPECT_EQ(spliced(rest + R"("max_completion_tokens" : 5})", older), rest + R"("max_tokens" : 5})");
  const std::string both = rest + R"("max_tokens":4,"max_completion_tokens":5})";
  EXPECT_EQ(spliced(both, older), both) << "no key may come twice";
  const std::string newer = rest + R"("max_completion_tokens":5})";
  EXPECT_EQ(spliced(newer, {}), newer);
}

constexpr std::string_view kLoop = R"({"messages":[
  {"role":"user","content":"a"},
  {"role":"assistant","content":"b","reasoning_content":"first"},
  {"role":"user","content":"c"},
  {"role":"assistant","content":null,"reasoning_content":"second","tool_calls":[
    {"id":"call_with_a_long_id","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},
  {"role":"tool","tool_call_id":"call_with_a_long_id","content":"d"}],
  "tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required","seed":7,"top_k":5})";

TEST(ChatQuirks, ReasoningGoesBackOnlyAsFarAsTheServerWantsIt) {
  const auto said = [](History history, bool short_name = false) {
    const Json body = written(std::string(kLoop), {.reasoning_history = history, .short_reasoning_name = short_name});
    const char* name = short_name ? "reasoning" : "reasoning_content";
    return body["messages"][1].value(name, "-") + " " + body["messages"][3].value(name, "-");
  };
  EXPECT_EQ(said(History::never), "- -");
  EXPECT_EQ(said(History::tool_loop), "- second");
  EXPECT_EQ(said(History::always), "first second");
  EXPECT_EQ(said(History::always, true), "first second");
}

TEST(ChatQuirks, EachWordIsTheServersOwn) {
  const std::string body(kLoop);
  EXPECT_EQ(written(body, {})["tool_choice"], "required");
  EXPECT_EQ(written(body, {.any_for_required = true})["tool_choice"], "any");
  EXPECT_EQ(written(body, {})["seed"], 7);
  const Json seeded = written(body, {.random_seed = true});
  EXPECT_EQ(seeded["random_seed"], 7);
  EXPECT_FALSE(seeded.contains("seed"));
  EXPECT_FALSE(written(body, {}).contains("top_k"));
  EXPECT_EQ(written(body, {.top_k = true})["top_k"], 5);
  EXPECT_TRUE(written(body, {}, true).contains("stream_options"));
  EXPECT_FALSE(written(body, {.stream_options = false}, true).contains("stream_options"));
}

TEST(ChatQuirks, CallsInTheHistoryAreSpeltAsTheServerReadsThem) {
  const auto arguments = [](const Json& body) { return body["messages"][3]["tool_calls"][0]["function"]["arguments"]; };
  EXPECT_EQ(arguments(written(std::string(kLoop), {})), R"({"x":1})");
  EXPECT_EQ(arguments(written(std::string(kLoop), {.argument_objects = true})), Json({{"x", 1}}));
  const Json short_ids = written(std::string(kLoop), {.short_tool_ids = true});
  const auto id = short_ids["messages"][3]["tool_calls"][0]["id"].get<std::string>();
  EXPECT_EQ(id.size(), 9U);
  EXPECT_EQ(id.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"), std::string::npos);
  EXPECT_EQ(short_ids["messages"][4]["tool_call_id"], id) << "a result keeps its call";
}

TEST(ChatQuirks, SignaturesOfCallsGoBackToGoogleOnly) {
  const std::string body =
      R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[
    {"id":"c","type":"function","function":{"name":"f","arguments":"{}"},
     "extra_content":{"google":{"thought_signature":"Z29v"}}}]},{"role":"tool","tool_call_id":"c","content":"d"}]})";
  const auto call = [&](const ChatQuirks& quirks) { return written(body, quirks)["messages"][1]["tool_calls"][0]; };
  EXPECT_FALSE(call({}).contains("extra_content")) << "OpenAI answers 400 to a member that it does not know";
  EXPECT_EQ(call({.call_signatures = true})["extra_content"]["google"]["thought_signature"], "Z29v");
}

TEST(Flavours, HaveNamesOfTheirOwnAndSpeakSomething) {
  std::set<std::string_view> names;
  for (const Flavour& flavour : flavours()) {
    EXPECT_TRUE(names.insert(flavour.name).second) << flavour.name;
    EXPECT_FALSE(flavour.apis.empty()) << flavour.name;
    EXPECT_FALSE(flavour.quirks.old_cap_only && flavour.max_completion_tokens) << flavour.name;
  }
}

}  // namespace
}  // namespace tollgate::providers
