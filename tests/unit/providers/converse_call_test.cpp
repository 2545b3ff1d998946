// Converse as callers send it: what is indexed, what it becomes, which are refused.
#include <gtest/gtest.h>

#include "providers/converse_call.h"

namespace tollgate::providers {
namespace {

using Texts = std::vector<std::string>;

Result<Call> decode(std::string body) {
  return decode_converse_call(std::make_shared<const std::string>(std::move(body)), "m");
}

// One message of a user with these blocks.
std::string content(std::string_view blocks, std::string_view more = "") {
  return R"({"messages":[{"role":"user","content":[)" + std::string(blocks) + "]}]" + std::string(more) + "}";
}

Texts texts(const Result<Call>& call) {
  if (!call) return {call.error().message};
  Texts out;
  for (const TextField& field : call->index.texts)
    out.push_back(unescape_json(std::string_view(*call->body).substr(field.span.offset, field.span.length)));
  return out;
}

TEST(ConverseCall, IsIndexed) {
  const auto call = decode(R"({"messages":[{"content":[{"text":"a\n"}],"role":"assistant"},
    {"role":"user","content":[{"text":"b"}]}],"system":[{"text":"s"}],"inferenceConfig":{"maxTokens":9}})");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->model, "m");
  EXPECT_TRUE(call->index.include_usage);
  EXPECT_EQ(call->index.max_tokens, 9);
  EXPECT_EQ(texts(call), (Texts{"a\n", "b", "s"}));
  EXPECT_EQ(call->index.texts[0].role, Role::assistant);
  EXPECT_EQ(call->index.texts[2].role, Role::system);
  EXPECT_FALSE(call->index.opaque_parts);
  EXPECT_TRUE(upstream_edits(*call, "other").empty());
}

TEST(ConverseCall, EveryTextIsRead) {
  const auto call = decode(content(
      R"({"toolUse":{"toolUseId":"i","name":"f","input":{"name":"x","l":["y"]}}},)"
      R"({"toolResult":{"toolUseId":"i","content":[{"text":"r"},{"json":{"name":"j"}}],"status":"success"}},)"
      R"({"reasoningContent":{"reasoningText":{"text":"t","signature":"c2ln"}}},{"cachePoint":{"type":"default"}},)"
      R"({"document":{"format":"txt","name":"n","context":"c","source":{"text":"d"}}})"));
  EXPECT_EQ(texts(call), (Texts{"x", "y", "r", "j", "t", "n", "c", "d"}));
  ASSERT_TRUE(call);
  EXPECT_EQ(call->index.texts[2].role, Role::tool);
  EXPECT_FALSE(call->index.opaque_parts);
}

TEST(ConverseCall, TextsBesideTheMessagesAreRead) {
  EXPECT_EQ(texts(decode(content(R"({"text":"t"})",
                                 R"(,"toolConfig":{"tools":[{"toolSpec":{"name":"n","description":"d"}}]},)"
                                 R"("inferenceConfig":{"stopSequences":["E"]},"requestMetadata":{"a":"m"},)"
                                 R"("additionalModelRequestFields":{"x":{"y":"f"}},"somethingNew":["w"],)"
                                 R"("outputConfig":{"textFormat":{"type":"json_schema","structure":)"
                                 R"({"jsonSchema":{"schema":"{}","name":"q"}}}})"))),
            (Texts{"t", "d", "E", "m", "f", "w", "{}"}));
}

TEST(ConverseCall, WhatNoScannerReadsIsSaidToBeThere) {
  for (const char* block : {R"({"image":{"format":"png","source":{"bytes":"AA=="}}})",
                            R"({"document":{"format":"pdf","name":"n","source":{"s3Location":{"uri":"s3://b/k"}}}})",
                            R"({"newKind":{"a":1}})"}) {
    const auto call = decode(content(block));
    ASSERT_TRUE(call) << block;
    EXPECT_TRUE(call->index.opaque_parts) << block;
  }
  EXPECT_EQ(texts(decode(content(R"({"reasoningContent":{"redactedContent":"call me at home"}})"))),
            Texts{"call me at home"});
}

struct Refusal {
  const char* body;
  const char* param;
};

class ConverseRefusals : public ::testing::TestWithParam<Refusal> {};

TEST_P(ConverseRefusals, NameThePlace) {
  const auto call = decode(GetParam().body);
  ASSERT_FALSE(call);
  EXPECT_EQ(call.error().kind, ErrorKind::invalid_request);
  EXPECT_EQ(call.error().param, GetParam().param) << call.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ConverseRefusals,
    ::testing::Values(Refusal{"{}", "messages"}, Refusal{R"({"messages":[]})", "messages"},
                      Refusal{R"({"messages":["x"]})", "messages[0]"},
                      Refusal{R"({"messages":[{"role":5,"content":[]}]})", "messages[0].role"},
                      Refusal{R"({"messages":[{"role":"user","content":"x"}]})", "messages[0].content"},
                      Refusal{R"({"messages":[{"role":"user","content":["x"]}]})", "messages[0].content[0]"},
                      Refusal{R"({"messages":[{"role":"user","content":[{"text":"a","text":"b"}]}]})",
                              "messages[0].content[0]"},
                      Refusal{R"({"messages":[{"role":"user","content":[]}],"inferenceConfig":{"maxTokens":0}})",
                              "inferenceConfig.maxTokens"},
                      Refusal{"[]", ""}, Refusal{R"({"messages":)", ""}));

// --- canonical ---

CanonicalRequest canonical(const std::string& body) {
  auto out = canonicalise_converse(body);
  EXPECT_TRUE(out) << out.error().message;
  return out ? *std::move(out) : CanonicalRequest{};
}

std::string refusal(const std::string& body) {
  const auto out = canonicalise_converse(body);
  return out ? "taken" : out.error().message;
}

TEST(ConverseCanonical, BlocksAreTakenOver) {
  const auto request = canonical(R"({"messages":[
    {"role":"user","content":[{"text":"q"},{"cachePoint":{"type":"default","ttl":"1h"}},
      {"image":{"format":"jpeg","source":{"bytes":"AA=="}}},{"document":{"format":"csv","name":"n","source":{"bytes":"AA=="}}}]},
    {"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"r","signature":"c2ln"}}},
      {"toolUse":{"toolUseId":"i","name":"f","input":{"a":1}}}]},
    {"role":"user","content":[{"toolResult":{"toolUseId":"i","content":[{"json":{"d":4}}],"status":"error"}}]}],
    "system":[{"text":"s"},{"guardContent":{"text":{"text":"g"}}}]})");
  ASSERT_EQ(request.messages.size(), 4U);
  EXPECT_EQ(request.messages[0].text(), "sg");
  const auto& parts = request.messages[1].parts;
  EXPECT_EQ(parts[0].cache, CacheMark::one_hour);
  EXPECT_EQ(parts[1].media_type, "image/jpeg");
  EXPECT_EQ(parts[2].media_type, "text/csv");
  EXPECT_EQ(request.messages[2].parts[0].signature, "c2ln");
  EXPECT_TRUE(request.messages[3].parts[0].failed);
  EXPECT_EQ(request.messages[3].parts[0].content[0].text, R"({"d":4})");
}

TEST(ConverseCanonical, SettingsAreTakenOver) {
  const auto request = canonical(content(
      R"({"text":"q"})",
      R"(,"inferenceConfig":{"maxTokens":5,"temperature":0.5,"topP":0.9,"stopSequences":["E"]},)"
      R"("additionalModelRequestFields":{"top_k":3,"thinking":{"type":"enabled","budget_tokens":5000},"odd":1},)"
      R"("toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object"}},"strict":true}}],)"
      R"("toolChoice":{"tool":{"name":"f"}}},"serviceTier":{"type":"flex"},"promptVariables":{"a":{"text":"b"}})"));
  EXPECT_EQ(request.max_tokens, 5);
  EXPECT_EQ(request.top_k, 3);
  EXPECT_EQ(request.reasoning_budget, 5000);
  EXPECT_EQ(request.reasoning_effort, ReasoningEffort::medium);
  EXPECT_EQ(request.tool_choice.mode, ToolChoice::Mode::function);
  EXPECT_TRUE(request.tools.at(0).strict);
  EXPECT_EQ(request.lossy, (std::vector<std::string>{"additionalModelRequestFields.odd", "promptVariables"}));
}

TEST(ConverseCanonical, WhatOnlyBedrockHasIsRefusedByName) {
  EXPECT_NE(refusal(content(R"({"text":"q"})", R"(,"guardrailConfig":{})")).find("guardrail"), std::string::npos);
  EXPECT_NE(refusal(content(R"({"video":{"format":"mp4"}})")).find("video"), std::string::npos);
  EXPECT_NE(refusal(content(R"({"toolResult":{"toolUseId":"x","content":[]}})")).find("answers no"), std::string::npos);
  EXPECT_NE(
      refusal(R"({"messages":[{"role":"assistant","content":[{"toolUse":{"toolUseId":"i","name":"f","input":{}}}]}]})")
          .find("Expected toolResult"),
      std::string::npos);
}

}  // namespace
}  // namespace tollgate::providers
