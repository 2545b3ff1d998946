#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "events.h"
#include "local_backend/json_automaton.h"
#include "local_backend/json_grammar.h"
#include "local_backend/model.h"
#include "test_model.h"

namespace tollgate::local_backend {
namespace {

using test::ask;
using test::Events;
using test::TestModel;
using ::testing::HasSubstr;

const TokenOrder& tokens() {
  static const Tokenizer kTokenizer = Tokenizer::parse(test::fixture("tokenizer.json"), "fixture");
  static const TokenOrder kOrder(kTokenizer);
  return kOrder;
}

// Whether a text follows the schema's grammar, whole.
bool follows(const std::string& schema, const std::string& text) {
  auto grammar = schema_grammar(schema);
  if (const auto* error = std::get_if<SchemaError>(&grammar)) {
    ADD_FAILURE() << schema << ": " << error->message;
    return false;
  }
  JsonAutomaton automaton(std::get<Grammar>(std::move(grammar)), tokens());
  return automaton.accepts(automaton.advance(JsonAutomaton::kStart, text));
}

std::string complaint(const std::string& schema) {
  const auto grammar = schema_grammar(schema);
  const auto* error = std::get_if<SchemaError>(&grammar);
  return error == nullptr ? "" : error->message;
}

TEST(JsonGrammar, TakesWhatJsonIsAndNothingElse) {
  for (const char* text : {"null", "true", "0", "-1.5e+10", "\"a\\u00e9\\n\xC3\xA9\"", "[]", "[1, 2]", "{}",
                           "{\"a\": {\"b\": [\n  1,\n  2\n]}}", "\"\\ud83d\\ude00\"", "\"\xF0\x9F\x98\x80\""}) {
    EXPECT_TRUE(follows("true", text)) << text;
  }
  for (const char* text : {"", "nul", "01", "1.", "-", "+1", "[1,]", "{\"a\"}", "{a:1}", "\"\n\"", "\"\xC3\"",
                           "\"\xFF\"", "\"\xED\xA0\x80\"", "\"\\ud83d\"", "\"\\x\"", "[1 2]", "{} {}", "{\"a\":1,}"}) {
    EXPECT_FALSE(follows("true", text)) << text;
  }
}

TEST(JsonGrammar, ObjectsHaveTheirPropertiesInOrderAndWhatIsRequired) {
  const std::string schema =
      R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},"c":{"type":"boolean"}},
          "required":["b"],"additionalProperties":false})";
  for (const char* text :
       {R"({"b":"x"})", R"({"a":1,"b":"x"})", R"({"b":"x","c":true})", R"({ "a": 1, "b": "", "c": false })"})
    EXPECT_TRUE(follows(schema, text)) << text;
  for (const char* text :
       {"{}", R"({"a":1})", R"({"b":1})", R"({"b":"x","a":1})", R"({"b":"x","d":1})", R"({"b":"x",})", R"({,"b":"x"})"})
    EXPECT_FALSE(follows(schema, text)) << text;
}

TEST(JsonGrammar, CountsItemsAndCharacters) {
  const std::string list = R"({"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3})";
  EXPECT_TRUE(follows(list, "[1]"));
  EXPECT_TRUE(follows(list, "[1, 2, 3]"));
  EXPECT_FALSE(follows(list, "[]"));
  EXPECT_FALSE(follows(list, "[1,2,3,4]"));
  const std::string open_list = R"({"type":"array","items":{"enum":["x"]},"minItems":2})";
  EXPECT_FALSE(follows(open_list, R"(["x"])"));
  EXPECT_TRUE(follows(open_list, R"(["x","x","x","x","x"])"));
  const std::string text = R"({"type":"string","minLength":1,"maxLength":2})";
  EXPECT_TRUE(follows(text, "\"\xC3\xA9\xF0\x9F\x98\x80\"")) << "characters, not bytes";
  EXPECT_TRUE(follows(text, R"("\n\u0041")"));
  EXPECT_FALSE(follows(text, R"("")"));
  EXPECT_FALSE(follows(text, R"("abc")"));
}

TEST(JsonGrammar, KnowsAlternativesFixedValuesAndMaps) {
  EXPECT_TRUE(follows(R"({"enum":["red","gr\"een",3,null]})", R"("gr\"een")"));
  EXPECT_FALSE(follows(R"({"enum":["red"]})", R"("blue")"));
  EXPECT_TRUE(follows(R"({"const":true})", "true"));
  EXPECT_FALSE(follows(R"({"type":"string","enum":["a",1]})", "1"));
  EXPECT_TRUE(follows(R"({"anyOf":[{"type":"null"},{"type":"array","items":{"type":"null"}}]})", "[null]"));
  EXPECT_TRUE(follows(R"({"type":["integer","null"]})", "null"));
  EXPECT_FALSE(follows(R"({"type":["integer","null"]})", "1.5"));
  const std::string map = R"({"type":"object","additionalProperties":{"type":"integer"}})";
  EXPECT_TRUE(follows(map, R"({"x":1, "y":2})"));
  EXPECT_FALSE(follows(map, R"({"x":"1"})"));
}

TEST(JsonGrammar, SchemasMayContainThemselves) {
  const std::string tree =
      R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"value":{"type":"integer"},
          "next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["value","next"]}}})";
  EXPECT_TRUE(follows(tree, R"({"value":1,"next":{"value":2,"next":null}})"));
  EXPECT_FALSE(follows(tree, R"({"value":1,"next":{"value":2}})"));
}

TEST(JsonGrammar, WhatIsNotImplementedIsRefusedByItsPointer) {
  EXPECT_THAT(complaint(R"({"type":"object","properties":{"a/b":{"type":"string","pattern":"x"}}})"),
              HasSubstr("#/properties/a~1b/pattern"));
  EXPECT_THAT(complaint(R"({"anyOf":[{"type":"null"}],"minLength":1})"), HasSubstr("#/minLength"));
  EXPECT_THAT(complaint(R"({"type":"integer","minimum":1})"), HasSubstr("#/minimum"));
  EXPECT_THAT(complaint(R"({"type":"array","items":{"$ref":"#/nowhere"}})"), HasSubstr("#/items/$ref"));
  EXPECT_THAT(complaint(R"({"$ref":"#"})"), HasSubstr("itself"));
  EXPECT_THAT(complaint(R"({"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"})"), HasSubstr("itself"));
  EXPECT_THAT(complaint(R"({"type":"date"})"), HasSubstr("#/type"));
  EXPECT_THAT(complaint(R"({"type":"array","minItems":3,"maxItems":2})"), HasSubstr("no value"));
  EXPECT_THAT(complaint(R"({"type":"string","minLength":15000,"maxLength":20000})"), ::testing::IsEmpty());
  EXPECT_THAT(complaint(R"({"type":"string","minLength":999999999})"), HasSubstr("minLength"));
  EXPECT_NE(complaint("{"), "");
  EXPECT_NE(complaint("false"), "");
}

// The same as asking the automaton for each token by itself.
TEST(JsonAutomaton, AMaskHoldsExactlyTheTokensThatMayFollow) {
  JsonAutomaton automaton(std::get<Grammar>(json_object_grammar()), tokens());
  const std::vector<int> enders = {test::kEndToken};
  for (const char* text : {"", "{", "{\"a", "{\"a\":", "{\"a\":[1", "{\"a\":1}"}) {
    const int state = automaton.advance(JsonAutomaton::kStart, text);
    ASSERT_NE(state, JsonAutomaton::kDead) << text;
    const TokenMask& mask = *automaton.mask(state, enders);
    for (const auto& token : tokens().entries) {
      EXPECT_EQ(mask[static_cast<std::size_t>(token.id)], automaton.advance(state, token.bytes) != JsonAutomaton::kDead)
          << text << " + " << token.bytes;
    }
    EXPECT_EQ(mask[test::kEndToken], automaton.complete(state)) << text;
  }
}

std::string strings_of_length(int alternatives) {
  std::string out = R"({"anyOf":[)";
  for (int i = 0; i < alternatives; ++i)
    out += std::string(i > 0 ? "," : "") + R"({"type":"string","maxLength":)" + std::to_string(20 + i) + "}";
  return out + "]}";
}

// Others wait while it is made.
TEST(JsonAutomaton, AMaskThatWouldTakeTooLongIsGivenUpAndWhatWasLearntIsKept) {
  const std::vector<int> enders = {test::kEndToken};
  const auto automaton_of = [](std::int64_t most_work) {
    return JsonAutomaton(std::get<Grammar>(schema_grammar(strings_of_length(300))), tokens(), most_work);
  };
  JsonAutomaton patient = automaton_of(1'000'000'000);
  JsonAutomaton hasty = automaton_of(5'000);
  const int in_string = patient.advance(JsonAutomaton::kStart, "\"a");
  ASSERT_EQ(hasty.advance(JsonAutomaton::kStart, "\"a"), in_string);
  const TokenMask* const whole = patient.mask(in_string, enders);
  ASSERT_NE(whole, nullptr);
  EXPECT_EQ(hasty.mask(in_string, enders), nullptr);
  const TokenMask* made = nullptr;
  for (int i = 0; i < 1'000 && made == nullptr; ++i) made = hasty.mask(in_string, enders);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(*made, *whole);
}

TEST(Engine, ASchemaThatWouldHoldUpOthersIsTheCallersFault) {
  const TestModel files({.context = 1024});
  const auto engine = Engine::load({.model_directory = files.directory()});
  GenerateRequest request = ask("answer in JSON", 400);
  request.format.kind = OutputFormat::Kind::json_schema;
  request.format.schema = strings_of_length(600);
  Events events;
  const auto generation = engine->generate(std::move(request), events.sink());
  const GenerateEvent end = events.last();
  EXPECT_EQ(end.kind, GenerateEvent::Kind::failed);
  EXPECT_EQ(end.failure, FailureKind::invalid_request);
  EXPECT_THAT(end.message, HasSubstr("too many alternatives at once"));
}

// A model with random weights, which knows nothing: whatever it draws, what ends by itself is JSON of the schema.
TEST(Engine, AnswersWithJsonOfTheSchemaWhateverTheModelDraws) {
  const TestModel files({.context = 1024});
  const auto engine = Engine::load({.model_directory = files.directory()});
  int complete = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    GenerateRequest request = ask("answer in JSON", 400, seed % 3 == 0 ? 0.0 : 1.0, seed);
    request.format.kind = OutputFormat::Kind::json_schema;
    request.format.schema =
        R"({"type":"object","properties":{"name":{"type":"string","maxLength":12},"size":{"enum":["S","M","L"]},
            "tags":{"type":"array","items":{"type":"integer"},"maxItems":3},"ok":{"type":"boolean"}},
            "required":["name","size","tags","ok"],"additionalProperties":false})";
    Events events;
    const auto generation = engine->generate(std::move(request), events.sink());
    const GenerateEvent end = events.last();
    ASSERT_EQ(end.kind, GenerateEvent::Kind::finished) << end.message;
    if (end.finish != FinishReason::stop) continue;
    ++complete;
    const auto json = nlohmann::json::parse(events.text(), nullptr, false);
    ASSERT_TRUE(json.is_object()) << events.text();
    EXPECT_EQ(json.size(), 4U);
    EXPECT_TRUE(json.at("name").is_string());
    EXPECT_THAT(json.at("size"), ::testing::AnyOf("S", "M", "L"));
    EXPECT_LE(json.at("tags").size(), 3U);
    EXPECT_TRUE(json.at("ok").is_boolean());
  }
  EXPECT_GE(complete, 6) << "a schema without free ends is nearly always finished";
}

TEST(Engine, RefusesASchemaItCannotKeep) {
  const TestModel files({});
  const auto engine = Engine::load({.model_directory = files.directory()});
  GenerateRequest request = ask("x");
  request.format = {OutputFormat::Kind::json_schema, R"({"type":"string","format":"date"})"};
  Events events;
  const auto generation = engine->generate(std::move(request), events.sink());
  EXPECT_EQ(events.last().failure, FailureKind::invalid_request);
  EXPECT_THAT(events.last().message, HasSubstr("#/format"));
}

}  // namespace
}  // namespace tollgate::local_backend
