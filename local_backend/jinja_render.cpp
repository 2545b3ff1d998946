#include <algorithm>
#include <limits>

#include "local_backend/jinja_syntax.h"
#include "local_backend/jinja_text.h"

namespace tollgate::local_backend {
namespace jinja {
namespace {

using Kind = JinjaValue::Kind;

// Evaluation keeps the first error and unwinds by returning undefined: no exceptions for what a request can cause.
class Renderer {
 public:
  Renderer(const JinjaValue::Map& variables, const JinjaLimits& limits) : limits_(limits) {
    scopes_.push_back(variables);
  }

  JinjaResult run(const Block& root) {
    block(root);
    if (failed()) return {false, {}, error_};
    return {true, std::move(out_), {}};
  }

 private:
  using Scope = JinjaValue::Map;

  bool failed() const { return !error_.empty(); }
  JinjaValue fail(int line, const std::string& what) {
    if (!failed()) error_ = "line " + std::to_string(line) + ": " + what;
    return {};
  }
  bool step(int line) {
    if (++steps_ > limits_.steps) fail(line, "the template takes too many steps");
    return !failed();
  }
  bool fits(std::size_t size, int line) {
    work_ += size;
    if (size > limits_.output_bytes || work_ > 8 * limits_.output_bytes) fail(line, "the template makes too much text");
    return !failed();
  }

  void block(const Block& b) {
    for (const Statement& s : b.statements) {
      if (!step(s.line)) return;
      statement(s);
    }
  }

  void statement(const Statement& s) {
    switch (s.kind) {
      case Statement::Kind::text:
        return write(s.text, s.line);
      case Statement::Kind::print:
        return write(evaluate(s.expressions[0]).text(), s.line);
      case Statement::Kind::assign:
        return set(s.text, evaluate(s.expressions[0]));
      case Statement::Kind::branch:
        return branch(s);
      case Statement::Kind::loop:
        return loop(s);
    }
  }

  void write(const std::string& text, int line) {
    if (failed() || !fits(text.size(), line)) return;
    if (out_.size() + text.size() > limits_.output_bytes) {
      fail(line, "the template makes too much text");
      return;
    }
    out_ += text;
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

  void branch(const Statement& s) {
    for (std::size_t i = 0; i < s.expressions.size(); ++i) {
      const bool taken = evaluate(s.expressions[i]).truthy();
      if (failed()) return;
      if (taken) return block(s.blocks[i]);
    }
    if (s.blocks.size() > s.expressions.size()) block(s.blocks.back());
  }

  // Each round has a scope of its own: what is set inside a loop is not seen after it.
  void loop(const Statement& s) {
    const JinjaValue items = evaluate(s.expressions[0]);
    if (failed() || items.is(Kind::undefined)) return;
    if (!items.is(Kind::list)) {
      fail(s.line, "for over something that is no list");
      return;
    }
    const auto count = static_cast<std::int64_t>(items.list().size());
    for (std::int64_t i = 0; i < count && step(s.line); ++i) {
      JinjaValue::Map facts;
      facts.emplace_back("index", JinjaValue::of(i + 1));
      facts.emplace_back("index0", JinjaValue::of(i));
      facts.emplace_back("first", JinjaValue::of(i == 0));
      facts.emplace_back("last", JinjaValue::of(i + 1 == count));
      facts.emplace_back("length", JinjaValue::of(count));
      Scope scope;
      scope.emplace_back(s.text, items.list()[static_cast<std::size_t>(i)]);
      scope.emplace_back("loop", JinjaValue::of(std::move(facts)));
      scopes_.push_back(std::move(scope));
      block(s.blocks[0]);
      scopes_.pop_back();
    }
  }

  JinjaValue evaluate(const Expression& e) {
    if (!step(e.line)) return {};
    switch (e.kind) {
      case Expression::Kind::literal:
        return e.value;
      case Expression::Kind::name:
        return lookup(e.name);
      case Expression::Kind::list:
        return list(e);
      case Expression::Kind::attribute:
      case Expression::Kind::index:
        return member(e);
      case Expression::Kind::slice:
        return slice(e);
      case Expression::Kind::call:
        return raise(e);
      case Expression::Kind::filter:
        return filter(e);
      case Expression::Kind::test:
        return JinjaValue::of(test(e));
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
    return {};
  }

  JinjaValue list(const Expression& e) {
    JinjaValue::List items;
    for (const Expression& child : e.children) items.push_back(evaluate(child));
    return JinjaValue::of(std::move(items));
  }

  // x.name, x['name'], x[3]. A missing member is undefined; a member of undefined is an error, as in Jinja.
  JinjaValue member(const Expression& e) {
    const JinjaValue object = evaluate(e.children[0]);
    const JinjaValue key = e.kind == Expression::Kind::attribute ? JinjaValue::of(e.name) : evaluate(e.children[1]);
    if (failed()) return {};
    if (object.is(Kind::undefined)) return fail(e.line, "a member of an undefined value is asked for");
    if (key.is(Kind::integer) && object.is(Kind::list)) {
      const auto size = static_cast<std::int64_t>(object.list().size());
      const std::int64_t at = key.integer() < 0 ? key.integer() + size : key.integer();
      return at >= 0 && at < size ? object.list()[static_cast<std::size_t>(at)] : JinjaValue();
    }
    if (key.is(Kind::integer) && object.is(Kind::string)) return fail(e.line, "indexing a string is not supported");
    const JinjaValue* found = key.is(Kind::string) ? object.member(key.string()) : nullptr;
    return found == nullptr ? JinjaValue() : *found;
  }

  JinjaValue slice(const Expression& e) {
    const JinjaValue object = evaluate(e.children[0]);
    const JinjaValue first = evaluate(e.children[1]);
    const JinjaValue last = evaluate(e.children[2]);
    if (failed()) return {};
    if (!object.is(Kind::list)) return fail(e.line, "a slice of something that is no list is not supported");
    const auto size = static_cast<std::int64_t>(object.list().size());
    const auto bound = [size](const JinjaValue& v, std::int64_t fallback) {
      if (!v.is(Kind::integer)) return fallback;
      return std::clamp<std::int64_t>(v.integer() < 0 ? v.integer() + size : v.integer(), 0, size);
    };
    const std::int64_t from = bound(first, 0);
    const std::int64_t to = std::max(from, bound(last, size));
    if (!fits(static_cast<std::size_t>(to - from), e.line)) return {};
    const auto begin = object.list().begin();
    return JinjaValue::of(JinjaValue::List(begin + from, begin + to));
  }

  JinjaValue raise(const Expression& e) {
    const std::string message = evaluate(e.children[0]).text();
    if (!failed()) error_ = message.empty() ? "the template refused the messages" : message;
    return {};
  }

  JinjaValue filter(const Expression& e) {
    const JinjaValue v = evaluate(e.children[0]);
    if (failed()) return {};
    if (e.name == "tojson") {
      std::string out;
      to_json(v, out, e.line, 0);
      return JinjaValue::of(std::move(out));
    }
    if (e.name == "length") return length(v, e.line);
    const std::string text = v.text();
    if (!fits(text.size(), e.line)) return {};
    if (e.name == "trim") return JinjaValue::of(trimmed(text));
    return JinjaValue::of(with_case(text, e.name == "upper"));
  }

  JinjaValue length(const JinjaValue& v, int line) {
    if (v.is(Kind::string)) return JinjaValue::of(characters(v.string()));
    if (v.is(Kind::list)) return JinjaValue::of(static_cast<std::int64_t>(v.list().size()));
    if (v.is(Kind::map)) return JinjaValue::of(static_cast<std::int64_t>(v.map().size()));
    if (v.is(Kind::undefined)) return JinjaValue::of(std::int64_t{0});
    return fail(line, "length of something that has none");
  }

  // As transformers defines it: json.dumps(value, ensure_ascii=False).
  void to_json(const JinjaValue& v, std::string& out, int line, int depth) {
    if (!step(line) || !fits(16, line)) return;
    if (depth > kMaxDepth || v.is(Kind::undefined)) {
      fail(line, "this value cannot be written as JSON");
    } else if (v.is(Kind::string)) {
      if (fits(v.string().size(), line)) quote_json(v.string(), out);
    } else if (v.is(Kind::list)) {
      out += '[';
      for (std::size_t i = 0; i < v.list().size(); ++i) {
        if (i > 0) out += ", ";
        to_json(v.list()[i], out, line, depth + 1);
      }
      out += ']';
    } else if (v.is(Kind::map)) {
      out += '{';
      for (std::size_t i = 0; i < v.map().size(); ++i) {
        if (i > 0) out += ", ";
        quote_json(v.map()[i].first, out);
        out += ": ";
        to_json(v.map()[i].second, out, line, depth + 1);
      }
      out += '}';
    } else {
      out += v.is(Kind::none) ? "null" : v.is(Kind::boolean) ? (v.truthy() ? "true" : "false") : v.text();
    }
  }

  bool test(const Expression& e) {
    const JinjaValue v = evaluate(e.children[0]);
    if (e.name == "defined") return !v.is(Kind::undefined);
    if (e.name == "undefined") return v.is(Kind::undefined);
    if (e.name == "none") return v.is(Kind::none);
    if (e.name == "string") return v.is(Kind::string);
    if (e.name == "mapping") return v.is(Kind::map);
    if (e.name == "number") return v.is(Kind::integer) || v.is(Kind::boolean);
    if (e.name == "true") return v.is(Kind::boolean) && v.truthy();
    if (e.name == "false") return v.is(Kind::boolean) && !v.truthy();
    const bool sequence = v.is(Kind::list) || v.is(Kind::map) || v.is(Kind::string);
    return sequence || v.is(Kind::undefined);  // iterable, sequence: Jinja's undefined is an empty one
  }

  JinjaValue minus(const Expression& e) {
    const JinjaValue v = evaluate(e.children[0]);
    if (!v.is(Kind::integer) || v.integer() == std::numeric_limits<std::int64_t>::min()) {
      return fail(e.line, "- of something that is no number");
    }
    return JinjaValue::of(-v.integer());
  }

  JinjaValue binary(const Expression& e) {
    JinjaValue left = evaluate(e.children[0]);
    if (e.name == "and") return left.truthy() ? evaluate(e.children[1]) : left;
    if (e.name == "or") return left.truthy() ? left : evaluate(e.children[1]);
    const JinjaValue right = evaluate(e.children[1]);
    if (failed()) return {};
    if (e.name == "==") return JinjaValue::of(left.equals(right));
    if (e.name == "!=") return JinjaValue::of(!left.equals(right));
    if (e.name == "in") return JinjaValue::of(contains(right, left, e.line));
    if (e.name == "not in") return JinjaValue::of(!contains(right, left, e.line));
    if (e.name == "~") return joined(left.text(), right.text(), e.line);
    if (e.name == "+" && left.is(Kind::string) && right.is(Kind::string)) {
      return joined(left.string(), right.string(), e.line);
    }
    if (e.name.front() == '<' || e.name.front() == '>') return ordered(e, left, right);
    return arithmetic(e, left, right);
  }

  JinjaValue joined(const std::string& a, const std::string& b, int line) {
    if (!fits(a.size() + b.size(), line)) return {};
    return JinjaValue::of(a + b);
  }

  bool contains(const JinjaValue& in, const JinjaValue& what, int line) {
    if (in.is(Kind::string) && what.is(Kind::string)) return in.string().find(what.string()) != std::string::npos;
    if (in.is(Kind::map) && what.is(Kind::string)) return in.member(what.string()) != nullptr;
    if (in.is(Kind::list)) {
      steps_ += static_cast<std::int64_t>(in.list().size());
      return std::any_of(in.list().begin(), in.list().end(), [&](const JinjaValue& v) { return v.equals(what); });
    }
    if (!in.is(Kind::undefined)) fail(line, "in needs a string, a list or a map");
    return false;
  }

  JinjaValue ordered(const Expression& e, const JinjaValue& left, const JinjaValue& right) {
    int order = 0;
    if (left.is(Kind::integer) && right.is(Kind::integer)) {
      order = left.integer() < right.integer() ? -1 : left.integer() > right.integer() ? 1 : 0;
    } else if (left.is(Kind::string) && right.is(Kind::string)) {
      order = left.string().compare(right.string());
    } else {
      return fail(e.line, "cannot compare these values with " + e.name);
    }
    if (order == 0) return JinjaValue::of(e.name.size() == 2);
    return JinjaValue::of((order < 0) == (e.name.front() == '<'));
  }

  JinjaValue arithmetic(const Expression& e, const JinjaValue& left, const JinjaValue& right) {
    const auto number = [](const JinjaValue& v) { return v.is(Kind::integer) || v.is(Kind::boolean); };
    if (!number(left) || !number(right)) return fail(e.line, "cannot apply " + e.name + " to these values");
    const std::int64_t a = left.integer();
    const std::int64_t b = right.integer();
    std::int64_t out = 0;
    bool overflow = false;
    if (e.name == "+") {
      overflow = __builtin_add_overflow(a, b, &out);
    } else if (e.name == "-") {
      overflow = __builtin_sub_overflow(a, b, &out);
    } else if (e.name == "*") {
      overflow = __builtin_mul_overflow(a, b, &out);
    } else if (b == 0 || b == -1) {
      overflow = b == 0;
    } else {
      out = a % b;
      if (out != 0 && (out < 0) != (b < 0)) out += b;  // Python's remainder has the sign of the divisor
    }
    if (overflow) return fail(e.line, "arithmetic error");
    return JinjaValue::of(out);
  }

  JinjaLimits limits_;
  std::vector<Scope> scopes_;
  std::string out_;
  std::string error_;
  std::int64_t steps_ = 0;
  std::size_t work_ = 0;
};

}  // namespace
}  // namespace jinja

JinjaTemplate::JinjaTemplate(std::string_view source) : root_(std::make_unique<jinja::Block>(jinja::parse(source))) {}
JinjaTemplate::~JinjaTemplate() = default;
JinjaTemplate::JinjaTemplate(JinjaTemplate&&) noexcept = default;
JinjaTemplate& JinjaTemplate::operator=(JinjaTemplate&&) noexcept = default;

JinjaResult JinjaTemplate::render(const JinjaValue::Map& variables, const JinjaLimits& limits) const {
  return jinja::Renderer(variables, limits).run(*root_);
}

}  // namespace tollgate::local_backend
