// Where an API is spoken on both sides, what one side writes the other reads again: requests that a provider's dialect
// encodes are those that a caller of its API sends, and answers that a caller gets are those that its provider gives.
// Conversations are drawn by chance, from fixed seeds.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "providers/dialect.h"
#include "providers/front_end.h"

namespace tollgate::providers {
namespace {

using Json = nlohmann::json;
using Part = CanonicalPart;
using K = Event::Kind;

struct Way {
  const char* name;
  Api api;
  const ProviderDialect& dialect;
  const char* stream_type;
  bool ids;  // calls have ids on the wire
};
void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

class RoundTrip : public ::testing::TestWithParam<Way> {
 protected:
  std::size_t upto(std::size_t most) { return std::uniform_int_distribution<std::size_t>(0, most)(chance_); }
  bool maybe() { return upto(1) == 1; }

  std::string words() {
    static const std::vector<std::string> kPieces = {"Guten Tag", "\"quoted\"",   "back\\slash", "\n",    "\t",
                                                     " ",         "\u00e4\u4f60", "\U0001F600",  "\x01",  "</s>",
                                                     "{\"a\":1}", "data: x\n\n",  "0",           "\u2028"};
    std::string out = "w";
    for (std::size_t n = upto(6); n > 0; --n) out += kPieces[upto(kPieces.size() - 1)];
    return out;
  }
  std::string object() {
    Json out = Json::object();
    for (std::size_t n = upto(3); n > 0; --n)
      out["k" + std::to_string(n)] = maybe() ? Json(words()) : Json({1, nullptr});
    return out.dump();
  }

  std::mt19937 chance_;
};

Part text_part(std::string text) {
  Part part;
  part.text = std::move(text);
  return part;
}

// --- requests ---

class Requests : public RoundTrip {
 protected:
  CanonicalMessage said(Role role) {
    CanonicalMessage out;
    out.role = role;
    out.parts.push_back(text_part(words()));
    if (role != Role::user || !maybe()) return out;
    Part image;
    image.kind = Part::Kind::image;
    image.media_type = "image/png";
    image.data = "iVBORw0KGgo=";
    out.parts.push_back(image);
    return out;
  }

  // The calls of one answer, and their results.
  void calls(CanonicalRequest& request) {
    CanonicalMessage& asking = request.messages.back();
    std::vector<CanonicalMessage> results;
    for (std::size_t n = upto(2); n > 0; --n) {
      Part call;
      call.kind = Part::Kind::tool_call;
      call.id = "call_" + std::to_string(++ids_);
      call.name = "f" + std::to_string(upto(1));
      call.text = object();
      Part result;
      result.kind = Part::Kind::tool_result;
      result.id = call.id;
      result.content.push_back(text_part(words()));
      asking.parts.push_back(call);
      results.push_back({Role::tool, {result}});
    }
    for (auto& result : results) request.messages.push_back(std::move(result));
  }

  CanonicalRequest drawn() {
    CanonicalRequest out;
    if (maybe()) out.messages.push_back(said(Role::system));
    for (std::size_t turns = upto(3); turns > 0; --turns) {
      out.messages.push_back(said(Role::user));
      out.messages.push_back(said(Role::assistant));
      calls(out);
    }
    out.messages.push_back(said(Role::user));
    for (const char* name : {"f0", "f1"})
      out.tools.push_back({.name = name, .description = words(), .schema = kSchema});
    if (maybe()) out.tool_choice.mode = maybe() ? ToolChoice::Mode::required : ToolChoice::Mode::automatic;
    out.max_tokens = 100 + static_cast<std::int64_t>(upto(1000));
    if (maybe()) out.temperature = static_cast<double>(upto(4)) / 4;
    if (maybe()) out.stop = {"END", words()};
    return out;
  }

  static constexpr const char* kSchema = R"({"type":"object","properties":{"k1":{"type":"string"}}})";
  int ids_ = 0;
};

Json shown(const Part& part, bool ids) {
  Json out = {{"kind", static_cast<int>(part.kind)}, {"text", part.text}, {"name", part.name}};
  if (part.kind == Part::Kind::tool_call) out["text"] = Json::parse(part.text);
  if (part.kind == Part::Kind::tool_result) out.erase("name");  // some APIs say it there, others by the id
  if (ids) out["id"] = part.id;
  if (!part.data.empty()) out["data"] = part.media_type + ";" + part.data;
  for (const Part& inner : part.content) out["content"].push_back(shown(inner, ids));
  return out;
}

// All that is said, in its order, however it is put into messages.
Json shown(const CanonicalRequest& request, bool ids) {
  Json out;
  for (const auto& message : request.messages)
    for (const Part& part : message.parts) out["said"].push_back({static_cast<int>(message.role), shown(part, ids)});
  for (const auto& tool : request.tools)
    out["tools"].push_back({tool.name, tool.description, Json::parse(tool.schema)});
  out["choice"] = static_cast<int>(request.tool_choice.mode);
  out["limits"] = {request.max_tokens.value_or(-1), request.temperature.value_or(-1), request.stop};
  return out;
}

TEST_P(Requests, AreReadAsTheyWereMeantAndWrittenAgainTheSame) {
  const Way& way = GetParam();
  DialectTarget target;
  target.model = "m-1";
  target.stream = true;
  for (unsigned seed = 0; seed < 300; ++seed) {
    chance_.seed(seed);
    const CanonicalRequest meant = drawn();
    const auto call = way.dialect.encode(meant, target);
    ASSERT_TRUE(call) << seed << call.error().message;
    ASSERT_TRUE(call->lossy.empty()) << seed << call->lossy.front();
    const auto& front = front_end(way.api);
    const auto accepted = front.decode(std::make_shared<const std::string>(call->body), "m-1");
    ASSERT_TRUE(accepted) << seed << accepted.error().message << call->body;
    const auto read = front.canonicalise(call->body);
    ASSERT_TRUE(read) << seed << read.error().message << call->body;
    ASSERT_EQ(shown(meant, way.ids), shown(*read, way.ids)) << seed << call->body;
    const auto again = way.dialect.encode(*read, target);
    ASSERT_TRUE(again) << seed;
    ASSERT_EQ(call->body, again->body) << seed;
  }
}

// --- answers ---

struct Told {
  std::string text;
  std::map<std::uint32_t, std::pair<std::string, std::string>> calls;  // by block: name and arguments
  std::string finish;
  Usage usage;

  void add(const Event& event) {
    if (event.kind == K::text) text += event.text;
    if (event.kind == K::tool_call) calls[event.block].first = event.text;
    if (event.kind == K::arguments) calls[event.block].second += event.text;
    if (event.kind == K::finish) finish = event.text;
    if (event.kind == K::usage) usage = merged(usage, event.usage);
  }
  Json shown() const {
    Json out = {text, finish, usage.input, usage.output, usage.cached_input};
    for (const auto& [block, call] : calls)
      out.push_back({call.first, Json::parse(call.second.empty() ? "{}" : call.second)});
    return out;
  }
};

class Answers : public RoundTrip {
 protected:
  static Event event(K kind, std::string text, std::uint32_t block = 0) {
    Event out;
    out.kind = kind;
    out.text = std::move(text);
    out.block = block;
    return out;
  }

  std::vector<Event> drawn() {
    std::vector<Event> out = {event(K::start, "")};
    for (std::size_t n = 1 + upto(4); n > 0; --n) out.push_back(event(K::text, words()));
    const auto calls = static_cast<std::uint32_t>(upto(2));
    for (std::uint32_t block = 0; block < calls; ++block) {
      out.push_back(event(K::tool_call, "f" + std::to_string(block), block));
      out.back().id = "call_" + std::to_string(block);
      const std::string arguments = object();
      std::size_t cut = upto(arguments.size());
      while (cut < arguments.size() && (arguments[cut] & '\xC0') == '\x80') ++cut;  // pieces are whole characters
      out.push_back(event(K::arguments, arguments.substr(0, cut), block));
      out.push_back(event(K::arguments, arguments.substr(cut), block));
    }
    out.push_back(event(K::finish, calls > 0 ? "tool_calls" : maybe() ? "stop" : "length"));
    out.push_back(event(K::usage, ""));
    const auto tokens = [this] { return static_cast<std::int64_t>(upto(50)); };
    out.back().usage.cached_input = tokens();
    out.back().usage.input = out.back().usage.cached_input + tokens();
    out.back().usage.output = 1 + tokens();
    return out;
  }

  static std::string written(const Way& way, const std::vector<Event>& events, bool stream) {
    EncoderOptions options;
    options.stream = stream;
    options.include_usage = true;
    options.id = "answer-1";
    options.created = 1'700'000'000;
    options.model = "m-1";
    const auto encoder = front_end(way.api).encoder(std::move(options));
    std::string out;
    for (const Event& one : events) {
      Batch batch;
      batch.events.push_back(one);
      encoder->write(batch, {}, out);
    }
    encoder->finish(out);
    return out;
  }

  // The bytes come in pieces cut by chance.
  Told read(const Way& way, std::string_view bytes, bool stream) {
    AnswerContext context;
    context.stream = stream;
    context.id_seed = "r";
    const auto decoder = way.dialect.decoder(std::move(context), stream ? way.stream_type : "application/json");
    Told told;
    const auto take = [&](auto next) {
      for (auto batch = next();; batch = next()) {
        EXPECT_TRUE(batch) << batch.error().message << bytes;
        if (!batch || !*batch) return;
        for (const Event& one : (*batch)->events) told.add(one);
      }
    };
    while (!bytes.empty()) {
      const std::size_t piece = 1 + upto(std::min<std::size_t>(bytes.size(), 40) - 1);
      decoder->input().append(bytes.substr(0, piece));
      bytes.remove_prefix(piece);
      take([&] { return decoder->next(); });
    }
    take([&] { return decoder->end(); });
    return told;
  }
};

TEST_P(Answers, SayTheSameWhereTheyAreReadAgain) {
  const Way& way = GetParam();
  for (unsigned seed = 0; seed < 300; ++seed) {
    chance_.seed(seed);
    const auto events = drawn();
    Told meant;
    for (const Event& one : events) meant.add(one);
    for (const bool stream : {false, true}) {
      const std::string bytes = written(way, events, stream);
      ASSERT_EQ(meant.shown(), read(way, bytes, stream).shown()) << seed << (stream ? " stream " : " body ") << bytes;
    }
  }
}

const Way kWays[] = {{"chat", Api::chat, kChatDialect, "text/event-stream", true},
                     {"messages", Api::messages, kAnthropicDialect, "text/event-stream", true},
                     {"gemini", Api::gemini, kGeminiDialect, "text/event-stream", false},
                     {"converse", Api::converse, kBedrockDialect, "application/vnd.amazon.eventstream", true}};
const auto kNames = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Apis, Requests, ::testing::ValuesIn(kWays), kNames);
INSTANTIATE_TEST_SUITE_P(Apis, Answers, ::testing::ValuesIn(kWays), kNames);

}  // namespace
}  // namespace tollgate::providers
