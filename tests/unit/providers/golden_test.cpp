// Runs every case under tests/golden/DIALECT: client request -> what the provider gets; what the provider answers ->
// events -> what the client gets. A new case is a new directory with client_request.json, expect.json that names the
// upstream_model, and upstream_response.sse, .json or .frames (one event-stream message a line); the rest is written by
// TOLLGATE_UPDATE_GOLDEN=1. A refused request has no upstream_response.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "providers/event_stream.h"
#include "providers/front_end.h"
#include "tests/unit/providers/event_frames.h"
#include "tests/unit/providers/scripted_exchange.h"

namespace tollgate::providers {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const fs::path kRoot = "tests/golden";

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
  static constexpr std::string_view kNames[] = {
      "start",  "text", "refusal",   "reasoning",      "tool_call", "arguments",  "logprobs",  "finish",   "usage",
      "opaque", "done", "signature", "call_signature", "redacted",  "annotation", "block_end", "embedding"};
  return kNames[static_cast<std::size_t>(kind)];
}

Json summary(const Event& event) {
  std::string where = std::to_string(event.choice);
  using K = Event::Kind;
  if (event.kind == K::tool_call || event.kind == K::arguments || event.kind == K::call_signature)
    where += "." + std::to_string(event.block);
  Json out = Json::array({name_of(event.kind), where});
  if (event.kind == K::embedding)
    out.push_back(event.text.size() / sizeof(float));  // how many numbers; which ones the answer shows
  else if (!event.text.empty())
    out.push_back(event.text);
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
  std::string dialect;
  Json expect;
  std::shared_ptr<const Call> call;
  std::string answer;
  std::string content_type = "application/json";
  // The client's own: spliced, not translated.
  bool own_form() const {
    if (call && call->api == Api::messages) return dialect == "anthropic";
    if (call && call->api == Api::converse) return dialect == "bedrock";
    return dialect == (call && call->api == Api::gemini ? "gemini" : "openai");
  }
};

// A payload that is a text is those bytes.
std::string bytes_of(const Json& payload) { return payload.is_string() ? payload.get<std::string>() : payload.dump(); }

// One line: {"event":TYPE,"payload":{...}}, {"exception":TYPE,"payload":{...}} or {"error":CODE,"message":TEXT}.
std::string event_stream(const fs::path& path) {
  std::ifstream in(path);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    const Json m = Json::parse(line);
    if (m.contains("event"))
      out += testing::event_message(m["event"].get<std::string>(), bytes_of(m["payload"]));
    else if (m.contains("exception"))
      out += testing::exception_message(m["exception"].get<std::string>(), m["payload"].dump());
    else
      out += testing::error_message(m["error"].get<std::string>(), m["message"].get<std::string>());
  }
  return out;
}

void load_answer(Case& out) {
  if (const auto frames = out.folder / "upstream_response.frames"; fs::exists(frames)) {
    out.answer = event_stream(frames);
    out.content_type = "application/vnd.amazon.eventstream";
  }
  const std::pair<const char*, const char*> kForms[] = {{"upstream_response.sse", "text/event-stream"},
                                                        {"upstream_response.json", "application/json"}};
  for (const auto& [name, type] : kForms)
    if (fs::exists(out.folder / name)) {
      out.answer = read(out.folder / name);
      out.content_type = type;
    }
}

Api api_named(const std::string& name) {
  static const std::map<std::string, Api> kApis = {
      {"chat", Api::chat},           {"completions", Api::completions}, {"embeddings", Api::embeddings},
      {"responses", Api::responses}, {"messages", Api::messages},       {"gemini", Api::gemini},
      {"converse", Api::converse},   {"moderations", Api::moderations}, {"rerank", Api::rerank},
      {"images", Api::images}};
  return kApis.at(name);
}

Case load(const std::string& name) {
  Case out;
  out.folder = kRoot / name;
  out.dialect = name.substr(0, name.find('/'));
  out.expect = Json::parse(read(out.folder / "expect.json"));
  const auto body = std::make_shared<const std::string>(read(out.folder / "client_request.json"));
  auto call = front_end(api_named(out.expect.value("api", "chat"))).decode(body, out.expect.value("path_model", ""));
  EXPECT_TRUE(call) << (call ? "" : call.error().message);
  if (call) call->index.stream = call->index.stream || out.expect.value("path_stream", false);
  if (call) out.call = std::make_shared<const Call>(std::move(*call));
  load_answer(out);
  return out;
}

std::vector<std::string> cut(const std::string& bytes, std::size_t piece) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) out.push_back(bytes.substr(at, piece));
  return out;
}

struct Outcome {
  HttpCall sent;
  std::string client_response;
  bool client_error = false;  // an error body with a status of its own, not a stream
  std::string lossy;
  Json events = Json::array();
  Json unknown = Json::array();
  Json usage = nullptr;
  Json served_model = nullptr;
  Json error = nullptr;
};

void observe(const Batch& batch, Outcome& out) {
  for (const Event& event : batch.events) {
    out.events.push_back(summary(event));
    if (event.kind == Event::Kind::usage) out.usage = summary(event.usage);
  }
  for (const Unknown& one : batch.unknown) out.unknown.push_back(std::string(to_string(one.what)) + " " + one.name);
  if (!batch.served_model.empty()) out.served_model = batch.served_model;
}

EncoderOptions encoder_options(const Case& test) {
  EncoderOptions options;
  options.stream = test.call->index.stream;
  options.include_usage = test.call->index.include_usage;
  options.id = std::string(front_end(test.call->api).id_prefix) + "ours";
  options.created = 1;
  options.model = test.call->model;
  options.strip_logprobs = test.expect.value("strip_logprobs", false);
  options.call = test.call;
  return options;
}

// As a configuration would say it.
void configure(const Json& settings, ProviderOptions& options) {
  for (const Flavour& flavour : flavours())
    if (settings.value("flavour", "") == flavour.name) options.quirks = flavour.quirks;
  const std::string prompt = settings.value("prompt", "labelled");
  const std::string parameters = settings.value("parameters", "kserve");
  using Generate = GenerateOptions;
  options.generate.prompt = prompt == "none"     ? Generate::Prompt::none
                            : prompt == "chatml" ? Generate::Prompt::chatml
                                                 : Generate::Prompt::labelled;
  options.generate.parameters = parameters == "triton"    ? Generate::Parameters::triton
                                : parameters == "tensors" ? Generate::Parameters::tensors
                                                          : Generate::Parameters::kserve;
  options.generate.version = settings.value("version", "");
  options.generate.cumulative = settings.value("whole", false);
  if (settings.value("body", "chat") == "tgi") options.sagemaker.body = SageMakerOptions::Body::tgi;
  options.sagemaker.model = settings.value("model", "");
}

std::unique_ptr<Upstream> upstream_for(const Case& test, Transport& transport) {
  static const std::map<std::string, std::string> kKinds = {
      {"openai", "openai_compatible"}, {"anthropic", "anthropic"},
      {"bedrock", "bedrock"},          {"gemini", "vertex"},
      {"vertex_claude", "vertex"},     {"vertex_mistral", "vertex"},
      {"sagemaker", "sagemaker"},      {"open_inference", "open_inference"}};
  ProviderOptions options;
  options.kind = kKinds.at(test.dialect);
  Endpoint endpoint;
  if (test.dialect == "vertex_claude") endpoint.base_path = "/v1/projects/p/locations/l/publishers/anthropic";
  if (test.dialect == "vertex_mistral") endpoint.base_path = "/v1/projects/p/locations/l/publishers/mistralai";
  options.endpoint = std::make_shared<const Endpoint>(std::move(endpoint));
  if (test.expect.value("native", false)) options.apis = {test.call->api};
  configure(test.expect.value("settings", Json::object()), options);
  return http_upstream(options, no_authorizer(), transport);
}

void answer_client(const Case& test, const testing::Received& received, Outcome& out) {
  const auto encoder = front_end(test.call->api).encoder(encoder_options(test));
  bool content = test.own_form() && test.call->index.stream && test.expect.value("upstream_status", 200) == 200;
  for (const Batch& batch : received.batches) {
    observe(batch, out);
    encoder->write(batch, {}, out.client_response);
    content = content || batch.has_content();
  }
  if (!received.error) return encoder->finish(out.client_response);
  const Error& error = *received.error;
  out.error = {{"kind", to_string(error.kind)}, {"message", error.message}};
  if (!error.code.empty()) out.error["code"] = error.code;
  if (error.retry_after) out.error["retry_after_ms"] = error.retry_after->count();
  if (content) return encoder->fail(error, out.client_response);
  out.client_error = true;
  out.client_response = front_end(test.call->api).error_body(error, "req-1");
}

testing::Script script_for(const Case& test, std::vector<std::string> pieces) {
  testing::Script script{.headers = {{"content-type", test.content_type}}, .pieces = std::move(pieces)};
  script.status = test.expect.value("upstream_status", 200);
  if (const auto headers = test.expect.find("upstream_headers"); headers != test.expect.end())
    for (const auto& [name, value] : headers->items()) script.headers.push_back({name, value.get<std::string>()});
  return script;
}

// Plays one case with the answer arriving in these pieces.
Outcome play(const Case& test, std::vector<std::string> pieces) {
  testing::ScriptedTransport transport(script_for(test, std::move(pieces)));
  AttemptRequest request;
  request.call = test.call;
  request.upstream_model = test.expect.at("upstream_model").get<std::string>();
  request.request_id = "0193-ab";
  const auto upstream = upstream_for(test, transport);
  const auto events = upstream->start(std::move(request));
  const auto received = testing::receive(*events);
  Outcome out;
  out.sent = transport.journal->call;
  out.lossy = events->lossy();
  answer_client(test, received, out);
  return out;
}

std::string expectation(const Case& test, const Outcome& outcome) {
  Json out = test.expect;
  if (!test.own_form()) {
    out["path"] = outcome.sent.path.empty() ? Json(nullptr) : Json(outcome.sent.path);
    out["lossy"] = outcome.lossy;
  }
  out["served_model"] = outcome.served_model;
  out["usage"] = outcome.usage;
  out["error"] = outcome.error;
  out["events"] = outcome.events;
  out.erase("unknown");
  if (!outcome.unknown.empty()) out["unknown"] = outcome.unknown;
  return out.dump(1) + "\n";
}

// Bytes that were spliced are compared as they are; what was written anew is laid out for people first.
std::string readable(const Case& test, const std::string& json) {
  return test.own_form() ? json : Json::parse(json).dump(1) + "\n";
}

void expect_request(const Case& test, const Outcome& outcome) {
  if (outcome.sent.path.empty()) return;
  expect_file(test.folder / "upstream_request.json", readable(test, outcome.sent.body));
}

// An event stream in the form of upstream_response.frames.
std::string frames_of(const std::string& bytes) {
  EventStreamParser parser;
  parser.input() = bytes;
  std::string out;
  for (auto message = parser.next(); message && *message; message = parser.next()) {
    const bool event = (*message)->message_type == "event";
    Json line = {{event ? "event" : "exception", event ? (*message)->event_type : (*message)->exception_type}};
    line["payload"] = Json::parse((*message)->payload);
    out += line.dump() + "\n";
  }
  EXPECT_TRUE(parser.at_boundary());
  return out;
}

void expect_response(const Case& test, const Outcome& outcome) {
  if (test.call->api == Api::converse && test.call->index.stream && !outcome.client_error) {
    if (test.own_form() && outcome.error == nullptr) EXPECT_EQ(outcome.client_response, test.answer);
    return expect_file(test.folder / "client_response.frames", frames_of(outcome.client_response));
  }
  if (test.call->index.stream && !outcome.client_error)
    return expect_file(test.folder / "client_response.sse", outcome.client_response);
  expect_file(test.folder / "client_response.json", readable(test, outcome.client_response));
}

void expect_same(const Outcome& pieces, const Outcome& whole, std::size_t where) {
  EXPECT_EQ(pieces.client_response, whole.client_response) << where;
  EXPECT_EQ(pieces.events, whole.events) << where;
  EXPECT_EQ(pieces.unknown, whole.unknown) << where;
  EXPECT_EQ(pieces.error, whole.error) << where;
}

class GoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, GivesTheExpectedBytes) {
  const Case test = load(GetParam());
  ASSERT_TRUE(test.call);
  const Outcome whole = play(test, {test.answer});
  expect_request(test, whole);
  expect_response(test, whole);
  expect_file(test.folder / "expect.json", expectation(test, whole));
}

TEST_P(GoldenTest, GivesTheSameWhereverTheAnswerIsCut) {
  const Case test = load(GetParam());
  ASSERT_TRUE(test.call);
  const Outcome whole = play(test, {test.answer});
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U, 16U, 61U, 257U})
    expect_same(play(test, cut(test.answer, piece)), whole, piece);
  if (test.own_form()) return;
  for (std::size_t at = 1; at < test.answer.size(); ++at)
    expect_same(play(test, {test.answer.substr(0, at), test.answer.substr(at)}), whole, at);
}

std::vector<std::string> cases() {
  std::vector<std::string> out;
  for (const auto& dialect : fs::directory_iterator(kRoot)) {
    if (!dialect.is_directory()) continue;
    for (const auto& entry : fs::directory_iterator(dialect))
      if (entry.is_directory()) out.push_back(fs::relative(entry, kRoot).string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string out = info.param;
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenTest, ::testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace tollgate::providers
