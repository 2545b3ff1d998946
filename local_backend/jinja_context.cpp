#include <algorithm>

#include "local_backend/jinja_builtins.h"
#include "local_backend/jinja_text.h"

namespace tollgate::local_backend::jinja {

using Kind = JinjaValue::Kind;

JinjaValue Context::fail(int line, const std::string& what) {
  if (!failed()) error_ = "line " + std::to_string(line) + ": " + what;
  return {};
}

void Context::raise(const std::string& message) {
  if (!failed()) error_ = message.empty() ? "the template refused the messages" : message;
}

bool Context::step(int line, std::int64_t count) {
  steps_ += count;
  if (steps_ > limits_.steps) fail(line, "the template takes too many steps");
  return !failed();
}

bool Context::fits(std::size_t size, int line) {
  work_ += size;
  if (size > limits_.output_bytes || work_ > 8 * limits_.output_bytes) fail(line, "the template makes too much text");
  return !failed();
}

JinjaValue Arguments::get(std::size_t index, std::string_view name) const {
  if (index < positional.size()) return positional[index];
  for (const auto& [key, value] : named) {
    if (key == name) return value;
  }
  return {};
}

bool contains(Context& context, const JinjaValue& in, const JinjaValue& what, int line) {
  if (in.is(Kind::string) && what.is(Kind::string)) return in.string().find(what.string()) != std::string::npos;
  if ((in.is(Kind::map) || in.is(Kind::space)) && what.is(Kind::string)) return in.member(what.string()) != nullptr;
  if (in.is(Kind::list)) {
    if (!context.step(line, static_cast<std::int64_t>(in.list().size()))) return false;
    return std::any_of(in.list().begin(), in.list().end(), [&](const JinjaValue& v) { return v.equals(what); });
  }
  if (!in.is(Kind::undefined)) context.fail(line, "in needs a string, a list or a map");
  return false;
}

std::optional<int> compare(const JinjaValue& a, const JinjaValue& b) {
  if (a.is_numeric() && b.is_numeric()) {
    if (a.is(Kind::number) || b.is(Kind::number)) return a.number() < b.number() ? -1 : a.number() > b.number() ? 1 : 0;
    return a.integer() < b.integer() ? -1 : a.integer() > b.integer() ? 1 : 0;
  }
  if (!a.is(Kind::string) || !b.is(Kind::string)) return std::nullopt;
  const int order = a.string().compare(b.string());
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

JinjaValue::List items_of(Context& context, const JinjaValue& value, int line) {
  JinjaValue::List out;
  if (value.is(Kind::list)) {
    if (context.step(line) && context.fits(value.list().size(), line)) out = value.list();
  } else if (value.is(Kind::map)) {
    for (const auto& [key, member] : value.map()) {
      if (!context.step(line)) break;
      out.push_back(JinjaValue::of(key));
    }
  } else if (value.is(Kind::string)) {
    for (std::string& character : character_list(value.string())) {
      if (!context.step(line)) break;
      out.push_back(JinjaValue::of(std::move(character)));
    }
  } else if (!value.is(Kind::undefined)) {
    context.fail(line, "going through something that is no list, map or string");
  }
  return out;
}

}  // namespace tollgate::local_backend::jinja
