// Answers on their way to callers of generateContent: frames edited in place, and what is written here.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "providers/gemini_call.h"
#include "providers/gemini_event.h"

namespace tollgate::providers {
namespace {

using Json = nlohmann::ordered_json;
using K = Event::Kind;

EncoderOptions options(bool stream) {
  EncoderOptions out;
  out.stream = stream;
  out.id = "r";
  out.model = "m";
  return out;
}

Event event(K kind, std::string text, std::uint32_t block = 0, std::string id = {}) {
  Event out;
  out.kind = kind;
  out.text = std::move(text);
  out.block = block;
  out.id = std::move(id);
  return out;
}

// One batch an event.
std::string encode(const std::vector<Event>& events, bool stream) {
  const auto encoder = gemini_encoder(options(stream));
  std::string out;
  for (const Event& one : events) {
    Batch batch;
    batch.events.push_back(one);
    encoder->write(batch, {}, out);
  }
  encoder->finish(out);
  return out;
}

// The candidate's parts, streams put together.
Json parts_of(std::string_view stream) {
  Json out = Json::array();
  while (!stream.empty()) {
    const auto end = stream.find("\n\n");
    EXPECT_TRUE(stream.starts_with("data: ")) << stream;
    const Json chunk = Json::parse(stream.substr(6, end - 6));
    for (const Json& part : chunk["candidates"][0]["content"]["parts"]) out.push_back(part);
    stream.remove_prefix(end + 2);
  }
  return out;
}

std::vector<Event> conversation() {
  Event usage;
  usage.kind = K::usage;
  usage.usage = {.input = 11, .output = 5, .cached_input = 3, .cache_write = 0, .reasoning = 2};
  return {event(K::start, ""),
          event(K::reasoning, "Hm."),
          event(K::signature, "c2ln"),
          event(K::redacted, "c2Vj"),
          event(K::text, "Let me "),
          event(K::text, "see."),
          event(K::tool_call, "f", 0, "x"),
          event(K::call_signature, "c2ln"),
          event(K::tool_call, "g", 1),
          event(K::arguments, "{\"a\":", 0),
          event(K::arguments, "1}", 0),
          event(K::finish, "tool_calls"),
          usage};
}

TEST(GeminiEncoder, WritesACallWhole) {
  const Json parts = parts_of(encode(conversation(), true));
  ASSERT_EQ(parts.size(), 8U);
  EXPECT_EQ(parts[0].dump(), R"({"text":"Hm.","thought":true})");
  EXPECT_EQ(parts[1].dump(), R"({"text":"","thought":true,"thoughtSignature":"c2ln"})");
  EXPECT_EQ(parts[2].dump(), R"({"text":"","thought":true,"thoughtSignature":"dGc6cmVkc2Vj"})");
  EXPECT_EQ(parts[5].dump(), R"({"functionCall":{"id":"x","name":"f","args":{"a":1}},"thoughtSignature":"c2ln"})");
  EXPECT_EQ(parts[6].dump(), R"({"functionCall":{"id":"call_r_1","name":"g","args":{}}})");
}

TEST(GeminiEncoder, SaysTheSameWholeAndInPieces) {
  const Json body = Json::parse(encode(conversation(), false));
  EXPECT_EQ(body["candidates"][0]["finishReason"], "STOP");
  EXPECT_EQ(body["usageMetadata"].dump(), R"({"promptTokenCount":11,"candidatesTokenCount":3,"totalTokenCount":16,)"
                                          R"("cachedContentTokenCount":3,"thoughtsTokenCount":2})");
  EXPECT_EQ(body["modelVersion"], "m");
  std::string text;
  for (const Json& part : body["candidates"][0]["content"]["parts"])
    if (part.contains("text") && !part.contains("thought")) text += part["text"].get<std::string>();
  EXPECT_EQ(text, "Let me see.");
}

TEST(GeminiEncoder, EndsWithoutAFalseStopAfterAFailure) {
  const auto encoder = gemini_encoder(options(true));
  std::string out;
  encoder->fail(Error{.kind = ErrorKind::overloaded, .message = "busy"}, out);
  encoder->finish(out);
  EXPECT_TRUE(out.starts_with("data: {\"error\":{\"code\":503,"));
  EXPECT_EQ(out.find("finishReason"), std::string::npos);
}

TEST(GeminiEncoder, LeavesOutASignatureThatIsNoBytes) {
  const std::string out =
      encode({event(K::reasoning, "a"), event(K::signature, "not base64!"), event(K::text, "b")}, false);
  EXPECT_EQ(out.find("thoughtSignature"), std::string::npos);
}

TEST(GeminiEvent, TextsLieWhereItSays) {
  const std::string json = R"({"candidates":[{"content":{"parts":[{"thought":true,"text":"\u00e9"},{"text":"t"},)"
                           R"({"functionCall":{"name":"f","args":{"a":"x"}}}]},"index":1,"finishReason":"STOP",)"
                           R"("groundingMetadata":{"webSearchQueries":["q"],"uri":"u"}}]})";
  const auto batch = decode_gemini_event("data: " + json + "\n\n", json, 6);
  ASSERT_TRUE(batch);
  std::string kinds;
  for (const Event& e : batch->events) {
    kinds += std::to_string(static_cast<int>(e.kind)) + " ";
    EXPECT_EQ(e.choice, 1U);
    if (!e.span) continue;
    const std::string raw = batch->frame.substr(e.span->offset, e.span->length);
    EXPECT_EQ(e.kind == K::arguments ? raw : unescape_json(raw), e.text);
  }
  EXPECT_EQ(batch->events.back().kind, K::finish);
  EXPECT_EQ(batch->events.back().text, "tool_calls");
}

TEST(GeminiEvent, IsEditedInPlace) {
  const std::string json =
      R"({"candidates":[{"content":{"parts":[{"text":"a \u00e9"},{"functionCall":{"name":"f","args":{"to":"P"}}}]},"new":[1.0]}]})";
  auto batch = decode_gemini_event("data: " + json + "\n\n", json, 6);
  ASSERT_TRUE(batch);
  std::vector<bool> changed(batch->events.size());
  for (std::size_t i = 0; i < changed.size(); ++i) {
    Event& e = batch->events[i];
    changed[i] = e.kind == K::text || e.kind == K::arguments;
    if (e.kind == K::text) e.text = "b \"";
    if (e.kind == K::arguments) e.text = R"({"to":"Q"})";
  }
  std::string out;
  gemini_encoder(options(true))->write(*batch, changed, out);
  EXPECT_EQ(
      out,
      "data: "
      R"({"candidates":[{"content":{"parts":[{"text":"b \""},{"functionCall":{"name":"f","args":{"to":"Q"}}}]},"new":[1.0]}]})"
      "\n\n");
}

TEST(GeminiEvent, ABlockedPromptIsAnAnswer) {
  const auto batch = decode_gemini_response(R"({"promptFeedback":{"blockReason":"SAFETY"}})");
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->events[0].text, "content_filter");
  EXPECT_FALSE(decode_gemini_response("{}"));
}

TEST(GeminiError, HasGooglesForm) {
  Error error{.kind = ErrorKind::rate_limited, .message = "slow", .code = "rate_limit_exceeded"};
  error.retry_after = std::chrono::milliseconds(1500);
  const Json body = Json::parse(encode_gemini_error(error, "id"))["error"];
  EXPECT_EQ(body["code"], 429);
  EXPECT_EQ(body["status"], "RESOURCE_EXHAUSTED");
  EXPECT_EQ(body["details"][0]["reason"], "RATE_LIMIT_EXCEEDED");
  EXPECT_EQ(body["details"][1]["retryDelay"], "1.500s");
  EXPECT_EQ(body["details"][2]["requestId"], "id");
}

}  // namespace
}  // namespace tollgate::providers
