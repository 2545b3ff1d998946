// Runs every case under tests/golden/openai: client request -> what the provider gets; what the provider answers ->
// events -> what the client gets. A new case is a new directory; TOLLGATE_UPDATE_GOLDEN=1 writes the expected files.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tests/unit/providers/scripted_exchange.h"

namespace tollgate::providers {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const fs::path kRoot = "tests/golden/openai";

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

bool updating() { return std::getenv("TOLLGATE_UPDATE_GOLDEN") != nullptr; }

void expect_file(const fs::path& path, const std::string& actual) {
  if (updating()) std::ofstream(path, std::ios::binary) << actual;
  EXPECT_EQ(read(path), actual) << path;
}

std::string_view name_of(Event::Kind kind) {
  static constexpr std::string_view kNames[] = {"start",     "text",      "refusal",        "reasoning", "tool_call",
                                                "arguments", "logprobs",  "finish",         "usage",     "opaque",
                                                "done",      "signature", "call_signature", "redacted"};
  return kNames[static_cast<std::size_t>(kind)];
}

Json summary(const Event& event) {
  std::string where = std::to_string(event.choice);
  if (event.kind == Event::Kind::tool_call || event.kind == Event::Kind::arguments)
    where += "." + std::to_string(event.block);
  Json out = Json::array({name_of(event.kind), where});
  if (!event.text.empty()) out.push_back(event.text);
  if (!event.id.empty()) out.push_back(event.id);
  return out;
}

Json summary(const Usage& usage) {
  return {{"input", usage.input},
          {"output", usage.output},
          {"cached_input", usage.cached_input},
          {"cache_write", usage.cache_write},
          {"reasoning", usage.reasoning}};
}

struct Case {
  fs::path folder;
  Json expect;
  std::shared_ptr<const Call> call;
  std::string answer;
  bool sse = false;
};

Case load(const std::string& name) {
  Case out;
  out.folder = kRoot / name;
  out.expect = Json::parse(read(out.folder / "expect.json"));
  auto call = decode_chat_request(std::make_shared<const std::string>(read(out.folder / "client_request.json")));
  EXPECT_TRUE(call) << (call ? "" : call.error().message);
  if (call) out.call = std::make_shared<const Call>(std::move(*call));
  out.sse = fs::exists(out.folder / "upstream_response.sse");
  out.answer = read(out.folder / (out.sse ? "upstream_response.sse" : "upstream_response.json"));
  return out;
}

std::vector<std::string> cut(const std::string& bytes, std::size_t piece) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) out.push_back(bytes.substr(at, piece));
  return out;
}

struct Outcome {
  std::string upstream_request;
  std::string client_response;
  Json events = Json::array();
  Json usage = nullptr;
  Json served_model = nullptr;
  Json error = nullptr;
};

void observe(const Batch& batch, Outcome& out) {
  for (const Event& event : batch.events) {
    out.events.push_back(summary(event));
    if (event.kind == Event::Kind::usage) out.usage = summary(event.usage);
  }
  if (!batch.served_model.empty()) out.served_model = batch.served_model;
}

EncoderOptions encoder_options(const Case& test) {
  EncoderOptions options;
  options.stream = test.call->index.stream;
  options.include_usage = test.call->index.include_usage;
  options.completion_id = "chatcmpl-ours";
  options.created = 1;
  options.model = test.call->index.model_name;
  options.strip_logprobs = test.expect.value("strip_logprobs", false);
  return options;
}

// Plays one case with the answer cut into pieces of that size.
Outcome play(const Case& test, std::size_t piece) {
  const std::string type = test.sse ? "text/event-stream" : "application/json";
  testing::ScriptedTransport transport({.headers = {{"content-type", type}}, .pieces = cut(test.answer, piece)});
  AttemptRequest request;
  request.call = test.call;
  request.upstream_model = test.expect.at("upstream_model").get<std::string>();
  const auto upstream = openai_upstream({}, transport);
  const auto events = upstream->start(std::move(request));
  const auto received = testing::receive(*events);
  Outcome out;
  out.upstream_request = transport.journal->call.body;
  ChatEncoder encoder(encoder_options(test));
  for (const Batch& batch : received.batches) {
    observe(batch, out);
    encoder.write(batch, {}, out.client_response);
  }
  if (received.error) {
    out.error = {{"kind", to_string(received.error->kind)}, {"message", received.error->message}};
    encoder.fail(*received.error, out.client_response);
  } else {
    encoder.finish(out.client_response);
  }
  return out;
}

std::string expectation(const Case& test, const Outcome& outcome) {
  Json out = test.expect;
  out["served_model"] = outcome.served_model;
  out["usage"] = outcome.usage;
  out["error"] = outcome.error;
  out["events"] = outcome.events;
  return out.dump(1) + "\n";
}

class GoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, GivesTheExpectedBytes) {
  const Case test = load(GetParam());
  ASSERT_TRUE(test.call);
  const Outcome whole = play(test, test.answer.size() + 1);
  expect_file(test.folder / "upstream_request.json", whole.upstream_request);
  expect_file(test.folder / (test.call->index.stream ? "client_response.sse" : "client_response.json"),
              whole.client_response);
  expect_file(test.folder / "expect.json", expectation(test, whole));
}

TEST_P(GoldenTest, GivesTheSameWhereverTheAnswerIsCut) {
  const Case test = load(GetParam());
  ASSERT_TRUE(test.call);
  const Outcome whole = play(test, test.answer.size() + 1);
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U, 16U, 61U, 257U}) {
    const Outcome pieces = play(test, piece);
    EXPECT_EQ(pieces.client_response, whole.client_response) << piece;
    EXPECT_EQ(pieces.events, whole.events) << piece;
    EXPECT_EQ(pieces.error, whole.error) << piece;
  }
}

std::vector<std::string> cases() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(kRoot))
    if (entry.is_directory()) out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

INSTANTIATE_TEST_SUITE_P(OpenAi, GoldenTest, ::testing::ValuesIn(cases()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace tollgate::providers
