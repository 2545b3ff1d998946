// What a provider's Responses events say, and where their texts lie.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/responses.h"

namespace tollgate::providers {
namespace {

using testing::ElementsAre;
using K = Event::Kind;

Result<Batch> decode(const std::string& json) {
  const std::string frame = "event: x\ndata: " + json + "\n\n";
  return decode_responses_event(frame, std::string_view(frame).substr(15, json.size()), 15);
}

Batch decoded(const std::string& json) {
  auto batch = decode(json);
  EXPECT_TRUE(batch) << json << (batch ? "" : batch.error().message);
  return batch ? std::move(*batch) : Batch();
}

std::vector<K> kinds(const Batch& batch) {
  std::vector<K> out;
  for (const Event& event : batch.events) out.push_back(event.kind);
  return out;
}

std::string_view at(const Batch& batch, Span span) {
  return std::string_view(batch.frame).substr(span.offset, span.length);
}

struct Piece {
  const char* type;
  K kind;
};
class ResponsesDeltaTest : public testing::TestWithParam<Piece> {};

TEST_P(ResponsesDeltaTest, IsAPieceOfAText) {
  const Batch batch = decoded(R"({"output_index":2,"delta":"a\u00e9","type":")" + std::string(GetParam().type) +
                              R"(","sequence_number":7,"content_index":1})");
  ASSERT_EQ(batch.events.size(), 1u);
  const Event& event = batch.events[0];
  EXPECT_EQ(event.kind, GetParam().kind);
  EXPECT_EQ(event.text, "aé");
  EXPECT_FALSE(event.repeats);
  EXPECT_EQ(at(batch, *event.span), "a\\u00e9");
  EXPECT_EQ(at(batch, *batch.sequence_value), "7");
  EXPECT_TRUE(batch.has_content());
}

INSTANTIATE_TEST_SUITE_P(Kinds, ResponsesDeltaTest,
                         testing::Values(Piece{"response.output_text.delta", K::text},
                                         Piece{"response.refusal.delta", K::refusal},
                                         Piece{"response.reasoning_summary_text.delta", K::reasoning},
                                         Piece{"response.reasoning_text.delta", K::reasoning},
                                         Piece{"response.function_call_arguments.delta", K::arguments},
                                         Piece{"response.mcp_call_arguments.delta", K::arguments},
                                         Piece{"response.custom_tool_call_input.delta", K::text},
                                         Piece{"response.code_interpreter_call_code.delta", K::text}));

TEST(ResponsesEvent, PiecesOfDifferentTextsHaveDifferentBlocks) {
  const auto block = [](const char* members) {
    return decoded(R"({"type":"response.)" + std::string(members) + R"(,"delta":"x"})").events.at(0).block;
  };
  EXPECT_EQ(block(R"(output_text.delta","output_index":1,"content_index":0)"),
            block(R"(output_text.delta","output_index":1)"));
  EXPECT_NE(block(R"(output_text.delta","output_index":1)"), block(R"(output_text.delta","output_index":2)"));
  EXPECT_NE(block(R"(output_text.delta","content_index":1)"), block(R"(output_text.delta","content_index":2)"));
  EXPECT_NE(block(R"(reasoning_text.delta","content_index":0)"),
            block(R"(reasoning_summary_text.delta","summary_index":0)"));
}

TEST(ResponsesEvent, WhatIsSaidAgainIsMarked) {
  for (const char* json :
       {R"({"type":"response.output_text.done","text":"x"})", R"({"type":"response.refusal.done","refusal":"x"})",
        R"({"type":"response.content_part.done","part":{"type":"output_text","text":"x"}})",
        R"({"type":"response.output_item.done","item":{"type":"message","id":"m","content":[{"text":"x"}]}})",
        R"({"type":"response.output_text.annotation.added","annotation":{"type":"url_citation","title":"x"}})",
        R"({"type":"response.in_progress","response":{"id":"r","model":"m","instructions":"x","output":[]}})"}) {
    const Batch batch = decoded(json);
    ASSERT_EQ(batch.events.size(), 1u) << json;
    EXPECT_EQ(batch.events[0].text, "x");
    EXPECT_TRUE(batch.events[0].repeats) << json;
    EXPECT_FALSE(batch.has_content()) << "nothing new: a fallback is still possible";
  }
  const Batch batch = decoded(R"({"type":"response.function_call_arguments.done","arguments":"{}","name":"f"})");
  EXPECT_THAT(kinds(batch), ElementsAre(K::arguments));
  EXPECT_TRUE(batch.events[0].repeats);
}

TEST(ResponsesEvent, StartUpFramesAreNoContent) {
  for (const char* json : {R"({"type":"response.created","response":{"id":"resp_1","model":"m-1","output":[]}})",
                           R"({"type":"response.web_search_call.searching","item_id":"ws"})",
                           R"({"type":"response.output_item.added","item":{"type":"message","content":[]}})",
                           R"({"type":"response.future","anything":1})"})
    EXPECT_FALSE(decoded(json).has_content()) << json;
  const Batch created = decoded(R"({"type":"response.created","response":{"id":"resp_1","model":"m-1","output":[]}})");
  EXPECT_EQ(created.served_model, "m-1");
  EXPECT_EQ(at(created, *created.id_value), "\"resp_1\"");
}

TEST(ResponsesEvent, ACallOpensWithItsName) {
  const Batch batch = decoded(
      R"({"type":"response.output_item.added","output_index":1,"item":{"name":"f","call_id":"c","type":"function_call","arguments":""}})");
  ASSERT_THAT(kinds(batch), ElementsAre(K::tool_call));
  EXPECT_EQ(batch.events[0].text, "f");
  EXPECT_EQ(batch.events[0].id, "c");
}

TEST(ResponsesEvent, TheEndSaysWhyAndHowMuch) {
  const Batch batch = decoded(R"({"type":"response.completed","response":{"status":"completed","output":[],"usage":{
    "input_tokens":11,"input_tokens_details":{"cached_tokens":3,"cache_write_tokens":99},"output_tokens":5,
    "output_tokens_details":{"reasoning_tokens":2},"total_tokens":16}}})");
  ASSERT_THAT(kinds(batch), ElementsAre(K::finish, K::usage, K::done));
  EXPECT_EQ(batch.events[0].text, "stop");
  const Usage& usage = batch.events[1].usage;
  EXPECT_EQ(usage.input, 11);
  EXPECT_EQ(usage.output, 5);
  EXPECT_EQ(usage.cached_input, 3);
  EXPECT_EQ(usage.cache_write, 8) << "within the total it is part of";
  EXPECT_EQ(usage.reasoning, 2);
  const Batch cut = decoded(
      R"({"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"},"output":[]}})");
  EXPECT_THAT(kinds(cut), ElementsAre(K::finish, K::done));
  EXPECT_EQ(cut.events[0].text, "length");
}

TEST(ResponsesEvent, ErrorsOfEveryFormEndTheAnswer) {
  for (const char* json :
       {R"({"type":"error","sequence_number":3,"error":{"type":"x","code":"rate_limit_exceeded","message":"m"}})",
        R"({"type":"error","code":"rate_limit_exceeded","message":"m","param":null,"sequence_number":3})",
        R"({"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded"}}})"}) {
    const auto batch = decode(json);
    ASSERT_FALSE(batch) << json;
    EXPECT_EQ(batch.error().kind, ErrorKind::rate_limited) << json;
  }
  const auto filtered =
      decode(R"({"type":"error","error":{"code":"invalid_prompt","message":"Your prompt was flagged"}})");
  ASSERT_FALSE(filtered);
  EXPECT_EQ(filtered.error().message, "Your prompt was flagged") << "about the caller's request";
  EXPECT_EQ(decode(R"({"type":"error","error":{"message":"host db-7 is down"}})").error().message.find("db-7"),
            std::string::npos)
      << "about the provider's inside";
}

TEST(ResponsesEvent, GarbageIsAnError) {
  for (const char* json : {"7", "{}", "[]", "{\"type\":\"x\"", "{\"type\":\"x\"}y", "\xff"})
    EXPECT_FALSE(decode(json)) << json;
}

TEST(ResponsesEvent, SeveralDataLinesBecomeOne) {
  const auto batch =
      decode_responses_event("data: {\ndata: \"type\":\"response.output_text.delta\",\"delta\":\"x\"}\n\n",
                             "{\n\"type\":\"response.output_text.delta\",\"delta\":\"x\"}", std::string_view::npos);
  ASSERT_TRUE(batch);
  EXPECT_EQ(at(*batch, *batch->events.at(0).span), "x");
}

TEST(ResponsesBody, SaysWhatTheItemsSay) {
  const auto batch = decode_responses_body(R"({"id":"r","model":"m-1","status":"completed","instructions":"i","output":[
    {"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"s"}],"encrypted_content":"gAAA"},
    {"type":"message","content":[{"type":"output_text","text":"a","logprobs":[{"token":"a"}]}]},
    {"type":"function_call","call_id":"c","name":"f","arguments":"{\"b\":1}"}],
    "usage":{"input_tokens":1,"output_tokens":2}})");
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->whole_body);
  EXPECT_THAT(kinds(*batch),
              ElementsAre(K::text, K::text, K::text, K::logprobs, K::arguments, K::finish, K::usage, K::done));
  EXPECT_TRUE(batch->events[0].repeats) << "what the caller said";
  EXPECT_FALSE(batch->events[2].repeats);
  EXPECT_EQ(batch->served_model, "m-1");
}

TEST(ResponsesBody, AFailureInsideA200IsAnError) {
  EXPECT_FALSE(decode_responses_body(R"({"status":"failed","error":{"code":"server_error"},"output":[]})"));
  EXPECT_FALSE(decode_responses_body(R"({"error":{"message":"x"}})"));
  EXPECT_FALSE(decode_responses_body(R"({"status":"completed"})"));
  EXPECT_FALSE(decode_responses_body("<html>"));
}

}  // namespace
}  // namespace tollgate::providers
