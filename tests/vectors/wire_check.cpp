// Runs one recording through the code that reads providers, and says as JSON what it read. For scripts/vectors.py.
//
//   wire_check play KIND API STATUS CONTENT_TYPE REQUEST_FILE ANSWER_FILE   a call and its answer, whole and in pieces
//   wire_check frames FILE                                                  an AWS event stream
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "providers/event_stream.h"
#include "providers/front_end.h"
#include "tests/unit/providers/scripted_exchange.h"

namespace tollgate::providers {
namespace {

using Json = nlohmann::json;

std::string read(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

const std::map<std::string_view, Api> kApis = {
    {"chat", Api::chat},           {"completions", Api::completions}, {"embeddings", Api::embeddings},
    {"responses", Api::responses}, {"messages", Api::messages},       {"images", Api::images}};

Json error_of(const Error& error) {
  return {{"kind", to_string(error.kind)}, {"code", error.code}, {"message", error.message}};
}

// One choice of an answer, put together.
struct Said {
  std::string text, reasoning, finish;
  Json tools = Json::array();
  std::int64_t vectors = 0;
};

void add(const Event& event, Said& out) {
  using K = Event::Kind;
  if (event.repeats) return;
  if (event.kind == K::text) out.text += event.text;
  if (event.kind == K::reasoning) out.reasoning += event.text;
  if (event.kind == K::finish) out.finish = event.text;
  if (event.kind == K::embedding) ++out.vectors;
  if (event.kind == K::tool_call) out.tools.push_back({event.id, event.text, ""});
  if (event.kind == K::arguments && !out.tools.empty())
    out.tools.back()[2] = out.tools.back()[2].get<std::string>() + event.text;
}

Json summary(const testing::Received& received) {
  std::map<std::uint32_t, Said> choices;
  Usage usage;
  bool done = false;
  std::set<std::string> unknown;
  for (const Batch& batch : received.batches) {
    for (const Unknown& one : batch.unknown) unknown.insert(std::string(to_string(one.what)) + " " + one.name);
    for (const Event& event : batch.events) {
      if (event.kind == Event::Kind::usage) usage = merged(usage, event.usage);
      done = done || event.kind == Event::Kind::done;
      if (event.kind != Event::Kind::usage && event.kind != Event::Kind::done) add(event, choices[event.choice]);
    }
  }
  Json out = {{"unknown", unknown},
              {"done", done},
              {"error", received.error ? error_of(*received.error) : Json()},
              {"choices", Json::array()}};
  for (const auto& [index, said] : choices)
    out["choices"].push_back({{"text", said.text},
                              {"reasoning", said.reasoning},
                              {"finish", said.finish},
                              {"tools", said.tools},
                              {"vectors", said.vectors}});
  out["usage"] = {
      {"input", usage.input}, {"output", usage.output}, {"cached", usage.cached_input}, {"reasoning", usage.reasoning}};
  return out;
}

Json answer_of(const std::shared_ptr<const Call>& call, std::string kind, testing::Script script) {
  ProviderOptions options;
  options.kind = std::move(kind);
  options.endpoint = std::make_shared<const Endpoint>();
  options.apis = {call->api};
  testing::ScriptedTransport transport(std::move(script));
  AttemptRequest request;
  request.call = call;
  request.upstream_model = call->index.model_name;
  request.request_id = "check";
  const auto stream = http_upstream(options, no_authorizer(), transport)->start(std::move(request));
  return summary(testing::receive(*stream));
}

std::vector<std::string> pieces_of(const std::string& answer, std::size_t size) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < answer.size(); at += size) out.push_back(answer.substr(at, size));
  return out;
}

Json play(char** args) {
  const auto body = std::make_shared<const std::string>(read(args[4]));
  auto decoded = front_end(kApis.at(args[1])).decode(body, {});
  if (!decoded) return {{"refused", error_of(decoded.error())}};
  const auto call = std::make_shared<const Call>(std::move(*decoded));
  const std::string answer = read(args[5]);
  testing::Script script{.status = std::atoi(args[2]), .headers = {{"content-type", args[3]}}, .pieces = {answer}};
  Json whole = answer_of(call, args[0], script);
  whole["same_in_pieces"] = true;
  for (const std::size_t size : {1U, 2U, 3U, 7U, 64U, 1000U}) {
    script.pieces = pieces_of(answer, size);
    Json cut = answer_of(call, args[0], script);
    cut["same_in_pieces"] = true;
    if (cut != whole) whole["same_in_pieces"] = false;
  }
  return whole;
}

Json frames(const char* path) {
  EventStreamParser parser;
  parser.input() = read(path);
  Json out = {{"messages", Json::array()}, {"error", nullptr}};
  while (true) {
    auto message = parser.next();
    if (!message) out["error"] = message.error().message;
    if (!message || !*message) break;
    const EventMessage& m = **message;
    out["messages"].push_back({{"type", m.message_type},
                               {"event", m.event_type},
                               {"exception", m.exception_type},
                               {"payload_size", m.payload.size()},
                               {"payload_crc", crc32(m.payload)}});
  }
  out["at_boundary"] = parser.at_boundary();
  return out;
}

}  // namespace
}  // namespace tollgate::providers

int main(int count, char** args) {
  using namespace tollgate::providers;
  const bool plays = count == 8 && std::strcmp(args[1], "play") == 0;
  const bool splits = count == 3 && std::strcmp(args[1], "frames") == 0;
  if (!plays && !splits) return 2;
  const Json out = plays ? play(args + 2) : frames(args[2]);
  std::puts(out.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  return 0;
}
