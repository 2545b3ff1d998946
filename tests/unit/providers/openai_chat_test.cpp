// OpenAI's chat API as the dialect of a provider: what the canonical form can hold comes out as it went in.
#include "providers/openai_chat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tollgate::providers {
namespace {

using Json = nlohmann::json;

Result<DialectCall> encode(const std::string& body, DialectTarget target = {.model = "theirs"}) {
  auto request = canonicalise(body);
  EXPECT_TRUE(request) << (request ? "" : request.error().message);
  if (!request) return request.error();
  return encode_chat_request(std::move(*request), target);
}

Json sent(const std::string& body, DialectTarget target = {.model = "theirs"}) {
  const auto call = encode(body, std::move(target));
  EXPECT_TRUE(call) << (call ? "" : call.error().message);
  return call ? Json::parse(call->body) : Json();
}

constexpr std::string_view kFull = R"({
  "model": "theirs",
  "messages": [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": [
      {"type": "text", "text": "what is \"this\"?"},
      {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD", "detail": "low"}},
      {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
      {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
      {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,UERG"}},
      {"type": "file", "file": {"file_id": "file-1"}}]},
    {"role": "assistant", "content": null, "tool_calls": [
      {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
      {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "c1", "content": "one"},
    {"role": "tool", "tool_call_id": "c2", "content": "two"},
    {"role": "assistant", "content": "done", "refusal": "no"},
    {"role": "user", "content": "go on"}],
  "tools": [{"type": "function", "function": {"name": "f", "description": "d", "strict": true,
             "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}},
            {"type": "function", "function": {"name": "g"}}],
  "tool_choice": {"type": "function", "function": {"name": "f"}},
  "parallel_tool_calls": false,
  "response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": {"type": "object"}}},
  "max_tokens": 9, "temperature": 0.5, "top_p": 0.25, "frequency_penalty": 1.0, "presence_penalty": -1.0, "seed": 7,
  "logprobs": true, "top_logprobs": 3, "n": 2, "user": "u1", "reasoning_effort": "low", "stop": ["a", "b"]})";

TEST(OpenaiChat, WhatItReadsItWrites) { EXPECT_EQ(sent(std::string(kFull)), Json::parse(kFull)); }

TEST(OpenaiChat, AStreamAsksForItsUsage) {
  const Json body = sent(R"({"messages":[{"role":"user","content":"hi"}]})", {.model = "m", .stream = true});
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["stream_options"], Json({{"include_usage", true}}));
}

TEST(OpenaiChat, TheCapHasTwoNames) {
  const std::string body = R"({"messages":[],"max_tokens":5})";
  EXPECT_EQ(sent(body)["max_tokens"], 5);
  EXPECT_EQ(sent(body, {.model = "m", .max_completion_tokens = true})["max_completion_tokens"], 5);
}

TEST(OpenaiChat, AzuresOlderRoutesNameTheDeployment) {
  const auto call = encode(R"({"messages":[]})", {.model = "a b", .api_version = "2024-10-21"});
  ASSERT_TRUE(call);
  EXPECT_EQ(call->path, "/deployments/a%20b/chat/completions?api-version=2024-10-21");
}

TEST(OpenaiChat, ToolsMayBeLimitedToSome) {
  const std::string allowed =
      R"({"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}})";
  const Json body =
      sent(R"({"messages":[],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":)" + allowed + "}");
  EXPECT_EQ(body["tool_choice"], Json::parse(allowed));
}

TEST(OpenaiChat, NamesThatTheProviderRefusesComeBackAsTheyWere) {
  const auto call = encode(R"({"messages":[],"tools":[{"type":"function","function":{"name":"read file"}}]})");
  ASSERT_TRUE(call);
  EXPECT_EQ(Json::parse(call->body)["tools"][0]["function"]["name"], "read_file");
  const auto decoder = chat_decoder(call->answer, "application/json");
  decoder->input() = R"({"choices":[{"index":0,"finish_reason":"tool_calls","message":{"tool_calls":[
    {"id":"c","type":"function","function":{"name":"read_file","arguments":"{}"}}]}}]})";
  const auto batch = decoder->end();
  ASSERT_TRUE(batch && *batch);
  EXPECT_TRUE((*batch)->frame.empty()) << "the caller's API has another form";
  std::vector<std::string> names;
  for (const Event& event : (*batch)->events)
    if (event.kind == Event::Kind::tool_call) names.push_back(event.text);
  EXPECT_THAT(names, ::testing::ElementsAre("read file"));
}

TEST(OpenaiChat, AResultsImageFollowsInAMessageOfItsOwn) {
  CanonicalRequest request;
  CanonicalPart result;
  result.kind = CanonicalPart::Kind::tool_result;
  result.id = "c1";
  result.content.resize(2);
  result.content[0].text = "see";
  result.content[1].kind = CanonicalPart::Kind::image;
  result.content[1].media_type = "image/png";
  result.content[1].data = "QUJD";
  CanonicalPart text;
  text.text = "and?";
  request.messages.push_back({Role::user, {result, text}});
  const auto call = encode_chat_request(std::move(request), {.model = "m"});
  ASSERT_TRUE(call);
  EXPECT_EQ(Json::parse(call->body)["messages"], Json::parse(R"([
    {"role":"tool","tool_call_id":"c1","content":"see"},
    {"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}]},
    {"role":"user","content":"and?"}])"));
}

TEST(OpenaiChat, WhatIsLeftOutIsNamed) {
  const auto call = encode(
      R"({"messages":[{"role":"user","content":"x","cache_control":{"type":"ephemeral"}}],"top_k":3,"odd":1,
          "stop":["a","b","c","d"]})");
  ASSERT_TRUE(call);
  EXPECT_THAT(call->lossy, ::testing::UnorderedElementsAre("cache_control", "top_k", "odd"));
}

TEST(OpenaiChat, AFileByItsUrlIsRefusedAndNotDropped) {
  CanonicalRequest request;
  CanonicalPart file;
  file.kind = CanonicalPart::Kind::file;
  file.url = "https://example.com/a.pdf";
  request.messages.push_back({Role::user, {file}});
  EXPECT_FALSE(encode_chat_request(std::move(request), {.model = "m"}));
}

std::vector<std::string> texts_of_stream(const std::string& bytes, std::size_t piece) {
  const auto decoder = chat_decoder({}, "text/event-stream");
  std::vector<std::string> out;
  const auto take = [&](auto step) {
    for (auto batch = step(); batch && *batch; batch = step())
      for (const Event& event : (*batch)->events)
        out.push_back(std::to_string(static_cast<int>(event.kind)) + event.text);
  };
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    decoder->input() += bytes.substr(at, piece);
    take([&] { return decoder->next(); });
  }
  take([&] { return decoder->end(); });
  return out;
}

TEST(OpenaiChat, AStreamGivesTheSameWhereverItIsCut) {
  const std::string bytes =
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\\u00e9\"}}]}\r\n\r\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
  const auto whole = texts_of_stream(bytes, bytes.size());
  EXPECT_GE(whole.size(), 4u);
  for (std::size_t piece = 1; piece < 40; ++piece) EXPECT_EQ(texts_of_stream(bytes, piece), whole) << piece;
}

TEST(OpenaiChat, AStreamThatIsCutIsAnError) {
  const auto decoder = chat_decoder({}, "text/event-stream");
  decoder->input() = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
  ASSERT_TRUE(decoder->next());
  EXPECT_FALSE(decoder->end());
}

TEST(OpenaiChat, ARefusalsWordsStayAndItsFormDoesNot) {
  ErrorAnswer answer;
  answer.status = 400;
  answer.body = R"({"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"x"}})";
  const Error error = decode_chat_error(answer);
  EXPECT_EQ(error.message, "too long");
  EXPECT_TRUE(error.upstream_body.empty());
}

}  // namespace
}  // namespace tollgate::providers
