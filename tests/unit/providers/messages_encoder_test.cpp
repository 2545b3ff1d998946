// What a client of the Messages API is told, whoever answered.
#include <gtest/gtest.h>

#include "providers/messages_encoder.h"
#include "providers/messages_event.h"
#include "tests/unit/providers/messages_stream.h"

namespace tollgate::providers {
namespace {

using K = Event::Kind;
using testing::Json;
using testing::message_of;

Event make(K kind, std::string text = {}, std::uint32_t block = 0, std::string id = {}) {
  Event out;
  out.kind = kind;
  out.text = std::move(text);
  out.block = block;
  out.id = std::move(id);
  return out;
}

Event spent(std::int64_t input, std::int64_t output, std::int64_t cached = 0, std::int64_t written = 0) {
  Event out = make(K::usage);
  out.usage = {.input = input, .output = output, .cached_input = cached, .cache_write = written, .reasoning = 0};
  return out;
}

EncoderOptions options(bool stream) {
  EncoderOptions out;
  out.stream = stream;
  out.id = "msg_1";
  out.model = "claude";
  out.request_id = "req-1";
  return out;
}

// Each event in a batch of its own, or all in one.
std::string encode(const std::vector<Event>& events, bool stream, bool together = false) {
  MessagesEncoder encoder(options(stream));
  std::string out;
  Batch all;
  for (const Event& event : events) {
    Batch one;
    one.events = {event};
    all.events.push_back(event);
    if (!together) encoder.write(one, {}, out);
  }
  if (together) encoder.write(all, {}, out);
  encoder.finish(out);
  return out;
}

// The message, which has to be the same whichever way it is written.
Json message(const std::vector<Event>& events) {
  const Json streamed = message_of(encode(events, true));
  EXPECT_EQ(streamed, Json::parse(encode(events, false)));
  return streamed;
}

TEST(MessagesEncoder, WritesAMessage) {
  const auto out = message({make(K::start), make(K::text, "Hel"), make(K::text, "lo"), make(K::finish, "stop"),
                            spent(11, 5, 3, 1), make(K::done)});
  EXPECT_EQ(out.dump(), R"({"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[)"
                        R"({"type":"text","text":"Hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":)"
                        R"({"input_tokens":7,"cache_creation_input_tokens":1,"cache_read_input_tokens":3,)"
                        R"("output_tokens":5}})");
}

TEST(MessagesEncoder, ThinkingIsSignedWhereTheProviderSigned) {
  const auto out = message({make(K::reasoning, "hm"), make(K::signature, "c2ln"), make(K::redacted, "c2Vj", 1),
                            make(K::text, "x"), make(K::finish, "stop")});
  EXPECT_EQ(out["content"].dump(), R"([{"type":"thinking","thinking":"hm","signature":"c2ln"},)"
                                   R"({"type":"redacted_thinking","data":"c2Vj"},{"type":"text","text":"x"}])");
  const auto withheld = message({make(K::signature, "c2ln"), make(K::text, "x"), make(K::finish, "stop")});
  EXPECT_EQ(withheld["content"][0].dump(), R"({"type":"thinking","thinking":"","signature":"c2ln"})");
  const auto unsigned_one = message({make(K::reasoning, "hm"), make(K::text, "x"), make(K::finish, "stop")});
  EXPECT_EQ(unsigned_one["content"][0].dump(), R"({"type":"thinking","thinking":"hm","signature":""})");
}

TEST(MessagesEncoder, CallsComeOneAfterTheOther) {
  const auto out =
      message({make(K::text, "see"), make(K::tool_call, "f", 0, "call_a"), make(K::arguments, "{\"a\":", 0),
               make(K::arguments, "1}", 0), make(K::tool_call, "g", 1, "call_b"), make(K::arguments, "{\"b\":2}", 1),
               make(K::tool_call, "h", 2, "call_c"), make(K::finish, "tool_calls")});
  EXPECT_EQ(out["content"].dump(), R"([{"type":"text","text":"see"},)"
                                   R"({"type":"tool_use","id":"call_a","name":"f","input":{"a":1}},)"
                                   R"({"type":"tool_use","id":"call_b","name":"g","input":{"b":2}},)"
                                   R"({"type":"tool_use","id":"call_c","name":"h","input":{}}])");
  EXPECT_EQ(out["stop_reason"], "tool_use");
}

TEST(MessagesEncoder, CallsThatAreToldInterleavedAreTakenApart) {
  const auto out = message({make(K::tool_call, "f", 0, "a"), make(K::tool_call, "g", 1, "b"),
                            make(K::arguments, "{\"x\":", 0), make(K::arguments, "{\"y\":", 1),
                            make(K::arguments, "1}", 0), make(K::arguments, "2}", 1), make(K::finish, "stop")});
  EXPECT_EQ(out["content"][0]["input"].dump(), R"({"x":1})");
  EXPECT_EQ(out["content"][1]["input"].dump(), R"({"y":2})");
  EXPECT_EQ(out["stop_reason"], "tool_use");
}

TEST(MessagesEncoder, ACallKeepsItsSignature) {
  const std::vector<Event> events = {make(K::tool_call, "f", 0, "a"), make(K::arguments, "{}", 0),
                                     make(K::call_signature, "c2ln", 0), make(K::finish, "tool_calls")};
  const auto plain = Json::parse(encode(events, false));
  EXPECT_EQ(plain["content"][0]["extra_content"].dump(), R"({"google":{"thought_signature":"c2ln"}})");
  EXPECT_EQ(message_of(encode(events, true, true)), plain);
}

TEST(MessagesEncoder, ArgumentsThatAreNoObjectAreWrapped) {
  const auto out =
      message({make(K::tool_call, "f", 0, "a"), make(K::arguments, "not json", 0), make(K::finish, "stop")});
  EXPECT_EQ(out["content"][0]["input"].dump(), R"({"arguments":"not json"})");
}

TEST(MessagesEncoder, ACallWithoutAnIdGetsOne) {
  const auto out = message({make(K::tool_call, "f", 3), make(K::finish, "tool_calls")});
  EXPECT_EQ(out["content"][0]["id"], "toolu_msg_1_3");
}

TEST(MessagesEncoder, ReasonsAreAnthropics) {
  const auto reason = [](Event finish) {
    const auto out = message({make(K::text, "x"), std::move(finish)});
    return out["stop_reason"].dump() + out["stop_sequence"].dump();
  };
  EXPECT_EQ(reason(make(K::finish, "stop")), R"("end_turn"null)");
  EXPECT_EQ(reason(make(K::finish, "length")), R"("max_tokens"null)");
  EXPECT_EQ(reason(make(K::finish, "content_filter")), R"("refusal"null)");
  EXPECT_EQ(reason(make(K::finish, "stop", 0, "END")), R"("stop_sequence""END")");
  EXPECT_EQ(message({make(K::refusal, "I will not."), make(K::finish, "stop")})["stop_reason"], "refusal");
}

TEST(MessagesEncoder, AnEmptyAnswerIsAMessageToo) {
  EXPECT_EQ(message({make(K::finish, "content_filter")})["content"], Json::array());
}

TEST(MessagesEncoder, HeldBackPiecesGoIntoTheirBlockWhileItIsOpen) {
  MessagesEncoder encoder(options(true));
  std::string out;
  Batch text;
  text.events = {make(K::text, "a")};
  encoder.write(text, {}, out);
  encoder.write_text(0, 0, K::text, "b", out);
  Batch call;
  call.events = {make(K::tool_call, "f", 0, "id"), make(K::arguments, "{\"x\":\"", 0)};
  encoder.write(call, {}, out);
  encoder.write_text(0, 0, K::arguments, "c\"}", out);
  encoder.finish(out);
  const auto message = message_of(out);
  EXPECT_EQ(message["content"][0]["text"], "ab");
  EXPECT_EQ(message["content"][1]["input"]["x"], "c");
}

TEST(MessagesEncoder, AFailureIsAnErrorEventAndNoEnd) {
  MessagesEncoder encoder(options(true));
  std::string out;
  Batch text;
  text.events = {make(K::text, "a")};
  encoder.write(text, {}, out);
  out.clear();
  Error error{ErrorKind::overloaded, "busy"};
  error.upstream_body = "{\n}";
  encoder.fail(error, out);
  encoder.finish(out);
  EXPECT_EQ(out,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"},"
            "\"request_id\":\"req-1\"}\n\n");
}

// --- frames of Anthropic's own ---

Batch native(std::string_view json) {
  const std::string frame = "event: x\ndata: " + std::string(json) + "\n\n";
  auto batch = decode_messages_event(frame, json, 15);
  EXPECT_TRUE(batch) << json;
  return batch ? std::move(*batch) : Batch();
}

TEST(MessagesEncoder, EditsOnlyWhatWasRestored) {
  MessagesEncoder encoder(options(true));
  std::string out;
  Batch batch =
      native(R"({"type":"content_block_delta", "index":1,"delta":{"type":"text_delta","text":"T1","x":null}  })");
  encoder.write(batch, {false}, out);
  EXPECT_EQ(out, batch.frame);
  out.clear();
  batch.events[0].text = "a\"b";
  encoder.write(batch, {true}, out);
  EXPECT_EQ(out,
            "event: x\ndata: {\"type\":\"content_block_delta\", \"index\":1,\"delta\":{\"type\":\"text_delta\","
            "\"text\":\"a\\\"b\",\"x\":null}  }\n\n");
  out.clear();
  encoder.write_text(0, 1, K::text, "held", out);
  EXPECT_EQ(out,
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":"
            "{\"type\":\"text_delta\",\"text\":\"held\"}}\n\n");
}

TEST(MessagesEncoder, EditsAWholeInputAsJson) {
  auto batch = decode_messages_response(
      R"({"type":"message","id":"m","model":"c","content":[{"type":"tool_use","id":"t","name":"f","input":{"to": "T1"}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}})");
  ASSERT_TRUE(batch);
  MessagesEncoder encoder(options(false));
  std::string out;
  std::vector<bool> changed(batch->events.size());
  ASSERT_EQ(batch->events[1].kind, K::arguments);
  batch->events[1].text = R"({"to": "a\"b"})";
  changed[1] = true;
  encoder.write(*batch, changed, out);
  encoder.finish(out);
  EXPECT_EQ(Json::parse(out)["content"][0]["input"]["to"], "a\"b");
  EXPECT_TRUE(out.starts_with(R"({"type":"message","id":"m")"));
}

TEST(MessagesEncoder, WritesABodyThatCameForAStream) {
  auto batch = decode_messages_response(
      R"({"type":"message","id":"m","model":"c","content":[{"type":"text","text":"x"},{"type":"text","text":"y"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}})");
  ASSERT_TRUE(batch);
  MessagesEncoder encoder(options(true));
  std::string out;
  encoder.write(*batch, {}, out);
  encoder.finish(out);
  EXPECT_EQ(message_of(out)["content"].dump(), R"([{"type":"text","text":"x"},{"type":"text","text":"y"},)"
                                               R"({"type":"tool_use","id":"t","name":"f","input":{"a":1}}])");
}

TEST(MessagesEncoder, EndsAStreamWhoseProviderForgotTo) {
  MessagesEncoder encoder(options(true));
  std::string out;
  encoder.write(native(R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}})"),
                {}, out);
  out.clear();
  encoder.finish(out);
  EXPECT_EQ(out, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
}

TEST(CountEncoder, SaysWhatWasCountedOrEstimated) {
  CountEncoder estimated("input_tokens");
  std::string out;
  Batch batch;
  batch.events = {spent(42, -1), make(K::done)};
  estimated.write(batch, {}, out);
  estimated.finish(out);
  EXPECT_EQ(out, R"({"input_tokens":42})");
  CountEncoder counted("input_tokens");
  out.clear();
  auto body = decode_count_response(R"({"input_tokens": 14, "more": {}})");
  ASSERT_TRUE(body);
  counted.write(*body, {}, out);
  counted.finish(out);
  EXPECT_EQ(out, R"({"input_tokens": 14, "more": {}})");
}

// --- refusals ---

TEST(MessagesError, HasTheKindsOfTheApi) {
  const auto type = [](ErrorKind kind) {
    return Json::parse(encode_messages_error(Error{kind, "m"}, "r"))["error"]["type"].get<std::string>();
  };
  EXPECT_EQ(type(ErrorKind::unauthenticated), "authentication_error");
  EXPECT_EQ(type(ErrorKind::permission_denied), "permission_error");
  EXPECT_EQ(type(ErrorKind::not_found), "not_found_error");
  EXPECT_EQ(type(ErrorKind::invalid_request), "invalid_request_error");
  EXPECT_EQ(type(ErrorKind::payload_too_large), "request_too_large");
  EXPECT_EQ(type(ErrorKind::rate_limited), "rate_limit_error");
  EXPECT_EQ(type(ErrorKind::budget_exceeded), "billing_error");
  EXPECT_EQ(type(ErrorKind::overloaded), "overloaded_error");
  EXPECT_EQ(type(ErrorKind::upstream_timeout), "timeout_error");
  EXPECT_EQ(type(ErrorKind::internal), "api_error");
}

ErrorAnswer refusal(int status, std::string_view body) {
  ErrorAnswer out;
  out.status = status;
  out.body = body;
  return out;
}

TEST(MessagesError, AProvidersOwnWordsKeepTheirBytesButForTheId) {
  const std::string body =
      R"({"type":"error", "error":{"type":"invalid_request_error","message":"m","details":{"a":1}}, "request_id":"req_theirs"})";
  const auto error = decode_messages_error(refusal(400, body));
  EXPECT_EQ(
      encode_messages_error(error, "ours"),
      R"({"type":"error", "error":{"type":"invalid_request_error","message":"m","details":{"a":1}}, "request_id":"ours"})");
  const auto secret = decode_messages_error(refusal(401, body));
  EXPECT_EQ(encode_messages_error(secret, "ours").find("details"), std::string::npos);
}

TEST(MessagesModels, HaveAnthropicsForm) {
  EXPECT_EQ(
      encode_messages_model_list({{"a", 1735689600, "o"}, {"b", 0, "o"}}),
      R"({"data":[{"type":"model","id":"a","display_name":"a","created_at":"2025-01-01T00:00:00Z","lifecycle":"active"},)"
      R"({"type":"model","id":"b","display_name":"b","created_at":"1970-01-01T00:00:00Z","lifecycle":"active"}],)"
      R"("has_more":false,"first_id":"a","last_id":"b"})");
  EXPECT_EQ(encode_messages_model_list({}), R"({"data":[],"has_more":false,"first_id":null,"last_id":null})");
}

}  // namespace
}  // namespace tollgate::providers
