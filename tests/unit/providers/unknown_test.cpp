// What stands in answers and no decoder knows is told by its name, in the provider's own API and in translation alike.
#include "providers/unknown.h"

#include <gtest/gtest.h>

#include "providers/front_end.h"
#include "providers/relay.h"
#include "tests/unit/providers/event_frames.h"
#include "tests/unit/providers/scripted_exchange.h"

namespace tollgate::providers {
namespace {

using Told = std::vector<std::string>;

Told told(const std::vector<Unknown>& found) {
  Told out;
  for (const Unknown& one : found) out.push_back(std::string(to_string(one.what)) + " " + one.name);
  return out;
}

// --- names ---

std::string name_of(std::string_view name) {
  std::vector<Unknown> found;
  note_unknown(Unknown::What::block, name, found);
  return found.at(0).name;
}

TEST(UnknownName, IsTheProvidersOwnInSmallLetters) {
  EXPECT_EQ(name_of("response.hologram.delta"), "response.hologram.delta");
  EXPECT_EQ(name_of("hologramResult"), "hologram_result");
  EXPECT_EQ(name_of("Hologram-2"), "hologram-2");
}

TEST(UnknownName, IsOtherWhereItCouldSayMoreThanAName) {
  for (const std::string_view name : {"", "jane.doe@example.com", "a b", "caf\xc3\xa9", "card4111111111111111", "{}"})
    EXPECT_EQ(name_of(name), "other") << name;
  EXPECT_EQ(name_of(std::string(64, 'a')), std::string(64, 'a'));
  EXPECT_EQ(name_of(std::string(65, 'a')), "other");
  EXPECT_EQ(name_of(std::string(40, 'A')), "other") << "too long once it is spelt in small letters";
}

TEST(UnknownName, IsNotedOnceAndAFewAtMost) {
  std::vector<Unknown> found;
  for (int round = 0; round < 2; ++round)
    for (char c = 'a'; c <= 'z'; ++c) note_unknown(Unknown::What::event, std::string(1, c), found);
  EXPECT_EQ(found.size(), 8U);
  EXPECT_EQ(found.front(), (Unknown{Unknown::What::event, "a"}));
}

TEST(UnknownMember, IsOneThatHoldsText) {
  const auto noted = [](std::string_view value) {
    const std::string json = "{\"new\":" + std::string(value) + ",\"next\":1}";
    constexpr std::string_view kKnown[] = {"old"};
    std::vector<Unknown> found;
    JsonReader reader(json);
    walk_object(reader, [&](std::string_view) { skip_member(reader, kKnown, found); });
    EXPECT_TRUE(reader.at_end()) << value;
    return told(found);
  };
  for (const std::string_view quiet : {"1", "true", "null", "\"\"", "[]", "{}", "[1,{\"a\":[null,\"\"]}]"})
    EXPECT_EQ(noted(quiet), Told{}) << quiet;
  for (const std::string_view text : {"\"x\"", "[1,\"x\"]", "{\"a\":{\"b\":[\"\",\"x\"]}}"})
    EXPECT_EQ(noted(text), Told{"member new"}) << text;
}

// --- answers ---

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kSse = "text/event-stream";
constexpr std::string_view kAws = "application/vnd.amazon.eventstream";

constexpr std::string_view kChatBody = R"({"model":"m","messages":[{"role":"user","content":"x"}]})";
constexpr std::string_view kMessagesBody = R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]})";
constexpr std::string_view kGeminiBody = R"({"contents":[{"parts":[{"text":"x"}]}]})";
constexpr std::string_view kConverseBody = R"({"messages":[{"role":"user","content":[{"text":"x"}]}]})";

std::string_view body_of(Api api) {
  switch (api) {
    case Api::messages:
      return kMessagesBody;
    case Api::gemini:
      return kGeminiBody;
    case Api::converse:
      return kConverseBody;
    case Api::responses:
    case Api::embeddings:
    case Api::moderations:
      return R"({"model":"m","input":"x"})";
    case Api::completions:
      return R"({"model":"m","prompt":"x"})";
    case Api::rerank:
      return R"({"model":"m","query":"x","documents":["x"]})";
    default:
      return kChatBody;
  }
}

// Whether the provider speaks the caller's API itself.
enum class Served : std::uint8_t { natively, translated };

// What a caller of `api` would be told to be unknown in an answer of a provider of that kind.
Told unknown_in(const std::string& kind, Api api, std::string_view content_type, std::string_view answer,
                Served served = Served::natively) {
  const bool in_path = api == Api::gemini || api == Api::converse;
  auto call = front_end(api).decode(std::make_shared<const std::string>(body_of(api)), in_path ? "m" : "");
  EXPECT_TRUE(call);
  call->index.stream = content_type != kJson;
  ProviderOptions options;
  options.kind = kind;
  options.endpoint = std::make_shared<const Endpoint>();
  options.apis = {served == Served::natively ? api : Api::chat};
  testing::ScriptedTransport transport(
      {.headers = {{"content-type", std::string(content_type)}}, .pieces = {std::string(answer)}});
  AttemptRequest request;
  request.call = std::make_shared<const Call>(*std::move(call));
  request.upstream_model = "m";
  request.request_id = "id";
  const auto stream = http_upstream(options, no_authorizer(), transport)->start(std::move(request));
  const auto received = testing::receive(*stream);
  EXPECT_FALSE(received.error) << received.error->message;
  Told out;
  for (const Batch& batch : received.batches)
    for (auto& one : told(batch.unknown)) out.push_back(std::move(one));
  return out;
}

// A provider of that kind, to callers of its own API and of another one.
struct Case {
  std::string_view name;
  std::string kind;
  Api own;
  Api other;
};
const Case kOpenAi{"openai", "openai_compatible", Api::chat, Api::messages};
const Case kAnthropic{"anthropic", "anthropic", Api::messages, Api::chat};
const Case kGemini{"gemini", "vertex", Api::gemini, Api::chat};
const Case kConverse{"converse", "bedrock", Api::converse, Api::chat};

void expect_told(const Case& provider, std::string_view content_type, std::string_view answer, const Told& expected) {
  EXPECT_EQ(unknown_in(provider.kind, provider.own, content_type, answer), expected) << answer;
  EXPECT_EQ(unknown_in(provider.kind, provider.other, content_type, answer, Served::translated), expected)
      << "translated: " << answer;
}

std::string chat_body(std::string_view message, std::string_view choice = "", std::string_view top = "") {
  return R"({"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant",)" +
         std::string(message) + R"(},"finish_reason":"stop")" + std::string(choice) + "}]" + std::string(top) + "}";
}

std::string chat_stream(std::string_view delta) {
  return R"(data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{)" +
         std::string(delta) + "}}]}\n\n" + R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})" +
         "\n\ndata: [DONE]\n\n";
}

TEST(UnknownInAnAnswer, ChatMembersAndParts) {
  expect_told(kOpenAi, kJson, chat_body(R"("content":"a","hologram":"x")"), {"member hologram"});
  expect_told(kOpenAi, kJson, chat_body(R"("content":"a")", R"(,"second_thoughts":["x"])"), {"member second_thoughts"});
  expect_told(kOpenAi, kJson, chat_body(R"("content":"a")", "", R"(,"footnote":{"text":"x"})"), {"member footnote"});
  expect_told(kOpenAi, kJson, chat_body(R"("content":{"text":"x"})"), {"member content"});
  expect_told(kOpenAi, kJson, chat_body(R"("content":[{"type":"text","text":"a"},{"type":"hologram","data":"x"}])"),
              {"block hologram"});
  expect_told(kOpenAi, kJson, chat_body(R"("content":null,"tool_calls":[{"id":"c","type":"beam","beam":{"to":"x"}}])"),
              {"member beam"});
  expect_told(kOpenAi, kSse, chat_stream(R"("hologram":"x")"), {"member hologram"});
}

TEST(UnknownInAnAnswer, NothingOfWhatServersOfTheChatApiSendToday) {
  constexpr std::string_view kOpenRouter =
      R"("content":"a","refusal":null,"reasoning":"r","reasoning_details":[{"type":"reasoning.text","text":"r","signature":"s"}],"annotations":[{"type":"url_citation","url_citation":{"title":"t"}}],"images":[{"type":"image_url","image_url":{"url":"data:"}}])";
  expect_told(
      kOpenAi, kJson,
      chat_body(
          kOpenRouter, R"(,"native_finish_reason":"STOP","logprobs":null)",
          R"(,"provider":"P","system_fingerprint":"f","service_tier":"default","usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2})"),
      {});
  expect_told(
      kOpenAi, kJson,
      chat_body(R"("content":"a","reasoning_content":"r","tool_calls":[])",
                R"(,"stop_reason":"</s>","token_ids":null,"matched_stop":"s")",
                R"(,"kv_transfer_params":{"a":"b"},"prompt_logprobs":null,"citations":["u"],"x_groq":{"id":"x"})"),
      {});
  expect_told(kOpenAi, kJson,
              chat_body(R"("content":"a","context":{"citations":[{"content":"c"}]})",
                        R"(,"content_filter_results":{"hate":{"severity":"safe"}})",
                        R"(,"prompt_filter_results":[{"content_filter_results":{"hate":{"severity":"safe"}}}])"),
              {});
  expect_told(
      kOpenAi, kJson,
      chat_body(
          R"("content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"s"}}}])"),
      {});
}

TEST(UnknownInAnAnswer, CompletionsAreReadLikeChat) {
  EXPECT_EQ(unknown_in("openai_compatible", Api::completions, kJson,
                       R"({"id":"1","choices":[{"index":0,"text":"a","echo_of":"x","finish_reason":"stop"}]})"),
            Told{"member echo_of"});
}

std::string message(std::string_view content, std::string_view top = "") {
  return R"({"id":"m","type":"message","role":"assistant","model":"c","stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1},"content":[{"type":"text","text":"a"},)" +
         std::string(content) + "]" + std::string(top) + "}";
}

std::string message_stream(std::string_view between) {
  return R"(data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"model":"c","usage":{"input_tokens":1}}})"
         "\n\n" +
         std::string(between) +
         "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}}\n\n"
         "data: {\"type\":\"message_stop\"}\n\n";
}

std::string event(std::string_view json) { return "data: " + std::string(json) + "\n\n"; }

TEST(UnknownInAnAnswer, MessagesEventsBlocksAndMembers) {
  expect_told(kAnthropic, kJson, message(R"({"type":"hologram","beam":1})"), {"block hologram"});
  expect_told(kAnthropic, kJson, message(R"({"type":"text","text":"b","gloss":"x"})"), {"member gloss"});
  expect_told(kAnthropic, kJson, message(R"({"type":"text","text":"b"})", R"(,"afterword":"x")"), {"member afterword"});
  expect_told(kAnthropic, kSse, message_stream(event(R"({"type":"hologram_start","index":0})")),
              {"event hologram_start"});
  expect_told(
      kAnthropic, kSse,
      message_stream(event(R"({"type":"content_block_start","index":0,"content_block":{"type":"hologram"}})") +
                     event(R"({"type":"content_block_delta","index":0,"delta":{"type":"beam_delta","text":"x"}})")),
      {"block hologram", "block beam_delta"});
}

TEST(UnknownInAnAnswer, NothingOfWhatAnthropicSendsToday) {
  expect_told(
      kAnthropic, kJson,
      message(
          R"({"type":"thinking","thinking":"t","signature":"c2ln"},{"type":"redacted_thinking","data":"ZGF0"},{"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"},"caller":{"type":"direct"}},{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","title":"t","url":"u","encrypted_content":"e","page_age":null}]},{"type":"container_upload","file_id":"f"},{"type":"mcp_tool_use","id":"i","name":"n","server_name":"s","input":{}},{"type":"text","text":"c","citations":[{"type":"char_location","cited_text":"c"}]})",
          R"(,"container":{"id":"c","expires_at":"t"},"context_management":{"applied_edits":[{"type":"e"}]},"stop_details":{"type":"refusal","category":"c"})"),
      {});
  expect_told(kAnthropic, kSse, message_stream(event(R"({"type":"ping"})")), {});
}

TEST(UnknownInAnAnswer, GeminiPartsAndMembers) {
  const auto answer = [](std::string_view part, std::string_view candidate = "", std::string_view top = "") {
    return R"({"candidates":[{"content":{"role":"model","parts":[{"text":"a"})" + std::string(part) +
           R"(]},"finishReason":"STOP")" + std::string(candidate) +
           R"(}],"usageMetadata":{"promptTokenCount":1,"totalTokenCount":1},"modelVersion":"m","responseId":"r")" +
           std::string(top) + "}";
  };
  expect_told(kGemini, kJson, answer(R"(,{"hologramData":{"data":"x"}})"), {"block hologram_data"});
  expect_told(kGemini, kJson, answer("", R"(,"afterword":"x")"), {"member afterword"});
  expect_told(kGemini, kJson, answer("", "", R"(,"advice":["x"])"), {"member advice"});
  expect_told(kGemini, kJson, answer(R"(,{"functionCall":{"name":"f","args":{},"partialArgs":[{"stringValue":"x"}]}})"),
              {"member partial_args"});
  expect_told(kGemini, kSse, event(answer(R"(,{"hologramData":{"data":"x"}})")), {"block hologram_data"});
  expect_told(
      kGemini, kJson,
      answer(
          R"(,{"inlineData":{"mimeType":"image/png","data":"AA"}},{"executableCode":{"language":"PYTHON","code":"1"}},{"thought":true,"text":"t","thoughtSignature":"c2ln"})",
          R"(,"safetyRatings":[{"category":"c","probability":"LOW"}],"groundingMetadata":{"webSearchQueries":["q"]},"urlContextMetadata":{"urlMetadata":[{"retrievedUrl":"u"}]},"avgLogprobs":-1)",
          R"(,"createTime":"t","modelStatus":{"modelStage":"STABLE"})"),
      {});
}

std::string converse_stream(const std::string& between) {
  return testing::event_message("messageStart", R"({"role":"assistant","p":"abc"})") +
         testing::event_message("contentBlockDelta", R"({"contentBlockIndex":0,"delta":{"text":"a"}})") + between +
         testing::event_message("contentBlockStop", R"({"contentBlockIndex":0})") +
         testing::event_message("messageStop", R"({"stopReason":"end_turn"})") +
         testing::event_message(
             "metadata", R"({"usage":{"inputTokens":1,"outputTokens":1},"metrics":{"latencyMs":1},"trace":{"t":"x"}})");
}

TEST(UnknownInAnAnswer, ConverseEventsBlocksAndMembers) {
  const auto answer = [](std::string_view block, std::string_view top = "") {
    return R"({"output":{"message":{"role":"assistant","content":[{"text":"a"})" + std::string(block) +
           R"(]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2},"metrics":{"latencyMs":1})" +
           std::string(top) + "}";
  };
  expect_told(kConverse, kJson, answer(R"(,{"hologram":{"data":"x"}})"), {"block hologram"});
  expect_told(kConverse, kJson, answer("", R"(,"afterword":"x")"), {"member afterword"});
  expect_told(kConverse, kJson,
              answer(R"(,{"image":{"format":"png","source":{"bytes":"AA"}}})", R"(,"trace":{"a":"x"})"), {});
  expect_told(kConverse, kAws, converse_stream(testing::event_message("hologramDelta", R"({"data":"x"})")),
              {"member data", "event hologram_delta"});
  expect_told(kConverse, kAws,
              converse_stream(testing::event_message("contentBlockDelta",
                                                     R"({"contentBlockIndex":0,"delta":{"hologram":{"data":"x"}}})")),
              {"block hologram"});
  expect_told(kConverse, kAws, converse_stream(""), {});
}

TEST(UnknownInAnAnswer, ResponsesEventsAndItems) {
  const auto body = [](std::string_view item) {
    return R"({"id":"r","object":"response","created_at":1,"status":"completed","model":"m","output":[{"type":"message","id":"i","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[]}]})" +
           std::string(item) + "]}";
  };
  const auto unknown = [](std::string_view type, std::string_view answer) {
    return unknown_in("openai_compatible", Api::responses, type, answer);
  };
  EXPECT_EQ(unknown(kJson, body(R"(,{"type":"hologram","id":"h"})")), Told{"block hologram"});
  EXPECT_EQ(unknown(kJson, body(R"(,{"type":"reasoning","summary":[]},{"type":"mcp_call","id":"m"})")), Told{});
  const std::string end = event(R"({"type":"response.completed","response":)" + body("") + "}");
  EXPECT_EQ(unknown(kSse, event(R"({"type":"response.hologram.delta","delta":"x"})") + end),
            Told{"event response.hologram.delta"});
  EXPECT_EQ(unknown(kSse, event(R"({"type":"response.output_item.added","item":{"type":"hologram"}})") + end),
            Told{"block hologram"});
  EXPECT_EQ(unknown(kSse, event(R"({"type":"response.output_text.delta","delta":"x"})") + end), Told{});
}

TEST(UnknownInAnAnswer, WhatIsPassedOnOrMadeOfNumbers) {
  const auto unknown = [](Api api, std::string_view answer) {
    return unknown_in("openai_compatible", api, kJson, answer);
  };
  EXPECT_EQ(
      unknown(Api::embeddings, R"({"object":"list","model":"m","data":[{"index":0,"embedding":"AA==","input":"x"}]})"),
      Told{"member input"});
  EXPECT_EQ(unknown(Api::embeddings,
                    R"({"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":[1]}]})"),
            Told{});
  EXPECT_EQ(unknown(Api::moderations, R"({"id":"1","results":[{"flagged":false,"quotes":["x"]}]})"),
            Told{"member quotes"});
  EXPECT_EQ(
      unknown(
          Api::moderations,
          R"({"id":"1","model":"m","results":[{"categories":{"hate":false},"category_applied_input_types":{"hate":["text"]}}]})"),
      Told{});
  EXPECT_EQ(unknown(Api::rerank, R"({"id":"1","results":[{"index":0,"relevance_score":1,"summary":"x"}]})"),
            Told{"member summary"});
  EXPECT_EQ(
      unknown(
          Api::rerank,
          R"({"id":"1","results":[{"index":0,"document":{"title":"t","text":"x"}}],"meta":{"api_version":{"version":"2"}}})"),
      Told{})
      << "what was ranked is read";
}

TEST(RelayedAnswer, TellsEveryTextOfWhatWasRanked) {
  const auto batch = decode_relayed_json(
      R"({"results":[{"index":0,"document":{"title":"t","tags":["u"]}},{"index":1,"document":"v","note":"w"}]})");
  ASSERT_TRUE(batch);
  std::vector<std::string> texts;
  for (const Event& one : batch->events)
    if (one.kind == Event::Kind::text) texts.push_back(one.text);
  EXPECT_EQ(texts, (std::vector<std::string>{"t", "u", "v"}));
  EXPECT_EQ(told(batch->unknown), Told{"member note"});
}

TEST(UnknownInAnAnswer, GeneratedTextAndMessagesOfSageMaker) {
  EXPECT_EQ(unknown_in("open_inference", Api::chat, kJson,
                       R"({"model_name":"m","model_version":"1","text_output":"a","critique":"x"})"),
            Told{"member critique"});
  EXPECT_EQ(
      unknown_in(
          "open_inference", Api::chat, kJson,
          R"({"model_name":"m","text_output":"a","cum_log_probs":0.5,"details":{"finish_reason":"length","token":{"text":"a"},"tokens":[{"text":"a"}]}})"),
      Told{});
  EXPECT_EQ(
      unknown_in("open_inference", Api::chat, kSse, event(R"({"text_output":"a"})") + event(R"({"critique":"x"})")),
      Told{"member critique"});
  EXPECT_EQ(unknown_in("sagemaker", Api::chat, kAws,
                       testing::event_message("Hologram", "{}") +
                           testing::event_message("PayloadPart", chat_stream(R"("content":"a")"))),
            Told{"event hologram"});
}

}  // namespace
}  // namespace tollgate::providers
