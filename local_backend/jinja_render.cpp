#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "local_backend/jinja_builtins.h"
#include "local_backend/jinja_syntax.h"
#include "local_backend/jinja_text.h"

namespace tollgate::local_backend {
namespace jinja {
namespace {

using Kind = JinjaValue::Kind;

constexpr int kMaxCalls = 50;  // of macros, one inside the other

class Renderer {
 public:
  Renderer(const JinjaValue::Map& variables, const JinjaLimits& limits, std::optional<std::int64_t> now)
      : context_(limits, now) {
    scopes_.push_back(variables);
  }

  JinjaResult run(const Block& root) {
    block(root);
    if (context_.failed()) return {false, {}, context_.error()};
    return {true, std::move(out_), {}};
  }

 private:
  using Scope = JinjaValue::Map;
  enum class Flow : std::uint8_t { on, next, stop };  // how a block ended: `continue` and `break` leave it early

  Flow block(const Block& b) {
    for (const Statement& s : b.statements) {
      if (!context_.step(s.line)) return Flow::stop;
      if (const Flow flow = statement(s); flow != Flow::on) return flow;
    }
    return Flow::on;
  }

  Flow statement(const Statement& s) {
    switch (s.kind) {
      case Statement::Kind::text:
        write(s.text, s.line);
        return Flow::on;
      case Statement::Kind::print:
        write(evaluate(s.expressions[0]).text(), s.line);
        return Flow::on;
      case Statement::Kind::assign:
        assign(s);
        return Flow::on;
      case Statement::Kind::assign_block:
        set(s, captured(s.blocks[0]));
        return Flow::on;
      case Statement::Kind::macro:
        macros_[s.text] = &s;
        return Flow::on;
      case Statement::Kind::branch:
        return branch(s);
      case Statement::Kind::loop:
        loop(s);
        return Flow::on;
      case Statement::Kind::block:
        return block(s.blocks[0]);
      case Statement::Kind::stop:
        return Flow::stop;
      case Statement::Kind::next:
        return Flow::next;
    }
    return Flow::on;
  }

  void write(const std::string& text, int line) {
    if (context_.failed() || !context_.fits(text.size(), line)) return;
    if (!context_.output_fits(out_.size() + text.size())) {
      context_.fail(line, "the template makes too much text");
      return;
    }
    out_ += text;
  }

  // What the block writes, as a value.
  JinjaValue captured(const Block& b) {
    std::string before = std::exchange(out_, {});
    block(b);
    return JinjaValue::of(std::exchange(out_, std::move(before)));
  }

  void assign(const Statement& s) { set(s, evaluate(s.expressions[0])); }

  // A namespace in another value could come to hold itself, and would never be freed.
  bool keepable(const JinjaValue& value, int line) {
    if (value.is(Kind::space)) context_.fail(line, "a namespace cannot be kept in another value");
    return !context_.failed();
  }

  void set(const Statement& s, JinjaValue value) {
    if (s.member.empty()) return set(s.text, std::move(value));
    JinjaValue object = lookup(s.text);
    if (!object.is(Kind::space)) {
      context_.fail(s.line, "only a namespace's members can be set");
      return;
    }
    if (keepable(value, s.line)) object.set_member(s.member, std::move(value));
  }

  void set(const std::string& name, JinjaValue value) {
    for (auto& [key, old] : scopes_.back()) {
      if (key == name) {
        old = std::move(value);
        return;
      }
    }
    scopes_.back().emplace_back(name, std::move(value));
  }

  Flow branch(const Statement& s) {
    for (std::size_t i = 0; i < s.expressions.size(); ++i) {
      const bool taken = evaluate(s.expressions[i]).truthy();
      if (context_.failed()) return Flow::stop;
      if (taken) return block(s.blocks[i]);
    }
    return s.blocks.size() > s.expressions.size() ? block(s.blocks.back()) : Flow::on;
  }

  // The variables of one round; false when the item does not come apart as the loop asks.
  bool bind(const Statement& s, const JinjaValue& item, Scope& scope) {
    if (s.names.size() == 1) {
      scope.emplace_back(s.names[0], item);
      return true;
    }
    if (!item.is(Kind::list) || item.list().size() != s.names.size()) {
      context_.fail(s.line, "cannot unpack this value");
      return false;
    }
    for (std::size_t i = 0; i < s.names.size(); ++i) scope.emplace_back(s.names[i], item.list()[i]);
    return true;
  }

  // Those that the loop's condition leaves.
  JinjaValue::List loop_items(const Statement& s) {
    JinjaValue::List items = items_of(context_, evaluate(s.expressions[0]), s.line);
    if (s.expressions.size() == 1) return items;
    JinjaValue::List out;
    for (JinjaValue& item : items) {
      Scope scope;
      if (!context_.step(s.line) || !bind(s, item, scope)) break;
      scopes_.push_back(std::move(scope));
      const bool wanted = evaluate(s.expressions[1]).truthy();
      scopes_.pop_back();
      if (wanted) out.push_back(std::move(item));
    }
    return out;
  }

  static JinjaValue loop_facts(const JinjaValue::List& items, std::size_t i) {
    const auto at = static_cast<std::int64_t>(i);
    const auto count = static_cast<std::int64_t>(items.size());
    JinjaValue::Map facts;
    facts.emplace_back("index", JinjaValue::of(at + 1));
    facts.emplace_back("index0", JinjaValue::of(at));
    facts.emplace_back("revindex", JinjaValue::of(count - at));
    facts.emplace_back("revindex0", JinjaValue::of(count - at - 1));
    facts.emplace_back("first", JinjaValue::of(at == 0));
    facts.emplace_back("last", JinjaValue::of(at + 1 == count));
    facts.emplace_back("length", JinjaValue::of(count));
    if (i > 0) facts.emplace_back("previtem", items[i - 1]);
    if (i + 1 < items.size()) facts.emplace_back("nextitem", items[i + 1]);
    return JinjaValue::of(std::move(facts));
  }

  // Each round has a scope of its own: what is set inside a loop is not seen after it.
  void loop(const Statement& s) {
    const JinjaValue::List items = loop_items(s);
    if (context_.failed()) return;
    if (items.empty() && s.blocks.size() > 1) block(s.blocks[1]);
    for (std::size_t i = 0; i < items.size() && context_.step(s.line); ++i) {
      Scope scope;
      if (!bind(s, items[i], scope)) return;
      scope.emplace_back("loop", loop_facts(items, i));
      scopes_.push_back(std::move(scope));
      const Flow flow = block(s.blocks[0]);
      scopes_.pop_back();
      if (flow == Flow::stop) return;
    }
  }

  JinjaValue evaluate(const Expression& e) {
    if (!context_.step(e.line)) return {};
    switch (e.kind) {
      case Expression::Kind::literal:
        return e.value;
      case Expression::Kind::name:
        return lookup(e.name);
      case Expression::Kind::list:
        return list(e);
      case Expression::Kind::map:
        return map(e);
      case Expression::Kind::attribute:
      case Expression::Kind::index:
        return member(e);
      case Expression::Kind::slice:
        return slice(e);
      case Expression::Kind::call:
        return built_in(e, false);
      case Expression::Kind::macro:
        return call_macro(e);
      case Expression::Kind::method:
      case Expression::Kind::filter:
      case Expression::Kind::test:
        return built_in(e, true);
      case Expression::Kind::negate:
        return JinjaValue::of(!evaluate(e.children[0]).truthy());
      case Expression::Kind::minus:
        return minus(e);
      case Expression::Kind::binary:
        return binary(e);
      case Expression::Kind::conditional:
        return evaluate(evaluate(e.children[1]).truthy() ? e.children[0] : e.children[2]);
    }
    return {};
  }

  JinjaValue lookup(const std::string& name) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      for (const auto& [key, value] : *scope) {
        if (key == name) return value;
      }
    }
    // "strftime_now is defined" asks whether it can be called.
    if (name == "strftime_now" && context_.now) return JinjaValue::of(name);
    return {};
  }

  JinjaValue list(const Expression& e) {
    JinjaValue::List items;
    for (const Expression& child : e.children) {
      items.push_back(evaluate(child));
      if (!keepable(items.back(), e.line)) return {};
    }
    return JinjaValue::of(std::move(items));
  }

  JinjaValue map(const Expression& e) {
    JinjaValue::Map out;
    for (std::size_t i = 0; i + 1 < e.children.size(); i += 2) {
      const JinjaValue key = evaluate(e.children[i]);
      if (!key.is(Kind::string) && !context_.failed()) return context_.fail(e.line, "a map's keys must be strings");
      out.emplace_back(key.text(), evaluate(e.children[i + 1]));
      if (!keepable(out.back().second, e.line)) return {};
    }
    return JinjaValue::of(std::move(out));
  }

  // The children from `from` on, and which of them are named.
  Arguments arguments(const Expression& e, std::size_t from) {
    Arguments out;
    out.line = e.line;
    const std::size_t positional = e.children.size() - e.keywords.size();
    for (std::size_t i = from; i < e.children.size(); ++i) {
      JinjaValue value = evaluate(e.children[i]);
      if (i < positional) {
        out.positional.push_back(std::move(value));
      } else {
        if (!keepable(value, e.line)) break;
        out.named.emplace_back(e.keywords[i - positional], std::move(value));
      }
    }
    return out;
  }

  JinjaValue built_in(const Expression& e, bool with_subject) {
    JinjaValue subject = with_subject ? evaluate(e.children[0]) : JinjaValue();
    if (context_.failed()) return {};
    if (e.kind == Expression::Kind::method && subject.is(Kind::undefined)) {
      return context_.fail(e.line, "a method of an undefined value is called");
    }
    Arguments given = arguments(e, with_subject ? 1 : 0);
    if (context_.failed()) return {};
    given.subject = std::move(subject);
    return e.builtin(context_, given);
  }

  // A macro sees its arguments and what is set outside of loops and macros.
  JinjaValue call_macro(const Expression& e) {
    const auto found = macros_.find(e.name);
    if (found == macros_.end()) return context_.fail(e.line, "the macro \"" + e.name + "\" is not defined yet");
    const Statement& macro = *found->second;
    const Arguments given = arguments(e, 0);
    if (given.positional.size() > macro.names.size()) return context_.fail(e.line, "too many arguments of a macro");
    if (++calls_ > kMaxCalls) context_.fail(e.line, "macros call each other too deeply");
    if (context_.failed()) return {};
    Scope scope;
    const std::size_t required = macro.names.size() - macro.expressions.size();
    for (std::size_t i = 0; i < macro.names.size(); ++i) {
      JinjaValue value = given.get(i, macro.names[i]);
      if (value.is(Kind::undefined) && i >= required) value = evaluate(macro.expressions[i - required]);
      scope.emplace_back(macro.names[i], std::move(value));
    }
    std::vector<Scope> inner(std::make_move_iterator(scopes_.begin() + 1), std::make_move_iterator(scopes_.end()));
    scopes_.resize(1);
    scopes_.push_back(std::move(scope));
    JinjaValue out = captured(macro.blocks[0]);
    scopes_.resize(1);
    scopes_.insert(scopes_.end(), std::make_move_iterator(inner.begin()), std::make_move_iterator(inner.end()));
    --calls_;
    return out;
  }

  // x.name, x['name'], x[3]. A missing member is undefined; a member of undefined is an error, as in Jinja.
  JinjaValue member(const Expression& e) {
    const JinjaValue object = evaluate(e.children[0]);
    const JinjaValue key = e.kind == Expression::Kind::attribute ? JinjaValue::of(e.name) : evaluate(e.children[1]);
    if (context_.failed()) return {};
    if (object.is(Kind::undefined)) return context_.fail(e.line, "a member of an undefined value is asked for");
    if (key.is(Kind::integer) && (object.is(Kind::list) || object.is(Kind::string))) {
      const JinjaValue::List items = object.is(Kind::list) ? JinjaValue::List() : items_of(context_, object, e.line);
      const JinjaValue::List& from = object.is(Kind::list) ? object.list() : items;
      const auto size = static_cast<std::int64_t>(from.size());
      const std::int64_t at = key.integer() < 0 ? key.integer() + size : key.integer();
      return at >= 0 && at < size ? from[static_cast<std::size_t>(at)] : JinjaValue();
    }
    const JinjaValue* found = key.is(Kind::string) ? object.member(key.string()) : nullptr;
    return found == nullptr ? JinjaValue() : *found;
  }

  JinjaValue slice(const Expression& e) {
    const JinjaValue object = evaluate(e.children[0]);
    const JinjaValue first = evaluate(e.children[1]);
    const JinjaValue last = evaluate(e.children[2]);
    const JinjaValue by = evaluate(e.children[3]);
    if (context_.failed()) return {};
    if (!object.is(Kind::list) && !object.is(Kind::string)) {
      return context_.fail(e.line, "a slice of something that is no list and no string");
    }
    const JinjaValue::List items = items_of(context_, object, e.line);
    const auto size = static_cast<std::int64_t>(items.size());
    const std::int64_t step = by.is(Kind::integer) ? by.integer() : 1;
    if (step == 0) return context_.fail(e.line, "the step of a slice is 0");
    // Backwards or with gaps, user text could become what its guard did not see.
    if (object.is(Kind::string) && step != 1)
      return context_.fail(e.line, "a string's slice with a step is not supported");
    const std::int64_t low = step > 0 ? 0 : -1;
    const std::int64_t high = step > 0 ? size : size - 1;
    const auto bound = [&](const JinjaValue& v, std::int64_t fallback) {
      if (!v.is(Kind::integer)) return fallback;
      return std::clamp<std::int64_t>(v.integer() < 0 ? v.integer() + size : v.integer(), low, high);
    };
    const std::int64_t end = bound(last, step > 0 ? high : low);
    const std::int64_t stride = std::clamp(step, -size - 1, size + 1);
    JinjaValue::List out;
    for (std::int64_t i = bound(first, step > 0 ? low : high); stride > 0 ? i < end : i > end; i += stride) {
      out.push_back(items[static_cast<std::size_t>(i)]);
    }
    if (object.is(Kind::list)) return JinjaValue::of(std::move(out));
    std::string text;
    for (const JinjaValue& character : out) text += character.string();
    return JinjaValue::of(std::move(text));
  }

  JinjaValue minus(const Expression& e) {
    const JinjaValue v = evaluate(e.children[0]);
    if (v.is(Kind::number)) return JinjaValue::of(-v.number());
    if (!v.is(Kind::integer) || v.integer() == std::numeric_limits<std::int64_t>::min()) {
      return context_.fail(e.line, "- of something that is no number");
    }
    return JinjaValue::of(-v.integer());
  }

  JinjaValue binary(const Expression& e) {
    JinjaValue left = evaluate(e.children[0]);
    if (e.name == "and") return left.truthy() ? evaluate(e.children[1]) : left;
    if (e.name == "or") return left.truthy() ? left : evaluate(e.children[1]);
    const JinjaValue right = evaluate(e.children[1]);
    if (context_.failed()) return {};
    if (e.name == "==") return JinjaValue::of(left.equals(right));
    if (e.name == "!=") return JinjaValue::of(!left.equals(right));
    if (e.name == "in") return JinjaValue::of(contains(context_, right, left, e.line));
    if (e.name == "not in") return JinjaValue::of(!contains(context_, right, left, e.line));
    if (e.name == "~") return joined(left.text(), right.text(), e.line);
    if (e.name == "+" && left.is(Kind::string) && right.is(Kind::string)) {
      return joined(left.string(), right.string(), e.line);
    }
    if (e.name == "+" && left.is(Kind::list) && right.is(Kind::list)) return joined_lists(left, right, e.line);
    if (e.name.front() == '<' || e.name.front() == '>') return ordered(e, left, right);
    return arithmetic(context_, e.name, left, right, e.line);
  }

  JinjaValue joined(const std::string& a, const std::string& b, int line) {
    if (!context_.fits(a.size() + b.size(), line)) return {};
    return JinjaValue::of(a + b);
  }

  JinjaValue joined_lists(const JinjaValue& a, const JinjaValue& b, int line) {
    JinjaValue::List out = items_of(context_, a, line);
    const JinjaValue::List more = items_of(context_, b, line);
    out.insert(out.end(), more.begin(), more.end());
    return JinjaValue::of(std::move(out));
  }

  JinjaValue ordered(const Expression& e, const JinjaValue& left, const JinjaValue& right) {
    const auto order = compare(left, right);
    if (!order) return context_.fail(e.line, "cannot compare these values with " + e.name);
    if (*order == 0) return JinjaValue::of(e.name.size() == 2);
    return JinjaValue::of((*order < 0) == (e.name.front() == '<'));
  }

  Context context_;
  std::vector<Scope> scopes_;
  std::map<std::string, const Statement*> macros_;
  std::string out_;
  int calls_ = 0;
};

}  // namespace
}  // namespace jinja

JinjaTemplate::JinjaTemplate(std::string_view source) : root_(std::make_unique<jinja::Block>(jinja::parse(source))) {}
JinjaTemplate::~JinjaTemplate() = default;
JinjaTemplate::JinjaTemplate(JinjaTemplate&&) noexcept = default;
JinjaTemplate& JinjaTemplate::operator=(JinjaTemplate&&) noexcept = default;

JinjaResult JinjaTemplate::render(const JinjaValue::Map& variables, const JinjaLimits& limits,
                                  std::optional<std::int64_t> now) const {
  return jinja::Renderer(variables, limits, now).run(*root_);
}

}  // namespace tollgate::local_backend
