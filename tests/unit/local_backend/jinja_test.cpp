#include "local_backend/jinja.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

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

TEST(Jinja, NamesTheConstructItDoesNotImplement) {
  EXPECT_THAT(refusal("a\n{% macro x() %}{% endmacro %}"), HasSubstr("line 2: the tag \"macro\""));
  EXPECT_THAT(refusal("{{ x | join }}"), HasSubstr("filter \"join\""));
  EXPECT_THAT(refusal("{{ x is divisibleby }}"), HasSubstr("test \"divisibleby\""));
  EXPECT_THAT(refusal("{{ strftime_now('x') }}"), HasSubstr("function \"strftime_now\""));
  EXPECT_THAT(refusal("{{ x.split('a') }}"), HasSubstr("method \"split\""));
  EXPECT_THAT(refusal("{% set ns.x = 1 %}"), HasSubstr("namespace"));
  EXPECT_THAT(refusal("{% for a, b in x %}{% endfor %}"), HasSubstr("unpacking"));
  EXPECT_THAT(refusal("{% for a in x if a %}{% endfor %}"), HasSubstr("filter in for"));
  EXPECT_THAT(refusal("{{ {'a': 1} }}"), HasSubstr("map literals"));
  EXPECT_THAT(refusal("{{ x[::-1] }}"), HasSubstr("step"));
  EXPECT_THAT(refusal("{{ 1.5 }}"), HasSubstr("floating-point"));
  EXPECT_THAT(refusal("{{ 3 / 2 }}"), HasSubstr("operator /"));
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
