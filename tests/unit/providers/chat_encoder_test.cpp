// What a client gets: the provider's own bytes where nothing changed, OpenAI's order where we write.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "providers/chat_encoder.h"

namespace tollgate::providers {
namespace {

using K = Event::Kind;

EncoderOptions options(bool stream, bool include_usage = false) {
  return {.stream = stream,
          .include_usage = include_usage,
          .id = "chatcmpl-1",
          .created = 42,
          .model = "ours",
          .strip_logprobs = false};
}

Batch frame(std::string_view json) {
  auto batch = decode_chat_event("data: " + std::string(json) + "\n\n", json, 6);
  EXPECT_TRUE(batch) << json;
  return batch ? std::move(*batch) : Batch();
}

Event event(K kind, std::string text = {}, std::uint32_t block = 0) {
  Event out;
  out.kind = kind;
  out.text = std::move(text);
  out.block = block;
  return out;
}

Batch batch_of(std::vector<Event> events) {
  Batch out;
  out.events = std::move(events);
  return out;
}

std::string written(ChatEncoder& encoder, const Batch& batch, const std::vector<bool>& changed = {}) {
  std::string out;
  encoder.write(batch, changed, out);
  return out;
}

std::string finished(ChatEncoder& encoder) {
  std::string out;
  encoder.finish(out);
  return out;
}

constexpr std::string_view kChunk =
    R"({ "id":"chatcmpl-9","x":1e400,"created":7,"model":"theirs","choices":[{"index":0,"delta":{"content":"a\u00e9"}}],"y":"\/"})";

std::string sse(std::string_view json) { return "data: " + std::string(json) + "\n\n"; }

TEST(ChatEncoder, PassesAnUntouchedFrameByteForByte) {
  ChatEncoder encoder(options(true));
  EXPECT_EQ(written(encoder, frame(kChunk)), sse(kChunk));
  EXPECT_EQ(written(encoder, frame("[DONE]")), "data: [DONE]\n\n");
  EXPECT_EQ(finished(encoder), "");
}

TEST(ChatEncoder, ReplacesOnlyTheInsideOfAChangedText) {
  ChatEncoder encoder(options(true));
  Batch batch = frame(kChunk);
  batch.events[0].text = "\"new\"\n";
  std::string want = sse(kChunk);
  want.replace(want.find(R"(a\u00e9)"), 7, R"(\"new\"\n)");
  EXPECT_EQ(written(encoder, batch, {true}), want);
}

TEST(ChatEncoder, AddsTheEndMarkerThatTheProviderLeftOut) {
  ChatEncoder encoder(options(true));
  written(encoder, frame(kChunk));
  EXPECT_EQ(finished(encoder), "data: [DONE]\n\n");
  EXPECT_EQ(finished(encoder), "");
}

TEST(ChatEncoder, HidesUsageThatTheCallerDidNotAskFor) {
  const std::string null_usage = R"({"id":"i","choices":[{"index":0,"delta":{"content":"x"}}],"usage":null})";
  const std::string extra = R"({"id":"i","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}})";
  ChatEncoder without(options(true, false));
  EXPECT_EQ(written(without, frame(null_usage)), sse(R"({"id":"i","choices":[{"index":0,"delta":{"content":"x"}}]})"));
  EXPECT_EQ(written(without, frame(extra)), "");
  ChatEncoder with(options(true, true));
  EXPECT_EQ(written(with, frame(null_usage)), sse(null_usage));
  EXPECT_EQ(written(with, frame(extra)), sse(extra));
}

TEST(ChatEncoder, StripsLogprobsOnRequest) {
  auto given = options(true);
  given.strip_logprobs = true;
  ChatEncoder encoder(given);
  EXPECT_EQ(written(encoder, frame(R"({"choices":[{"delta":{"content":"x"},"logprobs":{"content":[]},"index":0}]})")),
            sse(R"({"choices":[{"delta":{"content":"x"},"logprobs":null,"index":0}]})"));
}

TEST(ChatEncoder, HeldBackTextLooksLikeTheProvidersOwn) {
  ChatEncoder encoder(options(true));
  written(encoder, frame(kChunk));
  written(encoder, frame(R"({"id":"","created":0,"model":"","choices":[],"prompt_filter_results":[]})"));
  std::string out;
  encoder.write_text(0, 0, K::text, "late\"", out);
  EXPECT_EQ(out, sse(R"({"id":"chatcmpl-9","object":"chat.completion.chunk","created":7,"model":"theirs","choices":)"
                     R"([{"index":0,"delta":{"content":"late\""},"logprobs":null,"finish_reason":null}]})"));
  out.clear();
  encoder.write_text(2, 1, K::arguments, "}", out);
  EXPECT_EQ(out, sse(R"({"id":"chatcmpl-9","object":"chat.completion.chunk","created":7,"model":"theirs","choices":)"
                     R"([{"index":2,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"}"}}]},)"
                     R"("logprobs":null,"finish_reason":null}]})"));
}

std::string own_chunk(std::string_view delta, std::string_view finish, std::string_view usage = "") {
  return sse(R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":42,"model":"ours","choices":[{"index":0,)"
             R"("delta":)" +
             std::string(delta) + R"(,"logprobs":null,"finish_reason":)" + std::string(finish) + "}]" +
             std::string(usage) + "}");
}

TEST(ChatEncoder, WritesOpenAisOrderWhereThereAreNoFrames) {
  ChatEncoder encoder(options(true, true));
  std::string out = written(encoder, batch_of({event(K::text, "Hi")}));
  Event usage = event(K::usage);
  usage.usage.input = 3;
  usage.usage.output = 1;
  out += written(encoder, batch_of({event(K::finish, "stop"), usage}));
  out += finished(encoder);
  const std::string_view none = ",\"usage\":null";
  EXPECT_EQ(out,
            own_chunk(R"({"role":"assistant","content":"","refusal":null})", "null", none) +
                own_chunk(R"({"content":"Hi"})", "null", none) + own_chunk("{}", "\"stop\"", none) +
                sse(R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":42,"model":"ours","choices":[],)"
                    R"("usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4,"prompt_tokens_details":)"
                    R"({"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}})") +
                sse("[DONE]"));
}

TEST(ChatEncoder, GivesACallWithoutArgumentsAnEmptyObject) {
  ChatEncoder encoder(options(true));
  Event call = event(K::tool_call, "now");
  call.id = "call_1";
  const std::string out = written(encoder, batch_of({call, event(K::finish, "tool_calls")}));
  EXPECT_EQ(out, own_chunk(R"({"role":"assistant","content":"","refusal":null})", "null") +
                     own_chunk(R"({"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"now",)"
                               R"("arguments":""}}]})",
                               "null") +
                     own_chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]})", "null") +
                     own_chunk("{}", "\"tool_calls\""));
}

TEST(ChatEncoder, AssemblesAPlainAnswer) {
  ChatEncoder encoder(options(false));
  Event call = event(K::tool_call, "f", 1);
  call.id = "c";
  Event usage = event(K::usage);
  usage.usage.input = 3;
  usage.usage.output = 1;
  EXPECT_EQ(
      written(encoder, batch_of({event(K::text, "He"), event(K::text, "y"), call, event(K::arguments, "{\"a\"", 1)})),
      "");
  std::string out;
  encoder.write_text(0, 1, K::arguments, ":1}", out);
  EXPECT_EQ(out, "");
  written(encoder, batch_of({event(K::finish, "tool_calls"), usage}));
  EXPECT_EQ(
      finished(encoder),
      R"({"id":"chatcmpl-1","object":"chat.completion","created":42,"model":"ours","choices":[{"index":0,"message":)"
      R"({"role":"assistant","content":"Hey","refusal":null,"tool_calls":[{"id":"c","type":"function","function":)"
      R"({"name":"f","arguments":"{\"a\":1}"}}]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":)"
      R"({"prompt_tokens":3,"completion_tokens":1,"total_tokens":4,"prompt_tokens_details":{"cached_tokens":0},)"
      R"("completion_tokens_details":{"reasoning_tokens":0}}})");
}

constexpr std::string_view kBody =
    R"({"id":"b","created":9,"model":"theirs", "choices":[{"index":0,"message":{"role":"assistant","content":"secret"},)"
    R"("finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2},"extra":[1.0]})";

TEST(ChatEncoder, EditsAWholeBodyInPlace) {
  auto batch = decode_chat_response(std::string(kBody));
  ASSERT_TRUE(batch);
  ChatEncoder untouched(options(false));
  EXPECT_EQ(written(untouched, *batch) + finished(untouched), kBody);
  ChatEncoder encoder(options(false));
  batch->events[0].text = "known";
  std::string want(kBody);
  want.replace(want.find("secret"), 6, "known");
  EXPECT_EQ(written(encoder, *batch, {true}) + finished(encoder), want);
}

TEST(ChatEncoder, StreamsAWholeBodyToACallerWhoAskedForAStream) {
  auto batch = decode_chat_response(std::string(kBody));
  ASSERT_TRUE(batch);
  ChatEncoder encoder(options(true));
  const std::string out = written(encoder, *batch) + finished(encoder);
  EXPECT_NE(out.find(R"("id":"b")"), std::string::npos) << out;
  EXPECT_NE(out.find(R"("delta":{"content":"secret"})"), std::string::npos) << out;
  EXPECT_NE(out.find(R"("finish_reason":"stop")"), std::string::npos) << out;
  EXPECT_TRUE(out.ends_with("data: [DONE]\n\n")) << out;
}

TEST(ChatEncoder, CollectsAStreamForACallerWhoAskedForABody) {
  ChatEncoder encoder(options(false));
  EXPECT_EQ(written(encoder, frame(kChunk)), "");
  EXPECT_EQ(written(encoder, frame("[DONE]")), "");
  const auto body = nlohmann::json::parse(finished(encoder));
  EXPECT_EQ(body.at("id"), "chatcmpl-9");
  EXPECT_EQ(body.at("choices").at(0).at("message").at("content"), "aé");
}

TEST(ChatEncoder, AFailureIsNeverFollowedByADone) {
  ChatEncoder encoder(options(true));
  written(encoder, frame(kChunk));
  std::string out;
  Error error{.kind = ErrorKind::upstream_error, .message = "gone", .code = "upstream_stream_interrupted"};
  error.upstream_body = "{\n}";
  encoder.fail(error, out);
  EXPECT_EQ(
      out,
      sse(R"({"error":{"message":"gone","type":"server_error","param":null,"code":"upstream_stream_interrupted"}})"));
  EXPECT_EQ(finished(encoder), "");
  EXPECT_EQ(written(encoder, frame("[DONE]")), "");
}

TEST(Models, AreListedAsOpenAiDoes) {
  const ModelEntry entry{"a\"b", 5, "me"};
  EXPECT_EQ(encode_model(entry), R"({"id":"a\"b","object":"model","created":5,"owned_by":"me"})");
  EXPECT_EQ(encode_model_list({entry, entry}),
            R"({"object":"list","data":[)" + encode_model(entry) + "," + encode_model(entry) + "]}");
  EXPECT_EQ(encode_model_list({}), R"({"object":"list","data":[]})");
}

TEST(ChatEncoder, SignedReasoningIsGivenWholeSoThatItCanComeBack) {
  const auto events = batch_of({event(K::reasoning, "h"), event(K::reasoning, "m"), event(K::signature, "U2ln"),
                                event(K::redacted, "QUJD"), event(K::text, "x")});
  const auto blocks = [](const nlohmann::json& message) { return message.at("thinking_blocks"); };
  const auto expected = nlohmann::json::parse(
      R"([{"type":"thinking","thinking":"hm","signature":"U2ln"},{"type":"redacted_thinking","data":"QUJD"}])");
  ChatEncoder plain(options(false));
  written(plain, events);
  const auto body = nlohmann::json::parse(finished(plain));
  EXPECT_EQ(blocks(body["choices"][0]["message"]), expected);
  EXPECT_EQ(body["choices"][0]["message"]["reasoning_content"], "hm");

  ChatEncoder stream(options(true));
  const std::string chunks = written(stream, events);
  EXPECT_NE(chunks.find(R"("thinking_blocks":[{"index":0,"type":"thinking","thinking":"hm","signature":"U2ln"}])"),
            std::string::npos);
  EXPECT_NE(chunks.find(R"("thinking_blocks":[{"index":1,"type":"redacted_thinking","data":"QUJD"}])"),
            std::string::npos);
}

TEST(ChatEncoder, ReasoningTooLongToBeKeptIsNotGivenInPart) {
  const auto events = batch_of({event(K::reasoning, std::string((1 << 20) + 1, 'x')), event(K::signature, "U2ln"),
                                event(K::reasoning, "y"), event(K::signature, "QUJD")});
  ChatEncoder plain(options(false));
  written(plain, events);
  const auto message = nlohmann::json::parse(finished(plain))["choices"][0]["message"];
  EXPECT_EQ(message["thinking_blocks"].dump(), R"([{"signature":"QUJD","thinking":"y","type":"thinking"}])");
  EXPECT_EQ(message["reasoning_content"].get<std::string>().size(), (1U << 20) + 2);
}

TEST(ChatEncoder, TheSignatureOfACallStandsBesideIt) {
  Event call = event(K::tool_call, "w");
  call.id = "c1";
  const auto events = batch_of({call, event(K::call_signature, "U2ln"), event(K::arguments, "{}")});
  ChatEncoder plain(options(false));
  written(plain, events);
  const auto body = nlohmann::json::parse(finished(plain));
  EXPECT_EQ(body["choices"][0]["message"]["tool_calls"][0]["extra_content"]["google"]["thought_signature"], "U2ln");
  ChatEncoder stream(options(true));
  EXPECT_NE(written(stream, events).find(R"("extra_content":{"google":{"thought_signature":"U2ln"}})"),
            std::string::npos);
}

}  // namespace
}  // namespace tollgate::providers
