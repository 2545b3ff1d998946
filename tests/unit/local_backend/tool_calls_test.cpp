#include "local_backend/tool_calls.h"

#include <gmock/gmock.h>

#include "events.h"
#include "local_backend/json_automaton.h"
#include "local_backend/model.h"
#include "test_model.h"

namespace tollgate::local_backend {
namespace {

using test::ask;
using test::Events;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = GenerateEvent::Kind;

constexpr const char* kDemo = "local_backend/demo/model";
constexpr const char* kTicket =
    R"({"type":"object","properties":{"queue":{"$ref":"#/$defs/queue"},"urgent":{"type":"boolean"}},)"
    R"("required":["queue","urgent"],"additionalProperties":false,"$defs":{"queue":{"enum":["it","hr"]}}})";

struct Read {
  std::string text;
  std::vector<std::string> calls;  // NAME ARGUMENTS
  int count = 0;
};

Read read(const char* template_source, const std::string& answer, std::size_t piece, bool parallel = true) {
  auto reading = std::make_shared<ToolReading>();
  reading->syntax = tool_syntax(template_source);
  reading->names = {"book", "route"};
  reading->parallel = parallel;
  ToolCallReader reader(reading);
  ToolCallReader::Found found;
  for (std::size_t at = 0; at < answer.size() && !reader.satisfied(); at += piece)
    reader.feed(std::string_view(answer).substr(at, piece), found);
  reader.finish(found);
  Read out{.text = found.text, .calls = {}, .count = reader.calls()};
  for (const ToolCall& call : found.calls) out.calls.push_back(call.name + " " + call.arguments);
  return out;
}

constexpr const char* kHermes = "{% if tools %}<tool_call>{% endif %}";
constexpr const char* kMistral = "{% if tools %}[TOOL_CALLS]{% endif %}";
constexpr const char* kLlama = R"({% if tools %}{"name": x, "parameters": y}{% endif %})";

struct Case {
  const char* syntax;
  const char* answer;
  const char* text;
  std::vector<std::string> calls;
};

TEST(ToolCalls, AreReadAsEachFamilyWritesThemHoweverTheAnswerIsCut) {
  const Case cases[] = {
      {kHermes,
       "<tool_call>\n{\"name\": \"book\", \"arguments\": {\"to\": \"x\"}}\n</tool_call>",
       "",
       {R"(book {"to":"x"})"}},
      {kHermes,
       "I will.\n<tool_call>{\"name\": \"book\", \"arguments\": {}}</tool_call>\n<tool_call>{\"name\": \"route\", "
       "\"arguments\": {\"a\": [1, 2.5]}}</tool_call>\n",
       "I will.",
       {"book {}", R"(route {"a":[1,2.5]})"}},
      {kHermes, "<tool_call>{\"name\": \"book\", \"arguments\": {}}", "", {"book {}"}},
      {kMistral,
       R"([TOOL_CALLS] [{"name": "book", "arguments": {"n": 1}, "id": "x"}, {"name": "route", "arguments": {}}])",
       "",
       {R"(book {"n":1})", "route {}"}},
      {kLlama, R"({"name": "book", "parameters": {"to": "{}"}})", "", {R"(book {"to":"{}"})"}},
  };
  for (const Case& one : cases) {
    for (std::size_t piece = 1; piece <= std::string_view(one.answer).size(); ++piece) {
      const Read got = read(one.syntax, one.answer, piece);
      EXPECT_EQ(got.text, one.text) << one.answer << " by " << piece;
      EXPECT_EQ(got.calls, one.calls) << one.answer << " by " << piece;
    }
  }
}

TEST(ToolCalls, WhatIsNoCallOfAToolStaysTextToTheByte) {
  for (const char* answer :
       {"a < b, and <tool_ is no mark ", "<tool_call>{\"name\": \"unknown\", \"arguments\": {}}</tool_call>",
        "<tool_call>{\"name\": \"book\", \"arguments\": [1]}</tool_call> done", "<tool_call>{\"name\": \"bo", "  \n",
        " leading and trailing  "}) {
    for (std::size_t piece = 1; piece <= std::string_view(answer).size(); ++piece) {
      const Read got = read(kHermes, answer, piece);
      EXPECT_EQ(got.text, answer) << piece;
      EXPECT_TRUE(got.calls.empty());
    }
  }
  EXPECT_EQ(read(kLlama, "The answer is {}.", 3).text, "The answer is {}.");
  EXPECT_EQ(read(kLlama, "{\"price\": 5}", 3).text, "{\"price\": 5}");
}

TEST(ToolCalls, OneIsEnoughWhereTheyMayNotBeParallel) {
  const char* two = R"([TOOL_CALLS] [{"name": "book", "arguments": {}}, {"name": "route", "arguments": {}}])";
  EXPECT_EQ(read(kMistral, two, 5, false).calls, (std::vector<std::string>{"book {}"}));
  const std::string one = "<tool_call>{\"name\": \"book\", \"arguments\": {}}</tool_call>";
  EXPECT_EQ(read(kHermes, one + one, 1, false).count, 1);
}

TEST(ToolCalls, ATemplateThatTakesNoToolsHasNoSyntax) {
  EXPECT_EQ(tool_syntax("{{ messages }}"), nullptr);
  EXPECT_EQ(tool_syntax("{% if tools %}[TOOL_CALLS]name[ARGS]{}{% endif %}"), nullptr) << "calls of another form";
}

GenerateRequest with_tools(ToolChoice choice) {
  GenerateRequest request = ask("My laptop does not start.", 120, 1.5, 3);
  request.tools = {{"route", "Routes a ticket.", kTicket}, {"close", "", ""}};
  request.tool_choice = std::move(choice);
  return request;
}

GenerateEvent run(Engine& engine, GenerateRequest request, Events& events) {
  const auto generation = engine.generate(std::move(request), events.sink());
  return events.last();
}

TEST(ToolCalls, AForcedCallFollowsTheSchemaOfItsTool) {
  const auto engine = Engine::load({.model_directory = kDemo});
  for (int seed = 0; seed < 5; ++seed) {
    GenerateRequest request = with_tools({ToolChoice::Mode::function, "route"});
    request.sampling.seed = static_cast<std::uint64_t>(seed);
    Events events;
    const GenerateEvent end = run(*engine, std::move(request), events);
    ASSERT_EQ(end.kind, Kind::finished) << end.message;
    EXPECT_EQ(end.finish, FinishReason::tool_calls);
    EXPECT_EQ(events.text(), "");
    ASSERT_EQ(events.calls().size(), 1U);
    EXPECT_EQ(events.calls()[0].name, "route");
    const Json arguments = parse_json(events.calls()[0].arguments, "arguments");
    EXPECT_THAT(arguments.keys, ElementsAre("queue", "urgent"));
    EXPECT_THAT(arguments.find("queue")->string, ::testing::AnyOf("it", "hr"));
  }
  Events events;
  (void)run(*engine, with_tools({ToolChoice::Mode::required}), events);
  ASSERT_EQ(events.calls().size(), 1U);
  EXPECT_THAT(events.calls()[0].name, ::testing::AnyOf("route", "close"));
}

TEST(ToolCalls, AForcedCallThatIsCutOffIsLeftOut) {
  const auto engine = Engine::load({.model_directory = kDemo});
  GenerateRequest request = with_tools({ToolChoice::Mode::function, "route"});
  request.sampling.max_tokens = 3;
  Events events;
  EXPECT_EQ(run(*engine, std::move(request), events).finish, FinishReason::length);
  EXPECT_EQ(events.text(), "");
  EXPECT_TRUE(events.calls().empty());
}

TEST(ToolCalls, WhatCannotBeCalledIsRefusedByItsName) {
  const auto engine = Engine::load({.model_directory = kDemo});
  Events unnamed;
  GenerateEvent end = run(*engine, with_tools({ToolChoice::Mode::function, "fly"}), unnamed);
  EXPECT_EQ(end.param, "tool_choice");
  GenerateRequest request = with_tools({ToolChoice::Mode::required});
  request.tools[0].schema = R"({"type":"object","properties":{"when":{"type":"string","pattern":"^x"}}})";
  Events patterned;
  end = run(*engine, std::move(request), patterned);
  EXPECT_EQ(end.param, "tools");
  EXPECT_THAT(end.message, HasSubstr("route: the JSON schema at #/properties/when/pattern"));

  const test::TestModel files({});
  const auto other = Engine::load({.model_directory = files.directory()});
  EXPECT_FALSE(other->facts().takes_tools);
  Events forced;
  end = run(*other, with_tools({ToolChoice::Mode::required}), forced);
  EXPECT_EQ(end.failure, FailureKind::invalid_request);
  EXPECT_EQ(end.param, "tool_choice");
  Events free;
  EXPECT_EQ(run(*other, with_tools({}), free).kind, Kind::finished) << "they are left out";
}

TEST(ToolCalls, TheConversationSoFarIsTold) {
  const auto model = Model::load(kDemo);
  const std::vector<Message> messages = {
      {"user", "Route it."},
      {"assistant", "", {{"call_x", "route", R"({"queue": "it"})"}}},
      {.role = "tool", .content = "done", .tool_call_id = "call_x"},
  };
  const auto prompt = std::get<std::vector<int>>(model->chat_template.prompt(messages));
  std::string text;
  for (const int id : prompt) text += model->tokenizer.bytes_of(id);
  EXPECT_THAT(text, HasSubstr("<tool_call>\n{\"name\": \"route\", \"arguments\": {\"queue\": \"it\"}}\n</tool_call>"));
  EXPECT_THAT(text, HasSubstr("Result: done"));
  const std::vector<Message> broken = {{"assistant", "", {{"c", "route", "{"}}}};
  EXPECT_TRUE(std::holds_alternative<PromptError>(model->chat_template.prompt(broken)));
}

}  // namespace
}  // namespace tollgate::local_backend
