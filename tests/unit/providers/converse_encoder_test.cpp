// Answers on their way to callers of Converse: messages edited in place, and what is written here.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "providers/converse_call.h"
#include "providers/converse_event.h"
#include "providers/event_stream.h"
#include "tests/unit/providers/event_frames.h"

namespace tollgate::providers {
namespace {

using Json = nlohmann::ordered_json;
using K = Event::Kind;

std::unique_ptr<ClientEncoder> encoder_of(bool stream) {
  EncoderOptions options;
  options.stream = stream;
  options.id = "r";
  options.model = "m";
  return converse_encoder(std::move(options));
}

Event event(K kind, std::string text, std::uint32_t block = 0, std::string id = {}) {
  Event out;
  out.kind = kind;
  out.text = std::move(text);
  out.block = block;
  out.id = std::move(id);
  return out;
}

std::string encode(const std::vector<Event>& events, bool stream) {
  const auto encoder = encoder_of(stream);
  std::string out;
  Batch batch;
  batch.events = events;
  encoder->write(batch, {}, out);
  encoder->finish(out);
  return out;
}

// "type payload" of each message.
std::vector<std::string> messages_of(const std::string& stream) {
  EventStreamParser parser;
  parser.input() = stream;
  std::vector<std::string> out;
  for (auto message = parser.next(); message && *message; message = parser.next())
    out.push_back(std::string((*message)->event_type) + std::string((*message)->exception_type) + " " +
                  std::string((*message)->payload));
  EXPECT_TRUE(parser.at_boundary());
  return out;
}

std::vector<Event> conversation() {
  Event usage;
  usage.kind = K::usage;
  usage.usage = {.input = 11, .output = 5, .cached_input = 3, .cache_write = 1, .reasoning = 0};
  return {event(K::start, ""),
          event(K::reasoning, "Hm."),
          event(K::signature, "c2ln"),
          event(K::text, "See."),
          event(K::tool_call, "f", 0, "x"),
          event(K::arguments, "{\"a\":", 0),
          event(K::tool_call, "g", 1),
          event(K::arguments, "1}", 0),
          event(K::finish, "tool_calls"),
          usage};
}

TEST(ConverseEncoder, WritesTheEventsInBedrocksOrder) {
  const std::vector<std::string> expected = {
      R"(messageStart {"role":"assistant"})",
      R"(contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm."}}})",
      R"(contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}}})",
      R"(contentBlockStop {"contentBlockIndex":0})",
      R"(contentBlockDelta {"contentBlockIndex":1,"delta":{"text":"See."}})",
      R"(contentBlockStop {"contentBlockIndex":1})",
      R"(contentBlockStart {"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"x","name":"f"}}})",
      R"(contentBlockDelta {"contentBlockIndex":2,"delta":{"toolUse":{"input":"{\"a\":"}}})",
      R"(contentBlockDelta {"contentBlockIndex":2,"delta":{"toolUse":{"input":"1}"}}})",
      R"(contentBlockStop {"contentBlockIndex":2})",
      R"(contentBlockStart {"contentBlockIndex":3,"start":{"toolUse":{"toolUseId":"tooluse_r_1","name":"g"}}})",
      R"(contentBlockStop {"contentBlockIndex":3})",
      R"(messageStop {"stopReason":"tool_use"})",
      R"(metadata {"usage":{"inputTokens":7,"outputTokens":5,"totalTokens":16,"cacheReadInputTokens":3,)"
      R"("cacheWriteInputTokens":1},"metrics":{"latencyMs":0}})"};
  EXPECT_EQ(messages_of(encode(conversation(), true)), expected);
}

TEST(ConverseEncoder, WritesAWholeAnswer) {
  const Json body = Json::parse(encode(conversation(), false));
  EXPECT_EQ(body["output"]["message"]["content"].dump(),
            R"([{"reasoningContent":{"reasoningText":{"text":"Hm.","signature":"c2ln"}}},{"text":"See."},)"
            R"({"toolUse":{"toolUseId":"x","name":"f","input":{"a":1}}},)"
            R"({"toolUse":{"toolUseId":"tooluse_r_1","name":"g","input":{}}}])");
  EXPECT_EQ(body["stopReason"], "tool_use");
  EXPECT_EQ(body["usage"]["inputTokens"], 7);
}

TEST(ConverseEncoder, EndsWithoutAFalseStopAfterAFailure) {
  const auto encoder = encoder_of(true);
  std::string out;
  encoder->fail(Error{.kind = ErrorKind::rate_limited, .message = "slow"}, out);
  encoder->finish(out);
  EXPECT_EQ(messages_of(out), std::vector<std::string>{R"(throttlingException {"message":"slow"})"});
}

TEST(ConverseEvent, IsEditedInPlace) {
  const std::string frame = testing::event_message(
      "contentBlockDelta", R"({"contentBlockIndex":2, "delta":{"text":"caf\u00e9"},"new":1.0,"p":"ab"})");
  const auto message = read_event_message(frame);
  const auto offset = static_cast<std::size_t>(message.payload.data() - frame.data());
  auto batch = decode_converse_event(frame, message.payload, offset);
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->events.size(), 1U);
  EXPECT_EQ(batch->events[0].text, "caf\u00e9");
  EXPECT_EQ(batch->events[0].block, 2U);
  std::string same;
  encoder_of(true)->write(*batch, {false}, same);
  EXPECT_EQ(same, frame);
  batch->events[0].text = "a longer \"text\"";
  std::string changed;
  encoder_of(true)->write(*batch, {true}, changed);
  EXPECT_EQ(
      messages_of(changed),
      std::vector<std::string>{
          R"(contentBlockDelta {"contentBlockIndex":2, "delta":{"text":"a longer \"text\""},"new":1.0,"p":"ab"})"});
}

TEST(ConverseEvent, AWholeAnswerIsEditedInPlace) {
  auto batch = decode_converse_response(
      R"({"output":{"message":{"role":"assistant","content":[{"text":"a"},{"toolUse":{"toolUseId":"i","name":"f","input":{"to":"P"}}}]}},"stopReason":"tool_use","x":1.0})");
  ASSERT_TRUE(batch);
  std::vector<bool> changed(batch->events.size());
  for (std::size_t i = 0; i < changed.size(); ++i) {
    changed[i] = batch->events[i].kind == K::arguments;
    if (changed[i]) batch->events[i].text = R"({"to":"Q"})";
  }
  std::string out;
  encoder_of(false)->write(*batch, changed, out);
  EXPECT_EQ(
      out,
      R"({"output":{"message":{"role":"assistant","content":[{"text":"a"},{"toolUse":{"toolUseId":"i","name":"f","input":{"to":"Q"}}}]}},"stopReason":"tool_use","x":1.0})");
  EXPECT_FALSE(decode_converse_response(R"({"Output":{"__type":"x"},"Version":"1.0"})"));
}

TEST(EventStream, AMessageWrittenHereIsReadAgain) {
  const std::string raw = encode_event_message("event", "metadata", R"({"a":1})");
  const EventMessage message = read_event_message(raw);
  EXPECT_EQ(message.message_type, "event");
  EXPECT_EQ(message.event_type, "metadata");
  EXPECT_EQ(message.payload, R"({"a":1})");
  EXPECT_EQ(raw, testing::event_message("metadata", R"({"a":1})"));
  EXPECT_EQ(with_payload(raw, "{}"), encode_event_message("event", "metadata", "{}"));
}

TEST(ConverseError, HasAwssNames) {
  EXPECT_EQ(converse_error_type(Error{.kind = ErrorKind::rate_limited, .message = ""}), "ThrottlingException");
  EXPECT_EQ(converse_error_type(Error{.kind = ErrorKind::invalid_request, .message = ""}), "ValidationException");
  EXPECT_EQ(encode_converse_error(Error{.kind = ErrorKind::internal, .message = "\"x\""}, "id"),
            R"({"message":"\"x\""})");
}

}  // namespace
}  // namespace tollgate::providers
