// What Anthropic's events and bodies decode to.
#include <gtest/gtest.h>

#include "providers/messages_event.h"
#include "providers/sse.h"

namespace tollgate::providers {
namespace {

using K = Event::Kind;

Result<Batch> decode(std::string_view json) {
  const std::string frame = "event: e\ndata: " + std::string(json) + "\n\n";
  return decode_messages_event(frame, json, 15);
}

Batch good(std::string_view json) {
  auto batch = decode(json);
  EXPECT_TRUE(batch) << json;
  return batch ? std::move(*batch) : Batch();
}

std::vector<K> kinds(const Batch& batch) {
  std::vector<K> out;
  for (const auto& event : batch.events) out.push_back(event.kind);
  return out;
}

std::string_view at(const Batch& batch, std::optional<Span> span) {
  return span ? std::string_view(batch.frame).substr(span->offset, span->length) : std::string_view("(none)");
}

TEST(MessagesEvent, AStartIsNoContentButTellsUsage) {
  const auto batch = good(
      R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"usage":{"input_tokens":7,"cache_read_input_tokens":3,"cache_creation_input_tokens":1,"output_tokens":1}}})");
  EXPECT_EQ(kinds(batch), (std::vector{K::start, K::usage}));
  EXPECT_FALSE(batch.has_content());
  EXPECT_EQ(batch.served_model, "claude-x");
  EXPECT_EQ(at(batch, batch.id_value), "\"msg_1\"");
  EXPECT_EQ(at(batch, batch.model_value), "\"claude-x\"");
  EXPECT_EQ(batch.events[1].usage.input, 11);
}

TEST(MessagesEvent, TextLiesWhereItSays) {
  const auto batch =
      good(R"({"index":2,"delta":{"text":"a\"\u00e9","type":"text_delta"},"type":"content_block_delta"})");
  ASSERT_EQ(kinds(batch), (std::vector{K::text}));
  EXPECT_EQ(batch.events[0].text, "a\"é");
  EXPECT_EQ(batch.events[0].block, 2U);
  EXPECT_EQ(at(batch, batch.events[0].span), R"(a\"\u00e9)");
}

TEST(MessagesEvent, TellsDeltasApart) {
  const auto delta = [](std::string_view inside) {
    return kinds(good(R"({"type":"content_block_delta","index":0,"delta":{)" + std::string(inside) + "}}"));
  };
  EXPECT_EQ(delta(R"("type":"thinking_delta","thinking":"t")"), (std::vector{K::reasoning}));
  EXPECT_EQ(delta(R"("type":"signature_delta","signature":"c2ln")"), (std::vector{K::signature}));
  EXPECT_EQ(delta(R"("type":"input_json_delta","partial_json":"{\"a")"), (std::vector{K::arguments}));
  EXPECT_EQ(delta(R"("type":"input_json_delta","partial_json":"")"), (std::vector{K::opaque}));
  EXPECT_EQ(delta(R"("type":"something_new","x":1)"), (std::vector{K::opaque}));
  EXPECT_EQ(
      delta(
          R"("type":"citations_delta","citation":{"type":"char_location","cited_text":"c","document_title":"d","document_index":0})"),
      (std::vector{K::annotation, K::annotation}));
}

TEST(MessagesEvent, BlocksBeginAndEnd) {
  const auto begin = [](std::string_view block) {
    return good(R"({"type":"content_block_start","index":1,"content_block":)" + std::string(block) + "}");
  };
  EXPECT_EQ(kinds(begin(R"({"type":"text","text":""})")), (std::vector{K::start}));
  const auto call = begin(R"({"id":"toolu_1","type":"tool_use","name":"f","input":{ }})");
  ASSERT_EQ(kinds(call), (std::vector{K::tool_call}));
  EXPECT_EQ(call.events[0].id, "toolu_1");
  EXPECT_EQ(call.events[0].text, "f");
  EXPECT_EQ(call.events[0].block, 1U);
  EXPECT_EQ(kinds(begin(R"({"type":"redacted_thinking","data":"c2Vj"})")), (std::vector{K::redacted}));
  const auto found = begin(
      R"({"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","title":"t","url":"u","encrypted_content":"e"}]})");
  ASSERT_EQ(kinds(found), (std::vector{K::annotation}));
  EXPECT_EQ(found.events[0].text, "t");
  EXPECT_EQ(kinds(begin(R"({"type":"server_tool_use","id":"s","name":"web_search","input":{}})")),
            (std::vector{K::start}));
  const auto end = good(R"({"type":"content_block_stop","index":1})");
  EXPECT_EQ(kinds(end), (std::vector{K::block_end}));
  EXPECT_FALSE(end.has_content());
}

TEST(MessagesEvent, TheEndSaysWhyAndHowMuch) {
  const auto batch = good(
      R"({"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"END"},"usage":{"output_tokens":15,"output_tokens_details":{"thinking_tokens":4}}})");
  ASSERT_EQ(kinds(batch), (std::vector{K::finish, K::usage}));
  EXPECT_EQ(batch.events[0].text, "stop");
  EXPECT_EQ(batch.events[0].id, "END");
  const Usage whole =
      merged({.input = 11, .output = 1, .cached_input = 3, .cache_write = 1, .reasoning = 0}, batch.events[1].usage);
  EXPECT_EQ(whole.input, 11);
  EXPECT_EQ(whole.output, 15);
  EXPECT_EQ(whole.cached_input, 3);
  EXPECT_EQ(whole.reasoning, 4);
  EXPECT_EQ(kinds(good(R"({"type":"message_stop"})")), (std::vector{K::done}));
  EXPECT_EQ(kinds(good(R"({"type": "ping"})")), (std::vector{K::opaque}));
}

TEST(MessagesEvent, LaterUsageCountsAndWhatItLeavesOutStays) {
  const Usage before{.input = 11, .output = 1, .cached_input = 3, .cache_write = 1, .reasoning = 0};
  const auto later = [&](std::string_view usage) {
    return merged(before, good(R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":)" +
                               std::string(usage) + "}")
                              .events[1]
                              .usage);
  };
  EXPECT_EQ(later(R"({"output_tokens":5})").input, 11);
  EXPECT_EQ(later(R"({"output_tokens":5,"input_tokens":20})").input, 24);
  EXPECT_EQ(later(R"({"output_tokens":5,"input_tokens":20,"cache_read_input_tokens":0})").input, 20);
  EXPECT_EQ(later(R"({"output_tokens":5,"input_tokens":20,"cache_read_input_tokens":0})").cached_input, 0);
}

TEST(MessagesEvent, ErrorsAreKnownByTheirType) {
  const auto kind = [](std::string_view type) {
    const auto batch = decode(R"({"type":"error","error":{"type":")" + std::string(type) + R"(","message":"m"}})");
    EXPECT_FALSE(batch);
    return batch ? ErrorKind::internal : batch.error().kind;
  };
  EXPECT_EQ(kind("overloaded_error"), ErrorKind::overloaded);
  EXPECT_EQ(kind("rate_limit_error"), ErrorKind::rate_limited);
  EXPECT_EQ(kind("invalid_request_error"), ErrorKind::invalid_request);
  EXPECT_EQ(kind("authentication_error"), ErrorKind::upstream_error);
}

TEST(MessagesEvent, GarbageIsAnError) {
  for (const char* json : {"", "x", "[]", "{", R"({"type":"ping"} x)",
                           R"({"type":"content_block_delta","index":99999})", "{\"type\":\"\xff\"}"})
    EXPECT_FALSE(decode(json)) << json;
}

TEST(MessagesEvent, SeveralDataLinesBecomeOne) {
  SseParser parser(4096);
  parser.input() +=
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\ndata: "
      "\"delta\":{\"text\":\"x\"}}\n\n";
  const auto frame = parser.next();
  ASSERT_TRUE(frame && *frame);
  const auto batch = decode_messages_event(std::string((*frame)->raw), (*frame)->data, (*frame)->data_offset);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->frame,
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0, "
            "\"delta\":{\"text\":\"x\"}}\n\n");
  EXPECT_EQ(at(*batch, batch->events[0].span), "x");
}

TEST(MessagesResponse, IsDecodedWhole) {
  const auto batch = decode_messages_response(
      R"({"id":"msg_1","type":"message","role":"assistant","model":"c","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"text","text":"x","citations":[{"cited_text":"y"}]},{"type":"tool_use","id":"t","name":"f","input":{"a":"b"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}})");
  ASSERT_TRUE(batch);
  EXPECT_EQ(kinds(*batch), (std::vector{K::reasoning, K::signature, K::block_end, K::text, K::annotation, K::block_end,
                                        K::tool_call, K::arguments, K::block_end, K::finish, K::usage, K::done}));
  EXPECT_EQ(batch->events[3].block, 1U);
  EXPECT_EQ(batch->events[5].block, 1U);
  EXPECT_EQ(batch->events[7].text, R"({"a":"b"})");
  EXPECT_EQ(at(*batch, batch->events[7].span), R"({"a":"b"})");
  EXPECT_TRUE(batch->whole_body);
}

TEST(MessagesResponse, AnotherBodyIsAnError) {
  EXPECT_FALSE(decode_messages_response("{}"));
  EXPECT_FALSE(decode_messages_response("<html>"));
  const auto error = decode_messages_response(R"({"type":"error","error":{"type":"overloaded_error","message":"m"}})");
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().kind, ErrorKind::overloaded);
  EXPECT_FALSE(decode_count_response(R"({"tokens":1})"));
}

}  // namespace
}  // namespace tollgate::providers
