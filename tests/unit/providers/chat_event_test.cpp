// What a provider's chunks and bodies decode to.
#include <gtest/gtest.h>

#include "providers/front_end.h"

namespace tollgate::providers {
namespace {

using K = Event::Kind;

Result<Batch> chunk(std::string_view json) {
  const std::string frame = "data: " + std::string(json) + "\n\n";
  return decode_chat_event(frame, json, 6);
}

Batch good(std::string_view json) {
  auto batch = chunk(json);
  EXPECT_TRUE(batch) << json;
  return batch ? std::move(*batch) : Batch();
}

std::string delta(std::string_view inside) {
  return R"({"id":"i","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{)" +
         std::string(inside) + R"(},"finish_reason":null}]})";
}

std::string_view at(const Batch& batch, std::optional<Span> span) {
  return span ? std::string_view(batch.frame).substr(span->offset, span->length) : std::string_view("(none)");
}

std::vector<K> kinds(const Batch& batch) {
  std::vector<K> out;
  for (const auto& event : batch.events) out.push_back(event.kind);
  return out;
}

TEST(ChatEvent, DecodesTextAndSaysWhereItLies) {
  const auto batch = good(delta(R"("content":"a\"\u00e9 b")"));
  ASSERT_EQ(kinds(batch), (std::vector{K::text}));
  EXPECT_EQ(batch.events[0].text, "a\"é b");
  EXPECT_EQ(at(batch, batch.events[0].span), R"(a\"\u00e9 b)");
  EXPECT_EQ(batch.served_model, "m");
  EXPECT_EQ(at(batch, batch.model_value), "\"m\"");
  EXPECT_EQ(at(batch, batch.id_value), "\"i\"");
  EXPECT_EQ(at(batch, batch.created_value), "5");
  EXPECT_FALSE(batch.usage_only);
}

TEST(ChatEvent, RoleOnlyIsAStart) {
  EXPECT_EQ(kinds(good(delta(R"("role":"assistant","content":"","refusal":null)"))), (std::vector{K::start}));
  EXPECT_EQ(kinds(good(delta(R"("role":"assistant")"))), (std::vector{K::start}));
  EXPECT_FALSE(good(delta(R"("role":"assistant","content":null)")).has_content());
}

TEST(ChatEvent, TellsTextKindsApart) {
  EXPECT_EQ(kinds(good(delta(R"("refusal":"no")"))), (std::vector{K::refusal}));
  EXPECT_EQ(kinds(good(delta(R"("content":null,"reasoning_content":"hm")"))), (std::vector{K::reasoning}));
  EXPECT_EQ(kinds(good(delta(R"("reasoning":"hm","content":"x")"))), (std::vector{K::reasoning, K::text}));
  EXPECT_EQ(kinds(good(delta(R"("audio":{"data":"AA"})"))), (std::vector{K::opaque}));
}

TEST(ChatEvent, ReadsContentParts) {
  const auto batch = good(
      delta(R"("content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"so"}])"));
  ASSERT_EQ(kinds(batch), (std::vector{K::reasoning, K::text}));
  EXPECT_EQ(batch.events[0].text, "hm");
  EXPECT_EQ(at(batch, batch.events[1].span), "so");
}

TEST(ChatEvent, OpensAToolCallOnceAndNumbersItsArguments) {
  auto batch =
      good(delta(R"("tool_calls":[{"function":{"arguments":"","name":"f"},"id":"c","type":"function","index":1}])"));
  ASSERT_EQ(kinds(batch), (std::vector{K::tool_call}));
  EXPECT_EQ(batch.events[0].block, 1u);
  EXPECT_EQ(batch.events[0].id, "c");
  EXPECT_EQ(batch.events[0].text, "f");

  batch = good(delta(R"("tool_calls":[{"index":1,"function":{"name":"","arguments":"{\"a\":"}}])"));
  ASSERT_EQ(kinds(batch), (std::vector{K::arguments}));
  EXPECT_EQ(batch.events[0].block, 1u);
  EXPECT_EQ(batch.events[0].text, "{\"a\":");
  EXPECT_EQ(at(batch, batch.events[0].span), R"({\"a\":)");

  batch = good(delta(R"("tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}},{"id":"d"}])"));
  ASSERT_EQ(kinds(batch), (std::vector{K::tool_call, K::arguments, K::tool_call}));
  EXPECT_EQ(batch.events[2].block, 1u);
}

TEST(ChatEvent, MakesAStringOfArgumentsSentAsAnObject) {
  const auto batch =
      good(delta(R"("tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":{"a":"b"}}}])"));
  ASSERT_EQ(kinds(batch), (std::vector{K::tool_call, K::arguments}));
  EXPECT_EQ(batch.events[1].text, R"({"a":"b"})");
  EXPECT_EQ(at(batch, batch.events[1].span), R"({\"a\":\"b\"})");
}

TEST(ChatEvent, NumbersChoicesWhereverTheIndexStands) {
  const auto batch = good(
      R"({"choices":[{"delta":{"content":"x"},"finish_reason":"stop","index":3},{"index":1,"delta":{"content":"y"}}]})");
  ASSERT_EQ(kinds(batch), (std::vector{K::text, K::finish, K::text}));
  EXPECT_EQ(batch.events[0].choice, 3u);
  EXPECT_EQ(batch.events[1].choice, 3u);
  EXPECT_EQ(batch.events[1].text, "stop");
  EXPECT_EQ(batch.events[2].choice, 1u);
}

TEST(ChatEvent, ReadsUsageWithItsDetails) {
  const auto batch = good(R"({"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,)"
                          R"("prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},)"
                          R"("completion_tokens_details":{"reasoning_tokens":3}}})");
  ASSERT_EQ(kinds(batch), (std::vector{K::usage}));
  const Usage& usage = batch.events[0].usage;
  EXPECT_EQ(usage.input, 10);
  EXPECT_EQ(usage.output, 7);
  EXPECT_EQ(usage.cached_input, 4);
  EXPECT_EQ(usage.cache_write, 2);
  EXPECT_EQ(usage.reasoning, 3);
  EXPECT_TRUE(batch.usage_only);
}

TEST(ChatEvent, DoesNotBelieveImpossibleUsage) {
  const auto usage = [](std::string_view inside) {
    return good(R"({"choices":[],"usage":{)" + std::string(inside) + "}}").events.at(0).usage;
  };
  EXPECT_FALSE(usage(R"("prompt_tokens":-1,"completion_tokens":2)").known());
  EXPECT_FALSE(usage(R"("prompt_tokens":1,"completion_tokens":99999999999999999)").known());
  EXPECT_FALSE(usage(R"("prompt_tokens":"1","completion_tokens":2)").known());
  EXPECT_EQ(usage(R"("prompt_tokens":5,"completion_tokens":2,"prompt_cache_hit_tokens":9)").cached_input, 5);
  EXPECT_EQ(usage(R"("prompt_tokens":5,"completion_tokens":2,"prompt_tokens_details":null)").cached_input, 0);
}

TEST(ChatEvent, UsageOnTheFinishChunkIsNotAnExtraChunk) {
  const auto batch = good(
      R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}})");
  EXPECT_EQ(kinds(batch), (std::vector{K::finish, K::usage}));
  EXPECT_FALSE(batch.usage_only);
}

TEST(ChatEvent, FindsTheNullUsageMemberWithItsComma) {
  EXPECT_EQ(at(good(R"({"choices":[], "usage" : null})"), good(R"({"choices":[], "usage" : null})").usage_member),
            R"(, "usage" : null)");
  const auto first = good(R"({"usage":null ,"choices":[]})");
  EXPECT_EQ(at(first, first.usage_member), R"("usage":null ,)");
  const auto only = good(R"({"usage":null})");
  EXPECT_EQ(at(only, only.usage_member), R"("usage":null)");
}

TEST(ChatEvent, FilterAnnotationsAreOpaque) {
  const auto prompt =
      good(R"({"id":"","created":0,"model":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]})");
  EXPECT_EQ(kinds(prompt), (std::vector{K::opaque}));
  EXPECT_FALSE(prompt.usage_only);
  const auto late = good(R"({"choices":[{"index":0,"finish_reason":null,"content_filter_results":{}}],"usage":null})");
  EXPECT_EQ(kinds(late), (std::vector{K::opaque}));
  EXPECT_TRUE(late.usage_member.has_value());
}

TEST(ChatEvent, SaysWhereLogprobsLie) {
  const auto batch =
      good(R"({"choices":[{"index":0,"delta":{"content":"x"},"logprobs":{"content":[{"token":"x"}]}}]})");
  ASSERT_EQ(kinds(batch), (std::vector{K::text, K::logprobs}));
  EXPECT_EQ(at(batch, batch.events[1].span), R"({"content":[{"token":"x"}]})");
}

TEST(ChatEvent, RecognisesTheEndMarker) {
  EXPECT_EQ(kinds(good("[DONE]")), (std::vector{K::done}));
  EXPECT_EQ(kinds(good("[DONE] ")), (std::vector{K::done}));
}

TEST(ChatEvent, RebuildsAFrameOfSeveralDataLines) {
  const auto batch =
      decode_chat_event("data: {\"choices\":\ndata: []}\r\n\r\n", "{\"choices\":\n[]}", std::string::npos);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->frame, "data: {\"choices\": []}\n\n");
}

struct Inside {
  std::string_view json;
  ErrorKind kind;
  bool words_are_for_the_caller;
};

class ErrorInside : public testing::TestWithParam<Inside> {};

TEST_P(ErrorInside, CountsAsTheStatusItStandsFor) {
  const auto batch = chunk(GetParam().json);
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().kind, GetParam().kind);
  EXPECT_EQ(batch.error().message.find("boom") != std::string::npos, GetParam().words_are_for_the_caller);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, ErrorInside,
    testing::Values(Inside{R"({"error":{"message":"boom","type":"server_error","param":null,"code":null}})",
                           ErrorKind::upstream_error, false},
                    Inside{R"({"error":"boom"})", ErrorKind::upstream_error, false},
                    Inside{R"({"object":"error","message":"boom","code":500})", ErrorKind::upstream_error, false},
                    Inside{R"({"choices":[{"index":0,"delta":{},"finish_reason":"error"}],"error":{"message":"boom"}})",
                           ErrorKind::upstream_error, false},
                    Inside{R"({"error":{"message":"boom","code":503}})", ErrorKind::overloaded, false},
                    Inside{R"({"error":{"message":"boom","code":200}})", ErrorKind::upstream_error, false},
                    Inside{R"({"error":{"message":"boom","type":"tokens","code":"rate_limit_exceeded"}})",
                           ErrorKind::rate_limited, false},
                    Inside{R"({"error":{"message":"boom","http_status_code":424}})", ErrorKind::upstream_error, false},
                    Inside{R"({"error":"boom","error_type":"validation"})", ErrorKind::invalid_request, true},
                    Inside{R"({"error":{"message":"boom","type":"invalid_request_error","code":null}})",
                           ErrorKind::invalid_request, true}));

TEST(ChatEvent, ANullErrorIsNone) { EXPECT_TRUE(chunk(R"({"choices":[],"error":null})")); }

TEST(ChatEvent, RefusesGarbage) {
  for (const std::string_view json :
       {"", "{", "hello", "[1]", "<html>", R"({"choices":[{"delta":{"content":"x}}]})", R"({"choices":[]}x)",
        R"({"choices":[{"delta":{"content":"\ud800"}}]})", "{\"choices\":[{\"delta\":{\"content\":\"\xFF\"}}]}"}) {
    const auto batch = chunk(json);
    ASSERT_FALSE(batch) << json;
    EXPECT_EQ(batch.error().kind, ErrorKind::upstream_error);
  }
  EXPECT_FALSE(chunk(std::string(1000, '[')));
}

TEST(ChatEvent, RefusesEveryTruncation) {
  const std::string whole =
      R"({"id":"i\u0041","created":5,"model":"m\u0041","choices":[{"index":0,"delta":{"content":"\ud83d\ude00","refusal":"r",)"
      R"("tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]},"logprobs":{"content":[]},)"
      R"("finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1}}})";
  EXPECT_TRUE(chunk(whole));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(chunk(whole.substr(0, length))) << length;
    EXPECT_FALSE(chunk(whole.substr(0, length) + "\x01")) << length;
    EXPECT_FALSE(decode_chat_response(whole.substr(0, length))) << length;
    EXPECT_FALSE(encode_error_body(decode_error_reply(400, whole.substr(0, length), "", "")).empty());
  }
}

TEST(ChatEvent, ToleratesOddShapes) {
  for (const std::string_view json :
       {R"({"choices":null})", R"({"choices":[1,null]})", R"({"choices":[{"delta":null}]})",
        R"({"model":7,"choices":[]})",
        R"({"choices":[{"index":-1,"delta":{"content":7,"tool_calls":null}}],"usage":[]})", R"({"detail":"x"})",
        R"({"choices":[{"delta":{"tool_calls":[7,{"function":null},{"index":"x","id":null}]}}]})"})
    EXPECT_TRUE(chunk(json)) << json;
}

TEST(ChatResponse, DecodesAWholeCompletion) {
  const auto batch = decode_chat_response(
      R"({"id":"i","object":"chat.completion","created":5,"model":"m","choices":[{"index":0,"message":{"role":"assistant",)"
      R"("content":"hi","refusal":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},)"
      R"("logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}})");
  ASSERT_TRUE(batch);
  EXPECT_EQ(kinds(*batch), (std::vector{K::text, K::tool_call, K::arguments, K::finish, K::usage, K::done}));
  EXPECT_TRUE(batch->whole_body);
  EXPECT_EQ(batch->events[4].usage.output, 2);
}

TEST(ChatResponse, RefusesWhatIsNoCompletion) {
  for (const char* body : {"", "<html>", "{}", R"({"message":"x"})", R"({"error":{"message":"boom"}})", "[]"}) {
    const auto batch = decode_chat_response(body);
    ASSERT_FALSE(batch) << body;
    EXPECT_EQ(batch.error().kind, ErrorKind::upstream_error);
  }
}

}  // namespace
}  // namespace tollgate::providers
