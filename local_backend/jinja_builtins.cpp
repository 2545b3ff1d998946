#include "local_backend/jinja_builtins.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

#include "local_backend/jinja_text.h"

namespace tollgate::local_backend::jinja {
namespace {

using Kind = JinjaValue::Kind;
using List = JinjaValue::List;

JinjaValue text_of(Context& context, const Arguments& a, std::string text) {
  return context.fits(text.size(), a.line) ? JinjaValue::of(std::move(text)) : JinjaValue();
}

// ---- filters on strings

JinjaValue trim(Context& c, const Arguments& a) {
  return text_of(c, a, trimmed(a.subject.text(), true, true, a.get(0, "chars").text()));
}
JinjaValue upper(Context& c, const Arguments& a) { return text_of(c, a, with_case(a.subject.text(), true)); }
JinjaValue lower(Context& c, const Arguments& a) { return text_of(c, a, with_case(a.subject.text(), false)); }
JinjaValue title(Context& c, const Arguments& a) { return text_of(c, a, titled(a.subject.text())); }
JinjaValue as_string(Context& c, const Arguments& a) { return text_of(c, a, a.subject.text()); }

JinjaValue capitalize(Context& c, const Arguments& a) {
  std::string out = with_case(a.subject.text(), false);
  if (!out.empty()) out[0] = with_case(out.substr(0, 1), true)[0];
  return text_of(c, a, std::move(out));
}

JinjaValue replace(Context& c, const Arguments& a) {
  const std::string text = a.subject.text();
  const std::string from = a.get(0, "old").text();
  const std::string wanted = a.get(1, "new").text();
  if (from.empty()) return c.fail(a.line, "replace of an empty string is not supported");
  // What a removal brings together must not become a special token: the mark that guards user text stands between.
  const std::string to = wanted.empty() ? "\xFF" : wanted;
  if (!c.fits(text.size() / from.size() * to.size() + text.size(), a.line)) return {};
  return JinjaValue::of(replaced(text, from, to));
}

JinjaValue indent(Context& c, const Arguments& a) {
  const JinjaValue width = a.get(0, "width");
  const std::int64_t count = width.is(Kind::integer) ? width.integer() : 4;
  if (count < 0 || count > 100) return c.fail(a.line, "indent needs a width from 0 to 100");
  const std::string blanks(static_cast<std::size_t>(count), ' ');
  const std::string text = a.subject.text();
  std::string out = a.get(1, "first").truthy() ? blanks : std::string();
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    const bool line_follows = text[i] == '\n' && i + 1 < text.size() && text[i + 1] != '\n';
    if (line_follows) out += blanks;
    if (!c.output_fits(out.size())) break;
  }
  return text_of(c, a, std::move(out));
}

JinjaValue to_int(Context&, const Arguments& a) {
  if (a.subject.is(Kind::number) && std::fabs(a.subject.number()) < 9e15) {
    return JinjaValue::of(static_cast<std::int64_t>(a.subject.number()));
  }
  if (a.subject.is_numeric()) return JinjaValue::of(a.subject.integer());
  const std::string text = trimmed(a.subject.text());
  std::int64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = end.ec == std::errc() && end.ptr == text.data() + text.size();
  return JinjaValue::of(whole ? value : std::int64_t{0});
}

// ---- JSON

JinjaValue tojson(Context& c, const Arguments& a) {
  for (const auto& [name, value] : a.named) {
    if (name != "indent" && name != "ensure_ascii") return c.fail(a.line, "tojson's " + name + " is not supported");
    if (name == "ensure_ascii" && value.truthy()) return c.fail(a.line, "tojson with ensure_ascii is not supported");
  }
  const JinjaValue indent = a.named.empty() && a.positional.size() == 1 ? a.positional[0] : a.get(9, "indent");
  const std::int64_t width = indent.is(Kind::integer) ? indent.integer() : -1;
  if (width > 100) return c.fail(a.line, "tojson needs an indent up to 100");
  return JinjaValue::of(to_json(c, a.subject, a.line, width));
}

// ---- filters on lists and maps

JinjaValue length(Context& c, const Arguments& a) {
  const JinjaValue& v = a.subject;
  if (v.is(Kind::string)) return JinjaValue::of(characters(v.string()));
  if (v.is(Kind::list)) return JinjaValue::of(static_cast<std::int64_t>(v.list().size()));
  if (v.is(Kind::map)) return JinjaValue::of(static_cast<std::int64_t>(v.map().size()));
  if (v.is(Kind::undefined)) return JinjaValue::of(std::int64_t{0});
  return c.fail(a.line, "length of something that has none");
}

JinjaValue default_value(Context&, const Arguments& a) {
  const bool missing = a.subject.is(Kind::undefined) || (a.get(1, "boolean").truthy() && !a.subject.truthy());
  if (!missing) return a.subject;
  const JinjaValue fallback = a.get(0, "default_value");
  return fallback.is(Kind::undefined) ? JinjaValue::of(std::string()) : fallback;
}

JinjaValue first(Context& c, const Arguments& a) {
  const List items = items_of(c, a.subject, a.line);
  return items.empty() ? JinjaValue() : items.front();
}
JinjaValue last(Context& c, const Arguments& a) {
  const List items = items_of(c, a.subject, a.line);
  return items.empty() ? JinjaValue() : items.back();
}
JinjaValue list(Context& c, const Arguments& a) { return JinjaValue::of(items_of(c, a.subject, a.line)); }
JinjaValue reverse(Context& c, const Arguments& a) {
  if (a.subject.is(Kind::string)) return c.fail(a.line, "reverse of a string is not supported");
  List items = items_of(c, a.subject, a.line);
  std::reverse(items.begin(), items.end());
  return JinjaValue::of(std::move(items));
}

JinjaValue join(Context& c, const Arguments& a) {
  const std::string between = a.get(0, "d").text();
  const JinjaValue attribute = a.get(1, "attribute");
  std::string out;
  bool any = false;
  for (const JinjaValue& item : items_of(c, a.subject, a.line)) {
    const JinjaValue* member = attribute.is(Kind::string) ? item.member(attribute.string()) : &item;
    const std::string text = (any ? between : "") + (member == nullptr ? "" : member->text());
    if (!c.step(a.line) || !c.fits(text.size(), a.line)) return {};
    out += text;
    any = true;
  }
  return JinjaValue::of(std::move(out));
}

JinjaValue entries(Context& c, const Arguments& a) {
  if (a.subject.is(Kind::undefined)) return JinjaValue::of(List{});
  if (!a.subject.is(Kind::map)) return c.fail(a.line, "items of something that is no map");
  List out;
  for (const auto& [key, value] : a.subject.map()) {
    if (!c.step(a.line)) return {};
    out.push_back(JinjaValue::of(List{JinjaValue::of(key), value}));
  }
  return JinjaValue::of(std::move(out));
}

// What `arguments` (from `from` on) say of a value: a test by name, or without one whether it is true.
bool passes(Context& c, const Arguments& a, const JinjaValue& value, std::size_t from) {
  if (from >= a.positional.size()) return value.truthy();
  const std::string name = a.positional[from].text();
  const Builtin test = find_test(name);
  if (test == nullptr) {
    c.fail(a.line, "the test \"" + name + "\" is not supported");
    return false;
  }
  Arguments inner;
  inner.subject = value;
  inner.line = a.line;
  inner.positional.assign(a.positional.begin() + static_cast<std::ptrdiff_t>(from) + 1, a.positional.end());
  return test(c, inner).truthy();
}

JinjaValue chosen(Context& c, const Arguments& a, bool by_attribute, bool wanted) {
  const JinjaValue attribute = a.get(0);
  if (by_attribute && !attribute.is(Kind::string)) return c.fail(a.line, "selectattr needs an attribute's name");
  List out;
  for (const JinjaValue& item : items_of(c, a.subject, a.line)) {
    if (!c.step(a.line)) return {};
    const JinjaValue* member = by_attribute ? item.member(attribute.string()) : &item;
    if (passes(c, a, member == nullptr ? JinjaValue() : *member, by_attribute ? 1 : 0) == wanted) out.push_back(item);
  }
  return JinjaValue::of(std::move(out));
}
JinjaValue select(Context& c, const Arguments& a) { return chosen(c, a, false, true); }
JinjaValue reject(Context& c, const Arguments& a) { return chosen(c, a, false, false); }
JinjaValue selectattr(Context& c, const Arguments& a) { return chosen(c, a, true, true); }
JinjaValue rejectattr(Context& c, const Arguments& a) { return chosen(c, a, true, false); }

JinjaValue map_each(Context& c, const Arguments& a) {
  const JinjaValue attribute = a.get(9, "attribute");
  const Builtin filter = a.positional.empty() ? nullptr : find_filter(a.positional[0].text());
  if (!attribute.is(Kind::string) && filter == nullptr) return c.fail(a.line, "map needs an attribute or a filter");
  List out;
  for (const JinjaValue& item : items_of(c, a.subject, a.line)) {
    if (!c.step(a.line)) return {};
    if (attribute.is(Kind::string)) {
      const JinjaValue* member = item.member(attribute.string());
      const JinjaValue fallback = a.get(9, "default");
      out.push_back(member == nullptr ? fallback : *member);
    } else {
      Arguments inner{item, {a.positional.begin() + 1, a.positional.end()}, {}, a.line};
      out.push_back(filter(c, inner));
    }
  }
  return JinjaValue::of(std::move(out));
}

// ---- tests

template <Kind kKind>
JinjaValue is_kind(Context&, const Arguments& a) {
  return JinjaValue::of(a.subject.is(kKind));
}
JinjaValue is_defined(Context&, const Arguments& a) { return JinjaValue::of(!a.subject.is(Kind::undefined)); }
JinjaValue is_number(Context&, const Arguments& a) { return JinjaValue::of(a.subject.is_numeric()); }
JinjaValue is_iterable(Context&, const Arguments& a) {  // Jinja's undefined is an empty sequence
  return JinjaValue::of(a.subject.is(Kind::list) || a.subject.is(Kind::map) || a.subject.is(Kind::string) ||
                        a.subject.is(Kind::undefined));
}
JinjaValue is_true(Context&, const Arguments& a) {
  return JinjaValue::of(a.subject.is(Kind::boolean) && a.subject.truthy());
}
JinjaValue is_false(Context&, const Arguments& a) {
  return JinjaValue::of(a.subject.is(Kind::boolean) && !a.subject.truthy());
}
JinjaValue is_equal(Context&, const Arguments& a) { return JinjaValue::of(a.subject.equals(a.get(0))); }
JinjaValue is_unequal(Context&, const Arguments& a) { return JinjaValue::of(!a.subject.equals(a.get(0))); }
JinjaValue is_in(Context& c, const Arguments& a) { return JinjaValue::of(contains(c, a.get(0), a.subject, a.line)); }
JinjaValue is_even(Context&, const Arguments& a) { return JinjaValue::of(a.subject.integer() % 2 == 0); }
JinjaValue is_odd(Context&, const Arguments& a) { return JinjaValue::of(a.subject.integer() % 2 != 0); }

// ---- methods

std::string own_text(Context& c, const Arguments& a) {
  if (!a.subject.is(Kind::string)) c.fail(a.line, "this method needs a string");
  return a.subject.text();
}

JinjaValue strip(Context& c, const Arguments& a) {
  return text_of(c, a, trimmed(own_text(c, a), true, true, a.get(0).text()));
}
JinjaValue lstrip(Context& c, const Arguments& a) {
  return text_of(c, a, trimmed(own_text(c, a), true, false, a.get(0).text()));
}
JinjaValue rstrip(Context& c, const Arguments& a) {
  return text_of(c, a, trimmed(own_text(c, a), false, true, a.get(0).text()));
}

JinjaValue split(Context& c, const Arguments& a) {
  const std::string text = own_text(c, a);
  const std::string by = a.get(0, "sep").text();
  const JinjaValue limit = a.get(1, "maxsplit");
  const std::int64_t most = limit.is(Kind::integer) && limit.integer() >= 0 ? limit.integer() : INT64_MAX;
  List out;
  std::string rest = by.empty() ? trimmed(text, true, false) : text;
  while (static_cast<std::int64_t>(out.size()) < most) {
    const std::size_t at = by.empty() ? find_blank(rest) : rest.find(by);
    if (at == std::string::npos || !c.step(a.line) || !c.fits(rest.size(), a.line)) break;
    out.push_back(JinjaValue::of(rest.substr(0, at)));
    rest = by.empty() ? trimmed(rest.substr(at), true, false) : rest.substr(at + by.size());
  }
  if (!by.empty() || !rest.empty()) out.push_back(JinjaValue::of(std::move(rest)));
  return JinjaValue::of(std::move(out));
}

template <bool kStart>
JinjaValue has_end(Context& c, const Arguments& a) {
  const std::string text = own_text(c, a);
  const JinjaValue wanted = a.get(0);
  const List ends = wanted.is(Kind::list) ? wanted.list() : List{wanted};
  return JinjaValue::of(std::any_of(ends.begin(), ends.end(), [&](const JinjaValue& end) {
    return kStart ? text.starts_with(end.text()) : text.ends_with(end.text());
  }));
}

JinjaValue get(Context& c, const Arguments& a) {
  if (!a.subject.is(Kind::map)) return c.fail(a.line, "get of something that is no map");
  const JinjaValue* found = a.subject.member(a.get(0).text());
  if (found != nullptr) return *found;
  return a.positional.size() > 1 ? a.positional[1] : JinjaValue::none();
}

template <bool kKeys>
JinjaValue keys_or_values(Context& c, const Arguments& a) {
  if (!a.subject.is(Kind::map)) return c.fail(a.line, "keys or values of something that is no map");
  List out;
  for (const auto& [key, value] : a.subject.map()) out.push_back(kKeys ? JinjaValue::of(key) : value);
  return JinjaValue::of(std::move(out));
}

// ---- functions

JinjaValue raise_exception(Context& c, const Arguments& a) {
  c.raise(a.get(0, "message").text());
  return {};
}
JinjaValue name_space(Context&, const Arguments& a) { return JinjaValue::space(a.named); }
JinjaValue dict(Context&, const Arguments& a) { return JinjaValue::of(a.named); }

JinjaValue range(Context& c, const Arguments& a) {
  const bool one = a.positional.size() == 1;
  const std::int64_t start = one ? 0 : a.get(0).integer();
  const std::int64_t stop = a.get(one ? 0 : 1).integer();
  const std::int64_t step = a.positional.size() > 2 ? a.positional[2].integer() : 1;
  constexpr std::int64_t kFar = 1'000'000'000;
  const bool near = std::max({std::abs(start), std::abs(stop), std::abs(step)}) <= kFar;
  if (!near || step == 0) return c.fail(a.line, "range needs smaller numbers and a step other than 0");
  List out;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop; i += step) {
    if (!c.step(a.line)) return {};
    out.push_back(JinjaValue::of(i));
  }
  return JinjaValue::of(std::move(out));
}

JinjaValue strftime_now(Context& c, const Arguments& a) {
  if (!c.now) return c.fail(a.line, "strftime_now is not defined here");
  const std::string format = a.get(0, "format").text();
  const auto seconds = static_cast<std::time_t>(*c.now);
  std::tm parts{};
  std::array<char, 256> buffer{};
  const bool good = format.size() <= 64 && ::gmtime_r(&seconds, &parts) != nullptr;
  if (!good) return c.fail(a.line, "strftime_now cannot show this");
  const std::size_t size = std::strftime(buffer.data(), buffer.size(), format.c_str(), &parts);
  return JinjaValue::of(std::string(buffer.data(), size));
}

// ---- the tables

struct Entry {
  std::string_view name;
  Builtin builtin;
};

constexpr Entry kFilters[] = {{"trim", trim},
                              {"upper", upper},
                              {"lower", lower},
                              {"title", title},
                              {"string", as_string},
                              {"safe", as_string},
                              {"capitalize", capitalize},
                              {"replace", replace},
                              {"indent", indent},
                              {"int", to_int},
                              {"tojson", tojson},
                              {"length", length},
                              {"count", length},
                              {"d", default_value},
                              {"default", default_value},
                              {"first", first},
                              {"last", last},
                              {"list", list},
                              {"reverse", reverse},
                              {"join", join},
                              {"items", entries},
                              {"select", select},
                              {"reject", reject},
                              {"selectattr", selectattr},
                              {"rejectattr", rejectattr},
                              {"map", map_each}};

constexpr Entry kTests[] = {{"defined", is_defined},
                            {"undefined", is_kind<Kind::undefined>},
                            {"none", is_kind<Kind::none>},
                            {"string", is_kind<Kind::string>},
                            {"mapping", is_kind<Kind::map>},
                            {"boolean", is_kind<Kind::boolean>},
                            {"integer", is_kind<Kind::integer>},
                            {"float", is_kind<Kind::number>},
                            {"number", is_number},
                            {"iterable", is_iterable},
                            {"sequence", is_iterable},
                            {"true", is_true},
                            {"false", is_false},
                            {"equalto", is_equal},
                            {"eq", is_equal},
                            {"==", is_equal},
                            {"ne", is_unequal},
                            {"!=", is_unequal},
                            {"in", is_in},
                            {"even", is_even},
                            {"odd", is_odd}};

constexpr Entry kMethods[] = {{"strip", strip},
                              {"lstrip", lstrip},
                              {"rstrip", rstrip},
                              {"split", split},
                              {"startswith", has_end<true>},
                              {"endswith", has_end<false>},
                              {"upper", upper},
                              {"lower", lower},
                              {"title", title},
                              {"capitalize", capitalize},
                              {"replace", replace},
                              {"items", entries},
                              {"keys", keys_or_values<true>},
                              {"values", keys_or_values<false>},
                              {"get", get}};

constexpr Entry kFunctions[] = {{"raise_exception", raise_exception},
                                {"namespace", name_space},
                                {"dict", dict},
                                {"range", range},
                                {"strftime_now", strftime_now}};

template <std::size_t N>
Builtin find(const Entry (&table)[N], std::string_view name) {
  const auto* found = std::find_if(std::begin(table), std::end(table), [&](const Entry& e) { return e.name == name; });
  return found == std::end(table) ? nullptr : found->builtin;
}

}  // namespace

Builtin find_filter(std::string_view name) { return find(kFilters, name); }
Builtin find_test(std::string_view name) { return find(kTests, name); }
Builtin find_method(std::string_view name) { return find(kMethods, name); }
Builtin find_function(std::string_view name) { return find(kFunctions, name); }

}  // namespace tollgate::local_backend::jinja
