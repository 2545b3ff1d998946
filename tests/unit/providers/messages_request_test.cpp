// What a Messages request is taken for, and which are refused.
#include <gtest/gtest.h>

#include <algorithm>

#include "providers/messages_request.h"

namespace tollgate::providers {
namespace {

Result<Call> decode(std::string body) {
  return decode_messages_request(std::make_shared<const std::string>(std::move(body)), {});
}

// A request with these members beside the required ones.
std::string with(std::string_view members) {
  return R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}],)" + std::string(members) + "}";
}

// One message of a user with these blocks.
std::string content(std::string_view blocks) {
  return R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":[)" + std::string(blocks) + "]}]}";
}

std::vector<std::string> texts(const Result<Call>& call) {
  std::vector<std::string> out;
  if (!call) return {call.error().message};
  for (const TextField& field : call->index.texts)
    out.push_back(unescape_json(std::string_view(*call->body).substr(field.span.offset, field.span.length)));
  return out;
}

using Texts = std::vector<std::string>;

TEST(MessagesRequest, IsIndexed) {
  const auto call = decode(R"({"model":"claude","max_tokens":100,"stream":true,"messages":[
    {"role":"user","content":"a\n"},{"content":[{"type":"text","text":"b"}],"role":"assistant"}],"system":"s"})");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->api, Api::messages);
  EXPECT_EQ(call->model, "claude");
  EXPECT_TRUE(call->index.stream);
  EXPECT_TRUE(call->index.include_usage);
  EXPECT_EQ(call->index.max_tokens, 100);
  EXPECT_EQ(texts(call), (Texts{"a\n", "b", "s"}));
  EXPECT_EQ(call->index.texts[0].role, Role::user);
  EXPECT_EQ(call->index.texts[1].role, Role::assistant);
  EXPECT_EQ(call->index.texts[2].role, Role::system);
  EXPECT_FALSE(call->index.opaque_parts);
}

TEST(MessagesRequest, GoesOutAsItCameButForTheModel) {
  const auto call = decode(
      "{ \"model\" : \"a\", \"max_tokens\":1,\"stream\":true,\t\"messages\":[{\"role\":\"user\","
      "\"content\":\"x\"}] }");
  ASSERT_TRUE(call);
  EXPECT_EQ(splice(*call->body, upstream_edits(*call, "b")),
            "{ \"model\" : \"b\", \"max_tokens\":1,\"stream\":true,\t\"messages\":[{\"role\":\"user\","
            "\"content\":\"x\"}] }");
}

TEST(MessagesRequest, EveryTextOfABlockIsRead) {
  EXPECT_EQ(texts(decode(content(R"({"type":"tool_result","tool_use_id":"toolu_1","content":"r"})"))), Texts{"r"});
  EXPECT_EQ(texts(decode(content(
                R"({"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"r"}],"is_error":true})"))),
            Texts{"r"});
  EXPECT_EQ(
      texts(decode(content(
          R"({"source":{"data":"plain","media_type":"text/plain","type":"text"},"title":"t","context":"c","type":"document"})"))),
      (Texts{"plain", "t", "c"}));
  EXPECT_EQ(texts(decode(
                content(R"({"type":"document","source":{"type":"content","content":[{"type":"text","text":"in"}]}})"))),
            Texts{"in"});
  EXPECT_EQ(texts(decode(content(
                R"({"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"x"}]})"))),
            (Texts{"s", "t", "x"}));
  EXPECT_EQ(
      texts(decode(content(R"({"type":"text","text":"x","citations":[{"type":"char_location","cited_text":"y"}]})"))),
      (Texts{"x", "y"}));
}

TEST(MessagesRequest, WhatAToolWasGivenAndSaidIsRead) {
  const auto call = decode(R"({"model":"m","max_tokens":5,"messages":[
    {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},
      {"type":"tool_use","id":"t1","name":"f","input":{"id":"1","deep":[{"name":"n"}]}}]},
    {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"4"}]}]})");
  EXPECT_EQ(texts(call), (Texts{"hm", "1", "n", "4"}));
  ASSERT_TRUE(call);
  EXPECT_EQ(call->index.texts[1].role, Role::assistant);
  EXPECT_EQ(call->index.texts[3].role, Role::tool);
  EXPECT_FALSE(call->index.opaque_parts);
}

TEST(MessagesRequest, TextsBesideTheMessagesAreRead) {
  EXPECT_EQ(texts(decode(with(R"("system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}])"))),
            (Texts{"hi", "s"}));
  EXPECT_EQ(texts(decode(with(R"("metadata":{"user_id":"u"},"stop_sequences":["END"])"))), (Texts{"hi", "u", "END"}));
  EXPECT_EQ(
      texts(decode(with(
          R"("tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{"name":{"description":"p"}}}}])"))),
      (Texts{"hi", "d", "object", "p"}));
  EXPECT_EQ(texts(decode(with(R"("tool_choice":{"type":"tool","name":"f"},"thinking":{"type":"adaptive"})"))),
            Texts{"hi"});
  EXPECT_EQ(texts(decode(with(R"("something_new":{"type":"t","words":["w"]})"))), (Texts{"hi", "w"}));
}

TEST(MessagesRequest, WhatNoScannerReadsIsSaidToBeThere) {
  for (const char* block :
       {R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}})",
        R"({"type":"image","source":{"type":"url","url":"https://x.example/a.png"}})",
        R"({"type":"document","source":{"type":"file","file_id":"file_1"}})",
        R"({"type":"container_upload","file_id":"file_1"})", R"({"type":"new_kind","payload":"x"})"}) {
    const auto call = decode(content(block));
    ASSERT_TRUE(call) << block;
    EXPECT_TRUE(call->index.opaque_parts) << block;
  }
  const auto servers = decode(with(R"("mcp_servers":[{"type":"url","url":"https://x","authorization_token":"t"}])"));
  ASSERT_TRUE(servers);
  EXPECT_TRUE(servers->index.opaque_parts);
  EXPECT_EQ(texts(servers), Texts{"hi"});
}

TEST(MessagesRequest, ASealIsOnlyASealWhenItIsBase64) {
  EXPECT_EQ(texts(decode(content(R"({"type":"redacted_thinking","data":"c2VjcmV0+/=="})"))), Texts{});
  EXPECT_EQ(texts(decode(content(R"({"type":"redacted_thinking","data":"call me at home"})"))),
            Texts{"call me at home"});
}

struct Refusal {
  const char* body;
  const char* param;
};

class MessagesRefusals : public ::testing::TestWithParam<Refusal> {};

TEST_P(MessagesRefusals, NameThePlace) {
  const auto call = decode(GetParam().body);
  ASSERT_FALSE(call);
  EXPECT_EQ(call.error().kind, ErrorKind::invalid_request);
  EXPECT_EQ(call.error().param, GetParam().param) << call.error().message;
  EXPECT_FALSE(call.error().retryable);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, MessagesRefusals,
    ::testing::Values(
        Refusal{R"({"max_tokens":5,"messages":[{"role":"user","content":"x"}]})", "model"},
        Refusal{R"({"model":5,"max_tokens":5,"messages":[{"role":"user","content":"x"}]})", "model"},
        Refusal{R"({"model":"m","messages":[{"role":"user","content":"x"}]})", "max_tokens"},
        Refusal{R"({"model":"m","max_tokens":"5","messages":[{"role":"user","content":"x"}]})", "max_tokens"},
        Refusal{R"({"model":"m","max_tokens":1.5,"messages":[{"role":"user","content":"x"}]})", "max_tokens"},
        Refusal{R"({"model":"m","max_tokens":-1,"messages":[{"role":"user","content":"x"}]})", "max_tokens"},
        Refusal{R"({"model":"m","max_tokens":5})", "messages"},
        Refusal{R"({"model":"m","max_tokens":5,"messages":[]})", "messages"},
        Refusal{R"({"model":"m","max_tokens":5,"messages":{}})", "messages"},
        Refusal{R"({"model":"m","max_tokens":5,"messages":["x"]})", "messages[0]"},
        Refusal{R"({"model":"m","max_tokens":5,"messages":[{"content":"x"}]})", "messages[0].role"},
        Refusal{R"({"model":"m","max_tokens":5,"messages":[{"role":"tool","content":"x"}]})", "messages[0].role"},
        Refusal{R"({"model":"m","max_tokens":5,"messages":[{"role":"user"}]})", "messages[0].content"},
        Refusal{R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":5}]})", "messages[0].content"},
        Refusal{R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"text":"x"}]}]})",
                "messages[0].content[0].type"},
        Refusal{R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"text"}]}]})",
                "messages[0].content[0].text"},
        Refusal{R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x","role":"user"}]})",
                "messages[0]"},
        Refusal{R"({"model":"m","model":"n","max_tokens":5,"messages":[{"role":"user","content":"x"}]})", ""},
        Refusal{R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}],"system":5})", "system"},
        Refusal{R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}],"system":[{"type":"text"}]})",
                "system[0].text"},
        Refusal{R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}],"tools":{}})", "tools"},
        Refusal{R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}],"stream":1})", "stream"},
        Refusal{R"([])", ""}, Refusal{R"({"model":"m",)", ""},
        Refusal{R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}]} x)", ""}));

TEST(CountTokens, NeedsNoCap) {
  const auto body = std::make_shared<const std::string>(R"({"model":"m","messages":[{"role":"user","content":"x"}]})");
  const auto call = decode_count_tokens_request(body, {});
  ASSERT_TRUE(call);
  EXPECT_EQ(call->api, Api::count_tokens);
  EXPECT_FALSE(decode_messages_request(body, {}));
}

}  // namespace
}  // namespace tollgate::providers
