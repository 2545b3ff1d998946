// generateContent as callers send it: what is indexed, what it becomes, which are refused.
#include <gtest/gtest.h>

#include "providers/gemini_call.h"

namespace tollgate::providers {
namespace {

using Texts = std::vector<std::string>;

Result<Call> decode(std::string body) {
  return decode_gemini_call(std::make_shared<const std::string>(std::move(body)), "m");
}

// One content of a user with these parts.
std::string parts(std::string_view parts, std::string_view more = "") {
  return R"({"contents":[{"role":"user","parts":[)" + std::string(parts) + "]}]" + std::string(more) + "}";
}

Texts texts(const Result<Call>& call) {
  if (!call) return {call.error().message};
  Texts out;
  for (const TextField& field : call->index.texts)
    out.push_back(unescape_json(std::string_view(*call->body).substr(field.span.offset, field.span.length)));
  return out;
}

TEST(GeminiCall, IsIndexed) {
  const auto call = decode(R"({"contents":[{"parts":[{"text":"a\n"}],"role":"model"},{"parts":[{"text":"b"}]}],
    "systemInstruction":{"parts":[{"text":"s"}]},"generationConfig":{"maxOutputTokens":9,"candidateCount":2}})");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->model, "m");
  EXPECT_TRUE(call->index.include_usage);
  EXPECT_FALSE(call->index.stream);
  EXPECT_EQ(call->index.max_tokens, 9);
  EXPECT_EQ(call->index.n, 2);
  EXPECT_EQ(texts(call), (Texts{"a\n", "b", "s"}));
  EXPECT_EQ(call->index.texts[0].role, Role::assistant);
  EXPECT_EQ(call->index.texts[1].role, Role::user);
  EXPECT_EQ(call->index.texts[2].role, Role::system);
  EXPECT_FALSE(call->index.opaque_parts);
}

TEST(GeminiCall, GoesOutAsItCame) {
  const auto call = decode("{ \"contents\" :[{\"parts\":[{\"text\":\"x\"}]}],\t\"new\":1.0e0 }");
  ASSERT_TRUE(call);
  EXPECT_TRUE(upstream_edits(*call, "other").empty());
}

TEST(GeminiCall, BothSpellingsOfAMemberAreRead) {
  const auto call = decode(R"({"contents":[{"parts":[{"function_response":{"name":"f","response":{"a":"r"}}}]}],
    "system_instruction":{"parts":[{"text":"s"}]},"generation_config":{"max_output_tokens":7,"stop_sequences":["E"]}})");
  EXPECT_EQ(texts(call), (Texts{"r", "s", "E"}));
  ASSERT_TRUE(call);
  EXPECT_EQ(call->index.texts[0].role, Role::tool);
  EXPECT_EQ(call->index.max_tokens, 7);
}

TEST(GeminiCall, EveryTextIsRead) {
  EXPECT_EQ(texts(decode(parts(R"({"functionCall":{"name":"f","id":"i","args":{"id":"x","l":["y"]}}})"))),
            (Texts{"x", "y"}));
  EXPECT_EQ(texts(decode(parts(R"({"codeExecutionResult":{"outcome":"OK","output":"o"}})"))), (Texts{"OK", "o"}));
  EXPECT_EQ(texts(decode(parts(R"({"text":"t","thoughtSignature":"c2ln"})"))), Texts{"t"});
  EXPECT_EQ(texts(decode(parts(R"({"thoughtSignature":"call me at home"})"))), Texts{"call me at home"});
  EXPECT_EQ(texts(decode(parts(R"({"newPart":{"deep":["w"]}})"))), Texts{"w"});
  EXPECT_EQ(texts(decode(parts(R"({"text":"t"})", R"(,"newMember":{"words":["w"]},"labels":{"team":"l"})"))),
            (Texts{"t", "w", "l"}));
  EXPECT_EQ(
      texts(decode(parts(
          R"({"text":"t"})",
          R"(,"tools":[{"functionDeclarations":[{"name":"n","description":"d","parameters":{"type":"OBJECT"}}]}])"))),
      (Texts{"t", "d", "OBJECT"}));
}

TEST(GeminiCall, WhatNoScannerReadsIsSaidToBeThere) {
  for (const char* part : {R"({"inlineData":{"mimeType":"image/png","data":"AA=="}})",
                           R"({"file_data":{"file_uri":"gs://b/x.pdf"}})", R"({"newPart":1})"}) {
    const auto call = decode(parts(part));
    ASSERT_TRUE(call) << part;
    EXPECT_TRUE(call->index.opaque_parts) << part;
  }
  const auto cached = decode(parts(R"({"text":"t"})", R"(,"cachedContent":"cachedContents/1")"));
  ASSERT_TRUE(cached);
  EXPECT_TRUE(cached->index.opaque_parts);
}

struct Refusal {
  const char* body;
  const char* param;
};

class GeminiRefusals : public ::testing::TestWithParam<Refusal> {};

TEST_P(GeminiRefusals, NameThePlace) {
  const auto call = decode(GetParam().body);
  ASSERT_FALSE(call);
  EXPECT_EQ(call.error().kind, ErrorKind::invalid_request);
  EXPECT_EQ(call.error().param, GetParam().param) << call.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, GeminiRefusals,
    ::testing::Values(Refusal{"{}", "contents"}, Refusal{R"({"contents":[]})", "contents"},
                      Refusal{R"({"contents":"x"})", "contents"}, Refusal{R"({"contents":["x"]})", "contents[0]"},
                      Refusal{R"({"contents":[{"parts":"x"}]})", "contents[0].parts"},
                      Refusal{R"({"contents":[{"parts":[5]}]})", "contents[0].parts[0]"},
                      Refusal{R"({"contents":[{"role":5}]})", "contents[0].role"},
                      Refusal{R"({"contents":[{"parts":[{"text":"a","text":"b"}]}]})", "contents[0].parts[0]"},
                      Refusal{R"({"contents":[{}],"contents":[{}]})", ""},
                      Refusal{R"({"contents":[{}],"generationConfig":{"candidateCount":9}})",
                              "generationConfig.candidateCount"},
                      Refusal{"[]", ""}, Refusal{R"({"contents":)", ""}));

TEST(GeminiCount, IsTheSameInsideAGenerateContentRequest) {
  const auto body = std::make_shared<const std::string>(
      R"({"generateContentRequest":{"model":"models/m","contents":[{"parts":[{"text":"a"}]}]}})");
  const auto call = decode_gemini_count_call(body, "m");
  EXPECT_EQ(texts(call), (Texts{"models/m", "a"}));
}

// --- canonical ---

CanonicalRequest canonical(const std::string& body) {
  auto out = canonicalise_gemini(body);
  EXPECT_TRUE(out) << out.error().message;
  return out ? *std::move(out) : CanonicalRequest{};
}

std::string refusal(const std::string& body) {
  const auto out = canonicalise_gemini(body);
  return out ? "taken" : out.error().message;
}

TEST(GeminiCanonical, CallsAndResultsFindEachOther) {
  const auto request = canonical(R"({"contents":[{"parts":[{"text":"q"}]},
    {"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":1}}},{"functionCall":{"id":"x","name":"f"}}]},
    {"role":"user","parts":[{"functionResponse":{"id":"x","name":"f","response":{"error":"no"}}}]},
    {"role":"function","parts":[{"functionResponse":{"name":"f","response":{"output":"yes"}}}]}]})");
  ASSERT_EQ(request.messages.size(), 4U);
  const auto& calls = request.messages[1].parts;
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].text, R"({"a":1})");
  EXPECT_EQ(calls[1].text, "{}");
  EXPECT_EQ(request.messages[2].role, Role::tool);
  EXPECT_EQ(request.messages[2].parts[0].id, "x");
  EXPECT_TRUE(request.messages[2].parts[0].failed);
  EXPECT_EQ(request.messages[3].parts[0].id, calls[0].id);
  EXPECT_EQ(request.messages[3].parts[0].content[0].text, "yes");
  EXPECT_FALSE(request.messages[3].parts[0].failed);
}

TEST(GeminiCanonical, ThoughtsArePutTogetherAgain) {
  const auto request = canonical(R"({"contents":[{"role":"model","parts":[{"text":"a","thought":true},
    {"text":"b","thought":true},{"text":"","thought":true,"thoughtSignature":"c2ln"},
    {"text":"","thought":true,"thoughtSignature":"dGc6cmVkc2Vj"},{"text":"t"}]}]})");
  const auto& parts = request.messages.at(0).parts;
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].text, "ab");
  EXPECT_EQ(parts[0].signature, "c2ln");
  EXPECT_EQ(parts[1].data, "c2Vj");
  EXPECT_EQ(parts[2].text, "t");
}

TEST(GeminiCanonical, ParametersAreTakenOver) {
  const auto request = canonical(parts(R"({"text":"q"})", R"(,"generationConfig":{"temperature":0.5,"topP":0.9,
    "topK":40.0,"maxOutputTokens":10,"seed":3,"candidateCount":2,"stopSequences":["E"],"presencePenalty":0.1,
    "frequencyPenalty":-0.1,"responseLogprobs":true,"logprobs":3,"thinkingConfig":{"thinkingBudget":2048}},
    "safetySettings":[],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f","g"]}})"));
  EXPECT_EQ(request.temperature, 0.5);
  EXPECT_EQ(request.top_k, 40);
  EXPECT_EQ(request.max_tokens, 10);
  EXPECT_EQ(request.n, 2);
  EXPECT_EQ(request.top_logprobs, 3);
  EXPECT_TRUE(request.logprobs);
  EXPECT_EQ(request.reasoning_effort, ReasoningEffort::low);
  EXPECT_EQ(request.reasoning_budget, 2048);
  EXPECT_EQ(request.tool_choice.mode, ToolChoice::Mode::required);
  EXPECT_EQ(request.tool_choice.allowed, (std::vector<std::string>{"f", "g"}));
  EXPECT_EQ(request.lossy, std::vector<std::string>{"safetySettings"});
}

TEST(GeminiCanonical, WhatOnlyGoogleHasIsRefusedByName) {
  const char* text = R"({"text":"q"})";
  EXPECT_NE(refusal(parts(text, R"(,"tools":[{"googleSearch":{}}])")).find("googleSearch"), std::string::npos);
  EXPECT_NE(refusal(parts(text, R"(,"cachedContent":"c")")).find("Google keeps"), std::string::npos);
  EXPECT_NE(refusal(parts(R"({"executableCode":{"code":"x"}})")).find("executableCode"), std::string::npos);
  EXPECT_NE(refusal(parts(R"({"functionResponse":{"name":"f","response":{}}})")).find("answers no"), std::string::npos);
  EXPECT_NE(refusal(R"({"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"}}]}]})")
                .find("no 'functionResponse'"),
            std::string::npos);
}

TEST(GoogleSchema, BecomesJsonSchema) {
  EXPECT_EQ(schema_from_google(R"({"type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true},
    "list":{"type":"ARRAY","items":{"any_of":[{"type":"INTEGER"},{"type":"NUMBER"}]},"maxItems":"3"}},
    "required":["type"],"property_ordering":["type"]})"),
            R"({"type":"object","properties":{"type":{"type":["string","null"]},"list":{"type":"array","items":)"
            R"({"anyOf":[{"type":"integer"},{"type":"number"}]},"maxItems":3}},"required":["type"]})");
}

TEST(GoogleSchema, IsClosedForAnswersAndStrictWhereEveryPropertyIsRequired) {
  const auto strict = closed_from_google(R"({"type":"OBJECT","properties":{"a":{"type":"STRING"}},"required":["a"]})");
  EXPECT_TRUE(strict.strict);
  EXPECT_NE(strict.text.find(R"("additionalProperties":false)"), std::string::npos);
  EXPECT_FALSE(closed_schema(R"({"type":"object","properties":{"a":{}}})").strict);
  EXPECT_FALSE(
      closed_schema(R"({"type":"object","properties":{"a":{}},"required":["a"],"additionalProperties":true})").strict);
  EXPECT_FALSE(closed_schema(R"({"type":"object"})").strict);
}

TEST(Base64, OfEitherAlphabetBecomesTheUsualOne) {
  EXPECT_EQ(standard_base64("_-8"), "/+8=");
  EXPECT_EQ(standard_base64("AA=="), "AA==");
}

}  // namespace
}  // namespace tollgate::providers
