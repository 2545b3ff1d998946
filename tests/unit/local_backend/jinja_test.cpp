#include "local_backend/jinja.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "local_backend/json_document.h"
#include "test_model.h"

namespace tollgate::local_backend {
namespace {

using nlohmann::ordered_json;
using ::testing::HasSubstr;

JinjaValue::Map variables(const ordered_json& messages) {
  JinjaValue::List list;
  for (const auto& m : messages) {
    JinjaValue::Map entry;
    for (const auto& [key, value] : m.items()) entry.emplace_back(key, JinjaValue::of(value.get<std::string>()));
    list.push_back(JinjaValue::of(std::move(entry)));
  }
  JinjaValue::Map out;
  out.emplace_back("messages", JinjaValue::of(std::move(list)));
  out.emplace_back("add_generation_prompt", JinjaValue::of(true));
  out.emplace_back("bos_token", JinjaValue::of(std::string("<s>")));
  out.emplace_back("eos_token", JinjaValue::of(std::string("</s>")));
  return out;
}

std::string refusal(const std::string& source) {
  try {
    const JinjaTemplate parsed(source);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Jinja, RendersWhatTheReferenceImplementationRenders) {
  const auto cases = ordered_json::parse(test::fixture("jinja_cases.json"));
  ASSERT_GT(cases.size(), 60U);
  for (const auto& c : cases) {
    const auto source = c["template"].get<std::string>();
    const JinjaResult got = JinjaTemplate(source).render(variables(c["messages"]));
    if (c.contains("error")) {
      EXPECT_FALSE(got.ok) << source;
      EXPECT_EQ(got.error, c["error"].get<std::string>()) << source;
    } else {
      EXPECT_TRUE(got.ok) << source << ": " << got.error;
      EXPECT_EQ(got.text, c["text"].get<std::string>()) << source;
    }
  }
}

JinjaValue value_of(const ordered_json& j) {
  if (j.is_boolean()) return JinjaValue::of(j.get<bool>());
  if (j.is_number_integer()) return JinjaValue::of(j.get<std::int64_t>());
  if (j.is_number_float()) return JinjaValue::of(j.get<double>());
  if (j.is_string()) return JinjaValue::of(j.get<std::string>());
  if (j.is_array()) {
    JinjaValue::List list;
    for (const auto& item : j) list.push_back(value_of(item));
    return JinjaValue::of(std::move(list));
  }
  if (!j.is_object()) return JinjaValue::none();
  JinjaValue::Map map;
  for (const auto& [key, item] : j.items()) map.emplace_back(key, value_of(item));
  return JinjaValue::of(std::move(map));
}

TEST(Jinja, RendersTemplatesOfRealShapesAsTheReferenceDoes) {
  const char* const elsewhere = std::getenv("TOLLGATE_CHAT_CASES");  // make_chat_fixtures.py --out
  const auto cases =
      ordered_json::parse(elsewhere != nullptr ? read_file(elsewhere, 1 << 30) : test::fixture("chat_cases.json"));
  ASSERT_GT(cases.size(), 180U);
  for (const auto& c : cases) {
    const auto name = c["template"].get<std::string>();
    JinjaValue::Map variables = value_of(c["variables"]).map();
    variables.emplace_back("add_generation_prompt", JinjaValue::of(true));
    variables.emplace_back("bos_token", JinjaValue::of(std::string("<s>")));
    variables.emplace_back("eos_token", JinjaValue::of(std::string("</s>")));
    const JinjaTemplate parsed(test::fixture("templates/" + name));
    const JinjaResult got = parsed.render(variables, {}, c["now"].get<std::int64_t>());
    if (c.contains("error")) {
      EXPECT_EQ(got.error, c["error"].get<std::string>()) << name;
    } else {
      EXPECT_EQ(got.error, "") << name;
      EXPECT_EQ(got.text, c["text"].get<std::string>()) << name << c["variables"];
    }
  }
}

std::string error_of(const std::string& source) { return JinjaTemplate(source).render({}).error; }

TEST(Jinja, MacrosAndNamespacesCannotRunAway) {
  EXPECT_THAT(error_of("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}"), HasSubstr("too deeply"));
  EXPECT_THAT(error_of("{% set n = namespace() %}{% set n.n = n %}"), HasSubstr("cannot be kept"));
  EXPECT_THAT(error_of("{% set n = namespace() %}{% set n.n = [n] %}"), HasSubstr("cannot be kept"));
  EXPECT_THAT(error_of("{% set n = namespace() %}{% set n.n = {'a': n} %}"), HasSubstr("cannot be kept"));
  EXPECT_THAT(error_of("{{ range(1000000000) | list }}"), HasSubstr("too many steps"));
  EXPECT_THAT(error_of("{{ 'ab' | replace('', 'x') }}"), HasSubstr("empty string"));
  EXPECT_THAT(error_of("{{ [1][::0] }}"), HasSubstr("step"));
  EXPECT_THAT(error_of("{{ 'abc'[::-1] }}"), HasSubstr("a string's slice"));
  EXPECT_THAT(error_of("{{ 1 // 0 }}{{ 1 / 0 }}"), HasSubstr("arithmetic"));
}

TEST(Jinja, TheDateIsThereOnlyWhereTheCallerGivesOne) {
  const JinjaTemplate parsed("{{ strftime_now('%Y-%m-%d') if strftime_now is defined else 'none' }}");
  EXPECT_EQ(parsed.render({}).text, "none");
  EXPECT_EQ(parsed.render({}, {}, 86'400).text, "1970-01-02");
}

TEST(Jinja, NamesTheConstructItDoesNotImplement) {
  EXPECT_THAT(refusal("a\n{% include 'x' %}"), HasSubstr("line 2: the tag \"include\""));
  EXPECT_THAT(refusal("{% break %}"), HasSubstr("\"break\" is not supported here"));
  EXPECT_THAT(refusal("{{ x | xmlattr }}"), HasSubstr("filter \"xmlattr\""));
  EXPECT_THAT(refusal("{{ x is divisibleby }}"), HasSubstr("test \"divisibleby\""));
  EXPECT_THAT(refusal("{{ lipsum() }}"), HasSubstr("function \"lipsum\""));
  EXPECT_THAT(refusal("{{ x.format('a') }}"), HasSubstr("method \"format\""));
  EXPECT_THAT(refusal("{% set a, b = 1, 2 %}"), HasSubstr("unpacking in set"));
  EXPECT_THAT(refusal("{% for a in x recursive %}{% endfor %}"), HasSubstr("recursive"));
  EXPECT_THAT(refusal("{{ 3 ** 2 }}"), HasSubstr("operator **"));
}

TEST(Jinja, RefusesBrokenTemplatesWithTheirLine) {
  EXPECT_THAT(refusal("x\n\n{{ a"), HasSubstr("line 3"));
  EXPECT_THAT(refusal("{% if x %}"), HasSubstr("endif"));
  EXPECT_THAT(refusal("{% for a in b %}"), HasSubstr("endfor"));
  EXPECT_THAT(refusal("{% endif %}"), HasSubstr("endif"));
  EXPECT_THAT(refusal("{{ 'a }}"), HasSubstr("not closed"));
  EXPECT_THAT(refusal("{# a"), HasSubstr("comment"));
  EXPECT_THAT(refusal("{{ }}"), HasSubstr("expression"));
}

TEST(Jinja, LimitsStepsOutputAndNesting) {
  const auto vars = variables(ordered_json::parse(R"([{"role":"a","content":"b"},{"role":"c","content":"d"}])"));
  std::string loops;
  std::string ends;
  for (int i = 0; i < 40; ++i) {
    loops += "{% for m in messages %}";
    ends += "{% endfor %}";
  }
  EXPECT_THAT(JinjaTemplate(loops + ends).render(vars).error, HasSubstr("too many steps"));
  std::string doubling = "{% set a = 'xxxxxxxxxxxxxxxx' %}";
  for (int i = 0; i < 60; ++i) doubling += "{% set a = a + a %}";
  EXPECT_THAT(JinjaTemplate(doubling).render(vars).error, HasSubstr("too much text"));
  EXPECT_THAT(refusal("{{ " + std::string(100'000, '(') + "1" + std::string(100'000, ')') + " }}"),
              HasSubstr("deeply"));
  EXPECT_THAT(refusal("{{ " +
                      [] {
                        std::string nots;
                        for (int i = 0; i < 10'000; ++i) nots += "not ";
                        return nots;
                      }() +
                      "1 }}"),
              HasSubstr("deeply"));
}

TEST(Jinja, AMemberOfAnUndefinedValueIsAnError) {
  EXPECT_FALSE(JinjaTemplate("{{ a.b }}").render({}).ok);
  EXPECT_TRUE(JinjaTemplate("{{ a }}").render({}).ok);
}

}  // namespace
}  // namespace tollgate::local_backend
