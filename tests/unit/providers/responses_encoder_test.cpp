// What a client of the Responses API gets: the provider's own bytes where nothing changed, api.openai.com's order of
// events where we write.
#include "providers/responses_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "providers/responses.h"
#include "tests/unit/providers/responses_stream.h"

namespace tollgate::providers {
namespace {

using ::testing::ElementsAre;
using testing::events_of;
using ::testing::HasSubstr;
using testing::Json;
using testing::what_is_wrong;
using K = Event::Kind;

EncoderOptions options(bool stream, std::string request = R"({"model":"ours","input":"x"})") {
  EncoderOptions out;
  out.stream = stream;
  out.id = "resp_7";
  out.created = 42;
  out.model = "ours";
  auto call = decode_responses_request(std::make_shared<const std::string>(std::move(request)));
  EXPECT_TRUE(call);
  if (call) out.call = std::make_shared<const Call>(std::move(*call));
  return out;
}

Event event(K kind, std::string text = {}, std::uint32_t block = 0, std::string id = {}) {
  Event out;
  out.kind = kind;
  out.text = std::move(text);
  out.block = block;
  out.id = std::move(id);
  return out;
}

Event usage() {
  Event out;
  out.kind = K::usage;
  out.usage.input = 11;
  out.usage.output = 5;
  out.usage.cached_input = 3;
  out.usage.cache_write = 1;
  out.usage.reasoning = 2;
  return out;
}

// Each event in a batch of its own, as a translated provider's come.
std::string written(const EncoderOptions& options, const std::vector<Event>& events) {
  ResponsesEncoder encoder(options);
  std::string out;
  for (const Event& e : events) {
    Batch batch;
    batch.events.push_back(e);
    encoder.write(batch, {}, out);
  }
  encoder.finish(out);
  return out;
}

std::vector<std::string> types(const std::string& stream) {
  std::vector<std::string> out;
  for (const Json& e : events_of(stream)) out.push_back(e.at("type"));
  return out;
}

Json last(const std::string& stream) { return events_of(stream).back().at("response"); }

std::vector<Event> answer_with_everything() {
  return {event(K::start),
          event(K::reasoning, "hm "),
          event(K::reasoning, "hm"),
          event(K::signature, "c2ln"),
          event(K::redacted, "cmVk", 1),
          event(K::text, "Let me "),
          event(K::text, "see."),
          event(K::tool_call, "f", 0, "call_a"),
          event(K::arguments, "{\"a\":"),
          event(K::arguments, "1}"),
          event(K::tool_call, "g", 1, "call_b"),
          event(K::finish, "tool_calls"),
          usage(),
          event(K::done)};
}

TEST(ResponsesEncoder, TellsAStreamInTheApisOrder) {
  const std::string stream = written(options(true), answer_with_everything());
  EXPECT_EQ(what_is_wrong(stream), "") << stream;
  EXPECT_THAT(types(stream),
              ElementsAre("response.created", "response.in_progress",                                              //
                          "response.output_item.added", "response.reasoning_summary_part.added",                   //
                          "response.reasoning_summary_text.delta", "response.reasoning_summary_text.delta",        //
                          "response.reasoning_summary_text.done", "response.reasoning_summary_part.done",          //
                          "response.output_item.done", "response.output_item.added", "response.output_item.done",  //
                          "response.output_item.added", "response.content_part.added", "response.output_text.delta",
                          "response.output_text.delta", "response.output_text.done", "response.content_part.done",
                          "response.output_item.done",  //
                          "response.output_item.added", "response.function_call_arguments.delta",
                          "response.function_call_arguments.delta", "response.function_call_arguments.done",
                          "response.output_item.done",  //
                          "response.output_item.added", "response.function_call_arguments.delta",
                          "response.function_call_arguments.done", "response.output_item.done", "response.completed"));
}

TEST(ResponsesEncoder, AStreamEndsInWhatAPlainCallGets) {
  const Json plain = Json::parse(written(options(false), answer_with_everything()));
  EXPECT_EQ(last(written(options(true), answer_with_everything())), plain);
  EXPECT_EQ(plain.at("status"), "completed");
  EXPECT_EQ(plain.at("model"), "ours");
  EXPECT_EQ(plain.at("created_at"), 42);
  EXPECT_EQ(plain.at("store"), false);
  const Json& output = plain.at("output");
  ASSERT_EQ(output.size(), 5u);
  EXPECT_EQ(output[0], Json::parse(R"({"id":"rs_7_0","type":"reasoning","summary":[{"type":"summary_text",
    "text":"hm hm"}],"encrypted_content":"sr1:s:c2ln"})"));
  EXPECT_EQ(output[1].at("encrypted_content"), "sr1:r:cmVk");
  EXPECT_EQ(output[2], Json::parse(R"({"id":"msg_7_2","type":"message","status":"completed","role":"assistant",
    "content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Let me see."}]})"));
  EXPECT_EQ(output[3], Json::parse(R"({"id":"fc_7_3","type":"function_call","status":"completed","call_id":"call_a",
    "name":"f","arguments":"{\"a\":1}"})"));
  EXPECT_EQ(output[4].at("arguments"), "{}") << "SDKs parse the arguments of every call";
  EXPECT_EQ(plain.at("usage"), Json::parse(R"({"input_tokens":11,"input_tokens_details":{"cached_tokens":3,
    "cache_write_tokens":1},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":16})"));
}

TEST(ResponsesEncoder, RepeatsWhatWasAskedAndTellsTheTruthAboutState) {
  const Json plain = Json::parse(written(
      options(false, R"({"model":"ours","input":"x","store":true,"instructions":"be \"kind\"","temperature":0.50,
        "tools":[{"type":"function","name":"f","parameters":{}}],"metadata":{"a":"b"},"user":null})"),
      {event(K::text, "y"), event(K::finish, "stop")}));
  EXPECT_EQ(plain.at("instructions"), "be \"kind\"");
  EXPECT_EQ(plain.at("temperature"), 0.5);
  EXPECT_EQ(plain.at("tools").size(), 1u);
  EXPECT_EQ(plain.at("metadata"), Json::parse(R"({"a":"b"})"));
  EXPECT_EQ(plain.at("tool_choice"), "auto");
  EXPECT_EQ(plain.at("text"), Json::parse(R"({"format":{"type":"text"}})"));
  EXPECT_EQ(plain.at("store"), false);
  EXPECT_EQ(plain.at("background"), false);
  EXPECT_TRUE(plain.at("previous_response_id").is_null());
  EXPECT_TRUE(plain.at("usage").is_null()) << "not known";
}

TEST(ResponsesEncoder, ARequestOfManyLinesBreaksNoEvent) {
  const std::string stream = written(options(true, "{\"model\":\"ours\",\n\"input\":\"x\",\r\n\"tools\":[\n\n]}"),
                                     {event(K::text, "y"), event(K::finish, "stop")});
  EXPECT_EQ(what_is_wrong(stream), "") << stream;
  EXPECT_EQ(stream.find('\r'), std::string::npos);
}

TEST(ResponsesEncoder, TellsWhyAnAnswerIsIncomplete) {
  const auto cut = [](const char* reason) {
    return written(options(true), {event(K::text, "ha"), event(K::tool_call, "f", 0, "c"), event(K::arguments, "{\"a"),
                                   event(K::finish, reason)});
  };
  const Json length = last(cut("length"));
  EXPECT_EQ(what_is_wrong(cut("length")), "");
  EXPECT_EQ(length.at("status"), "incomplete");
  EXPECT_EQ(length.at("incomplete_details").at("reason"), "max_output_tokens");
  EXPECT_EQ(length.at("output")[0].at("status"), "completed");
  EXPECT_EQ(length.at("output")[1].at("status"), "incomplete");
  EXPECT_EQ(last(cut("content_filter")).at("incomplete_details").at("reason"), "content_filter");
}

TEST(ResponsesEncoder, ACustomToolGetsItsInputAsText) {
  const auto request = R"({"model":"ours","input":"x","tools":[{"type":"custom","name":"run"}]})";
  const std::string stream =
      written(options(true, request), {event(K::tool_call, "run", 0, "c"), event(K::arguments, "{\"input\":\"ls"),
                                       event(K::arguments, " \\\"x\\\"\"}"), event(K::finish, "tool_calls")});
  EXPECT_EQ(what_is_wrong(stream), "") << stream;
  const Json item = last(stream).at("output")[0];
  EXPECT_EQ(item.at("type"), "custom_tool_call");
  EXPECT_EQ(item.at("input"), "ls \"x\"");
  EXPECT_EQ(item.at("id"), "ctc_7_0");
  EXPECT_THAT(stream, HasSubstr("response.custom_tool_call_input.done"));
}

TEST(ResponsesEncoder, InterleavedCallsStayApart) {
  const std::string stream = written(
      options(true), {event(K::tool_call, "f", 0, "a"), event(K::tool_call, "g", 1, "b"), event(K::arguments, "{", 0),
                      event(K::arguments, "{}", 1), event(K::arguments, "}", 0), event(K::finish, "tool_calls")});
  EXPECT_EQ(what_is_wrong(stream), "") << stream;
  EXPECT_EQ(last(stream).at("output")[0].at("arguments"), "{}");
  EXPECT_EQ(last(stream).at("output")[1].at("arguments"), "{}");
}

TEST(ResponsesEncoder, ASignedCallIsFollowedByItsSignature) {
  const std::string stream = written(options(true), {event(K::tool_call, "f", 0, "call_a"), event(K::arguments, "{}"),
                                                     event(K::call_signature, "Z2Vt"), event(K::finish, "tool_calls")});
  EXPECT_EQ(what_is_wrong(stream), "") << stream;
  EXPECT_EQ(last(stream).at("output")[1].at("encrypted_content"), "sr1:c:Z2Vt:call_a");
}

TEST(ResponsesEncoder, RefusalAndTextArePartsOfOneMessage) {
  const std::string stream = written(options(true), {event(K::text, "Well. "), event(K::refusal, "No."),
                                                     event(K::refusal, " Never."), event(K::finish, "stop")});
  EXPECT_EQ(what_is_wrong(stream), "") << stream;
  const Json content = last(stream).at("output")[0].at("content");
  ASSERT_EQ(content.size(), 2u);
  EXPECT_EQ(content[1], Json::parse(R"({"type":"refusal","refusal":"No. Never."})"));
}

TEST(ResponsesEncoder, WhatWasHeldBackComesBeforeItsItemCloses) {
  ResponsesEncoder encoder(options(true));
  std::string out;
  Batch batch;
  batch.events = {event(K::text, "Hello ")};
  encoder.write(batch, {}, out);
  encoder.write_text(0, 0, K::text, "Jane", out);
  batch.events = {event(K::finish, "stop")};
  encoder.write(batch, {}, out);
  encoder.finish(out);
  EXPECT_EQ(what_is_wrong(out), "") << out;
  EXPECT_EQ(last(out).at("output")[0].at("content")[0].at("text"), "Hello Jane");
}

TEST(ResponsesEncoder, AFailureInMidStreamIsAnErrorAndNeverAFalseEnd) {
  ResponsesEncoder encoder(options(true));
  std::string out;
  Batch batch;
  batch.events = {event(K::text, "half")};
  encoder.write(batch, {}, out);
  encoder.fail(Error{.kind = ErrorKind::overloaded, .message = "busy", .code = "upstream_overloaded"}, out);
  encoder.finish(out);
  EXPECT_EQ(what_is_wrong(out), "") << out;
  const auto events = events_of(out);
  const Json& error = events[events.size() - 2];
  EXPECT_EQ(error.at("type"), "error");
  EXPECT_EQ(error.at("error").at("code"), "upstream_overloaded");
  EXPECT_EQ(last(out).at("error"), Json::parse(R"({"code":"server_error","message":"busy"})"));
}

TEST(ResponsesEncoder, WhatASignedAnswerGivesGoesBackAsItWas) {
  const Json plain = Json::parse(written(options(false), answer_with_everything()));
  Json request = {{"model", "ours"}, {"input", plain.at("output")}};
  for (const char* id : {"call_a", "call_b"})
    request["input"].push_back({{"type", "function_call_output"}, {"call_id", id}, {"output", "ok"}});
  const std::string body = request.dump();
  ASSERT_TRUE(decode_responses_request(std::make_shared<const std::string>(body)));
  const auto canonical = canonicalise_responses(body);
  ASSERT_TRUE(canonical);
  const auto& parts = canonical->messages.at(0).parts;
  ASSERT_EQ(parts.size(), 5u);
  EXPECT_EQ(parts[0].text, "hm hm");
  EXPECT_EQ(parts[0].signature, "c2ln");
  EXPECT_EQ(parts[1].data, "cmVk");
  EXPECT_EQ(parts[2].text, "Let me see.");
  EXPECT_EQ(parts[3].text, R"({"a":1})");
  EXPECT_EQ(parts[4].id, "call_b");
  EXPECT_TRUE(canonical->lossy.empty());
}

// --- frames of the same API ---

std::string frame(const std::string& json) {
  return "event: " + Json::parse(json).at("type").get<std::string>() + "\ndata: " + json + "\n\n";
}

Batch decoded(const std::string& json) {
  const std::string bytes = frame(json);
  const auto data = bytes.find("\ndata: ") + 7;
  auto batch = decode_responses_event(bytes, std::string_view(bytes).substr(data, json.size()), data);
  EXPECT_TRUE(batch) << json;
  return batch ? std::move(*batch) : Batch();
}

constexpr const char* kCreated =
    R"({"type":"response.created","sequence_number":0,"response":{"id":"resp_theirs","output":[]}})";
constexpr const char* kDelta =
    R"({"type":"response.output_text.delta","sequence_number":4,"item_id":"m","output_index":0,"content_index":0,"delta":"Hel","logprobs":[{"token":"Hel"}],"obfuscation":"ab"})";
constexpr const char* kDone =
    R"({"type":"response.output_text.done","sequence_number":5,"item_id":"m","output_index":0,"content_index":0,"text":"Hello","logprobs":[]})";

TEST(ResponsesEncoder, AnUntouchedFrameKeepsItsBytes) {
  ResponsesEncoder encoder(options(true));
  for (const char* json : {kCreated, kDelta, kDone}) {
    std::string out;
    encoder.write(decoded(json), {}, out);
    EXPECT_EQ(out, frame(json));
  }
}

TEST(ResponsesEncoder, WhatWasHeldBackGoesOutInAFrameLikeTheProviders) {
  auto given = options(true);
  given.strip_logprobs = true;
  ResponsesEncoder encoder(given);
  std::string out;
  encoder.write(decoded(kCreated), {}, out);
  out.clear();
  const Batch delta = decoded(kDelta);
  encoder.write(delta, std::vector<bool>(delta.events.size()), out);
  encoder.write_text(0, 0, K::text, "lo \"x\"", out);
  encoder.write(decoded(kDone), {}, out);
  const auto events = events_of(out);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].at("logprobs"), Json::array()) << "tokens leak";
  EXPECT_EQ(events[1].at("delta"), "lo \"x\"");
  EXPECT_EQ(events[1].at("item_id"), "m");
  EXPECT_EQ(events[1].at("sequence_number"), 5);
  EXPECT_EQ(events[2].at("sequence_number"), 6) << "numbers stay dense";
}

TEST(ResponsesEncoder, AFailureBetweenFramesKeepsTheProvidersIdAndNumbers) {
  ResponsesEncoder encoder(options(true));
  std::string out;
  encoder.write(decoded(kCreated), {}, out);
  encoder.write(decoded(kDelta), {}, out);
  out.clear();
  encoder.fail(Error{.kind = ErrorKind::upstream_error, .message = "gone"}, out);
  const auto events = events_of(out);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].at("sequence_number"), 5);
  EXPECT_EQ(events[1].at("sequence_number"), 6);
  EXPECT_EQ(events[1].at("response").at("id"), "resp_theirs");
}

constexpr const char* kBody = R"({ "id":"resp_1","object":"response","created_at":1,"status":"completed","x":1e400,
 "model":"theirs","output":[{"id":"rs","type":"reasoning","summary":[]},
 {"id":"m","type":"message","status":"completed","role":"assistant","content":[
   {"type":"output_text","annotations":[],"logprobs":[],"text":"Hi"},{"type":"refusal","refusal":"No"}]},
 {"id":"fc","type":"function_call","call_id":"c","name":"f","arguments":"{}","status":"completed"},
 {"id":"ctc","type":"custom_tool_call","call_id":"d","name":"run","input":"ls"}],
 "usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}})";

TEST(ResponsesEncoder, AWholeBodyKeepsItsBytesAndTellsItselfWhereAStreamWasWanted) {
  const auto body = decode_responses_body(kBody);
  ASSERT_TRUE(body);
  ResponsesEncoder plain(options(false));
  std::string out;
  plain.write(*body, {}, out);
  plain.finish(out);
  EXPECT_EQ(out, kBody);

  ResponsesEncoder stream(options(true));
  out.clear();
  stream.write(*body, {}, out);
  stream.finish(out);
  EXPECT_THAT(out, HasSubstr("1e400"));
  std::string readable = out;
  for (std::size_t at; (at = readable.find("1e400")) != std::string::npos;) readable.replace(at, 5, "1");
  EXPECT_EQ(what_is_wrong(readable), "") << out;
}

TEST(ResponsesEncoder, AStreamBecomesABodyWhereOneWasWanted) {
  ResponsesEncoder encoder(options(false));
  std::string out;
  encoder.write(decoded(kCreated), {}, out);
  encoder.write(decoded(kDelta), {}, out);
  EXPECT_EQ(out, "");
  encoder.write(decoded(R"({"type":"response.completed","sequence_number":9,"response":{"id":"r","output":[]}})"), {},
                out);
  encoder.finish(out);
  EXPECT_EQ(out, R"({"id":"r","output":[]})");
}

}  // namespace
}  // namespace tollgate::providers
